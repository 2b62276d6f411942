package pipeline_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"sendwatch/internal/codec"
	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/kafka"
	"sendwatch/internal/pipeline"
	"sendwatch/internal/policy"
	"sendwatch/internal/traffic"
)

// TestPortfoliosAsReplay spreads the numbers of portfolios over partitions, with
// a clock event a minute on each so that their watermarks agree: what the role
// writes must be what a replay computes that has all of them on one partition.
func TestPortfoliosAsReplay(t *testing.T) {
	brokers := embeddedtest.Kafka(t).Addrs()
	t.Run("in calm", func(t *testing.T) {
		w := newEnv(t, brokers, "gather")
		want := w.seedPortfolios(t, 5)
		w.startPortfolios(t, w.client.NewProducer(), policy.Default()).finishAt(t, want.end)
		w.comparePortfolios(t, want, false)
	})
	t.Run("killed and started again", func(t *testing.T) {
		w := newEnv(t, brokers, "gatheragain")
		want := w.seedPortfolios(t, 6)
		for kill := range int64(2) {
			w.startPortfolios(t, &dyingWriter{Writer: w.client.NewProducer(), left: 3 + 5*kill, after: kill == 0}, policy.Default()).die(t)
		}
		w.startPortfolios(t, w.client.NewProducer(), policy.Default()).finishAt(t, want.end)
		// Once more, over the whole log that the others left.
		w.startPortfolios(t, w.client.NewProducer(), policy.Default()).finishAt(t, want.end)
		w.comparePortfolios(t, want, true)
	})
}

// portfolios is what a replay computes.
type portfolios struct {
	end      int64 // the last portfolio minute
	statuses map[string]string
	flags    map[string][]string // by portfolio and factor
}

