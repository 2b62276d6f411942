package pipeline

import (
	"log/slog"
	"testing"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/policy"
)

// TestContactOutcomesCanBeSwitchedOff: they have nearly a row a send.
func TestContactOutcomesCanBeSwitchedOff(t *testing.T) {
	for _, off := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			log, writer := &fakeLog{topic: "events"}, &fakeWriter{}
			log.append(send(1, time.Now()))
			n := NewNumbers(NumbersConfig{
				Flags: "flags", Rows: "rows", DeadLetter: "dead-letter", Writer: writer, Policy: policy.Default(),
				NoContacts: off, Logger: slog.New(slog.DiscardHandler),
			})
			whileRunning(t, n.Run, joining(log), func() { elapse(2 * time.Second) })
			var minutes, contacts int
			for _, m := range writer.topic("rows") {
				var rows codec.Rows
				if err := codec.DecodeRows(m.Value, &rows); err != nil {
					t.Fatal(err)
				}
				minutes, contacts = minutes+len(rows.NumberMinutes), contacts+len(rows.ContactOutcomes)
			}
			if minutes == 0 || off != (contacts == 0) {
				t.Errorf("off %t: %d rows of minutes, %d of contacts", off, minutes, contacts)
			}
		})
	}
}
