package pipeline

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// BenchmarkSnapshot is what a checkpoint costs a partition that goes on: for how long it
// stands still when one begins, and how much longer the batch after that takes, in
// which it copies what it writes to before anybody else does (pause-ms, batch-ms beside
// plain-ms, the batch after that), worst-ms for how long at worst. cpu-ms and worst-cpu-ms are the pause in time of the thread alone: a machine
// that does something else meanwhile, and the collector's own threads, are in the others too. whole-ms is for how long
// it would stand still for a copy of everything, MB how much that is.
func BenchmarkSnapshot(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const batch, before = 2_000, 300_000
	log := sendsLog(before + 2*batch*b.N)
	n := NewNumbers(NumbersConfig{
		Flags: "flags", Rows: "rows", DeadLetter: "letters", Writer: &discard{}, Topics: topicsOf(1), Policy: policy.Default(),
		Logger: slog.New(slog.DiscardHandler), FlushEvery: time.Hour,
	})
	t := newNumbersTask(n, Claim{Topic: "events", Committed: FromStart})
	apply := func(from int) time.Duration {
		start := time.Now()
		if err := t.apply(context.Background(), &event.Batch{Records: log.records(from, from+batch), Next: int64(from + batch), End: int64(len(log.times)) + 1}); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	flush := func() {
		if _, err := t.flush(context.Background()); err != nil {
			b.Fatal(err)
		}
		t.joinWriters()
	}
	next := 0
	for ; next < before; next += batch {
		apply(next)
	}
	flush()
	var state checkpoint.State
	t.snapshot(&state)() // the memory of the first is new
	var pause, worst, cpu, worstCPU, held, plain, whole time.Duration
	b.ResetTimer()
	for range b.N {
		start, used := time.Now(), threadTime(b)
		finish := t.snapshot(&state)
		took, used := time.Since(start), threadTime(b)-used
		pause, worst, cpu, worstCPU = pause+took, max(worst, took), cpu+used, max(worstCPU, used)
		held += apply(next)
		finish()
		plain += apply(next + batch)
		next += 2 * batch
		b.StopTimer()
		flush()
		start = time.Now()
		t.snapshot(&state)()
		whole += time.Since(start)
		b.StartTimer()
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(pause)/float64(b.N), "pause-ms")
	b.ReportMetric(ms(worst), "worst-ms")
	b.ReportMetric(ms(cpu)/float64(b.N), "cpu-ms")
	b.ReportMetric(ms(worstCPU), "worst-cpu-ms")
	b.ReportMetric(ms(held)/float64(b.N), "batch-ms")
	b.ReportMetric(ms(plain)/float64(b.N), "plain-ms")
	b.ReportMetric(ms(whole)/float64(b.N), "whole-ms")
	b.ReportMetric(float64(state.Size())/1e6, "MB")
}

// threadTime is the processor time that the thread has used.
func threadTime(b *testing.B) time.Duration {
	b.Helper()
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}

// BenchmarkPortfoliosSnapshot is the same of a partition of the portfolios role with a million numbers, of 25,000 portfolios:
// for how long it stands still when a checkpoint begins (pause-ms on average, worst-ms), and how large its state is.
func BenchmarkPortfoliosSnapshot(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const numbers = 1_000_000
	r := NewPortfolios(PortfoliosConfig{
		Events: "events", Flags: "flags", Rows: "rows", Writer: &discard{}, Topics: topicsOf(1), Policy: policy.Default(), Logger: slog.New(slog.DiscardHandler),
	})
	t := newPortfolioTask(r, Claim{Topic: "rows", Committed: FromStart})
	var out event.Output
	for i := range numbers {
		id := fmt.Sprintf("number-%07d", i)
		t.notePlace(&event.PortfolioChange{Kind: event.ChangePlace, NumberID: id, B: 12}, int64(i))
		t.portfolios.Take(&event.PortfolioChange{
			Sequence: int64(i + 1), Visible: portfolioMinute, Kind: event.ChangeScore, PortfolioID: fmt.Sprintf("portfolio-%05d", i/40), NumberID: id, A: uint64(i % 100),
		})
	}
	t.portfolios.Evaluate(2*portfolioMinute, numbers, &out)
	var state checkpoint.State
	t.snapshot(&state)() // the memory of the first is new
	var pause, worst, cpu, worstCPU time.Duration
	b.ResetTimer()
	for range b.N {
		start, used := time.Now(), threadTime(b)
		finish := t.snapshot(&state)
		took, used := time.Since(start), threadTime(b)-used
		finish()
		pause, worst, cpu, worstCPU = pause+took, max(worst, took), cpu+used, max(worstCPU, used)
	}
	b.ReportMetric(float64(cpu.Microseconds())/1000/float64(b.N), "cpu-ms")
	b.ReportMetric(float64(worstCPU.Microseconds())/1000, "worst-cpu-ms")
	b.ReportMetric(float64(pause.Microseconds())/1000/float64(b.N), "pause-ms")
	b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
	b.ReportMetric(float64(state.Size())/1e6, "MB")
}
