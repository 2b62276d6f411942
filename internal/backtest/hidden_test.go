package backtest

import (
	"math"
	"math/rand/v2"
	"testing"

	"sendwatch/internal/event"
	"sendwatch/internal/traffic"
)

// certain returns a judge without luck, whose limits are those published.
func certain(official bool) *judge {
	j := newJudge(rand.New(rand.NewPCG(1, 1)), official, 0)
	j.pace, j.text, j.file, j.replies, j.blocks, j.invalid, j.volume, j.luck = 1, 1, 1, 1, 1, 1, 1, 1
	j.patience = math.Inf(1)
	return j
}

// send lets a judge see n messages, one every gap, to as many contacts, the first
// replies of which answer a minute later.
func send(j *judge, n int, gap int64, replies int, fingerprint func(i int) uint64) int64 {
	t := 100 * day
	for i := range n {
		t += gap
		j.watch(&event.Event{
			Type: event.TypeSent, Kind: event.KindText, Fingerprint: fingerprint(i),
		}, of(i, t))
		if i%n < replies {
			j.watch(&event.Event{Type: event.TypeReceived}, of(i, t+gap/2))
		}
	}
	return t
}

// of is a record that is about the i-th contact and arrives at t.
func of(i int, t int64) *traffic.Record {
	return &traffic.Record{Time: t, Hidden: traffic.Hidden{Contact: uint64(i) + 1}}
}

func differs(i int) uint64 { return uint64(i) + 1 }
func same(int) uint64      { return 1 }

// TestHazardsFollowTheirCause drives each limit alone.
func TestHazardsFollowTheirCause(t *testing.T) {
	for _, c := range []struct {
		name     string
		official bool
		n        int
		gap      int64
		replies  int
		text     func(int) uint64
		want     []Cause
	}{
		{name: "a shop", n: 60, gap: 17 * minute, replies: 60, text: differs},
		{name: "twice the pace", n: 240, gap: 30*second + 1, replies: 240, text: differs, want: []Cause{CausePace, CauseTimer}},
		{name: "one text to 30 in an hour", n: 60, gap: 2 * minute, replies: 60, text: same, want: []Cause{CauseSameText, CauseTimer}},
		{name: "nobody answers", n: 100, gap: 40 * minute, text: differs},
		{name: "an official campaign", official: true, n: 2000, gap: second, replies: 200, text: same},
	} {
		j := certain(c.official)
		at := send(j, c.n, c.gap, c.replies, c.text)
		got := j.hazards(at)
		for cause := range numCauses {
			wanted := false
			for _, w := range c.want {
				wanted = wanted || w == cause
			}
			if (got[cause] > 0) != wanted {
				t.Errorf("%s: hazard of %s is %g, wanted: %v", c.name, cause, got[cause], wanted)
			}
		}
	}
}

// TestSilenceTakesTwoDays lets messages go unanswered: nothing is held against
// the number until 48 hours have passed, then much.
func TestSilenceTakesTwoDays(t *testing.T) {
	j := certain(false)
	at := send(j, 60, 20*minute, 0, differs)
	if h := j.hazards(at)[CauseSilence]; h != 0 {
		t.Errorf("hazard %g before anything was left unanswered for 48 h", h)
	}
	j.pass(at + 49*hour)
	if h := j.hazards(at + 49*hour)[CauseSilence]; h != silenceHazard*8 {
		t.Errorf("hazard %g after 48 h, want the most there is, %g", h, silenceHazard*8)
	}
}

// TestBlocksWeighByShare counts blocks against sends.
func TestBlocksWeighByShare(t *testing.T) {
	for blocks, want := range map[int]bool{1: false, 2: false, 8: true} {
		j := certain(true)
		at := send(j, 200, 10*minute, 200, differs)
		for range blocks {
			j.watch(&event.Event{Type: event.TypeBlock}, of(0, at))
		}
		if got := j.hazards(at)[CauseComplaints] > 0; got != want {
			t.Errorf("%d blocks in 200 messages weigh: %v, want %v", blocks, got, want)
		}
	}
}

// TestPatienceEnds restricts at the hazard that was drawn, names what weighed
// most, and starts again.
func TestPatienceEnds(t *testing.T) {
	j := certain(false)
	j.patience = .4
	refused := &event.Event{Type: event.TypeStatus, Status: event.StatusFailed, ErrorCode: event.CodeSpam}
	for i := range int64(3) {
		if _, hit := j.watch(refused, of(0, 50*day+i*second)); hit {
			t.Fatalf("restricted after %d refusals of %g each, with a patience of .4", i, refusalShock)
		}
	}
	cause, hit := j.watch(refused, of(0, 50*day+minute))
	if !hit || cause != CauseRefusals {
		t.Errorf("restricted: %v for %s, want refusals", hit, cause)
	}
	j.again()
	if _, hit := j.watch(refused, of(0, 50*day+2*minute)); hit || j.strikes != 1 || j.susceptible(50*day+2*minute) != 2 {
		t.Errorf("after a strike: restricted %v, strikes %d, susceptible %g; want false, 1, 2", hit, j.strikes, j.susceptible(0))
	}
}

// TestFloor restricts about one number in 2,500 a day for no reason.
func TestFloor(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	hits, numbers := 0, 20_000
	for range numbers {
		j := newJudge(rng, false, 0)
		for d := range int64(26) {
			if _, hit := j.pass((200 + d) * day); hit {
				hits++
				break
			}
		}
	}
	if want := float64(numbers) * (1 - math.Exp(-25./2500)); math.Abs(float64(hits)-want) > 60 {
		t.Errorf("%d of %d idle numbers restricted in 25 days, want about %.0f", hits, numbers, want)
	}
}

func TestExcess(t *testing.T) {
	for x, want := range map[float64]float64{0: 0, 1: 0, 2: 3, 3: 8, 100: 8, math.Inf(1): 8} {
		if got := excess(x); got != want {
			t.Errorf("excess(%g) = %g, want %g", x, got, want)
		}
	}
	if got := excess(math.NaN()); got != 0 {
		t.Errorf("excess of nothing = %g", got)
	}
}

// TestMemoryIsBounded feeds what never repeats: what has faded is forgotten.
func TestMemoryIsBounded(t *testing.T) {
	var k keyed
	var r recall
	most, queue := 0, 0
	for i := range 200_000 {
		at := int64(i) * minute
		k.add(uint64(i), at, hour)
		r.put(uint64(i), at)
		r.expire(at - 48*hour)
		most, queue = max(most, len(k.meters)), max(queue, len(r.queue))
	}
	if most > 1000 || queue > 8000 || len(r.times) > 48*60+1 {
		t.Errorf("%d meters, %d in the queue, %d remembered; want at most 1000, 8000, 2881", most, queue, len(r.times))
	}
	if n := r.expire(1 << 60); n == 0 || len(r.times) != 0 {
		t.Errorf("%d expired at the end, %d left", n, len(r.times))
	}
}

// TestMeterFades checks a count against the closed form.
func TestMeterFades(t *testing.T) {
	var m meter
	for i := range int64(100) {
		m.add(i*minute, 1, hour)
	}
	// The sum of a geometric series: 1/60 of an hour between two.
	q := math.Exp(-1. / 60)
	want := (1 - math.Pow(q, 100)) / (1 - q)
	if got := m.now(99*minute, hour); math.Abs(got-want) > 1e-9 {
		t.Errorf("meter stands at %g, want %g", got, want)
	}
	if got := m.now(99*minute+hour, hour); math.Abs(got-want/math.E) > 1e-9 {
		t.Errorf("an hour later it stands at %g, want %g", got, want/math.E)
	}
}
