package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sendwatch/internal/embedded/embeddedtest"
)

// member runs a group member that reads and commits, and notes what it holds.
type testMember struct {
	stop context.CancelFunc
	done chan error

	mu   sync.Mutex
	held map[int32]int   // partition -> records read in this generation
	last map[int32]int64 // partition -> newest offset committed
}

func join(t *testing.T, brokers []string, topic, group string, change ...func(*Config)) *testMember {
	t.Helper()
	return joinWith(t, brokers, GroupConfig{ID: group, Topic: topic, FixedPartitions: true}, change...)
}

func joinWith(t *testing.T, brokers []string, group GroupConfig, change ...func(*Config)) *testMember {
	t.Helper()
	change = append(change, func(c *Config) { c.Session, c.Rebalance = 6*time.Second, 6*time.Second })
	client := ours(t, brokers, change...)
	ctx, stop := context.WithCancel(context.Background())
	m := &testMember{stop: stop, done: make(chan error, 1), held: map[int32]int{}, last: map[int32]int64{}}
	go func() {
		m.done <- client.NewGroup(group).Run(ctx, func(ctx context.Context, c *Claim) error {
			m.mu.Lock()
			m.held[c.Partition] = 0
			m.mu.Unlock()
			defer func() {
				m.mu.Lock()
				delete(m.held, c.Partition)
				m.mu.Unlock()
			}()
			next, err := c.Open(ctx, c.Committed)
			if err != nil {
				return err
			}
			m.mu.Lock()
			m.last[c.Partition] = max(m.last[c.Partition], next)
			m.mu.Unlock()
			for {
				b, err := c.Fetch(ctx)
				if ctx.Err() != nil {
					return nil
				}
				if err != nil {
					return err
				}
				if len(b.Records) == 0 {
					continue
				}
				if err := c.Commit(b.Next); err != nil {
					return nil //nolint:nilerr // the generation has just ended
				}
				m.mu.Lock()
				m.held[c.Partition] += len(b.Records)
				m.last[c.Partition] = b.Next
				m.mu.Unlock()
			}
		})
	}()
	t.Cleanup(func() { m.stop() })
	return m
}

func (m *testMember) holds() []int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.held))
}

func (m *testMember) read() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.held {
		n += k
	}
	return n
}

func (m *testMember) leave(t *testing.T) {
	t.Helper()
	m.stop()
	if err := <-m.done; err != nil {
		t.Error(err)
	}
}

func sharesPartitions(t *testing.T, brokers []string, topic string) {
	writer := theirs(t, brokers)
	create(t, ours(t, brokers), topic, 4)
	for p := range int32(4) {
		seed(t, writer, topic, p, 10)
	}
	one := join(t, brokers, topic, topic)
	embeddedtest.Eventually(t, 30*time.Second, "one member holds all and has read all", func() bool {
		return len(one.holds()) == 4 && one.read() == 40
	})
	two := join(t, brokers, topic, topic)
	embeddedtest.Eventually(t, 30*time.Second, "both hold two", func() bool { return len(one.holds()) == 2 && len(two.holds()) == 2 })
	if both := slices.Sorted(slices.Values(slices.Concat(one.holds(), two.holds()))); !slices.Equal(both, []int32{0, 1, 2, 3}) {
		t.Errorf("together they hold %v", both)
	}
	for p := range int32(4) {
		seed(t, writer, topic, p, 5)
	}
	embeddedtest.Eventually(t, 30*time.Second, "the new records are read once, from where the first member had committed", func() bool {
		return one.read() == 10 && two.read() == 10
	})
	start := time.Now()
	two.leave(t)
	embeddedtest.Eventually(t, 30*time.Second, "the first has all again", func() bool { return len(one.holds()) == 4 })
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("a member that left was missed only after %v: it did not say so", took)
	}
	one.leave(t)
	if got := committed(t, writer, topic, topic, 4); !maps.Equal(got, map[int32]int64{0: 15, 1: 15, 2: 15, 3: 15}) {
		t.Errorf("committed offsets are %v, want 15 each", got)
	}
}

