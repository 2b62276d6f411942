package pipeline

import (
	"context"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"sendwatch/internal/event"
)

// fakeKeeper is a Keeper in memory that notes when it saves.
type fakeKeeper struct {
	mu      sync.Mutex
	all     map[int32]event.Note
	journal *journal
}

func (k *fakeKeeper) Load(context.Context, string) (map[int32]event.Note, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.all), nil
}

func (k *fakeKeeper) Save(_ context.Context, _ string, partition int32, kept event.Note) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil {
		k.all = map[int32]event.Note{}
	}
	k.all[partition] = kept
	if k.journal != nil && kept.Text != "" {
		k.journal.add("kept")
	}
	return nil
}

// What retention deleted under a sink is said with its offsets and minutes, kept before
// an offset behind it is committed, known to the next process, and gone once it is
// acknowledged; nothing else acknowledges it.
func TestLostRowsStayUntilAcknowledged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		j := &journal{}
		keeper, store := &fakeKeeper{journal: j}, &fakeStore{}
		log := &fakeLog{topic: "rows", journal: j}
		for range 6 {
			log.append(batchOf(1))
			elapse(time.Minute)
		}
		logger := slog.New(slog.DiscardHandler)
		sink := func() *Sink { return NewSink(SinkConfig{Store: store, Keeper: keeper, Logger: logger}) }
		want := "records_lost: 3 records were lost: offsets 2 to 4 (rows written from 2026-03-02T10:01Z to 2026-03-02T10:05Z;"
		first := sink()
		log.records, log.lost = log.records[:2], event.Lost{}
		whileRunning(t, first.Run, joining(log), func() {
			elapse(2 * time.Second)
			log.set(func() {
				log.lost = event.Lost{First: 2, End: 5}
				for i := range int64(4) {
					log.records = append(log.records, event.Record{Offset: 2 + i, Timestamp: time.Date(2026, 3, 2, 10, int(2+i), 0, 0, time.UTC).UnixMilli(), Value: []byte(batchOf(1))})
				}
			})
			elapse(5 * time.Second)
			if err := first.Ready(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("after the loss: %v, want %s", err, want)
			}
		})
		if got := strings.Join(j.lines, ", "); got != "commit 2, kept, commit 6" {
			t.Errorf("happened: %s, want the loss kept before the commit behind it", got)
		}
		log.set(func() { log.lost = event.Lost{} })
		second := sink()
		whileRunning(t, second.Run, joining(log), func() {
			elapse(15 * time.Second)
			if err := second.Ready(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the next process: %v, want %s", err, want)
			}
			lines, err := Acknowledge(t.Context(), keeper, "rows")
			if err != nil || len(lines) != 1 || !strings.Contains(lines[0], "rows partition 0: "+want) {
				t.Errorf("acknowledged %q: %v", lines, err)
			}
			elapse(15 * time.Second)
			if err := second.Ready(); err != nil {
				t.Errorf("after it was acknowledged: %v", err)
			}
		})
		third := sink()
		whileRunning(t, third.Run, joining(log), func() {
			elapse(15 * time.Second)
			if err := third.Ready(); err != nil {
				t.Errorf("a process after that: %v", err)
			}
		})
	})
}

// A log that is read again brings the same incidents: what was acknowledged of it stays
// so, what comes later does not.
func TestAcknowledgedIncidentsAreNotNotedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		keeper := &fakeKeeper{}
		run := func(log *fakeLog) error {
			role := NewPortfolios(PortfoliosConfig{
				Events: "events", Flags: "flags", Rows: "rows", Writer: &fakeWriter{}, Topics: topicsOf(2),
				Keeper: keeper, Logger: slog.New(slog.DiscardHandler), Policies: onePolicy{strictPolicy(t)},
			})
			var err error
			whileRunning(t, role.Run, joining(log), func() {
				elapse(20 * time.Second)
				err = role.Ready()
			})
			return err
		}
		log := &fakeLog{topic: "rows"}
		log.append("\xff", placesOf(0, "n1"), placesOf(1, "n1"))
		if err := run(log); err == nil || !strings.Contains(err.Error(), "unreadable") || !strings.Contains(err.Error(), "number_split") {
			t.Errorf("at first: %v", err)
		}
		if _, err := Acknowledge(t.Context(), keeper, "rows"); err != nil {
			t.Fatal(err)
		}
		if err := run(log); err != nil {
			t.Errorf("acknowledged and read again: %v", err)
		}
		log.append("\xff")
		if err := run(log); err == nil || !strings.Contains(err.Error(), "1 records were skipped: offset 3") {
			t.Errorf("after another one: %v", err)
		}
	})
}

