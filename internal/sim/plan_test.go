package sim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/oracle/randlog"
)

// plan is a schedule: the deployment, its log and what goes wrong, all by the seed.
type plan struct {
	seed    uint64
	answers *answers
	sharedLog

	brokers            int
	rows, flags        int32 // partitions
	slots              int   // processes at a time
	maxRows, maxBytes  int
	keep               int
	flushEvery         time.Duration
	saveEvery          time.Duration
	maxWait            time.Duration
	session, rebalance time.Duration
	clockBehind        bool // the clock is behind the log, so that no time passes on idle partitions
	actions            []action
}

// sharedLog is a log, and what of a deployment decides what follows from it.
type sharedLog struct {
	lines    []line
	events   int32 // partitions
	paneBits uint8
}

// line is a record of the log to be written.
type line struct {
	text      string
	time      int64
	partition int32
}

// action is something that happens at a time of the schedule.
type action struct {
	at   time.Duration
	text string
	do   func(w *world)
}

// trigger is something that happens to a process when it does an operation for the left-th
// time from now on: before it is done, or once it is done and before the process knows.
type trigger struct {
	operation string
	left      int
	after     bool
	what      string
	do        func(p *process)
	met       bool
}

func (t *trigger) String() string {
	when := "before"
	if t.after {
		when = "after"
	}
	return fmt.Sprintf("%s %s %s", t.what, when, t.operation)
}

// trouble is what goes wrong with everything that processes do, for a while.
type trouble struct {
	latency              time.Duration
	kafka, store, insert uint64 // of a thousand operations
}

// of returns of how many of a thousand operations of a name something becomes.
func (t trouble) of(operation string) uint64 {
	switch {
	case strings.HasPrefix(operation, "store "):
		return t.store
	case operation == "insert":
		return t.insert
	}
	return t.kafka
}

// pick takes one of the choices, each as likely.
func pick[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }

// schedulesOfALog is how many schedules in a row have the same log.
const schedulesOfALog = 10

// newPlan makes the plan of a seed.
func newPlan(seed uint64, a *answers) *plan {
	r, log := rand.New(rand.NewPCG(seed, 0x51)), a.log(seed/schedulesOfALog)
	p := &plan{
		seed: seed, answers: a, sharedLog: log,
		brokers: pick(r, 1, 1, 3), rows: pick[int32](r, 1, 1, 2), flags: pick[int32](r, 1, 2),
		slots: pick(r, 1, 1, 2), maxRows: pick(r, 20, 500, 50_000), maxBytes: pick(r, 4<<10, 1<<20),
		keep: pick(r, 2, 3), flushEvery: pick(r, 200*time.Millisecond, time.Second), saveEvery: pick(r, 500*time.Millisecond, time.Second, 3*time.Second),
		maxWait: time.Second, session: 6 * time.Second, rebalance: pick(r, 6*time.Second, 15*time.Second), clockBehind: r.IntN(4) > 0,
	}
	end := time.Duration(3+r.IntN(10)) * time.Second
	p.feed(r, end)
	for range 1 + r.IntN(7) {
		p.add(time.Duration(r.Int64N(int64(end))), p.fault(r))
	}
	p.weather(r, end)
	p.retention(end)
	slices.SortStableFunc(p.actions, func(a, b action) int { return int(a.at - b.at) })
	return p
}

func (p *plan) add(at time.Duration, a action) {
	a.at = at
	p.actions = append(p.actions, a)
}

