package sim

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

var outages = flag.Int("outages", 1, "how many logs TestOutage plays")

// outage is for how long ClickHouse is away: twice as long as it remembers the inserts that it
// has taken, by which it would know one that is repeated.
const outage = 2 * time.Hour

// TestOutage has ClickHouse refuse everything for two hours. The insert before that is stored
// and its answer lost, and so is the first one after it, of a process that dies of it: both are
// repeated when nobody remembers them. Nothing may be missing then, and nothing else be there.
// Meanwhile the other roles go on, and the process is stopped and started again.
func TestOutage(t *testing.T) {
	for i := range *outages {
		seed := uint64(12 + i)
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { playOutage(t, outagePlan(seed)) })
		})
	}
}

// outagePlan writes a part of the log before the outage, one in the middle of it, and one after.
func outagePlan(seed uint64) *plan {
	p := &plan{
		seed: seed, answers: newAnswers(), brokers: 1, rows: 2, flags: 2, slots: 1, maxRows: 500, maxBytes: 1 << 20, keep: 2,
		flushEvery: time.Second, saveEvery: 20 * time.Second, maxWait: time.Second, session: 30 * time.Second, rebalance: 30 * time.Second, clockBehind: true,
	}
	p.sharedLog = sharedLog{makeLog(rand.New(rand.NewPCG(seed, 0x2b7e)), seed, 2), 2, 6}
	p.add(0, weatherOf(trouble{latency: 20 * time.Millisecond}))
	n := len(p.lines)
	for at, some := range map[time.Duration][]line{0: p.lines[:n/3], outage / 2: p.lines[n/3 : 2*n/3], outage: p.lines[2*n/3:]} {
		p.add(at+20*time.Second, action{text: fmt.Sprintf("%d records", len(some)), do: func(w *world) { w.produce(some) }})
	}
	slices.SortStableFunc(p.actions, func(a, b action) int { return int(a.at - b.at) })
	return p
}

// playOutage plays it.
func playOutage(t *testing.T, p *plan) {
	w := newWorld(t, p)
	defer w.close()
	before, meanwhile := 0, 0
	gone := &trigger{operation: "insert", left: 2, after: true, what: "ClickHouse goes away", do: func(q *process) {
		q.world.warehouse.away.Store(true)
	}}
	back := &trigger{operation: "insert", left: 1, after: true, what: "kill", do: func(q *process) { q.kill() }}
	p.add(10*time.Second, action{text: "the second insert from now on is the last", do: func(w *world) {
		w.arm(0, gone)
	}})
	p.add(time.Minute, action{text: "ClickHouse is away", do: func(w *world) {
		w.warehouse.away.Store(true)
		before = w.rowsWritten()
	}})
	p.add(outage/2+time.Minute, action{text: "stop a process", do: func(w *world) { w.stop(0) }})
	p.add(outage/2+3*time.Minute, action{text: "look", do: func(w *world) { meanwhile = w.rowsWritten() }})
	p.add(outage+time.Minute, action{text: "ClickHouse is back, and a process dies of its first insert", do: func(w *world) {
		if meanwhile <= before {
			w.fail("nothing went on while ClickHouse was away")
		}
		w.warehouse.repeated = 0
		w.warehouse.away.Store(false)
		w.arm(0, back)
	}})
	p.add(outage+2*time.Minute, action{text: "the end", do: func(*world) {}})
	slices.SortStableFunc(p.actions, func(a, b action) int { return int(a.at - b.at) })
	w.run()
	w.heal()
	w.converge()
	w.judge()
	if w.problem != "" {
		t.Errorf("%s\n%s\nwhat happened:\n%s", w.problem, p, w.story())
	}
	if !back.met || w.warehouse.repeated == 0 {
		t.Errorf("after the outage a process died of an insert: %v; %d rows were stored again; want it to be so", back.met, w.warehouse.repeated)
	}
	t.Logf("%d rows stored, %d of them again after %v; read to the end %v after it", len(w.warehouse.says), w.warehouse.repeated, outage, w.took)
}

// rowsWritten returns how many records the rows topic has.
func (w *world) rowsWritten() int {
	n := 0
	for _, end := range w.ends(topicRows) {
		n += int(end)
	}
	return n
}
