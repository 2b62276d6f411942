package engine

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/window"
)

// quarterStart is the full quarter of an hour at which the tests of this file begin.
const quarterStart = 1_760_400_000_000

// pendingSends returns an engine whose one number has written to so many contacts, all
// at quarterStart, and answers none of them.
func pendingSends(n int) (*Engine, *event.Output) {
	e := New(Config{Policy: policy.Default(), PaneBits: WholeLog, NoContacts: true})
	out := &event.Output{}
	for i := range n {
		e.Apply(&event.Event{
			Type: event.TypeSent, ID: fmt.Appendf(nil, "s%d", i), Time: quarterStart, NumberID: []byte("n"), PortfolioID: []byte("p"),
			Contact: uint64(i) * 0x9e3779b97f4a7c15, HasContact: true, Kind: event.KindText, Fingerprint: 7,
		}, int64(i), quarterStart, out)
		out.Reset()
	}
	return e, out
}

// TestASilentNumberIsEvaluatedByQuarters lets a day pass minute by minute after the
// sends of one instant. Once the windows of an hour have passed, and ten minutes later the flags
// that they raised, nothing changes until the windows of a day do but the ages of
// the pending sends, and those at full quarters of an hour: the number is evaluated
// when the sends pass to another class, and at no minute between.
func TestASilentNumberIsEvaluatedByQuarters(t *testing.T) {
	e, out := pendingSends(60)
	n := e.numbers.at(0)
	before, firstRatio := n.lastEval, e.replyRatioNowcast(n)
	var evaluated []int64 // quarters since the sends
	for m := int64(1); m < 24*60; m++ {
		e.AdvanceTo(quarterStart+m*minute, out)
		out.Reset()
		if n.lastEval == before {
			continue
		}
		before = n.lastEval
		switch at := n.lastEval - quarterStart; {
		case at <= hour+10*minute:
		case at%quarter != 0:
			t.Fatalf("evaluated %d s after the sends, when no quarter of an hour has passed", at/second)
		default:
			evaluated = append(evaluated, at/quarter)
		}
	}
	if want := []int64{8, 16, 32, 64}; !slices.Equal(evaluated, want) { // those before are within the hour
		t.Errorf("evaluated at the quarters %v, want %v", evaluated, want)
	}
	if last := e.replyRatioNowcast(n); !(last < firstRatio) {
		t.Errorf("the nowcast was %g and is %g: nobody has answered for a day", firstRatio, last)
	}
}

// TestPendingSendsAreNeverScanned compares what an event costs a number with a hundred
// pending sends and with a hundred thousand: to walk those takes some hundred
// microseconds, to evaluate the number a few.
func TestPendingSendsAreNeverScanned(t *testing.T) {
	few, out := pendingSends(100)
	many, _ := pendingSends(100_000)
	id := 0
	cost := func(e *Engine) time.Duration {
		const events = 300
		begin := time.Now()
		for range events {
			id++
			at := e.watermark + quarter/30 // ten quarters of an hour in all
			e.Apply(&event.Event{
				Type: event.TypeQuality, ID: fmt.Appendf(nil, "q%d", id), Time: at, NumberID: []byte("n"), Rating: event.RatingGreen,
			}, int64(id), at, out)
			out.Reset()
		}
		return time.Since(begin) / events
	}
	least := [2]time.Duration{time.Hour, time.Hour}
	for range 8 {
		least[0] = min(least[0], cost(few))
		least[1] = min(least[1], cost(many))
	}
	t.Logf("an event costs %v and %v", least[0], least[1])
	if least[1] > 5*least[0] {
		t.Errorf("an event costs %v with a hundred pending sends, %v with a hundred thousand", least[0], least[1])
	}
	n := many.numbers.at(0)
	if pending := n.replies().pending; pending != 100_000 {
		t.Fatalf("%d pending", pending)
	}
}

// TestOneIdentifierCostsNoLink has contacts of one identifier each, of either kind, in
// whatever events carry them.
func TestOneIdentifierCostsNoLink(t *testing.T) {
	e, out := pendingSends(1000)
	for i := range 1000 {
		ev := event.Event{
			Type: event.TypeReceived, ID: fmt.Appendf(nil, "r%d", i), Time: quarterStart + int64(i), NumberID: []byte("n"), Kind: event.KindText,
		}
		if i%2 == 0 {
			ev.UserID, ev.HasUserID = uint64(i), true
		} else {
			ev.Contact, ev.HasContact = uint64(i)*0x9e3779b97f4a7c15, true
		}
		e.Apply(&ev, int64(1000+i), ev.Time, out)
		out.Reset()
	}
	if !reflect.DeepEqual(e.links, window.Links{}) || e.held.Len() != 0 {
		t.Errorf("%d links, and the memory for some", e.links.Len())
	}
	ev := event.Event{
		Type: event.TypeReceived, ID: []byte("both"), Time: quarterStart + hour, NumberID: []byte("n"), Kind: event.KindText,
		Contact: 1, HasContact: true, UserID: 2, HasUserID: true,
	}
	e.Apply(&ev, 2000, ev.Time, out)
	if e.links.Len() != 1 {
		t.Errorf("%d links of a contact with two identifiers", e.links.Len())
	}
}
