package engine_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// TestMinuteContacts sends to few and to many contacts a minute, each several
// times, with flushes in between, and counts the distinct ones.
func TestMinuteContacts(t *testing.T) {
	const start = 1_760_000_040_000
	random := rand.New(rand.NewPCG(3, 4))
	for _, contacts := range []int{1, 15, 16, 17, 40, 2 * event.SketchSize} {
		e := engine.New(engine.Config{Topic: "t", Policy: policy.Default(), PaneBits: engine.WholeLog})
		var out event.Output
		distinct := map[uint64]bool{}
		for i := range int64(3 * contacts) {
			contact := uint64(random.IntN(contacts)) * 0x9e3779b97f4a7c15
			distinct[contact] = true
			ev := event.Event{
				Type: event.TypeSent, ID: fmt.Appendf(nil, "e%d", i), Time: start + i%1000, NumberID: []byte("n"),
				Contact: contact, HasContact: true, Kind: event.KindText, Fingerprint: uint64(i),
			}
			e.Apply(&ev, i, ev.Time, &out)
			if i%50 == 0 && i+1 < int64(3*contacts) {
				e.Flush(&out)
			}
		}
		out.Reset()
		e.Flush(&out)
		if len(out.NumberMinutes) != 1 {
			t.Fatalf("%d contacts: %d rows, want 1", contacts, len(out.NumberMinutes))
		}
		row := &out.NumberMinutes[0]
		if row.ContactCount != int64(len(distinct)) || len(row.Contacts) != min(len(distinct), event.SketchSize) {
			t.Errorf("%d contacts: counted %d with %d hashes, want %d", contacts, row.ContactCount, len(row.Contacts), len(distinct))
		}
		for k, hash := range row.Contacts {
			if !distinct[hash] || k > 0 && hash <= row.Contacts[k-1] {
				t.Fatalf("%d contacts: hash %d is out of place", contacts, k)
			}
		}
	}
}
