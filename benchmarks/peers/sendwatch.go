package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// product is how Sendwatch is run.
type product struct {
	checkpoints string // a URL, "" for none
	every       time.Duration
}

// buildProduct builds the command from the checkout that this module lies in.
func buildProduct(ctx context.Context, o *options) error {
	if o.sendwatch != "" {
		return nil
	}
	const root = "../.."
	if _, err := os.Stat(filepath.Join(root, "cmd", "sendwatch")); err != nil {
		return errors.New("sendwatch is not two folders up: run this in benchmarks/peers, or name a binary with -sendwatch")
	}
	o.sendwatch = filepath.Join(o.folder, "sendwatch")
	if out, err := exec.CommandContext(ctx, "go", "build", "-C", root, "-o", o.sendwatch, "./cmd/sendwatch").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// configure writes sendwatch.yaml and has the topics made; what is not said is the default.
func (p *product) configure(ctx context.Context, o *options, topic, name string) (file, http string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	http = listener.Addr().String()
	if err := listener.Close(); err != nil {
		return "", "", err
	}
	text := fmt.Sprintf(`roles: [numbers]
kafka:
  brokers: ["%s"]
  topics: {events: %s, flags: %s-flags, rows: %s-rows, dead_letter: %s-dead}
  groups: {numbers: %s}
http: {listen: "%s"}
log: {level: warn}
`, o.brokers, topic, name, name, name, name, http)
	if p.checkpoints != "" {
		text += fmt.Sprintf("checkpoints: {store: \"%s\", every: %s}\n", p.checkpoints, p.every)
	}
	file = filepath.Join(o.folder, name+".yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", "", err
	}
	migrate := exec.CommandContext(ctx, o.sendwatch, "migrate", "--config", file)
	migrate.Env = append(os.Environ(), secret)
	if out, err := migrate.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("sendwatch migrate: %w\n%s", err, out)
	}
	return file, http, nil
}

// secret is the key of contacts' pseudonyms.
const secret = "SENDWATCH_CONTACT_SECRET=000102030405060708090a0b0c0d0e0f"

// runProduct runs the numbers role over the whole topic. Without checkpoints it is done when
// the offset behind the last record is committed, which is after every flag and row of it is
// acknowledged; with them, where a commit waits for the next state, when the last record is applied.
func (p *product) run(ctx context.Context, o *options, topic string, events int, check func(*client) error) (*measured, error) {
	name := fmt.Sprintf("sendwatch-%d", time.Now().UnixNano())
	file, address, err := p.configure(ctx, o, topic, name)
	if err != nil {
		return nil, err
	}
	defer deleteTopics(o.brokers, name+"-flags", name+"-rows", name+"-dead")
	c, err := start(ctx, o, name, []string{secret}, o.sendwatch, "run", "--config", file)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	api := newClient(address)
	m := &measured{notes: map[string]string{}}
	for m.done.events == 0 {
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
		if time.Since(c.started) > 10*time.Minute {
			return nil, errors.New("not done within 10 minutes" + c.tail())
		}
		next, err := api.next(ctx)
		if err != nil {
			if time.Since(c.started) < 10*time.Second {
				continue // it does not listen yet
			}
			return nil, fmt.Errorf("%w%s", err, c.tail())
		}
		if m.third.events == 0 && next >= events/3 {
			if m.third, err = c.now(next); err != nil {
				return nil, err
			}
		}
		if next >= events && (p.checkpoints != "" || committed(ctx, o.brokers, name, topic) >= int64(events)) {
			if m.done, err = c.now(events); err != nil {
				return nil, err
			}
		}
	}
	if m.rss, err = peakMemory(c.command.Process.Pid); err != nil {
		return nil, err
	}
	if check == nil {
		return m, nil
	}
	return m, check(api)
}

// sleep waits, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// committed is the offset of a group, -1 if there is none.
func committed(ctx context.Context, brokers, group, topic string) int64 {
	c := &kafkago.Client{Addr: kafkago.TCP(brokers)}
	answer, err := c.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: {0}}})
	if err != nil || len(answer.Topics[topic]) != 1 {
		return -1
	}
	return answer.Topics[topic][0].CommittedOffset
}

// deleteTopics frees the disk; what cannot be deleted goes with the broker.
func deleteTopics(brokers string, names ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c := &kafkago.Client{Addr: kafkago.TCP(brokers)}
	_, _ = c.DeleteTopics(ctx, &kafkago.DeleteTopicsRequest{Topics: names})
}

// client asks Sendwatch's API.
type client struct {
	base string
	http http.Client
}

func newClient(address string) *client {
	return &client{base: "http://" + address, http: http.Client{Timeout: 30 * time.Second}}
}

func (c *client) get(ctx context.Context, path string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read to its end
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s: %s", path, answer.Status, body)
	}
	return json.Unmarshal(body, into)
}

// next is how many records have been applied.
func (c *client) next(ctx context.Context) (int, error) {
	var status struct {
		Partitions []struct {
			Next int `json:"next_offset"`
		} `json:"partitions"`
	}
	if err := c.get(ctx, "/api/status", &status); err != nil {
		return 0, err
	}
	if len(status.Partitions) != 1 {
		return 0, nil
	}
	return status.Partitions[0].Next, nil
}

// agrees asks for the facts of every number and holds them against what the log says. What
// Sendwatch calls pending and unanswered are sends, not conversations.
func (t *truth) agreesWith(ctx context.Context, api *client) error {
	for i := range t.numbers {
		var n struct {
			Clock int64 `json:"clock"`
			Facts struct {
				Sent1h      int `json:"sent_1h"`
				Identical1h int `json:"identical_1h"`
				Pending     int `json:"pending"`
				Unanswered  int `json:"unanswered_30d"`
			} `json:"facts"`
		}
		if err := api.get(ctx, "/api/numbers/"+numberID(i), &n); err != nil {
			return err
		}
		want := &t.numbers[i]
		got := [...]int64{n.Clock, int64(n.Facts.Sent1h), int64(n.Facts.Identical1h), int64(n.Facts.Pending), int64(n.Facts.Unanswered)}
		if truth := [...]int64{t.at, int64(want.Sent1h), int64(want.Identical1h), int64(want.Pending), int64(want.UnansweredOf)}; got != truth {
			return fmt.Errorf("%s: clock, sent_1h, identical_1h, pending, unanswered_30d are %v, the log says %v", numberID(i), got, truth)
		}
	}
	return nil
}