// An incident is kept as soon as it is known: who reads of it and acknowledges it at once
// finds it.
func TestIncidentsAreKeptAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		keeper := &fakeKeeper{}
		role := NewPortfolios(PortfoliosConfig{
			Events: "events", Flags: "flags", Rows: "rows", Writer: &fakeWriter{}, Topics: topicsOf(2),
			Keeper: keeper, Logger: slog.New(slog.DiscardHandler), Policies: onePolicy{strictPolicy(t)},
		})
		log := &fakeLog{topic: "rows"}
		whileRunning(t, role.Run, joining(log), func() {
			elapse(6 * time.Second) // what is kept every few seconds has just been
			log.append(placesOf(0, "n1"), placesOf(1, "n1"))
			elapse(1500 * time.Millisecond)
			if err := role.Ready(); err == nil {
				t.Fatal("the number on two partitions is not named")
			}
			lines, err := Acknowledge(t.Context(), keeper, "rows")
			if err != nil || len(lines) != 1 || !strings.Contains(lines[0], "number_split") {
				t.Errorf("acknowledged %v, %v", lines, err)
			}
			elapse(10 * time.Second)
			if err := role.Ready(); err != nil {
				t.Errorf("acknowledged: %v", err)
			}
		})
	})
}

// An incident that goes on for ever takes bounded room: a detail names the newest.
func TestIncidentsAreBounded(t *testing.T) {
	var one incident
	for i := range int64(10_000) {
		one.note(1, i, offsets(i, i))
		one.note(1, i, offsets(i, i))
	}
	if one.Count != 10_000 || len(one.Detail) > maxDetail || !strings.HasSuffix(one.Detail, "offset 9998, offset 9999") {
		t.Errorf("%d noted, %d bytes, ends with %s", one.Count, len(one.Detail), one.Detail[len(one.Detail)-30:])
	}
}

// A role whose group fails is a member again once it can be, and no error ends it.
func TestAGroupThatFailsIsJoinedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := &fakeLog{topic: "events"}
		keyed(log, send(1, time.Now()))
		n := newTestNumbers(&fakeWriter{})
		tries := 0
		join := func(ctx context.Context, serve Serve) error {
			if tries++; tries < 4 {
				return named{"group_shared", "a stranger"}
			}
			return joining(log)(ctx, serve)
		}
		whileRunning(t, n.Run, join, func() {
			elapse(time.Second)
			if err := n.Ready(); err == nil || !strings.Contains(err.Error(), "group_shared: a stranger") {
				t.Errorf("while it fails: %v", err)
			}
			elapse(time.Minute)
			if err := n.Ready(); err != nil {
				t.Errorf("a minute later: %v", err)
			}
		})
	})
}

// What retention deleted while no sink ran is said with its minutes as well: the group
// knows when the newest record before its offset was written.
func TestRowsLostBeforeTheStartHaveTheirMinutes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		at := func(minute int) int64 { return time.Date(2026, 3, 2, 10, minute, 0, 0, time.UTC).UnixMilli() }
		log := &fakeLog{topic: "rows", lost: event.Lost{First: 0, End: 3}}
		for range 4 {
			log.records = append(log.records, event.Record{Offset: int64(len(log.records)), Timestamp: at(7), Value: []byte(batchOf(1))})
		}
		n := NewSink(SinkConfig{Store: &fakeStore{}, Logger: slog.New(slog.DiscardHandler)})
		join := func(ctx context.Context, serve Serve) error {
			return serve(ctx, Claim{Topic: "rows", Committed: 0, CommittedTime: at(4)}, log)
		}
		whileRunning(t, n.Run, join, func() {
			elapse(5 * time.Second)
			want := "rows written from 2026-03-02T10:04Z to 2026-03-02T10:07Z"
			if err := n.Ready(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("not ready because of %v, want %s", err, want)
			}
		})
	})
}