// makeLog makes the lines of a log, some hundred at most, and says on which partition each
// is to be.
func makeLog(r *rand.Rand, seed uint64, partitions int32) []line {
	text := randlog.Log(seed)
	text = text[:min(len(text), 40+r.IntN(160))]
	var all []line
	clocks, seen := make([]int64, partitions), map[string]int64{}
	first, last, span := int64(0), int64(0), pick(r, time.Hour, 3*time.Hour, 3*time.Hour, 6*time.Hour, 6*time.Hour, 12*time.Hour, 12*time.Hour, time.Duration(pick(r, 24, 24, 24, 96))*time.Hour)
	for _, t := range text {
		var says struct {
			RecordTime *int64 `json:"_record_time"`
			Time       any    `json:"time"`
			Number     string `json:"number_id"`
			ID         string `json:"id"`
		}
		if json.Unmarshal([]byte(t), &says) == nil {
			switch at := says.Time.(type) {
			case float64:
				last = int64(at)
			case string:
				if parsed, err := time.Parse(time.RFC3339, at); err == nil {
					last = parsed.UnixMilli()
				}
			}
			if says.RecordTime != nil {
				last = *says.RecordTime
			}
		}
		if first == 0 {
			first = last
		}
		if len(all) >= 60 && last-first > span.Milliseconds() { // the model is slow where much time passes
			break
		}
		partition := int32(0)
		if says.Number != "" {
			partition = int32(len(says.Number)+int(says.Number[len(says.Number)-1])) % partitions
		} else if partitions > 1 {
			partition = r.Int32N(partitions)
		}
		clocks[partition] = max(clocks[partition], last)
		if at, again := seen[says.ID]; again && clocks[partition]-at > 3_000_000 && partitions > 1 {
			continue // by the clock of its partition it comes when the contract leaves open whether it counts
		} else if !again {
			seen[says.ID] = clocks[partition]
		}
		all = append(all, line{t, max(last, 0), partition})
	}
	return all
}

// feed spreads the log over the schedule.
func (p *plan) feed(r *rand.Rand, end time.Duration) {
	largest := pick(r, 5, 40, 200)
	at := time.Duration(0)
	for rest := p.lines; len(rest) > 0; {
		n := min(len(rest), 1+r.IntN(largest))
		some := rest[:n]
		rest = rest[n:]
		p.add(at, action{text: fmt.Sprintf("%d records", n), do: func(w *world) { w.produce(some) }})
		at += time.Duration(r.Int64N(max(1, 2*int64(end-at)*int64(n)/int64(n+len(rest)))))
		at = min(at, end)
	}
}

// weather makes the trouble of the schedule: slow all the time, and bad for a while.
func (p *plan) weather(r *rand.Rand, end time.Duration) {
	calm := trouble{latency: pick(r, time.Millisecond, 20*time.Millisecond, 150*time.Millisecond)}
	p.add(0, weatherOf(calm))
	if r.IntN(3) == 0 {
		return
	}
	bad := trouble{
		latency: calm.latency, kafka: pick[uint64](r, 0, 10, 60, 200), store: pick[uint64](r, 0, 20, 200), insert: pick[uint64](r, 0, 100, 500),
	}
	from := time.Duration(r.Int64N(int64(end)))
	p.add(from, weatherOf(bad))
	p.add(from+time.Duration(r.Int64N(int64(end-from)+1)), weatherOf(calm))
}

// retention has brokers delete the beginning of a log here and there, of what everybody has read: by a seed of its own, so
// that the rest of the schedule is the same with it and without.
func (p *plan) retention(end time.Duration) {
	r := rand.New(rand.NewPCG(p.seed, 0xc07))
	for range pick(r, 0, 0, 1, 1, 3) {
		topic, partitions, share := topicEvents, p.events, pick(r, 0.5, 1, 1)
		if r.IntN(3) == 0 {
			topic, partitions = topicRows, p.rows
		}
		partition := r.Int32N(partitions)
		p.add(end/4+time.Duration(r.Int64N(int64(3*end/4))), action{
			text: fmt.Sprintf("retention deletes %.0f %% of what was read of %s partition %d", 100*share, topic, partition),
			do:   func(w *world) { w.cut(topic, partition, share) },
		})
	}
}

func weatherOf(t trouble) action {
	return action{
		text: fmt.Sprintf("of a thousand operations something becomes of %d of the broker's, %d of the disk's, %d inserts, latency %v", t.kafka, t.store, t.insert, t.latency),
		do:   func(w *world) { w.setTrouble(t) },
	}
}

// operations are those at which a trigger may be met.
var operations = []string{
	"Produce " + topicFlags, "Produce " + topicFlags, "Produce " + topicRows, "Produce " + topicRows, "Produce " + topicLetters, "Produce " + topicEvents,
	"OffsetCommit", "OffsetCommit", "Fetch", "JoinGroup", "SyncGroup", "Heartbeat", "InitProducerID", "LeaveGroup", "insert", "insert",
	"store " + checkpoint.StepWrite, "store " + checkpoint.StepSync, "store " + checkpoint.StepLink, "store " + checkpoint.StepUnlink,
	"store " + checkpoint.StepSyncFolders, "store " + checkpoint.StepSyncFolders, "store " + checkpoint.StepList, "store " + checkpoint.StepRead, "store " + checkpoint.StepRemove,
}

