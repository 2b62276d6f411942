package pipeline

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// costTurn is how many records a process applies before it is the next one's turn: some seconds.
const costTurn = 200_000

// costChild names the environment variable that makes the benchmark one of its processes.
const costChild = "SENDWATCH_CHECKPOINTS_COST"

// BenchmarkCheckpoints is what checkpoints cost a numbers partition that catches up: three processes apply
// the same b.N records by turns, one of them with checkpoints in a folder. The other two are alike, and yet not as fast: where its
// memory lies makes a process one or two percent slower or quicker for all its life. What counts is their processor time, and it is
// their clock as well: the time between two checkpoints is processor time that passes on nothing else, however
// busy the machine is. It wants some seconds of it for a checkpoint and several checkpoints:
//
//	GOMAXPROCS=1 go test ./internal/pipeline -run none -bench BenchmarkCheckpoints -benchtime 10000000x -timeout 2h
//
// In grows nothing is forgotten: all records are of a few hours, and the state grows with each. In steady records are
// a quarter of a second apart, so that after a tenth of them as much is forgotten as is new.
// cost-% is how much more the one with checkpoints has used than the others, apart-% how much more one of these than the other, B/record
// what it has written, saves how often, ms/save what one has cost, MB how large the last one was. The few that come in such a run cost less than two
// processes may be apart. With SENDWATCH_CHECKPOINTS_EVERY=133ms one comes every two seconds, since patience is at its end then
// whatever they cost: that says what a save costs, from which follows what those cost that come when they are due.
func BenchmarkCheckpoints(b *testing.B) {
	for _, c := range []struct {
		name string
		rate int // records a second of their own time
	}{{"grows", 200}, {"steady", 4}} {
		b.Run(c.name, func(b *testing.B) {
			if kind := os.Getenv(costChild); kind != "" {
				checkpointedTurns(b, kind, c.rate)
			}
			if b.N == 1 { // the framework's first look
				return
			}
			with, without, alike := startTurns(b, "with"), startTurns(b, "without"), startTurns(b, "without")
			all := []*turns{with, without, alike}
			for left, turn := b.N, 0; left > 0; turn++ {
				n := min(left, costTurn)
				left -= n
				for i := range all {
					all[(turn+i)%len(all)].take(b, n)
				}
			}
			plain := (without.used + alike.used) / 2
			if with.saves == 0 {
				b.Error("no checkpoint was saved: more records are needed")
			}
			b.ReportMetric(float64(plain)/float64(b.N), "plain-cpu-ns/record")
			b.ReportMetric(float64(with.used)/float64(b.N), "cpu-ns/record")
			b.ReportMetric(100*(float64(with.used)/float64(plain)-1), "cost-%")
			b.ReportMetric(100*(float64(max(without.used, alike.used))/float64(min(without.used, alike.used))-1), "apart-%")
			b.ReportMetric(float64(with.bytes)/float64(b.N), "B/record")
			b.ReportMetric(float64(with.saves), "saves")
			b.ReportMetric((with.used-plain).Seconds()*1000/float64(with.saves), "ms/save")
			b.ReportMetric(float64(with.newest)/1e6, "MB")
		})
	}
}

// turns is one of the processes, and what it has used so far.
type turns struct {
	to            io.Writer
	from          *bufio.Reader
	used          time.Duration
	saves         int
	bytes, newest int64
}

func startTurns(b *testing.B, kind string) *turns {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^$", "-test.bench=^BenchmarkCheckpoints$/^"+b.Name()[strings.LastIndexByte(b.Name(), '/')+1:]+"$", "-test.benchtime=1x") //nolint:gosec // this test itself
	cmd.Env = append(os.Environ(), costChild+"="+kind, "TMPDIR="+b.TempDir())
	cmd.Stderr = os.Stderr
	results, child, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.ExtraFiles = []*os.File{child}
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	_ = child.Close()
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
		_ = results.Close()
	})
	return &turns{to: stdin, from: bufio.NewReader(results)}
}

