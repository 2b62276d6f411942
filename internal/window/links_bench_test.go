package window

import (
	"fmt"
	"runtime"
	"testing"
)

// BenchmarkLinks has so many links of 400 owners, put evenly over LinkAge. find asks for
// one that is there and none for one that is not, renew renews one, turnover
// lets the oldest pass and puts a new one, fill puts them all in an empty structure.
// Memory is what the heap holds, by link.
func BenchmarkLinks(b *testing.B) {
	for _, n := range []uint64{4_000, 100_000, 1_000_000} {
		gap := LinkAge / int64(n)
		owner := func(i uint64) uint32 { return uint32(i % 400) }
		put := func(l *Links, i uint64) {
			at := linksStart + int64(i)*gap
			l.Put(owner(i), spreadID(i), i, at, at)
		}
		nth := func(i int) uint64 { return uint64(i) * 7919 % n } // all of them, in an order of its own
		before := heldBytes()
		var l Links
		for i := range n {
			put(&l, i)
		}
		held := float64(heldBytes()-before) / float64(n)
		run := func(op string, f func(b *testing.B)) { b.Run(fmt.Sprintf("%d/%s", n, op), f) }
		run("find", func(b *testing.B) {
			b.ReportMetric(held, "B/link")
			for i := range b.N {
				if k := nth(i); !has(&l, owner(k), spreadID(k)) {
					b.Fatal("gone")
				}
			}
		})
		run("none", func(b *testing.B) {
			for i := range b.N {
				if k := nth(i); has(&l, owner(k), spreadID(k)+1) {
					b.Fatal("there")
				}
			}
		})
		run("renew", func(b *testing.B) {
			end := linksStart + int64(n)*gap
			for i := range b.N {
				k := nth(i)
				l.Renew(owner(k), spreadID(k), linksStart+int64(k)*gap, end)
			}
		})
		next := n
		run("turnover", func(b *testing.B) {
			for range b.N {
				w := linksStart + int64(next)*gap
				for w >= l.NextPassing() {
					for owner, from, ok := l.Passing(w); ok; owner, from, ok = l.Passing(w) {
						l.Delete(owner, from)
					}
				}
				put(&l, next)
				next++
			}
		})
		run("fill", func(b *testing.B) {
			b.ReportAllocs()
			for i := uint64(0); i < uint64(b.N); {
				var l Links
				for k := uint64(0); k < n && i < uint64(b.N); k, i = k+1, i+1 {
					put(&l, k)
				}
			}
		})
		runtime.KeepAlive(&l)
	}
}

func has(l *Links, owner uint32, from uint64) bool {
	_, ok := l.To(owner, from)
	return ok
}
