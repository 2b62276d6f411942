package window

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// naive is the reply tracker as lists and loops, written from the contract
// (section 1, window; section 4, pending).
type naive struct {
	first, last int64
	received    bool
	pending     []naiveSend // in order of application
	// The preference applied last: its place in the order, its time if it is a stop.
	preferred int
	stopAt    int64
	held      int
}

type naiveSend struct {
	sent int64
	fp   uint64
}

func (c *naive) forget(watermark int64) {
	c.received = c.received && c.last >= watermark-ReplyWindow
}

// merge takes another conversation in, as the contract's section 9 says it.
func (c *naive) merge(a *naive, number uint32, contact uint64) (out []Resolved) {
	if a.preferred > c.preferred {
		c.preferred, c.stopAt = a.preferred, a.stopAt
	}
	a.preferred, a.stopAt = c.preferred, c.stopAt
	c.pending = append(c.pending, a.pending...)
	slices.SortFunc(c.pending, func(x, y naiveSend) int { return cmp.Compare(x.fp, y.fp) })
	a.pending = nil
	switch {
	case !a.received:
	case !c.received:
		c.received, c.first, c.last = true, a.first, a.last
	default:
		stays, other := c, a
		if a.last > c.last {
			stays, other = a, c
		}
		first := stays.first
		if other.last >= first-ServiceWindow {
			first = min(first, other.first)
		}
		c.first, c.last = first, stays.last
	}
	a.received = false
	c.pending = slices.DeleteFunc(c.pending, func(p naiveSend) bool {
		at := int64(0)
		switch {
		case !c.received:
		case p.sent < c.first && c.first <= p.sent+ReplyWindow:
			at = c.first
		case p.sent <= c.last && c.last <= p.sent+ReplyWindow:
			at = c.last
		}
		if at != 0 {
			out = append(out, Resolved{number, contact, p.fp, p.sent, at, Answered})
		}
		return at != 0
	})
	return out
}

func (c *naive) inbound(number uint32, contact uint64, r int64) (out []Resolved) {
	switch {
	case !c.received || r > c.last+ServiceWindow:
		c.received, c.first, c.last = true, r, r
	case r > c.last:
		c.last = r
	case c.first-ServiceWindow <= r && r < c.first:
		c.first = r
	}
	c.pending = slices.DeleteFunc(c.pending, func(p naiveSend) bool {
		hit := p.sent <= r && r <= p.sent+ReplyWindow
		if hit {
			out = append(out, Resolved{number, contact, p.fp, p.sent, r, Answered})
		}
		return hit
	})
	return out
}

