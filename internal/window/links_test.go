package window

import (
	"maps"
	"slices"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// TestALinkTakesOneCell of 24 bytes, and the table is never emptier than it grew.
func TestALinkTakesOneCell(t *testing.T) {
	if size := unsafe.Sizeof(link{}); size != 24 {
		t.Errorf("a link takes %d bytes", size)
	}
	var l Links
	for i := range uint64(100_000) {
		l.Put(uint32(i%7), i, i+1, 0, 0)
	}
	if share := float64(l.n) / float64(len(l.cells)); share < 0.6 {
		t.Errorf("%.2f of the cells are in use", share)
	}
}

// TestLinksAgainstMap puts, renews, holds and releases links while time passes in
// any steps, and compares what passes, and when, with a map.
func TestLinksAgainstMap(t *testing.T) {
	type key struct {
		owner uint32
		from  uint64
	}
	type known struct {
		to   uint64
		seen int64
		held bool
	}
	const hour = 60 * 60 * 1000
	rapid.Check(t, func(t *rapid.T) {
		var l Links
		want := map[key]known{}
		w := int64(1_790_000_000_000)
		seen := func() int64 { return w - rapid.Int64Range(0, LinkAge-1).Draw(t, "ago") }
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			k := key{rapid.Uint32Range(0, 2).Draw(t, "owner"), rapid.Uint64Range(0, 30).Draw(t, "from") << 58}
			v, ok := want[k]
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0, 1:
				at := seen()
				switch {
				case !ok:
					v = known{to: rapid.Uint64().Draw(t, "to"), seen: at}
					l.Put(k.owner, k.from, v.to, at, w)
				default:
					if was := l.Renew(k.owner, k.from, at); was != v.held {
						t.Fatalf("held was %v, want %v", was, v.held)
					}
					if v.held || at > v.seen {
						v.seen = at
					}
					v.held = false
				}
				want[k] = v
			case 2:
				if ok {
					l.Delete(k.owner, k.from)
					delete(want, k)
				}
			case 3:
				if ok && v.held {
					l.Release(k.owner, k.from)
					if !l.Passed(k.owner, k.from, w) {
						t.Fatal("a link that was released has not passed")
					}
					l.Delete(k.owner, k.from)
					delete(want, k)
				}
			case 4:
				w += rapid.OneOf(rapid.Int64Range(0, 10*hour), rapid.Int64Range(0, 90*24*hour)).Draw(t, "pause")
				if w < l.NextPassing() {
					break
				}
				for {
					owner, from, ok := l.Passing(w)
					if !ok {
						break
					}
					k := key{owner, from}
					if v, known := want[k]; !known || v.held || v.seen+LinkAge > w {
						t.Fatalf("%v passed, which is %+v at %d", k, v, w)
					}
					if from>>58%3 == 0 {
						l.Hold(owner, from)
						v := want[k]
						v.held = true
						want[k] = v
					} else {
						l.Delete(owner, from)
						delete(want, k)
					}
				}
			}
			for k, v := range want {
				if to, ok := l.To(k.owner, k.from); !ok || to != v.to || l.Held(k.owner, k.from) != v.held {
					t.Fatalf("%v leads to %d %v, held %v, want %+v", k, to, ok, l.Held(k.owner, k.from), v)
				}
				if !v.held && v.seen+LinkAge <= w {
					t.Fatalf("%v should have passed at %d: %+v of %v", k, w, v, slices.Collect(maps.Keys(want)))
				}
			}
			if l.Len() != len(want) {
				t.Fatalf("%d links, want %d", l.Len(), len(want))
			}
		}
	})
}