// fault makes one thing that goes wrong.
func (p *plan) fault(r *rand.Rand) action {
	slot, long := r.IntN(p.slots), time.Duration(r.Int64N(int64(15*time.Second)))
	switch r.IntN(12) {
	case 0:
		return action{text: fmt.Sprintf("kill %c", 'A'+slot), do: func(w *world) { w.kill(slot) }}
	case 1, 2, 3:
		return p.armed(r, slot, fmt.Sprintf("kill %c", 'A'+slot), func(q *process) { q.kill() })
	case 4:
		return action{text: fmt.Sprintf("pause %c for %v", 'A'+slot, long), do: func(w *world) { w.pause(w.slots[slot], long) }}
	case 5, 6:
		return p.armed(r, slot, fmt.Sprintf("pause %c for %v", 'A'+slot, long), func(q *process) { q.world.pause(q, long) })
	case 7:
		return action{text: fmt.Sprintf("stop %c in good order", 'A'+slot), do: func(w *world) { w.stop(slot) }}
	case 8:
		seed := r.Uint64()
		if r.IntN(2) == 0 {
			return p.armed(r, slot, "power cut", func(q *process) { q.world.powerCut(seed) })
		}
		return action{text: "power cut", do: func(w *world) { w.powerCut(seed) }}
	case 9:
		return action{text: "leaders and coordinators move", do: func(w *world) {
			w.cluster.ShufflePartitionLeaders()
			w.cluster.RehashCoordinators()
		}}
	case 10:
		topic, partition, seed := pick(r, topicEvents, topicRows), r.IntN(2), r.Uint64()
		return action{text: fmt.Sprintf("damage the newest state of %s partition %d", topic, partition), do: func(w *world) {
			w.disk.rot(rand.New(rand.NewPCG(seed, 1)), topic, partition)
		}}
	default:
		return p.brokerFault(r)
	}
}

// armed makes an action that arms a trigger.
func (p *plan) armed(r *rand.Rand, slot int, what string, do func(*process)) action {
	t := trigger{operation: pick(r, operations...), left: 1 + r.IntN(pick(r, 1, 3, 10)), after: r.IntN(2) == 0, what: what, do: do}
	return action{text: fmt.Sprintf("at operation %d of this name: %s", t.left, &t), do: func(w *world) { w.arm(slot, &t) }}
}

// brokerFault makes the broker answer some requests with an error.
func (p *plan) brokerFault(r *rand.Rand) action {
	f := pick(r,
		kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topicFlags, Err: pick(r, kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend, kerr.RequestTimedOut)},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topicRows, Err: pick(r, kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend, kerr.RequestTimedOut)},
		kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: pick(r, "numbers", "portfolios", "sink"), Err: pick(r, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.RebalanceInProgress, kerr.RequestTimedOut)},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: pick(r, "numbers", "portfolios", "sink"), TopLevel: true, Err: pick(r, kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.NotCoordinator, kerr.RebalanceInProgress)},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: pick(r, topicEvents, topicRows), Err: pick(r, kerr.NotLeaderForPartition, kerr.UnknownServerError, kerr.OffsetNotAvailable)},
	)
	f.Count = 1 + r.IntN(12)
	return action{text: fmt.Sprintf("%d times %v of %s%s answered with %s", f.Count, f.Keys[0].Name(), f.Topic, f.Group, f.Err.Message), do: func(w *world) { w.faults = append(w.faults, w.cluster.Fault(f)) }}
}

// String returns the plan in lines.
func (p *plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d records, partitions: events %d, rows %d, flags %d; %d brokers, %d processes; panes of 2^%d, %d rows at most, fetches of %d bytes, flush every %v, save every %v, keep %d, session %v, rebalance %v, clock behind: %v\n",
		p.seed, len(p.lines), p.events, p.rows, p.flags, p.brokers, p.slots, p.paneBits, p.maxRows, p.maxBytes, p.flushEvery, p.saveEvery, p.keep, p.session, p.rebalance, p.clockBehind)
	for _, a := range p.actions {
		fmt.Fprintf(&b, "%10v %s\n", a.at.Round(time.Millisecond), a.text)
	}
	return b.String()
}