// committed asks an independent client for a group's offsets.
func committed(t *testing.T, client *kgo.Client, group, topic string, partitions int32) map[int32]int64 {
	t.Helper()
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group
	one := kmsg.NewOffsetFetchRequestTopic()
	one.Topic = topic
	for p := range partitions {
		one.Partitions = append(one.Partitions, p)
	}
	req.Topics = append(req.Topics, one)
	answer, err := req.RequestWith(bounded(t), client)
	if err != nil {
		t.Fatal(err)
	}
	out := map[int32]int64{}
	topics := answer.Topics
	for _, t := range topics {
		for _, p := range t.Partitions {
			out[p.Partition] = p.Offset
		}
	}
	for _, g := range answer.Groups {
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				out[p.Partition] = p.Offset
			}
		}
	}
	return out
}

// An owner that comes back after it was replaced must not move the offset.
func refusesOldOwner(t *testing.T, brokers []string, topic string) {
	writer := theirs(t, brokers)
	create(t, ours(t, brokers), topic, 1)
	seed(t, writer, topic, 0, 10)
	client := ours(t, brokers, func(c *Config) { c.Session, c.Rebalance = 6*time.Second, 6*time.Second })
	ctx, stop := context.WithCancel(bounded(t))
	defer stop()
	claims := make(chan *Claim, 8)
	done := make(chan error, 1)
	go func() {
		done <- client.NewGroup(GroupConfig{ID: topic, Topic: topic}).Run(ctx, func(ctx context.Context, c *Claim) error {
			claims <- c
			<-ctx.Done()
			return nil
		})
	}()
	old := <-claims
	if old.Committed != -1 {
		t.Errorf("a fresh group has committed %d", old.Committed)
	}
	if err := old.Commit(3); err != nil {
		t.Fatal(err)
	}
	if now, err := old.CommittedNow(ctx); err != nil || now != 3 {
		t.Errorf("the group's offset is %d: %v, want 3", now, err)
	}
	other := join(t, brokers, topic, topic) // a new generation, whichever member gets the partition
	embeddedtest.Eventually(t, 30*time.Second, "the old claim is refused", func() bool { return old.Commit(1) != nil })
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	embeddedtest.Eventually(t, 30*time.Second, "the other member has read the log", func() bool {
		return fmt.Sprint(committed(t, writer, topic, topic, 1)) == "map[0:10]"
	})
	if now, err := old.CommittedNow(bounded(t)); err != nil || now != 10 {
		t.Errorf("the group's offset, asked of a claim that ended, is %d: %v, want 10", now, err)
	}
	other.leave(t)
}

