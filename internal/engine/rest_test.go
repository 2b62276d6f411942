package engine

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// restStart is a full quarter of an hour.
const restStart = 1_767_225_600_000

// TestNumberAtRestTakesAtMost400Bytes makes very many numbers known that do nothing: all of them together, with their names,
// their timers and what finds them.
func TestNumberAtRestTakesAtMost400Bytes(t *testing.T) {
	const numbers = 300_000
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	e := New(Config{Policy: policy.Default(), PaneBits: 10, DedupHorizon: minute})
	out := &event.Output{}
	before := heap()
	for i := range numbers {
		e.Apply(&event.Event{
			Type: event.TypeProfile, ID: fmt.Appendf(nil, "p%d", i), Time: restStart + int64(i)*20,
			NumberID: fmt.Appendf(nil, "number-%07d", i), WABAID: fmt.Appendf(nil, "waba-%06d", i/4), PortfolioID: fmt.Appendf(nil, "portfolio-%05d", i/40),
		}, int64(i), restStart+int64(i)*20, out)
		if i%1000 == 0 {
			e.Flush(out)
			out.Reset()
		}
	}
	e.Flush(out)
	*out = event.Output{}
	each := float64(heap()-before) / numbers
	t.Logf("%.0f bytes a number", each)
	if each > 400 {
		t.Errorf("a number at rest takes %.0f bytes, want 400 at most", each)
	}
	if n := e.numbers.busy.Len(); n != 0 {
		t.Errorf("%d numbers without traffic are not at rest", n)
	}
	runtime.KeepAlive(e)
}

// TestNumberRestsAndWakes has a number send by the clock, say nothing for longer than any window looks back, and send by
// the clock again. At rest it must say what it said before, and the gaps of before must not count as if they were of now:
// the gap between is among the last twenty until twenty more have come.
func TestNumberRestsAndWakes(t *testing.T) {
	e := New(Config{Policy: policy.Default(), PaneBits: 10})
	out, id, at := &event.Output{}, 0, int64(restStart)
	send := func() float64 {
		at += minute
		id++
		e.Apply(&event.Event{
			Type: event.TypeSent, ID: fmt.Appendf(nil, "s%d", id), Time: at, NumberID: []byte("n"), PortfolioID: []byte("p"),
			Contact: uint64(id) * 0x9e3779b97f4a7c15, HasContact: true, Kind: event.KindText, Fingerprint: uint64(id),
		}, int64(id), at, out)
		out.Reset()
		return e.numbers.view(0).intervalCV()
	}
	for range 25 {
		send()
	}
	if e.numbers.busy.Len() != 1 {
		t.Fatal("a number that sends is at rest")
	}
	at += 33 * day
	e.AdvanceTo(at, out)
	if e.numbers.busy.Len() != 0 {
		t.Fatal("a number that has sent nothing for 33 days is not at rest")
	}
	out.Reset()
	if !e.Number("n", out) {
		t.Fatal("a number at rest is not known")
	}
	for _, f := range []event.Fact{event.FactSent24h, event.FactUnanswered30d, event.FactPending, event.FactIdentical1h} {
		if v := out.NumberStatuses[0].Facts[f]; v != 0 {
			t.Errorf("%s of a number at rest is %v", f, v)
		}
	}
	if d := out.NumberStatuses[0].Facts[event.FactDay]; d != 34 {
		t.Errorf("its day of life is %v, want 34", d)
	}
	for k := 1; k <= 25; k++ {
		cv := send()
		if k <= gapsNeeded && !math.IsNaN(cv) {
			t.Errorf("interval_cv at send %d after the rest is %v: the rest is among the gaps", k, cv)
		}
		if k > gapsNeeded && cv != 0 {
			t.Errorf("interval_cv at send %d after the rest is %v, want 0", k, cv)
		}
	}
}
