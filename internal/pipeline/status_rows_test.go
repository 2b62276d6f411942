package pipeline

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// TestStatusByChange receives a message every five seconds of a number that does nothing
// else, an hour of which has passed before, and looks at the statuses that are written:
// with or without the setting there is one within the first flush, and one that says that
// the number has been refused as soon as that has happened.
func TestStatusByChange(t *testing.T) {
	var written [2]int
	for k, byChange := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			log, writer := &fakeLog{topic: "events"}, &fakeWriter{}
			n := NewNumbers(NumbersConfig{
				Flags: "flags", Rows: "rows", DeadLetter: "dead-letter", Writer: writer, Policy: policy.Default(),
				StatusByChange: byChange, Logger: slog.New(slog.DiscardHandler),
			})
			statuses := func() (list []event.NumberStatus) {
				for _, m := range writer.topic("rows") {
					var rows codec.Rows
					if err := codec.DecodeRows(m.Value, &rows); err != nil {
						t.Fatal(err)
					}
					list = append(list, rows.NumberStatuses...)
				}
				return list
			}
			receive := func(i int) {
				keyed(log, strings.Replace(send(i, time.Now()), "message.sent", "message.received", 1))
			}
			for i := range 600 {
				receive(i)
			}
			whileRunning(t, n.Run, joining(log), func() {
				elapse(3 * time.Second)
				if len(statuses()) == 0 {
					t.Error("a new number has no status after its first flush")
				}
				for i := range 120 {
					receive(1000 + i)
					elapse(5 * time.Second)
				}
				written[k] = len(statuses())
				keyed(log, strings.Replace(refused("n1", time.Now()), "f-n1", fmt.Sprint("f", k), 1))
				elapse(4 * time.Second)
				all := statuses()
				if last := all[len(all)-1]; len(all) == written[k] || last.Levels[event.FactorSpamErrors] == event.LevelNone {
					t.Errorf("by change %t: %d statuses after %d, the last with %s for spam_errors", byChange, len(all), written[k], last.Levels[event.FactorSpamErrors])
				}
			})
		})
	}
	if written[0] < 100 || written[1] > written[0]/10 {
		t.Errorf("%d statuses in ten minutes, %d by change", written[0], written[1])
	}
}