// take has the process apply n records.
func (t *turns) take(b *testing.B, n int) {
	b.Helper()
	if _, err := fmt.Fprintln(t.to, n); err != nil {
		b.Fatal(err)
	}
	var used, saves, bytes int64
	if _, err := fmt.Fscanln(t.from, &used, &saves, &bytes); err != nil {
		b.Fatal(err)
	}
	t.used += time.Duration(used)
	t.saves += int(saves)
	t.bytes += saves * bytes
	t.newest = bytes
}

// turnLog is a log whose records come turn by turn.
type turnLog struct{ batches chan *event.Batch }

func (*turnLog) Open(context.Context, int64) (int64, error) { return 0, nil }

func (l *turnLog) Fetch(ctx context.Context) (*event.Batch, error) {
	select {
	case b := <-l.batches:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (*turnLog) Commit(int64) error { return nil }

// checkpointedTurns is one of the processes: it applies as many records as it is told to, and says what that has used.
func checkpointedTurns(b *testing.B, kind string, rate int) {
	const batch = 4_000
	results := os.NewFile(3, "results")
	began, idle := time.Now(), processorTime(b) // what is not the work's own
	clock := func() time.Time { return began.Add(processorTime(b) - idle) }
	config := NumbersConfig{
		Flags: "flags", Rows: "rows", DeadLetter: "letters", Writer: &discard{}, Topics: topicsOf(1), Policy: policy.Default(),
		Logger: slog.New(slog.DiscardHandler), Now: clock,
	}
	if kind == "with" {
		store, err := checkpoint.Open(context.Background(), "file://"+filepath.ToSlash(b.TempDir()))
		if err != nil {
			b.Fatal(err)
		}
		every, err := time.ParseDuration(cmp.Or(os.Getenv("SENDWATCH_CHECKPOINTS_EVERY"), "10s"))
		if err != nil {
			b.Fatal(err)
		}
		config.Checkpoints = &Checkpoints{Store: store, Every: every}
	}
	n := NewNumbers(config)
	log := &turnLog{batches: make(chan *event.Batch)}
	go func() {
		_ = n.Run(context.Background(), func(ctx context.Context, serve Serve) error {
			return serve(ctx, Claim{Topic: "events", Committed: FromStart, Partitions: 1}, log)
		})
	}()
	source, records := newSends(5000, rate), [2]benchLog{}
	var newest int64 = FromStart
	for next, turn := 0, 0; ; turn++ {
		var wanted int
		if _, err := fmt.Scanln(&wanted); err != nil {
			os.Exit(0) // the benchmark has ended
		}
		start := processorTime(b)
		l := &records[turn%2] // the loop may still look at the last batch of the turn before
		l.bytes, l.ends, l.times = l.bytes[:0], l.ends[:0], l.times[:0]
		source.appendTo(l, wanted)
		all := make([]*event.Batch, 0, wanted/batch+1)
		for at := 0; at < wanted; at += batch {
			end := min(at+batch, wanted)
			of := append([]event.Record(nil), l.records(at, end)...)
			for i := range of {
				of[i].Offset += int64(next)
			}
			all = append(all, &event.Batch{Records: of, Next: int64(next + end), End: int64(next+end) + 1, HighWatermark: int64(next+end) + 1})
		}
		next += wanted
		before := processorTime(b)
		idle += before - start
		for _, one := range all {
			log.batches <- one
		}
		s := applied(n, int64(next))
		used := processorTime(b) - before
		saves := 0
		if s.Checkpoint.Offset != newest {
			newest = s.Checkpoint.Offset
			saves = 1
		}
		if _, err := fmt.Fprintln(results, used.Nanoseconds(), saves, s.Checkpoint.Bytes); err != nil {
			b.Fatal(err)
		}
	}
}

// applied waits until a role has applied everything before next and saves nothing, and returns its partition's status. A
// status is as of when it was published: the second one is later than what the first one says.
func applied(n *Numbers, next int64) PartitionStatus {
	var first time.Time
	for {
		<-time.After(5 * time.Millisecond)
		for _, s := range n.Status() {
			switch {
			case s.Next < next || !s.Checkpoint.Saving.IsZero():
				first = time.Time{}
			case first.IsZero():
				first = s.Ticked
			case s.Ticked != first:
				return s
			}
		}
	}
}
