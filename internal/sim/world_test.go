package sim

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"sendwatch/internal/embedded/memkafka"
	"sendwatch/internal/kafka"
	"sendwatch/internal/policy"
)

// shippedPolicy is the policy of all schedules.
var shippedPolicy = sync.OnceValue(policy.Default)

// world is a deployment in a bubble.
type world struct {
	t         *testing.T
	plan      *plan
	network   kfake.VirtualNetwork
	brokers   []string
	cluster   *kfake.Cluster
	client    *kgo.Client // of the test itself: nothing goes wrong with it
	folder    string
	disk      *disk
	warehouse *warehouse
	begun     time.Time
	healed    chan struct{} // closed when nothing goes wrong any more

	faults    []*kfake.FaultHandle
	ghosts    ghosts
	slots     []*process                 // that live, or have died and are to be started again
	processes []*process                 // all there ever were
	deleted   map[string][][]*kgo.Record // what retention deleted, by topic and partition
	lost      lostRange                  // what it deleted before the numbers role had read it
	groups    map[string][]int64         // the offsets of each group when they were looked at last
	born      int

	// lateCommit says that a commit which its process has given up reached the broker late. It
	// may take an offset back within a generation: nothing depends on it but the lag that is
	// shown, and what the sink inserts a second time.
	lateCommit atomic.Bool

	mu      sync.Mutex
	bad     trouble
	restart []time.Time   // by slot: when to start it again
	took    time.Duration // from the last fault until all was ready and read
	problem string        // the first violation that was seen while it ran
	journal []string
}

func newWorld(t *testing.T, p *plan) *world {
	w := &world{
		t: t, plan: p, folder: folderOf(t), warehouse: &warehouse{table: newTable()}, begun: time.Now(), healed: make(chan struct{}),
		groups: map[string][]int64{}, deleted: map[string][][]*kgo.Record{}, slots: make([]*process, p.slots), restart: make([]time.Time, p.slots),
	}
	w.disk = newDisk(w)
	ports := make([]int, p.brokers)
	for i := range ports {
		ports[i] = 9092 + i
		w.brokers = append(w.brokers, fmt.Sprint("localhost:", ports[i]))
	}
	topic := func(name string, partitions int32) memkafka.Topic {
		return memkafka.Topic{Name: name, Partitions: partitions, Config: map[string]string{"message.timestamp.after.max.ms": "9223372036854775807"}}
	}
	broker, err := memkafka.Start(memkafka.Config{
		Topics: []memkafka.Topic{topic(topicEvents, p.events), topic(topicFlags, p.flags), topic(topicRows, p.rows), topic(topicLetters, 1)},
		Options: []kfake.Opt{
			kfake.NumBrokers(p.brokers), kfake.Ports(ports...), kfake.ListenFn(w.network.Listen), kfake.GroupMinSessionTimeout(time.Second),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.cluster = broker.Cluster()
	if w.client, err = kgo.NewClient(kgo.SeedBrokers(w.brokers...), kgo.Dialer(w.network.DialContext), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.DisableClientMetrics()); err != nil {
		t.Fatal(err)
	}
	w.watchCommits()
	w.watchWrites()
	w.ghosts.watch(w)
	return w
}

// memory is a file system in memory, where Linux has one.
const memory = "/dev/shm"

// folderOf returns an empty folder for a store of checkpoints: what a power cut leaves is told by
// what was synced, so that it need not lie on a disk, on which new files are dear.
func folderOf(t *testing.T) string {
	folder, err := os.MkdirTemp(memory, "sendwatch-sim-") //nolint:usetesting // not on a disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Errorf("remove the store: %v", err)
		}
	})
	return folder
}

// close ends everything in the bubble.
func (w *world) close() {
	for _, p := range w.processes {
		p.kill()
	}
	for _, p := range w.processes {
		<-p.ended
	}
	w.client.Close()
	w.cluster.Close()
}

// now is the wall clock of the processes.
func (w *world) now() time.Time {
	base := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)
	if !w.plan.clockBehind {
		base = time.UnixMilli(w.plan.lines[len(w.plan.lines)-1].time)
	}
	return base.Add(time.Since(w.begun))
}

// note writes to the journal of the schedule.
func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.journal = append(w.journal, fmt.Sprintf("%10v ", time.Since(w.begun).Round(time.Millisecond))+fmt.Sprintf(format, args...))
}

// story returns the journal.
func (w *world) story() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.journal, "\n")
}

// Write takes a line of a process's log.
func (w *world) Write(b []byte) (int, error) {
	w.note("%s", strings.TrimSpace(string(b)))
	return len(b), nil
}

// fail records a violation.
func (w *world) fail(format string, args ...any) {
	w.note("VIOLATION: "+format, args...)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.problem == "" {
		w.problem = fmt.Sprintf(format, args...)
	}
}

func (w *world) trouble() trouble {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bad
}

func (w *world) setTrouble(t trouble) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bad = t
}

// produce writes lines to the events topic.
func (w *world) produce(lines []line) {
	var records []*kgo.Record
	for _, l := range lines {
		records = append(records, &kgo.Record{Topic: topicEvents, Partition: l.partition, Value: []byte(l.text), Timestamp: time.UnixMilli(l.time)})
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		w.fail("write events: %v", err)
	}
}

// arm arms a trigger of the process in a slot.
func (w *world) arm(slot int, t *trigger) {
	p := w.slots[slot]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = append(p.armed, t)
}

