package engine_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// TestPortfoliosAsReplay hands the changes of a partition on in random portions,
// some of them twice, and evaluates every portfolio minute elsewhere: flags and
// statuses are those of a replay, but for what they are named after.
func TestPortfoliosAsReplay(t *testing.T) {
	for _, name := range examples {
		t.Run(name, func(t *testing.T) {
			log, err := os.ReadFile(filepath.Join("testdata", "examples", name, "events.ndjson"))
			if err != nil {
				t.Fatal(err)
			}
			want, _ := replay(t, log)
			got := gather(t, log)
			var flags []event.Flag
			for _, f := range want.Flags {
				if f.NumberID == "" {
					flags = append(flags, f)
				}
			}
			named := cmpopts.IgnoreFields(event.Flag{}, "FlagID", "Position")
			if d := cmp.Diff(flags, got.Flags, named, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("flags differ (-replay +gathering):\n%s", d)
			}
			versions := cmpopts.IgnoreFields(event.PortfolioStatus{}, "Version")
			if d := cmp.Diff(want.PortfolioStatus, got.PortfolioStatus, versions, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("statuses differ (-replay +gathering):\n%s", d)
			}
		})
	}
}

// gather replays a log with its portfolios in a PortfolioEngine, and returns their flags
// and last statuses.
func gather(t *testing.T, log []byte) *event.Output {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	g := engine.NewPortfolioEngine("rows", 0, policy.Default())
	e := engine.New(engine.Config{Topic: "replay", Policy: policy.Default(), PaneBits: 8, Feed: true})
	var rows, out event.Output
	minute := int64(-1)
	run(log, e, &rows, func(offset int64) {
		if random.IntN(7) > 0 {
			return
		}
		rows.Changes = rows.Changes[:0]
		e.Flush(&rows)
		for k := range rows.Changes {
			g.Take(&rows.Changes[k])
			if random.IntN(3) == 0 {
				g.Take(&rows.Changes[random.IntN(k+1)])
			}
		}
		reached := e.Stats().Watermark / 60_000
		if minute < 0 {
			minute = firstMinute(t, log)
		}
		for ; minute <= reached; minute++ {
			g.Evaluate(minute*60_000, offset, &out)
		}
	})
	rows.Changes = rows.Changes[:0]
	e.Flush(&rows)
	for k := range rows.Changes {
		g.Take(&rows.Changes[k])
	}
	for ; minute <= e.Stats().Watermark/60_000; minute++ {
		g.Evaluate(minute*60_000, 0, &out)
	}
	out.PortfolioStatus = nil
	g.Statuses(&out)
	return &out
}

// firstMinute returns the first portfolio minute of a log: the one after its
// first applied event.
func firstMinute(t *testing.T, log []byte) int64 {
	t.Helper()
	e := engine.New(engine.Config{Topic: "replay", Policy: policy.Default(), PaneBits: engine.WholeLog})
	var rows event.Output
	first := int64(-1)
	run(log, e, &rows, func(int64) {
		if first < 0 && e.Stats().Records[event.ClassApplied] > 0 {
			first = e.Stats().Watermark/60_000 + 1
		}
	})
	return first
}

// run feeds a log to an engine and calls after once a record.
func run(log []byte, e *engine.Engine, out *event.Output, after func(offset int64)) {
	d := codec.NewDecoder(codec.Config{StopWords: policy.Default().StopWords, ResumeWords: policy.Default().ResumeWords})
	var ev event.Event
	eachLine(log, func(offset, at int64, line []byte) {
		if err := d.Decode(&ev, line, codec.ContentJSON, at); err != nil {
			e.Skip(event.ClassRejected, offset, at, out)
		} else {
			e.Apply(&ev, offset, at, out)
		}
		after(offset)
	})
}

// TestPortfolioLimits has partitions tell of the same limits, each in its own
// time: one that is behind brings no old limit back.
func TestPortfolioLimits(t *testing.T) {
	g := engine.NewPortfolioEngine("rows", 0, policy.Default())
	sequences := [3]int64{}
	tell := func(partition int32, visible, at, limit int64) {
		sequences[partition]++
		g.Take(&event.PortfolioChange{
			Partition: partition, Sequence: sequences[partition], Visible: visible * 60_000, Kind: event.ChangeLimit, PortfolioID: "p", A: uint64(at), B: limit,
		})
	}
	var out event.Output
	evaluate := func(minute, want int64) {
		t.Helper()
		g.Evaluate(minute*60_000, 0, &out)
		out.Reset()
		g.Statuses(&out)
		if got := out.PortfolioStatus[0].Limit; got != want {
			t.Errorf("at minute %d the limit is %d, want %d", minute, got, want)
		}
	}
	tell(0, 1, 10, 250)
	evaluate(1, 250)
	tell(1, 2, 10, 250)
	tell(1, 2, 20, 1_000)
	tell(0, 2, 20, 1_000)
	evaluate(2, 1_000)
	tell(2, 3, 10, 250)
	evaluate(3, 1_000)
	tell(2, 4, 20, 1_000)
	tell(2, 4, 30, 2_000)
	evaluate(4, 2_000)
	tell(2, 5, 25, 500) // came late there, and was applied last
	evaluate(5, 500)
	tell(1, 6, 30, 2_000)
	tell(1, 6, 25, 500)
	evaluate(6, 500)
}

// TestMisplacedNumber tells of one number on two partitions and in
// two portfolios, as a producer without keys makes it: the last word counts, and
// no count falls below zero.
func TestMisplacedNumber(t *testing.T) {
	const minute = 60_000
	g := engine.NewPortfolioEngine("rows", 0, policy.Default())
	sequence := [2]int64{}
	tell := func(partition int32, kind event.ChangeKind, portfolio string, a uint64) {
		sequence[partition]++
		g.Take(&event.PortfolioChange{
			Partition: partition, Sequence: sequence[partition], Visible: minute, Kind: kind,
			PortfolioID: portfolio, NumberID: "n", A: a,
		})
	}
	tell(0, event.ChangeIP, "p", 5) // its joining was lost
	tell(0, event.ChangeScore, "p", 90)
	tell(1, event.ChangeJoin, "q", 0)
	tell(1, event.ChangeScore, "q", 30)
	tell(1, event.ChangeIP, "q", 6)
	var out event.Output
	g.Evaluate(minute, 1, &out)
	out.Reset()
	g.Statuses(&out)
	if len(out.PortfolioStatus) != 2 {
		t.Fatalf("%d portfolios, want 2", len(out.PortfolioStatus))
	}
	p, q := out.PortfolioStatus[0], out.PortfolioStatus[1]
	if p.NumbersHigh+p.NumbersMedium+p.NumbersLow+p.SharedConn != 0 || p.Score != -1 {
		t.Errorf("p has left counts behind: %+v", p)
	}
	if q.NumbersLow != 1 || q.NumbersHigh+q.NumbersMedium != 0 || q.SharedConn != 1 || q.Score != 30 {
		t.Errorf("q has not its one number: %+v", q)
	}
}
