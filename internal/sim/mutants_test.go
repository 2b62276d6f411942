package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	runMutants = flag.Bool("mutants", false, "seed bugs into the product, one at a time, and see that the tests catch each")
	onlyMutant = flag.String("mutant", "", "only those whose name holds this")
)

// mutant is a bug: a text of the product and what it becomes. The tests that are named have to
// fail on it.
type mutant struct {
	name, file, old, now string
	tests                string // arguments of go test; empty: schedules by seed
}

const bySeed = "./internal/sim -run ^TestSimulation$ -seeds 300 -first"

// TestMutants applies each bug to the product, by an overlay of one file, and runs tests
// that must fail. Ordinarily it only makes sure that each bug can still be applied.
func TestMutants(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, m := range mutants {
		source, err := os.ReadFile(filepath.Join(root, m.file))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(source, []byte(m.old)); n != 1 || m.old == m.now || names[m.name] {
			t.Errorf("%s: %s holds its text %d times, want once, and it has to change it under a name of its own", m.name, m.file, n)
			continue
		}
		names[m.name] = true
		if *runMutants && strings.Contains(m.name, *onlyMutant) {
			t.Run(m.name, func(t *testing.T) { m.mustBeCaught(t, root, source) })
		}
	}
	if len(mutants) < 20 {
		t.Errorf("%d mutants, want at least 20", len(mutants))
	}
}

// failure is the line of a test's output that says what it has noticed.
var failure = regexp.MustCompile(`(?m)^ *[a-z_]+_test\.go:\d+: (.{1,160})`)

// mustBeCaught runs the tests on the product with the bug in it.
func (m *mutant) mustBeCaught(t *testing.T, root string, source []byte) {
	dir := t.TempDir()
	mutated, overlay := filepath.Join(dir, filepath.Base(m.file)), filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, m.file): mutated}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{mutated: bytes.Replace(source, []byte(m.old), []byte(m.now), 1), overlay: text} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := m.tests
	if tests == "" {
		tests = bySeed
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	args := append([]string{"test", "-vet=off", "-ldflags=-s -w", "-count=1", "-overlay", overlay}, strings.Fields(tests)...)
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = root
	output, err := command.CombinedOutput()
	noticed := failure.FindSubmatch(output)
	switch {
	case err == nil:
		t.Errorf("not caught: go test %s passes", tests)
	case !bytes.Contains(output, []byte("--- FAIL")) && !bytes.Contains(output, []byte("panic:")):
		t.Errorf("no test failed: %v\n%s", err, output)
	case noticed == nil:
		t.Logf("caught: %s", strings.TrimSpace(fmt.Sprintf("%.200s", output)))
	default:
		t.Logf("caught: %s", noticed[1])
	}
}

