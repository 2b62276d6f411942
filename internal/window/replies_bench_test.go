package window

import (
	"flag"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sendwatch/internal/hugepages"
)

var benchPending = flag.String("pending", "1000000", "how many sends wait for a reply in BenchmarkReplies, several by commas")

const (
	benchNumbers = 5000 // whose sends they are
	benchStart   = 1_790_000_000_000
	benchBatch   = 16 // events whose memory is touched together, as by Engine.Foresee
)

// pendingLoad is sends to ever new contacts, one after another, of which the newest wait for a
// reply, and what the engine does for each.
type pendingLoad struct {
	r        Replies
	n        int64  // how many are sent in the time in which one of them expires
	next     uint64 // the send to come
	now      int64  // the watermark
	minute   int64
	resolved []Resolved
	touched  uint64
}

// whose returns the number and the contact of a send.
func (*pendingLoad) whose(i uint64) (number uint32, contact uint64) {
	return uint32(i * 7919 % benchNumbers), spreadID(i)
}

// touch touches what the sends to come, and so many of before, will look at.
func (l *pendingLoad) touch(sends, before, from uint64) {
	l.touched += l.r.TouchSwept(int(2 * (sends + before)))
	for i := l.next; i < l.next+sends; i++ {
		l.touched += l.r.TouchIndex(l.whose(i))
	}
	for i := from; i < from+before; i++ {
		l.touched += l.r.TouchIndex(l.whose(i))
	}
	for i := l.next; i < l.next+sends; i++ {
		l.touched += l.r.Touch(l.whose(i))
	}
	for i := from; i < from+before; i++ {
		l.touched += l.r.Touch(l.whose(i))
	}
}

// send makes the next send, and lets pass what time there is between two.
func (l *pendingLoad) send() {
	l.now = benchStart + int64(l.next)*(ReplyWindow+10*minute)/l.n
	for ; l.minute < l.now/minute; l.minute++ {
		l.resolved = l.r.Expire((l.minute-10)*minute, l.resolved[:0])
	}
	number, contact := l.whose(l.next)
	if c, known := l.r.Find(number, contact); known {
		l.resolved = l.r.Track(c, l.now, l.now, l.next%1000, l.resolved[:0])
	} else {
		l.r.BeginPending(number, contact, l.now, l.next%1000)
	}
	l.r.Sweep(l.now, 2)
	l.next++
}

// resolve has the contact of a send answer, or the send fail.
func (l *pendingLoad) resolve(i uint64, answers bool) {
	c, known := l.r.Find(l.whose(i))
	if known && answers {
		l.resolved = l.r.Inbound(c, l.now, l.now, l.resolved[:0])
	} else if known {
		l.resolved = l.r.Withdraw(c, l.now, l.resolved[:0])
	}
	l.r.Sweep(l.now, 2)
}

// newPendingLoad returns n pending sends, made in the 48 hours before.
func newPendingLoad(n uint64) *pendingLoad {
	l := &pendingLoad{n: int64(n), now: benchStart, minute: benchStart / minute}
	for l.next < n {
		batch := min(benchBatch, n-l.next)
		l.touch(batch, 0, 0)
		for range batch {
			l.send()
		}
	}
	return l
}

// BenchmarkReplies has so many pending sends (-pending), each in a conversation of its own, put
// evenly over 48 hours. fill puts them in an empty structure; expire makes a send and lets time pass until
// another one expires; withdraw and answer do so too, and have one of the day before fail or be
// answered, until none is left to expire. Memory is what the heap holds, by pending send, after fill; gc-ms is a full collection with all of
// it there. cpu-ns/op is time of the processor.
func BenchmarkReplies(b *testing.B) {
	go hugepages.Follow(b.Context()) // as the product has it
	for of := range strings.SplitSeq(*benchPending, ",") {
		n, err := strconv.ParseUint(of, 10, 32)
		if err != nil {
			b.Fatal(err)
		}
		var l *pendingLoad
		held, filled := 0.0, 0.0
		fill := func(b *testing.B) { // once for all, whatever b.N
			if l == nil {
				before, cpu := heldBytes(), benchProcessor(b)
				l = newPendingLoad(n)
				filled = float64(benchProcessor(b)-cpu) / float64(n)
				held = float64(heldBytes()-before) / float64(n)
			}
		}
		run := func(op string, f func(b *testing.B)) { b.Run(fmt.Sprintf("%d/%s", n, op), f) }
		run("fill", func(b *testing.B) {
			fill(b)
			start := time.Now()
			runtime.GC()
			b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "gc-ms")
			b.ReportMetric(held, "B/pending")
			b.ReportMetric(filled, "cpu-ns/op")
			b.ReportMetric(0, "ns/op")
		})
		each := func(op string, resolve func(i uint64)) {
			run(op, func(b *testing.B) {
				fill(b)
				victim, per := l.next-n/2, uint64(0)
				if resolve != nil {
					per = 1
				}
				b.ReportAllocs()
				b.ResetTimer()
				cpu := benchProcessor(b)
				for left := uint64(b.N); left > 0; {
					batch := min(benchBatch, left)
					l.touch(batch, batch*per, victim)
					for range batch {
						l.send()
						if resolve != nil {
							resolve(victim)
							victim++
						}
					}
					left -= batch
				}
				b.ReportMetric(float64(benchProcessor(b)-cpu)/float64(b.N), "cpu-ns/op")
				b.ReportMetric(float64(l.r.Pending()), "pending")
			})
		}
		each("expire", nil)
		each("withdraw", func(i uint64) { l.resolve(i, false) })
		each("answer", func(i uint64) { l.resolve(i+n/4, true) }) // not those that failed
		runtime.KeepAlive(l)
	}
}

// benchProcessor returns the processor time of the process so far, in ns.
func benchProcessor(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
