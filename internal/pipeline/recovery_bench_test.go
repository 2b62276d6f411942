package pipeline

import (
	"context"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// wholeLog is a partition's log whose records are all there at the start, packed as in a broker's batches.
type wholeLog struct {
	log     *packedLog
	records [2]benchLog // a batch is valid until the next but one
	next    int
	turn    int
	fetched int
}

// packedLog is records in chunks of some MiB, each of which is packed.
type packedLog struct {
	chunks []packedChunk
	all    int
}

type packedChunk struct {
	bytes []byte
	ends  []uint32 // as of a benchLog
	times []int64
}

// chunkRecords is how many records a chunk has, but for the last.
const chunkRecords = 4_000

// packSends returns n records of 5,000 numbers.
func packSends(n int) *packedLog {
	l, source, chunk := &packedLog{all: n}, newSends(5000, 200), &benchLog{}
	for left := n; left > 0; left -= len(chunk.times) {
		chunk.clear()
		source.appendTo(chunk, min(left, chunkRecords))
		ends := make([]uint32, len(chunk.ends))
		for i, end := range chunk.ends {
			ends[i] = uint32(end)
		}
		l.chunks = append(l.chunks, packedChunk{slices.Clone(s2.Encode(nil, chunk.bytes)), ends, slices.Clone(chunk.times)})
	}
	return l
}

func (l *wholeLog) Open(_ context.Context, offset int64) (int64, error) {
	l.next = int(max(0, offset))
	return int64(l.next), nil
}

// Fetch returns the next chunk, or what is left of it.
func (l *wholeLog) Fetch(ctx context.Context) (*event.Batch, error) {
	b := &event.Batch{Next: int64(l.next), End: int64(l.log.all), HighWatermark: int64(l.log.all)}
	if l.next == l.log.all {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Millisecond):
		}
		return b, nil
	}
	at, from := l.next/chunkRecords, l.next%chunkRecords
	chunk, view := &l.log.chunks[at], &l.records[l.turn]
	view.ends = view.ends[:0]
	for _, end := range chunk.ends {
		view.ends = append(view.ends, int(end))
	}
	var err error
	if view.bytes, err = s2.Decode(view.bytes[:cap(view.bytes)], chunk.bytes); err != nil {
		return nil, err
	}
	view.times = chunk.times
	b.Records = view.records(from, len(chunk.times))
	for i := range b.Records {
		b.Records[i].Offset += int64(at * chunkRecords)
	}
	n := len(b.Records)
	l.turn, l.fetched, l.next = 1-l.turn, l.fetched+n, l.next+n
	b.Next = int64(l.next)
	return b, nil
}

func (*wholeLog) Commit(int64) error { return nil }

// BenchmarkRecovery reads a log of b.N records from its start, as a process without
// checkpoints does, and then has another process go on from the checkpoint that the first one
// left: both until the role is ready, by the clock and by the process's own time (cpu), since what else the machine does is not
// their fault. The state is as large as what it makes of b.N records, 73 bytes each: of 14,000,000 a GB.
func BenchmarkRecovery(b *testing.B) {
	store, err := checkpoint.Open(context.Background(), "file://"+filepath.ToSlash(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	log := packSends(b.N)
	b.ResetTimer()
	start := func() (took, cpu time.Duration, fetched int, newest checkpoint.Object) {
		n := NewNumbers(NumbersConfig{
			Flags: "flags", Rows: "rows", DeadLetter: "letters", Writer: &discard{}, Topics: topicsOf(1), Policy: policy.Default(),
			Logger: slog.New(slog.DiscardHandler), Checkpoints: &Checkpoints{Store: store, Every: time.Hour}, Drain: 10 * time.Minute,
		})
		runtime.GC()
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		read := &wholeLog{log: log}
		began, used := time.Now(), processorTime(b)
		go func() {
			done <- n.Run(ctx, func(ctx context.Context, serve Serve) error {
				return serve(ctx, Claim{Topic: "events", Committed: FromStart, Partitions: 1}, read)
			})
		}()
		for caught := false; !caught; {
			<-time.After(time.Millisecond)
			for _, s := range n.Status() {
				caught = !s.CaughtUpAt.IsZero() && s.Next >= int64(b.N)
			}
		}
		took, cpu = time.Since(began), processorTime(b)-used
		cancel() // which saves the state
		if err := <-done; err != nil {
			b.Error(err)
		}
		objects, err := store.Objects(context.Background(), "events", 0)
		if err != nil || len(objects) == 0 {
			b.Fatal(objects, err)
		}
		return took, cpu, read.fetched, objects[len(objects)-1]
	}
	replay, replayed, all, newest := start()
	restore, restored, again, _ := start()
	if all != b.N || again != 0 {
		b.Errorf("the first process read %d of %d records, and the second one %d, want all and none", all, b.N, again)
	}
	c, err := store.Read(context.Background(), &newest)
	if err != nil {
		b.Fatal(err)
	}
	size := 0
	for _, s := range c.Sections {
		size += len(s.Data)
	}
	b.ReportMetric(float64(size)/1e6, "state-MB")
	b.ReportMetric(float64(newest.Size)/1e6, "stored-MB")
	b.ReportMetric(replay.Seconds(), "replay-s")
	b.ReportMetric(restore.Seconds(), "restore-s")
	b.ReportMetric(replayed.Seconds(), "replay-cpu-s")
	b.ReportMetric(restored.Seconds(), "restore-cpu-s")
	b.ReportMetric(replay.Seconds()/restore.Seconds(), "replay/restore")
}