var mutants = []mutant{
	{
		name: "commit before the checkpoint", file: "internal/pipeline/loop.go",
		old: "if _, err := orLeft(ctx, func() (struct{}, error) { return struct{}{}, f.save(ctx) })", now: "f.commit()\n\t\tif _, err := orLeft(ctx, func() (struct{}, error) { return struct{}{}, f.save(ctx) })",
	},
	{
		name: "save before the acknowledgements", file: "internal/pipeline/loop.go",
		old: "\tif f.acknowledged != nil {\n\t\tselect {\n", now: "\tif f.acknowledged != nil && l.states == nil {\n\t\tselect {\n",
	},
	{
		name: "save before the flags are acknowledged", file: "internal/pipeline/flag_sender.go",
		old: "for !ok && s.err == nil && s.running() {", now: "for false {",
	},
	{
		name: "commit what a state that is not durable owes", file: "internal/pipeline/loop.go",
		old: "f.saved = f.save == nil && f.next == l.status.Checkpoint.Offset", now: "f.saved = f.save == nil",
	},
	{
		name: "a failed save counts", file: "internal/pipeline/checkpoints.go",
		old: "return fmt.Errorf(\"%w: %w\", errNotSaved, err)", now: "return nil",
	},
	{
		name: "no fsync of the file", file: "internal/checkpoint/file.go",
		old: "\t\t{StepSync, file.Name(), file.Sync},\n", now: "",
	},
	{
		name: "no fsync of the folder", file: "internal/checkpoint/file.go",
		old: "\t\t{StepSyncFolders, target, func() error { return syncFolders(filepath.Dir(target), f.path) }},\n", now: "",
	},
	{
		name: "an error of the link is ignored", file: "internal/checkpoint/file.go",
		old: "} else if err != nil {\n\t\t\treturn fmt.Errorf(\"%s: %w\", s.name, err)", now: "} else if err != nil && s.name != StepLink {\n\t\t\treturn fmt.Errorf(\"%s: %w\", s.name, err)",
	},
	{
		name: "an epoch is taken twice", file: "internal/checkpoint/file.go",
		old: "return os.Link(file.Name(), target)", now: "return errors.Join(os.Rename(file.Name(), target), os.WriteFile(file.Name(), nil, 0o600))",
		tests: "./internal/checkpoint -run TestTwoStoresOfADirectory",
	},
	{
		name: "a paused owner is not fenced", file: "internal/checkpoint/owner.go",
		old: "if len(objects) > 0 && objects[len(objects)-1].Epoch > o.at.Epoch {\n\t\treturn ErrFenced", now: "if len(objects) < 0 {\n\t\treturn ErrFenced",
		tests: "./internal/checkpoint -run TestFence|TestRandomSchedules",
	},
	{
		name: "an old owner reads on behind what was cut", file: "internal/pipeline/loop.go",
		old: "if f.batch.Lost.Count() > 0 && l.owns != nil {", now: "if false {",
		tests: "./internal/pipeline -run TestReplacedOwnerLosesNothing",
	},
	{
		name: "lost records are passed over", file: "internal/pipeline/gap.go",
		old: "l.states == nil || lost.Count() <= 0 ||", now: "l.states == nil || lost.Count() > 0 ||",
		tests: "./internal/sim -run TestGaps",
	},
	{
		name: "an acknowledged gap is forgotten by a restart", file: "internal/pipeline/gap.go",
		old: "g.Passed = g.End > g.First", now: "g = gap{}",
		tests: "./internal/sim -run TestGaps",
	},
	{
		name: "a partition that stops does not save what it has read", file: "internal/pipeline/checkpoints.go",
		old: "k.ended() || k.begun.Before(p.haltedAt) ||", now: "k.ended() ||",
		tests: "./internal/pipeline -run TestThePartitionStopsInGoodOrder",
	},
	{
		name: "a replaced sink reports what its successor has read", file: "internal/pipeline/replaced.go",
		old: "case now > max(p.committed, p.flushed):", now: "case now < 0:",
		tests: "./internal/pipeline -run TestAReplacedSinkLosesNothing",
	},
	{
		name: "a late state counts", file: "internal/checkpoint/store.go",
		old: "\t\tif limit.Less(o.Position) {\n\t\t\tcontinue\n\t\t}\n", now: "\t\tif limit.Less(o.Position) && false {\n\t\t\tcontinue\n\t\t}\n",
		tests: "./internal/checkpoint -run TestLateWriteDoesNotCount|TestRandomSchedules",
	},
	{
		name: "no fall back to the state before", file: "internal/checkpoint/owner.go",
		old: "range states[:min(len(states), 2)]", now: "range states[:min(len(states), 1)]",
	},
	{
		name: "checksums are not compared", file: "internal/checkpoint/format.go",
		old: "if crc32.Checksum(data, castagnoli) != e.Sum {", now: "if false {",
		tests: "./internal/checkpoint -run Test",
	},
	{
		name: "the state of one record on", file: "internal/pipeline/checkpoints.go",
		old: "k.state.Offset = next\n", now: "k.state.Offset = next + 1\n",
	},
	{
		name: "the state of a record before", file: "internal/pipeline/checkpoints.go",
		old: "\tp.next = c.Offset\n", now: "\tp.next = max(0, c.Offset-1)\n",
		tests: "./internal/pipeline -run TestNewOwnerContinues", // schedules do not see it: a record that is read twice is a duplicate by its id
	},
	{
		name: "the state is not restored", file: "internal/pipeline/checkpoints.go",
		old: "if err := k.task.restore(ctx, c); err != nil {", now: "if err := error(nil); err != nil {",
	},
	{
		name: "a state in memory is used at another offset", file: "internal/pipeline/checkpoints.go",
		old: "if p.next == c.Offset {", now: "if p.next != FromStart {",
		tests: "./internal/pipeline -run TestParkedStateIsNotAhead", // schedules do not see it: it is an older state, and reading on from it writes the same again
	},
	{
		name: "duplicates are forgotten by a restore", file: "internal/engine/copy.go",
		old: "\te.dedup.copy(c)\n", now: "",
	},
	{
		name: "replies are forgotten by a restore", file: "internal/engine/copy.go",
		old: "\te.replies.Copy(c)\n", now: "",
	},
	{
		name: "episodes are forgotten by a restore", file: "internal/engine/copy.go",
		old: "\tcopyEpisodes(c, &e.episodeTracker)\n", now: "",
	},
	{
		name: "changes that wait are forgotten by a restore", file: "internal/pipeline/portfolio_state.go",
		old: "\tflat.Each(c, &s.buffer, copyChange)\n", now: "",
	},
	{
		name: "rows say what is new", file: "internal/engine/pane.go",
		old: "\t\trow.NumberID, row.PortfolioID = id(r.number)\n\t\tout.NumberMinutes = append(out.NumberMinutes, row)\n",
		now: "\t\trow.NumberID, row.PortfolioID = id(r.number)\n\t\tout.NumberMinutes = append(out.NumberMinutes, row)\n\t\tr.counts = minuteCounts{}\n",
	},
	{
		// That internal/pipeline hands them over twice does no harm, since this refuses them.
		name: "changes are taken twice", file: "internal/engine/portfolio_engine.go",
		old: "if c.Sequence <= s.taken {", now: "if c.Sequence < 0 {",
		tests: "./internal/engine -run TestPortfoliosAsReplay",
	},
	{
		name: "minutes by the wall clock", file: "internal/pipeline/portfolio_task.go",
		old: "if !s.progress.Idle && (begun || !s.progress.CaughtUp) {", now: "if t.now().Sub(t.lastFlush) < 100*time.Millisecond && !s.progress.Idle && (begun || !s.progress.CaughtUp) {",
	},
	{
		name: "dead letters without waiting", file: "internal/pipeline/numbers_task.go",
		old: "if len(t.deadLetters) > 0 {\n\t\tif err :=", now: "if len(t.deadLetters) > 3 {\n\t\tif err :=",
	},
	{
		name: "an error of the insert is swallowed", file: "internal/pipeline/inserter.go",
		old: "\t\tspan.End(all.Len(), err)\n\t\tif err == nil {", now: "\t\tspan.End(all.Len(), err)\n\t\tif err == nil || ctx.Err() == nil {",
	},
	{
		name: "one replica acknowledges", file: "internal/kafka/produce_wire.go",
		old: "const allReplicas = -1", now: "const allReplicas = 1",
	},
	{
		name: "numbers of a batch that was given up are used again", file: "internal/kafka/producer.go",
		old: "\t\t\tnumbers.id = producerID{}\n\t\t\treturn err\n", now: "\t\t\treturn err\n",
		tests: "./internal/kafka -run TestAnAbandonedBatchLendsItsNumbersToNone",
	},
	{
		name: "rows that wait have no bound", file: "internal/pipeline/row_sender.go",
		old: "\tmostPortions   = 5\n", now: "\tmostPortions   = 5_000\n",
		tests: "./internal/pipeline -run TestUnwrittenRowsAreBounded",
	},
	{
		name: "an event of the future moves the clock", file: "internal/codec/check.go",
		old: "const MaxAhead = 5 * 60 * 1000", now: "const MaxAhead = 50 * 60 * 1000",
		tests: "./internal/oracle -run TestDecoderAgrees|TestReplayAgreesOnEdges",
	},
	{
		name: "the start of the log is not looked at", file: "internal/kafka/fetcher.go",
		old: "\tcase f.next < first:\n\t\treturn f.lost(b, first), nil\n", now: "\tcase f.next < first:\n\t\tf.next = first\n\t\treturn nil, errAgain\n",
		tests: "./internal/kafka -run TestAcceptanceOnTheEmbeddedBroker",
	},
}
