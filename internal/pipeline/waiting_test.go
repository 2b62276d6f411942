package pipeline

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// TestWaitingChangesAreBounded: partition 1 of the events topic tells nothing, so
// that no minute can be evaluated and the changes of partition 0 pile up.
func TestWaitingChangesAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		live, minute := policy.Default(), time.Now().UnixMilli()
		log := &fakeLog{topic: "rows"}
		tell := func(sequence int64) {
			written := codec.Rows{
				Topic: "events", PortfolioID: "f", HasProgress: true,
				Progress: codec.Progress{Watermark: minute, Sequence: sequence, CaughtUp: true, Generation: generation(live.Version, ""), Policy: live.Version},
			}
			written.Changes = []event.PortfolioChange{
				{Sequence: sequence, Visible: minute, Kind: event.ChangeContact, PortfolioID: "f", A: uint64(sequence), B: minute/60_000 - 1},
			}
			log.append(string(codec.AppendRows(nil, &written)))
		}
		r := NewPortfolios(PortfoliosConfig{
			Events: "events", Flags: "flags", Rows: "rows", Writer: &fakeWriter{}, Topics: topicsOf(2), Policy: live, MaxWaiting: 3,
			Logger: slog.New(slog.DiscardHandler),
		})
		whileRunning(t, r.Run, joining(log), func() {
			for i := range int64(3) {
				tell(i + 1)
			}
			elapse(3 * time.Second)
			if s := r.Status()[0]; s.State != StateRunning || s.Portfolios.Waiting != 3 {
				t.Errorf("three changes wait: %s, %d wait, %s", s.State, s.Portfolios.Waiting, s.Error)
			}
			tell(4)
			elapse(3 * time.Second)
			if s := r.Status()[0]; s.State != StateStopped || !strings.Contains(s.Error, "4 changes wait for the partitions [1] of events") {
				t.Errorf("four changes wait: %s, %s", s.State, s.Error)
			}
		})
	})
}