// seedPortfolios writes traffic with clocks and computes what must come of it.
func (w *env) seedPortfolios(t *testing.T, seed uint64) portfolios {
	t.Helper()
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	end := start.AddDate(0, 0, 3)
	g, err := traffic.New(traffic.Config{Seed: seed, Numbers: 70, Start: start, End: end})
	if err != nil {
		t.Fatal(err)
	}
	shipped := policy.Default()
	decoder := codec.NewDecoder(codec.Config{StopWords: shipped.StopWords, ResumeWords: shipped.ResumeWords})
	replay := engine.New(engine.Config{Topic: "replay", Policy: shipped, PaneBits: engine.WholeLog, Portfolios: true})
	var ev event.Event
	var out event.Output
	var records []*kgo.Record
	offset := int64(0)
	apply := func(value []byte, content codec.ContentType, at int64) {
		if err := decoder.Decode(&ev, value, content, at); err != nil {
			replay.Skip(event.ClassRejected, offset, at, &out)
		} else {
			replay.Apply(&ev, offset, at, &out)
		}
		offset++
	}
	everywhere := func(at int64, value []byte) {
		apply(value, codec.ContentJSON, at)
		for p := range int32(partitions) {
			records = append(records, &kgo.Record{Topic: w.topics[0], Partition: p, Timestamp: time.UnixMilli(at), Value: value})
		}
	}
	numbers, all := g.Numbers(), g.Portfolios()
	minute := start.UnixMilli()
	clocks := func(until int64) {
		for ; minute <= until; minute += 60_000 {
			everywhere(minute, fmt.Appendf(nil, `{"id":"clock/%d","type":"clock","time":%d}`, minute, minute))
			if minute%(20*60_000) != 7*60_000 {
				continue
			}
			// More goes wrong in these portfolios than the traffic has in three days.
			k := int(minute / (20 * 60_000))
			everywhere(minute, fmt.Appendf(nil, `{"id":"limit/%d","type":"portfolio.limit","time":%d,"portfolio_id":"%s","limit":%d}`,
				minute, minute, all[k%len(all)].ID, 50+k*37%400))
			n := numbers[k%len(numbers)]
			for _, event := range []string{
				`{"id":"strike/%d","type":"account.update","time":%d,"number_id":"%s","scope":"number","state":"restricted"}`,
				`{"id":"reach/%d","type":"number.connection","time":%d,"number_id":"%s","ip_country":"DE","ip_hash":"same"}`,
			} {
				value := fmt.Appendf(nil, event, minute, minute, n.ID)
				apply(value, codec.ContentJSON, minute)
				records = append(records, &kgo.Record{
					Topic: w.topics[0], Partition: kafka.PartitionOf([]byte(n.ID), partitions), Timestamp: time.UnixMilli(minute), Value: value,
				})
			}
		}
	}
	for r := new(traffic.Record); g.Next(r); {
		clocks(r.Time)
		one := kgo.Record{Topic: w.topics[0], Timestamp: time.UnixMilli(r.Time), Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value)}
		content := codec.ContentUnknown
		for _, h := range r.Headers {
			one.Headers = append(one.Headers, kgo.RecordHeader{Key: h.Key, Value: bytes.Clone(h.Value)})
			if h.Key == codec.ContentTypeHeader {
				content = codec.ParseContentType(h.Value)
			}
		}
		apply(one.Value, content, r.Time)
		one.Partition = kafka.PartitionOf(r.Key, partitions)
		if !r.Shared {
			records = append(records, &one)
			continue
		}
		for p := range int32(partitions) {
			copied := one
			copied.Partition = p
			records = append(records, &copied)
		}
	}
	clocks(end.UnixMilli())
	if err := w.theirs.ProduceSync(bounded(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.total = int64(len(records))
	want := portfolios{end: end.UnixMilli(), statuses: map[string]string{}, flags: map[string][]string{}}
	known := map[string]bool{}
	for i := range out.PortfolioStatus {
		want.statuses[statusKey(&out.PortfolioStatus[i])] = string(codec.AppendPortfolioStatusJSON(nil, &out.PortfolioStatus[i]))
		known[out.PortfolioStatus[i].PortfolioID] = true
	}
	for i := range out.Flags {
		if f := &out.Flags[i]; f.NumberID == "" {
			key := f.PortfolioID + " " + f.Factor.String()
			want.flags[key] = append(want.flags[key], nameless(*f))
		}
	}
	if len(known) < 3 || len(want.statuses) < 1000 || len(want.flags) < 2 {
		t.Fatalf("the traffic has only %d portfolios, %d statuses, %d with flags", len(known), len(want.statuses), len(want.flags))
	}
	return want
}

func statusKey(s *event.PortfolioStatus) string { return fmt.Sprint(s.PortfolioID, " ", s.Minute) }

// nameless returns a flag's JSON without what it is named after: a replay names
// it after an offset, the role after a minute.
func nameless(f event.Flag) string {
	f.FlagID, f.Position, f.EmittedAt = "", event.Position{}, 0
	return string(codec.AppendFlag(nil, &f))
}

// portfolioRun is one run of the numbers and the portfolios role.
type portfolioRun struct {
	process
	portfolios *pipeline.Portfolios
}

func (w *env) startPortfolios(t *testing.T, writer pipeline.Writer, rules *policy.Policy) *portfolioRun {
	t.Helper()
	client := w.connect(t)
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	g := &portfolioRun{process: process{env: w, ended: make(chan error, 2)}}
	topics := w.client.NewProducer()
	g.numbers = pipeline.NewNumbers(pipeline.NumbersConfig{
		Flags: w.topics[3], Rows: w.topics[2], DeadLetter: w.topics[3], Writer: w.client.NewProducer(), Topics: topics,
		Policy: policy.Default(), PaneBits: paneBits, FlushEvery: 50 * time.Millisecond, MaxRows: 5_000, Drain: client.DrainTime(), Logger: logger,
	})
	g.portfolios = pipeline.NewPortfolios(pipeline.PortfoliosConfig{
		Events: w.topics[0], Flags: w.topics[1], Rows: w.topics[2], Writer: writer, Topics: topics,
		Policy: rules, CopyAfter: 100 * time.Millisecond, MaxRows: 1_000, Drain: client.DrainTime(), Logger: logger,
	})
	ctx, cancel := context.WithCancel(context.Background())
	g.cancel = cancel
	t.Cleanup(cancel)
	join := func(role, topic string) pipeline.Join {
		return func(ctx context.Context, serve pipeline.Serve) error {
			return client.NewGroup(kafka.GroupConfig{ID: role + topic, Topic: topic}).Run(ctx, func(ctx context.Context, c *kafka.Claim) error {
				return serve(ctx, pipeline.Claim{Topic: c.Topic, Partition: c.Partition, Committed: c.Committed, Identity: c.Identity}, c)
			})
		}
	}
	go func() { g.ended <- g.numbers.Run(ctx, join("numbers", w.topics[0])) }()
	go func() { g.ended <- g.portfolios.Run(ctx, join("portfolios", w.topics[2])) }()
	return g
}

// finishAt waits until every portfolio has been evaluated at a minute, and stops.
func (g *portfolioRun) finishAt(t *testing.T, minute int64) {
	t.Helper()
	g.reach(t, minute)
	g.stop(t)
}

func (g *portfolioRun) reach(t *testing.T, minute int64) {
	t.Helper()
	embeddedtest.Eventually(t, 2*time.Minute, "the portfolios are evaluated", func() bool {
		all := g.portfolios.Status()
		for _, s := range all {
			if s.State == pipeline.StateStopped {
				t.Fatal(s.Error)
			}
			if s.State != pipeline.StateRunning || s.Next < s.End || s.Portfolios.Minute < minute && s.Portfolios.Portfolios > 0 {
				return false
			}
		}
		reached := slices.ContainsFunc(all, func(s pipeline.PartitionStatus) bool { return s.Portfolios.Minute >= minute })
		return len(all) == partitions && reached && g.numbers.CaughtUp()
	})
}

// die waits until the role's writer has failed for good, and drops everything.
func (g *portfolioRun) die(t *testing.T) {
	t.Helper()
	embeddedtest.Eventually(t, time.Minute, "the role has died", func() bool {
		return slices.ContainsFunc(g.portfolios.Status(), func(s pipeline.PartitionStatus) bool { return s.State == pipeline.StateStopped })
	})
	g.stop(t)
}

// comparePortfolios compares rows and flags with those of the replay. Where they
// may come again, a repeat must be the same bytes.
func (w *env) comparePortfolios(t *testing.T, want portfolios, repeats bool) {
	t.Helper()
	var b codec.Rows
	statuses, rowFlags := map[string]string{}, map[string]event.Flag{}
	for _, r := range w.read(t, w.topics[2]) {
		if err := codec.DecodeRows(r.Value, &b); err != nil {
			t.Fatal(err)
		}
		for i := range b.PortfolioStatus {
			s := &b.PortfolioStatus[i]
			if s.Partition != r.Partition || b.Topic != w.topics[2] {
				t.Fatalf("a status says it is of %s partition %d, and lies on %d", b.Topic, s.Partition, r.Partition)
			}
			got := string(codec.AppendPortfolioStatusJSON(nil, s))
			if before, ok := statuses[statusKey(s)]; ok && (before != got || !repeats) {
				t.Errorf("status %s came again:\n%s\n%s", statusKey(s), before, got)
			}
			statuses[statusKey(s)] = got
		}
		for i := range b.Flags {
			if f := b.Flags[i]; f.NumberID == "" {
				rowFlags[fmt.Sprint(f.FlagID, "/", f.Sequence)] = f
			}
		}
	}
	if len(statuses) != len(want.statuses) {
		t.Errorf("%d statuses, want %d", len(statuses), len(want.statuses))
	}
	differ := 0
	for _, key := range slices.Sorted(maps.Keys(want.statuses)) {
		if got := statuses[key]; got != want.statuses[key] {
			if differ++; differ <= 3 {
				t.Errorf("status %s\nwant %s\n got %s", key, want.statuses[key], got)
			}
		}
	}
	if differ > 0 {
		t.Errorf("%d of %d statuses differ", differ, len(want.statuses))
	}
	got, seen := map[string][]string{}, map[string]string{}
	for _, r := range w.read(t, w.topics[1]) {
		id, flag := withoutSending(t, r.Value)
		if before, ok := seen[id]; ok {
			if before != flag || !repeats {
				t.Errorf("flag %s came again:\n%s\n%s", id, before, flag)
			}
			continue
		}
		seen[id] = flag
		f, ok := rowFlags[id]
		if !ok {
			t.Fatalf("flag %s is not among the rows", id)
		}
		if string(r.Key) != f.PortfolioID {
			t.Errorf("a flag of %s has the key %s", f.PortfolioID, r.Key)
		}
		key := f.PortfolioID + " " + f.Factor.String()
		got[key] = append(got[key], nameless(f))
	}
	if diff := cmp.Diff(want.flags, got); diff != "" {
		t.Errorf("flags (-want +got):\n%.4000s", diff)
	}
}

// TestSharedEventReachesEveryPartition sends what speaks of a WABA and of a
// portfolio to one partition only: the numbers on the others receive it too,
// each once, however often the roles begin again.
func TestSharedEventReachesEveryPartition(t *testing.T) {
	w := newEnv(t, embeddedtest.Kafka(t).Addrs(), "shared")
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).UnixMilli()
	send := func(partition int32, at int64, header, value string) {
		r := &kgo.Record{Topic: w.topics[0], Partition: partition, Timestamp: time.UnixMilli(at), Value: []byte(value)}
		if header != "" {
			r.Headers = []kgo.RecordHeader{{Key: codec.ContentTypeHeader, Value: []byte(header)}}
		}
		if err := w.theirs.ProduceSync(bounded(t), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for p := range int32(partitions) {
		send(p, start, "", fmt.Sprintf(`{"id":"p%d","type":"number.profile","time":%d,"number_id":"n%d","waba_id":"w","portfolio_id":"f","country":"DE"}`, p, start, p))
	}
	at := start + 1000
	send(0, at, "application/json", fmt.Sprintf(`{"id":"limit","type":"portfolio.limit","time":%d,"portfolio_id":"f","limit":250}`, at))
	send(1, at, "", fmt.Sprintf(`{"id":"ban","type":"account.update","time":%d,"waba_id":"w","scope":"waba","state":"restricted"}`, at))
	send(2, at, "", fmt.Sprintf(`{"id":"other","type":"template.update","time":%d,"waba_id":"w","template":{"name":"a","language":"de"},"status":"PAUSED"}`, at))
	for p := range int32(partitions) { // as far as the last minute, in which all is known
		send(p, at, "", fmt.Sprintf(`{"id":"on every partition","type":"portfolio.limit","time":%d,"portfolio_id":"g","limit":-1}`, at))
	}

	arrived := func() map[string]int {
		n := map[string]int{}
		for _, r := range w.read(t, w.topics[0]) {
			for _, id := range []string{"limit", "ban", "other", "on every partition"} {
				if strings.Contains(string(r.Value), `"id":"`+id+`"`) {
					n[id]++
				}
			}
			if strings.Contains(string(r.Value), `"id":"limit"`) && (len(r.Headers) != 1 || string(r.Headers[0].Value) != "application/json") {
				t.Errorf("a copy on partition %d has the headers %v", r.Partition, r.Headers)
			}
		}
		return n
	}
	for range 2 {
		g := w.startPortfolios(t, w.client.NewProducer(), policy.Default())
		embeddedtest.Eventually(t, time.Minute, "every number is restricted", func() bool {
			var out event.Output
			if err := g.numbers.Ask(t.Context(), func(e *engine.Engine) { e.Statuses(&out) }); err != nil {
				return false // a claim is on its way
			}
			n := 0
			for i := range out.NumberStatuses {
				if event.State(out.NumberStatuses[i].Facts[event.FactRestriction]) == event.StateRestricted {
					n++
				}
			}
			return n == partitions
		})
		embeddedtest.Eventually(t, time.Minute, "every partition has reported every event", func() bool {
			all := g.portfolios.Status()
			for _, s := range all {
				if s.State != pipeline.StateRunning || s.Next < s.End || s.Portfolios.Shared > 0 {
					return false
				}
			}
			var records, duplicates int64
			for _, s := range g.numbers.Status() {
				records += s.Engine.Records[event.ClassApplied]
				duplicates += s.Engine.Records[event.ClassDuplicate]
			}
			if duplicates > 0 {
				t.Fatalf("%d events reached a partition that had them", duplicates)
			}
			return len(all) == partitions && records == 5*partitions
		})
		if d := cmp.Diff(map[string]int{"limit": 3, "ban": 3, "other": 3, "on every partition": 3}, arrived()); d != "" {
			t.Errorf("records by event (-want +got):\n%s", d)
		}
		g.stop(t)
	}
}

// TestPortfoliosUnderAnotherPolicy runs the two roles with different rules: the
// changes of one mean nothing to the other, and it waits and says so.
func TestPortfoliosUnderAnotherPolicy(t *testing.T) {
	w := newEnv(t, embeddedtest.Kafka(t).Addrs(), "rules")
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).UnixMilli()
	r := &kgo.Record{Topic: w.topics[0], Value: fmt.Appendf(nil, `{"id":"l","type":"portfolio.limit","time":%d,"portfolio_id":"f","limit":1}`, at), Timestamp: time.UnixMilli(at)}
	if err := w.theirs.ProduceSync(bounded(t), r).FirstErr(); err != nil {
		t.Fatal(err)
	}
	other := *policy.Default()
	other.Version = "another"
	g := w.startPortfolios(t, w.client.NewProducer(), &other)
	embeddedtest.Eventually(t, time.Minute, "the partitions stand still", func() bool {
		_, ends, err := w.client.Offsets(t.Context(), w.topics[2])
		all := g.portfolios.Status()
		for _, s := range all {
			if s.Next < s.End || s.Next < 2*partitions || len(s.Portfolios.Silent) != partitions || s.Portfolios.Minute != 0 {
				return false
			}
		}
		return err == nil && len(ends) == partitions && len(all) == partitions
	})
	g.stop(t)
}