// TestGroupWaitsForItsTopic starts a member before its topic exists, and deletes
// the topic under it: it says so, and joins a few times, not thousands.
func TestGroupWaitsForItsTopic(t *testing.T) {
	cluster, client, _ := fake(t, 1)
	logged := make(logLines, 1000)
	waiting := ours(t, cluster.ListenAddrs(), func(c *Config) {
		c.Session, c.Rebalance = 6*time.Second, 6*time.Second
		c.Logger = slog.New(slog.NewTextHandler(logged, nil))
	})
	var joins atomic.Int32
	group := waiting.NewGroup(GroupConfig{ID: "late", Topic: "late", Joined: func() { joins.Add(1) }})
	ctx, stop := context.WithCancel(bounded(t))
	served, done := make(chan int32, 10), make(chan error, 1)
	go func() {
		done <- group.Run(ctx, func(ctx context.Context, c *Claim) error {
			served <- c.Partition
			<-ctx.Done()
			return nil
		})
	}()

	logged.await(t, "does not exist")
	if n := joins.Load(); n != 0 {
		t.Errorf("joined %d times for a topic that does not exist", n)
	}
	create(t, client, "late", 1)
	if p := <-served; p != 0 {
		t.Errorf("partition %d, want 0", p)
	}
	deleted, err := client.api.DeleteTopics(ctx, &kafkago.DeleteTopicsRequest{Topics: []string{"late"}})
	if err != nil || deleted.Errors["late"] != nil {
		t.Fatal(err, deleted)
	}
	logged.await(t, "does not exist")
	if n := joins.Load(); n > 20 {
		t.Errorf("joined %d times when the topic was deleted", n)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestStrangersThatHaveLeftAreNoOtherReason: the coordinator refuses us because of them,
// and when it is asked who they are, they have left.
func TestStrangersThatHaveLeftAreNoOtherReason(t *testing.T) {
	cluster, client, _ := fake(t, 1)
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.InconsistentGroupProtocol, Count: 1, TopLevel: true})
	failing, ctx := make(chan error, 100), bounded(t)
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- client.NewGroup(GroupConfig{ID: "g", Topic: "in", Failing: func(err error) { failing <- err }}).Run(running, func(ctx context.Context, _ *Claim) error {
			<-ctx.Done()
			return nil
		})
	}()
	err := <-failing
	named, ok := errors.AsType[interface {
		error
		Reason() string
	}](err)
	if !ok || named.Reason() != "group_shared" || !strings.Contains(err.Error(), "another application") {
		t.Errorf("the reason given is %v", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestTheEndOfAClaimIsNoFailure: a claim ends while its log is being opened, as when a
// broker comes back under load and the group gathers twice. What was cut off returns an
// error, and the member goes on in the next generation.
func TestTheEndOfAClaimIsNoFailure(t *testing.T) {
	cluster, client, _ := fake(t, 1, func(c *Config) { c.Session, c.Rebalance = 6*time.Second, 6*time.Second })
	var hang atomic.Bool
	hang.Store(true)
	cluster.ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if hang.Load() {
			return nil, errors.New("the broker comes back later"), true
		}
		return nil, nil, false
	})
	opening := make(chan struct{}, 100)
	opened := errors.New("opened")
	ctx, done := context.WithCancelCause(bounded(t))
	ended := make(chan error, 1)
	go func() {
		ended <- client.NewGroup(GroupConfig{ID: "g", Topic: "in"}).Run(ctx, func(ctx context.Context, c *Claim) error {
			opening <- struct{}{}
			if _, err := c.Open(ctx, -1); err != nil {
				return err
			}
			done(opened)
			return nil
		})
	}()
	opens := func() {
		t.Helper()
		select {
		case <-opening:
		case err := <-ended:
			t.Fatalf("the member ended with %v", err)
		}
	}
	opens()
	gathered := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.RebalanceInProgress, Count: 1, TopLevel: true})
	opens() // in the next generation
	hang.Store(false)
	if err := <-ended; !errors.Is(err, opened) || gathered.Hits() == 0 {
		t.Errorf("the member ended with %v; the group gathered %d times", err, gathered.Hits())
	}
}

// TestGroupSaysThatItCannotJoin: a member without a broker is not silent.
func TestGroupSaysThatItCannotJoin(t *testing.T) {
	logged := make(logLines, 1000)
	client := ours(t, []string{"127.0.0.1:1"}, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(logged, nil)) })
	ctx, stop := context.WithCancel(bounded(t))
	done := make(chan error, 1)
	go func() {
		done <- client.NewGroup(GroupConfig{ID: "alone", Topic: "in"}).Run(ctx, func(context.Context, *Claim) error { return nil })
	}()
	logged.await(t, "level=WARN msg=\"retrying to join the consumer group")
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// logLines hands on what is logged, a line at a time; what nobody waits for is
// dropped.
type logLines chan string

func (l logLines) Write(line []byte) (int, error) {
	select {
	case l <- string(line):
	default:
	}
	return len(line), nil
}

// await takes lines until one contains text.
func (l logLines) await(t *testing.T, text string) {
	t.Helper()
	ctx := bounded(t)
	for {
		select {
		case line := <-l:
			if strings.Contains(line, text) {
				return
			}
		case <-ctx.Done():
			t.Fatalf("%q was not logged", text)
		}
	}
}