func sortResolved(s []Resolved) []Resolved {
	slices.SortFunc(s, func(a, b Resolved) int {
		return cmp.Or(cmp.Compare(a.Sent, b.Sent), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	return s
}

// TestRepliesAgainstLists plays sends, inbounds, failures, preferences, merges and
// ticks in any order, with sweeps in between, and compares what is resolved, the
// windows, the stops and the pressure with the naive model.
func TestRepliesAgainstLists(t *testing.T) {
	const start = 1_760_000_000_000
	rapid.Check(t, func(t *rapid.T) {
		var r Replies
		model := map[[2]uint64]*naive{}
		watermark, tick := int64(start), floorMinute(start)-10*minute
		for i := range rapid.IntRange(1, 150).Draw(t, "steps") {
			number := rapid.Uint32Range(0, 1).Draw(t, "number")
			contact := rapid.Uint64Range(0, 2).Draw(t, "contact")
			key := [2]uint64{uint64(number), contact}
			c := model[key]
			if c == nil {
				c = &naive{}
				model[key] = c
			}
			back := rapid.SampledFrom([]int64{0, 0, 1, minute, 3 * hourMS, 23 * hourMS, 24 * hourMS, 47 * hourMS, 60 * hourMS}).Draw(t, "back")
			at := watermark - back
			before := watermark
			if rapid.Bool().Draw(t, "forward") {
				at = watermark + rapid.SampledFrom([]int64{1, 999, minute, hourMS, 24 * hourMS, 24*hourMS + 1, 48 * hourMS, 80 * hourMS}).Draw(t, "step")
				for m := floorMinute(watermark) + minute; m <= at; m += minute {
					tick = m - 10*minute
					got := r.Expire(tick, nil)
					var want []Resolved
					for k, c := range model {
						c.pending = slices.DeleteFunc(c.pending, func(p naiveSend) bool {
							due := p.sent+ReplyWindow <= tick
							if due {
								want = append(want, Resolved{uint32(k[0]), k[1], p.fp, p.sent, p.sent + ReplyWindow, Unanswered})
							}
							return due
						})
					}
					if !slices.Equal(sortResolved(got), sortResolved(want)) {
						t.Fatalf("tick %d expired %v, want %v", tick, got, want)
					}
				}
				watermark = at
			}
			conv, known := r.Find(number, contact)
			c.forget(watermark)
			in := known && r.InWindow(conv, at, before, watermark)
			wantIn := c.received && c.first <= at && at <= c.last+ServiceWindow && at >= before-ServiceWindow
			if in != wantIn {
				t.Fatalf("in window is %v, want %v", in, wantIn)
			}
			var got, want []Resolved
			switch rapid.IntRange(0, 6).Draw(t, "what") {
			case 0, 1:
				if at < before-ServiceWindow {
					continue // late: not tracked
				}
				fp := uint64(i)
				switch {
				case known:
					got = r.Track(conv, at, watermark, fp, nil)
				case rapid.Bool().Draw(t, "full"):
					got = r.Track(r.Open(number, contact), at, watermark, fp, nil)
				default:
					r.BeginPending(number, contact, at, fp)
				}
				if c.received && at < c.first && c.first <= at+ReplyWindow {
					want = []Resolved{{number, contact, fp, at, c.first, Answered}}
				} else {
					c.pending = append(c.pending, naiveSend{at, fp})
				}
			case 2:
				if !known {
					conv = r.Begin(number, contact)
				}
				got = r.Inbound(conv, at, watermark, nil)
				want = c.inbound(number, contact, at)
			case 4, 5:
				c.preferred = i + 1
				r.NextPreference()
				if c.stopAt = at; rapid.Bool().Draw(t, "stop") {
					r.Stop(r.Open(number, contact), at)
				} else {
					c.stopAt = none
					r.Resume(r.Open(number, contact))
				}
			case 6:
				to := (contact + 1) % 3
				b := model[[2]uint64{uint64(number), to}]
				if b == nil || !known {
					continue
				}
				b.forget(watermark)
				got = r.Merge(r.Open(number, contact), r.Open(number, to), watermark, nil)
				want = b.merge(c, number, to)
			case 3:
				if known {
					got = r.Withdraw(conv, at, nil)
				}
				newest := -1
				for i, p := range c.pending {
					if newest < 0 || p.sent >= c.pending[newest].sent {
						newest = i
					}
				}
				if newest >= 0 {
					p := c.pending[newest]
					c.pending = slices.Delete(c.pending, newest, newest+1)
					want = []Resolved{{number, contact, p.fp, p.sent, at, Withdrawn}}
				}
			}
			if !slices.Equal(sortResolved(got), sortResolved(want)) {
				t.Fatalf("resolved %v, want %v", got, want)
			}
			if conv, known := r.Find(number, contact); known {
				if stop, stopped := r.StoppedAt(conv); stopped != (c.preferred > 0 && c.stopAt != none) || stopped && stop != c.stopAt {
					t.Fatalf("stopped %v at %d, want %+v", stopped, stop, c)
				}
			} else if c.preferred > 0 {
				t.Fatal("a preference was forgotten")
			}
			pending, pressure := 0, [2]int{}
			for k, c := range model {
				pending += len(c.pending)
				pressure[k[0]] = max(pressure[k[0]], len(c.pending))
			}
			if r.Pending() != pending || int(r.Pressure(0)) != pressure[0] || int(r.Pressure(1)) != pressure[1] {
				t.Fatalf("pending %d pressure %d %d, want %d %v", r.Pending(), r.Pressure(0), r.Pressure(1), pending, pressure)
			}
			r.Sweep(watermark, 8)
		}
	})
}

const hourMS = 60 * minute

func floorMinute(t int64) int64 { return t / minute * minute }

// TestManyPendingOfOneConversation lets 300,000 sends to one contact expire, as
// somebody makes them who watches their own service. They expire oldest first,
// from the far end of the conversation's list: a walk to it for each would be
// 10^10 steps.
func TestManyPendingOfOneConversation(t *testing.T) {
	const sends = 300_000
	var r Replies
	c := r.Open(0, 1)
	for i := range int64(sends) {
		r.Track(c, 1_760_000_000_000+i*100, 1_760_000_000_000+i*100, 7, nil)
	}
	if r.Pressure(0) != sends {
		t.Fatalf("%d pending, want %d", r.Pressure(0), sends)
	}
	expired := 0
	for tick := int64(1_760_000_040_000 + ReplyWindow - 5*minute); r.Pending() > 0 && expired <= sends; tick += minute {
		expired += len(r.Expire(tick, nil))
	}
	if expired != sends || r.Pressure(0) != 0 || r.Waiting() {
		t.Errorf("%d expired and %d are pending, want %d and none", expired, r.Pressure(0), sends)
	}
}
