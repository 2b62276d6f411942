package pipeline

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/headroom"
)

var (
	population = flag.String("population", "1000,100000", "how many numbers BenchmarkPopulation has, one benchmark each")
	senders    = flag.Int("senders", 0, "how many of them send; 0 for all")
	rate       = flag.Int("rate", 2000, "events a second that they send, of the log's time")
)

// BenchmarkPopulation is what an event costs a partition of very many numbers, most of them at rest, and what one of these takes of
// memory: all numbers are made known by a profile in the course of a day, then some of them send. Everything is in the figure but the
// broker and the making of the records, and the days of life of those at rest as well.
func BenchmarkPopulation(b *testing.B) {
	for text := range strings.SplitSeq(*population, ",") {
		numbers, err := strconv.Atoi(text)
		if err != nil || numbers < 1 {
			b.Fatalf("-population: %q is no number of numbers", text)
		}
		b.Run(text, func(b *testing.B) { benchmarkPopulation(b, numbers) })
	}
}

func benchmarkPopulation(b *testing.B, numbers int) {
	w := &discard{}
	t := benchTask(w)
	ctx := context.Background()
	log := &benchLog{}
	next := 0
	var used time.Duration
	// take applies the records of the log, and forgets them.
	take := func(flush bool) {
		records := log.records(0, len(log.times))
		for i := range records {
			records[i].Offset += int64(next)
		}
		next += len(records)
		log.clear()
		before := processorTime(b)
		if err := t.apply(ctx, &event.Batch{Records: records, Next: int64(next), End: int64(next) + 1}); err != nil {
			b.Fatal(err)
		}
		if flush {
			if _, err := t.flush(ctx); err != nil {
				b.Fatal(err)
			}
		}
		used += processorTime(b) - before
	}
	const batch, flush, hours = 4_000, 25, 24
	empty := liveHeap()
	day := 24 * time.Hour.Milliseconds()
	var value []byte
	for i := range numbers {
		at := sendsBegin.UnixMilli() - day + int64(i)*day/int64(numbers)
		id := fmt.Appendf(nil, "number-%06d", i)
		value = fmt.Appendf(value[:0], `{"id":"profile:%d","type":"number.profile","time":%d,"number_id":"%s","waba_id":"waba-%05d","portfolio_id":"portfolio-%04d","country":"DE","connection":"cloud_api"}`,
			i, at, id, i/4, i/40)
		log.add(id, value, at)
		if len(log.times) == batch || i == numbers-1 {
			take(i/batch%flush == 0 || i == numbers-1)
		}
	}
	rest := liveHeap() - empty
	traffic := newSends(cmp.Or(*senders, numbers), *rate)
	var room headroom.Keeper // as the product has it, by the log's time
	used = 0
	b.ResetTimer()
	for done := 0; done < b.N; {
		n := min(batch, b.N-done)
		traffic.appendTo(log, n)
		done += n
		take(done/batch%flush == 0 || done == b.N)
		if headroom.Wanted() {
			room.Look(time.Duration(n) * time.Second / time.Duration(*rate))
		}
		if b.N >= hours && done/(b.N/hours) != (done-n)/(b.N/hours) {
			live, resident, most := memory(b)
			b.Logf("%d events: %d MB alive, %d resident, at most %d", done, live>>20, resident>>20, most>>20)
		}
	}
	t.joinWriters()
	b.StopTimer()
	b.ReportMetric(float64(used)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(rest)/float64(numbers), "B/number-at-rest")
	b.ReportMetric(float64(liveHeap())/1e6, "MB-at-the-end")
	b.ReportMetric(0, "ns/op")
	runtime.KeepAlive(t)
}

// memory is what was alive at the last collection, what is resident, and the most that ever was, in bytes; the latter two
// are 0 where the system does not tell.
func memory(b *testing.B) (live, resident, most int64) {
	b.Helper()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		var kb int64
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kb); err == nil {
			resident = kb << 10
		}
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kb); err == nil {
			most = kb << 10
		}
	}
	return int64(sample[0].Value.Uint64()), resident, most
}

// liveHeap is what is in use.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
