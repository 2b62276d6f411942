package pipeline

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/event"
)

// observedLog is a log whose group's offset others move.
type observedLog struct {
	*fakeLog
	others func() int64
}

func (o observedLog) CommittedNow(context.Context) (int64, error) { return o.others(), nil }

// A sink that was replaced, and finds that retention has deleted what it has not read, has lost nothing if its successor
// has read that. What its successor had not read either is reported once the partition is surely its own again.
func TestAReplacedSinkLosesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		others int64  // what another sink has committed
		lost   string // what is reported in the end
	}{
		"nobody else":             {2, "3 records were lost: offsets 2 to 4"},
		"another has read it all": {5, ""},
		"another has read more":   {6, ""},
		"another has read a part": {4, "1 records were lost: offset 4"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				log, store := &fakeLog{topic: "rows"}, &fakeStore{}
				for range 2 {
					log.append(batchOf(1))
				}
				n := NewSink(SinkConfig{Store: store, Logger: slog.New(slog.DiscardHandler)})
				others := int64(2)
				join := func(ctx context.Context, serve Serve) error {
					return serve(ctx, Claim{Topic: "rows", Committed: FromStart}, observedLog{log, func() int64 { return others }})
				}
				whileRunning(t, n.Run, join, func() {
					elapse(5 * time.Second)
					log.set(func() {
						log.lost = event.Lost{First: 2, End: 5}
						others = c.others
					})
					for range 8 {
						log.append(batchOf(1))
					}
					elapse(5 * time.Second)
					if err := n.Ready(); c.others > 2 && err != nil && strings.Contains(err.Error(), "records_lost") {
						t.Errorf("at first: %v", err)
					}
					if c.others > 2 && c.others < 5 { // the log still begins behind what the other has read
						log.set(func() { log.lost = event.Lost{First: c.others, End: 5} })
					}
					elapse(time.Minute)
					s, err := n.Status()[0], n.Ready()
					if s.Next != 10 || s.State != StateRunning || (err == nil) != (c.lost == "") || err != nil && !strings.Contains(err.Error(), "records_lost: "+c.lost) {
						t.Errorf("%s at %d, not ready because of %v, want running at 10 and %q", s.State, s.Next, err, c.lost)
					}
					if c.others > 2 && log.opened[len(log.opened)-1] != c.others {
						t.Errorf("opened at %v, want it to go on at %d", log.opened, c.others)
					}
				})
			})
		})
	}
}
