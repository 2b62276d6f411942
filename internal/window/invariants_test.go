//go:build invariants

package window

import (
	"strings"
	"testing"
)

// TestBrokenStructuresAreNoticed breaks each structure as a mistake of the code
// would, and changes it once more.
func TestBrokenStructuresAreNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		change func()
		says   string
	}{
		"table":   {breakTable, "open addressing"},
		"sliding": {breakSliding, "sliding counts"},
		"keyed":   {breakKeyed, "keyed counts"},
		"uniques": {breakUniques, "uniques"},
		"replies": {breakReplies, "sends of a conversation"},
		"index":   {breakReplyIndex, "another tag"},
		"due":     {breakDue, "expire with"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, c.says) {
					t.Errorf("it says %q, want something of %s", said, c.says)
				}
			}()
			c.change()
		})
	}
}

// breakTable takes out the first cell of a run without moving the others back.
func breakTable() {
	var table Table
	home := Key{A: 1}.hash() % minCells
	for a := uint64(1); table.Len() < 3; a++ {
		if k := (Key{A: a}); k.hash()%minCells == home {
			table.Put(k, uint32(a))
		}
	}
	table.parts[0].cells[home] = cell{}
	table.parts[0].checkRun(home + 1)
}

func breakSliding() {
	p := NewSlidingPool[uint64](Window{Width: 10, Columns: 1})
	var l SlidingCounts
	sums := make(Sums[uint64], 1)
	p.Add(&l, sums, 1, 100, 100, 1)
	sums[0]++
	p.Advance(&l, sums, 101)
}

func breakKeyed() {
	k := NewKeyed(10)
	var l KeyedCounts
	k.Add(&l, 0, 7, 100, 100)
	k.keys.slots.At(0).in[0].count++
	k.Add(&l, 0, 7, 100, 100)
}

func breakUniques() {
	u := NewUniques(10, 100)
	var l UniqueCounts
	u.Add(&l, 0, 7, 100)
	l.kept++
	u.Advance(&l, 100)
}

func breakReplies() {
	var r Replies
	c := r.Open(0, 7)
	r.Track(c, minute, minute, 0, nil)
	r.conversation(c).head = 0
	r.Track(c, 2*minute, 2*minute, 0, nil)
}

func breakReplyIndex() {
	var r Replies
	r.BeginPending(0, 7, minute, 0)
	p := &r.index.parts[0]
	for i := range p.buckets {
		p.buckets[i].tags[0]++
	}
	r.BeginPending(0, 8, minute, 0)
}

// breakDue lets time pass without a tick for each minute.
func breakDue() {
	var r Replies
	r.BeginPending(0, 7, minute, 0)
	r.BeginPending(0, 8, (dueMinutes+1)*minute, 0)
}