func (w *world) kill(slot int) { w.slots[slot].kill() }

// stop stops a process in good order.
func (w *world) stop(slot int) { w.slots[slot].cancel() }

// pause stops a process for a while.
func (w *world) pause(p *process, d time.Duration) {
	p.pause()
	time.AfterFunc(d, p.resume)
}

// powerCut kills all processes and loses what their disk was not asked to sync.
func (w *world) powerCut(seed uint64) {
	for _, p := range w.slots {
		p.kill()
	}
	w.disk.powerCut(rand.New(rand.NewPCG(seed, 2)))
}

// tend looks at the deployment, and starts processes again some time after they have ended.
func (w *world) tend(most time.Duration) {
	w.watchGroups()
	w.watchHealth()
	w.ghosts.lay(w)
	for slot, p := range w.slots {
		select {
		case <-p.dying:
		case <-p.ended:
		default:
			continue
		}
		switch at := w.restart[slot]; {
		case at.IsZero():
			w.restart[slot] = time.Now().Add(time.Duration(float64(most) * float64((w.plan.seed*7+uint64(w.born)*13)%10) / 10))
		case !time.Now().Before(at):
			w.restart[slot] = time.Time{}
			p.cancel()
			w.note("start %s again", p.name)
			w.start(slot)
		}
	}
}

// run plays the schedule until its last action.
func (w *world) run() {
	for slot := range w.slots {
		w.start(slot)
	}
	for _, a := range w.plan.actions {
		for until := w.begun.Add(a.at); time.Now().Before(until); {
			elapse(min(time.Until(until), time.Second))
			w.tend(4 * time.Second)
		}
		w.note("%s", a.text)
		a.do(w)
	}
}

// heal ends all that goes wrong.
func (w *world) heal() {
	w.note("from now on nothing goes wrong")
	w.setTrouble(trouble{})
	close(w.healed)
	for _, f := range w.faults {
		f.Remove()
	}
	for _, p := range w.processes {
		p.mu.Lock()
		p.armed = nil
		p.mu.Unlock()
		p.resume()
	}
	w.tend(0)
	w.tend(0)
}

// ends returns the ends of a topic's partitions.
func (w *world) ends(topic string) []int64 {
	infos := w.cluster.PartitionInfos(topic)
	ends := make([]int64, len(infos))
	for _, i := range infos {
		ends[i.Partition] = i.HighWatermark
	}
	return ends
}

// cut has brokers delete the beginning of a partition: a share of what each group has committed, since that a newer
// checkpoint or nobody needs.
func (w *world) cut(topic string, partition int32, share float64) {
	infos := w.cluster.PartitionInfos(topic)
	if int(partition) >= len(infos) || w.lateCommit.Load() || w.disk.isRotten(topic, int(partition)) {
		return // a group that goes back behind what it has committed needs it
	}
	start, to := w.logStart(topic, partition), int64(math.MaxInt64)
	for group, of := range topicOf {
		if of == topic {
			to = min(to, w.committed(group)[partition])
		}
	}
	if to = start + int64(share*float64(to-start)); to <= start {
		return
	}
	w.mu.Lock()
	if w.deleted[topic] == nil {
		w.deleted[topic] = make([][]*kgo.Record, len(infos))
	}
	w.mu.Unlock()
	for _, r := range w.records(topic)[partition] {
		if r.Offset >= start && r.Offset < to {
			w.deleted[topic][partition] = append(w.deleted[topic][partition], r)
		}
	}
	w.disk.spare(topic, int(partition))
	if err := w.cluster.DeleteRecords(topic, partition, to); err != nil {
		w.fail("delete records: %v", err)
	}
	w.plan.answers.cuts.Add(1)
	w.note("%s partition %d begins at %d now, not at %d", topic, partition, to, start)
}

// logStart returns the first offset of a partition.
func (w *world) logStart(topic string, partition int32) (start int64) {
	for _, i := range w.cluster.PartitionInfos(topic) {
		if i.Partition == partition {
			start = i.LogStartOffset
		}
	}
	return start
}

// hasCut reports whether records were deleted.
func (w *world) hasCut() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.deleted) > 0
}

// records returns all records that a topic ever had, by partition, read by an independent client.
func (w *world) records(topic string) [][]*kgo.Record {
	ends := w.ends(topic)
	all := make([][]*kgo.Record, len(ends))
	for p, deleted := range w.deleted[topic] {
		all[p] = slices.Clone(deleted)
	}
	from := map[int32]kgo.Offset{}
	left := int64(0)
	for p, end := range ends {
		if n := end - w.logStart(topic, int32(p)); n > 0 {
			from[int32(p)] = kgo.NewOffset().AtStart()
			left += n
		}
	}
	if left == 0 {
		return all
	}
	w.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	defer w.client.PurgeTopicsFromConsuming(topic)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for left > 0 {
		fetches := w.client.PollFetches(ctx)
		if ctx.Err() != nil {
			w.fail("read %s: %v", topic, fetches.Err())
			return all
		}
		fetches.EachRecord(func(r *kgo.Record) {
			all[r.Partition] = append(all[r.Partition], r)
			left--
		})
	}
	return all
}

// identity returns which log a topic is, as claims name it.
func (w *world) identity(ctx context.Context, topic string) (string, error) {
	client, err := kafka.New(kafka.Config{Brokers: w.brokers, Dial: w.network.DialContext, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return "", err
	}
	defer client.Close()
	return client.NewProducer().Identity(ctx, topic)
}
