package engine_test

import (
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// A question changes nothing: an engine that is asked after every event writes
// the same rows and flags, versions and all, as one that is never asked.
func TestQuestionsChangeNothing(t *testing.T) {
	play := func(ask bool) event.Output {
		e := engine.New(engine.Config{Policy: policy.Default(), PaneBits: 16})
		var out, answer event.Output
		at := int64(1_760_000_040_000)
		for i := range int64(400) {
			ev := event.Event{
				Type: event.TypeSent, ID: fmt.Appendf(nil, "e%d", i), Time: at, NumberID: fmt.Appendf(nil, "n%d", i%3),
				Contact: uint64(i), HasContact: true, Kind: event.KindText, Fingerprint: uint64(i % 7),
			}
			e.Apply(&ev, i, at, &out)
			at += 17_000
			if ask {
				answer.Reset()
				e.Statuses(&answer)
				if n := len(answer.NumberStatuses); n > 3 {
					t.Fatalf("asked for 3 numbers, got %d statuses", n)
				}
				e.Number("n1", &answer)
				e.Riskiest(2, &answer)
			}
		}
		e.Flush(&out)
		return out
	}
	if diff := gocmp.Diff(play(false), play(true), cmpopts.EquateNaNs(), cmpopts.IgnoreUnexported(event.Output{})); diff != "" {
		t.Errorf("asking changed what was written (-never +always):\n%s", diff)
	}
}

// A status is that of its minute, portfolio and all, whether it was flushed in
// time or is written when a later event moves the number elsewhere.
func TestStatusOfNumberThatMoves(t *testing.T) {
	const start = 1_760_000_040_000
	for _, flushed := range []bool{true, false} {
		e := engine.New(engine.Config{Policy: policy.Default(), PaneBits: 16})
		var out event.Output
		for i, folio := range []string{"p", "q"} {
			ev := event.Event{
				Type: event.TypeSent, ID: []byte(folio), Time: start + int64(i)*120_000, NumberID: []byte("n"),
				WABAID: []byte("w" + folio), PortfolioID: []byte(folio), Contact: 1, HasContact: true, Kind: event.KindText,
			}
			e.Apply(&ev, int64(i), ev.Time, &out)
			if flushed {
				e.Flush(&out)
			}
		}
		if len(out.NumberStatuses) == 0 {
			t.Fatal("no status was written")
		}
		if s := out.NumberStatuses[0]; s.Clock != start || s.PortfolioID != "p" || s.WABAID != "wp" {
			t.Errorf("flushed %v: the first minute is of %q %q at %d, want wp p at %d", flushed, s.WABAID, s.PortfolioID, s.Clock, int64(start))
		}
	}
}
