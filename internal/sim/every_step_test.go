package sim

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestEveryStep dies at each durable step of a cycle: before and after every write, every step of a
// checkpoint, every commit and every insert that a process makes of some new records, by a
// kill and by a power cut.
func TestEveryStep(t *testing.T) {
	a := newAnswers()
	for _, seed := range []uint64{12, 33} {
		steps := countSteps(t, seed, a)
		total := 0
		for _, operation := range slices.Sorted(maps.Keys(steps)) {
			for n := range steps[operation] {
				for _, after := range []bool{false, true} {
					for _, what := range []string{"kill", "power cut"} {
						total++
						name := strings.ReplaceAll((&trigger{operation: operation, after: after, what: what}).String(), " ", "_")
						t.Run(fmt.Sprintf("%d %s %d", seed, name, n+1), func(t *testing.T) {
							t.Parallel()
							dieAt(t, seed, a, trigger{operation: operation, left: n + 1, after: after, what: what})
						})
					}
				}
			}
		}
		t.Logf("seed %d: %d deaths at %v", seed, total, steps)
		if steps["Produce "+topicFlags] == 0 || steps["OffsetCommit"] == 0 || steps["store link"] == 0 || steps["insert"] == 0 {
			t.Errorf("a cycle of seed %d has the steps %v, want flags, a checkpoint, a commit and an insert", seed, steps)
		}
	}
}

// dieAt plays a cycle whose process dies at one step. How many steps there are varies with the order of goroutines, a commit more
// or less: a cycle without this one is played again.
func dieAt(t *testing.T, seed uint64, a *answers, at trigger) {
	for range 20 {
		trig := at
		trig.do = func(q *process) { q.kill() }
		if at.what == "power cut" {
			trig.do = func(q *process) { q.world.powerCut(seed) }
		}
		p := cyclePlan(seed, a)
		p.add(secondPart, action{text: fmt.Sprintf("at operation %d of this name: %s", trig.left, &trig), do: func(w *world) { w.arm(0, &trig) }})
		slices.SortStableFunc(p.actions, func(a, b action) int { return int(a.at - b.at) })
		if play(t, p, "TestEveryStep"); trig.met || t.Failed() {
			return
		}
	}
	t.Error("it did not come to this step")
}

// secondPart is when the second half of the log comes, which the cycle is of.
const secondPart = 6 * time.Second

// cyclePlan is one process, one partition of each topic, and a log in two halves.
func cyclePlan(seed uint64, a *answers) *plan {
	p := &plan{
		seed: seed, answers: a, brokers: 1, rows: 1, flags: 1, slots: 1, maxRows: 500, maxBytes: 1 << 20, keep: 2,
		flushEvery: time.Second, saveEvery: 2 * time.Second, maxWait: time.Second, session: 6 * time.Second, rebalance: 6 * time.Second, clockBehind: true,
	}
	p.sharedLog = sharedLog{makeLog(rand.New(rand.NewPCG(seed, 0x57e9)), seed, 1), 1, 6}
	p.add(0, weatherOf(trouble{latency: 20 * time.Millisecond}))
	for i, some := range [][]line{p.lines[:len(p.lines)/2], p.lines[len(p.lines)/2:]} {
		p.add(time.Duration(i)*secondPart, action{text: fmt.Sprintf("%d records", len(some)), do: func(w *world) { w.produce(some) }})
	}
	p.add(secondPart+6*time.Second, action{text: "the end of the cycle", do: func(*world) {}})
	return p
}

// countSteps plays the plan without faults and counts what makes something durable in the
// cycle.
func countSteps(t *testing.T, seed uint64, a *answers) map[string]int {
	steps := map[string]int{}
	t.Run(fmt.Sprint("steps of ", seed), func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := cyclePlan(seed, a)
			var before map[string]int
			p.add(secondPart, action{text: "count", do: func(w *world) { before = w.slots[0].counted() }})
			slices.SortStableFunc(p.actions, func(a, b action) int { return int(a.at - b.at) })
			w := newWorld(t, p)
			defer w.close()
			w.run()
			for operation, n := range w.slots[0].counted() {
				durable := strings.HasPrefix(operation, "Produce ") || strings.HasPrefix(operation, "store ") || operation == "OffsetCommit" || operation == "insert"
				if n -= before[operation]; durable && n > 0 {
					steps[operation] = n
				}
			}
			w.heal()
			w.converge()
			if w.judge(); w.problem != "" {
				t.Fatal(w.problem)
			}
		})
	})
	return steps
}

// counted returns how often a process has done each operation.
func (p *process) counted() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}
