package kafka

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/event"
)

// TestLargeBatchesAreReadInPortions reads batches that unpack to more than a
// Fetch may return: all their records come, in order, over several calls, and so
// do those around them. The bound of a batch is far above.
func TestLargeBatchesAreReadInPortions(t *testing.T) {
	for _, codec := range []Codec{Gzip, Snappy, LZ4, Zstd} {
		t.Run(fmt.Sprint(codec), func(t *testing.T) {
			cluster, client, _ := fake(t, 1, func(c *Config) { c.MaxDecompressed = 4 << 20 })
			const many = 3_000
			log := []stored{
				makeBatch(t, 0, 5, 30, LZ4, nil),
				makeBatch(t, 5, many, 10_000, codec, nil), // 30 MB of 3,000 records
				makeBatch(t, 5+many, 5, 30, Zstd, nil),
			}
			serve(cluster, func() []stored { return log })
			f := client.NewFetcher("in", 0, 0, 1)
			next, calls := int64(0), 0
			for ; next < 10+many; calls++ {
				b, err := f.Fetch(bounded(t))
				if err != nil {
					t.Fatal(err)
				}
				size := 0
				for _, r := range b.Records {
					if r.Offset != next || !strings.HasPrefix(string(r.Value), fmt.Sprintf("%d ", r.Offset)) {
						t.Fatalf("record %d holds %.10q where %d is next", r.Offset, r.Value, next)
					}
					next++
					size += len(r.Value)
				}
				if size > portionBytes+30_000 || len(b.Unreadable) > 0 || b.Next != next {
					t.Fatalf("a fetch of %d bytes, unreadable %v, next %d where %d was expected", size, b.Unreadable, b.Next, next)
				}
			}
			if calls < 4 {
				t.Errorf("%d calls; 30 MB come in portions of %d bytes", calls, portionBytes)
			}
		})
	}
}

// TestBatchesBeyondTheirBoundEndThere expects the records before the bound, the
// rest as one range with the reason, and the neighbours.
func TestBatchesBeyondTheirBoundEndThere(t *testing.T) {
	for _, codec := range []Codec{Gzip, Snappy, LZ4, Zstd} {
		t.Run(fmt.Sprint(codec), func(t *testing.T) {
			cluster, client, _ := fake(t, 1, func(c *Config) { c.MaxDecompressed, c.MaxBatchDecompressed = 2<<20, 4<<20 })
			log := []stored{makeBatch(t, 0, 5, 30, LZ4, nil), makeBatch(t, 5, 10, 1<<20, codec, nil), makeBatch(t, 15, 5, 30, Zstd, nil)}
			serve(cluster, func() []stored { return log })
			records, unreadable := drain(t, client.NewFetcher("in", 0, 0, 1), 20)
			seen := map[int64]bool{}
			for _, r := range records {
				seen[r.Offset] = true
			}
			if len(unreadable) != 1 {
				t.Fatalf("unreadable: %v, expected one range", unreadable)
			}
			first := unreadable[0].First
			want := event.Unreadable{First: first, Last: 14, Reason: "it decompresses to more than 4194304 bytes, the bound for a batch (kafka.max_batch_mib)"}
			if diff := cmp.Diff(want, unreadable[0]); diff != "" || first < 5 || first > 10 {
				t.Errorf("unreadable (-want +got):\n%s", diff)
			}
			for o := range int64(20) {
				if seen[o] != (o < first || o > 14) {
					t.Errorf("offset %d was read: %t", o, seen[o])
				}
			}
		})
	}
}

// TestPortionsNeedLittleMemory reads a batch of 256 MiB that is 0.2 % of that on
// the wire: what is allocated on the way stays at a few portions.
func TestPortionsNeedLittleMemory(t *testing.T) {
	huge := makeBatch(t, 0, 256, 1<<20, Zstd, nil)
	config := Config{}.withDefaults()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	o := newOpenBatch(huge.bytes, huge.bytes, &config)
	defer o.close()
	var b buffer
	records, next := 0, int64(0)
	for ended := false; !ended; {
		b.reset()
		next, ended = o.next(&b, next)
		records += len(b.batch.Records)
	}
	runtime.ReadMemStats(&after)
	if records != 256 || len(b.batch.Unreadable) != 0 {
		t.Fatalf("%d records, unreadable %v", records, b.batch.Unreadable)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 128<<20 {
		t.Errorf("%d MiB were allocated to read 256 MiB in portions of %d", used>>20, portionBytes>>20)
	}
}
