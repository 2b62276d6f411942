package kafka

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestAssignIsEvenCompleteAndSticky assigns random histories: every partition once,
// shares that differ by one at most, the same result for any order of the members,
// and no more partitions moved than the new shares force.
func TestAssignIsEvenCompleteAndSticky(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.Int32Range(0, 40).Draw(t, "partitions")
		members := make([]claimant, rapid.IntRange(1, 9).Draw(t, "members"))
		for i := range members {
			members[i] = claimant{id: fmt.Sprint("member-", i), owned: ownership{generation: rapid.Int32Range(-1, 3).Draw(t, "generation")}}
			if rapid.Bool().Draw(t, "held") {
				members[i].owned.partitions = rapid.SliceOfDistinct(rapid.Int32Range(0, 45), rapid.ID).Draw(t, "owned")
			}
		}
		other := slices.Clone(members)
		slices.Reverse(other)
		assign(count, members)
		assign(count, other)
		slices.Reverse(other)

		var all []int32
		for i, m := range members {
			all = append(all, m.gets...)
			if n := len(m.gets); n < int(count)/len(members) || n > (int(count)+len(members)-1)/len(members) {
				t.Fatalf("%s gets %d of %d partitions among %d members", m.id, n, count, len(members))
			}
			if len(m.gets) != len(other[i].gets) {
				t.Fatalf("%s gets %v, and %v when the members come in another order", m.id, m.gets, other[i].gets)
			}
		}
		slices.Sort(all)
		for p := range count {
			if int(p) >= len(all) || all[p] != p {
				t.Fatalf("the partitions given out are %v, expected 0 to %d once each", all, count-1)
			}
		}
	})
}

// TestAssignMovesLittle goes through what happens in life: a member more, a member
// less, a restart, a stale claim.
func TestAssignMovesLittle(t *testing.T) {
	held := func(id string, generation int32, partitions ...int32) claimant {
		return claimant{id: id, owned: ownership{generation: generation, partitions: partitions}}
	}
	for name, test := range map[string]struct {
		count   int32
		members []claimant
		want    [][]int32
	}{
		"nothing held":     {5, []claimant{held("a", -1), held("b", -1)}, [][]int32{{0, 1, 2}, {3, 4}}},
		"as before":        {4, []claimant{held("a", 7, 1, 3), held("b", 7, 0, 2)}, [][]int32{{1, 3}, {0, 2}}},
		"one more":         {6, []claimant{held("a", 7, 0, 1, 2), held("b", 7, 3, 4, 5), held("c", -1)}, [][]int32{{0, 1}, {3, 4}, {2, 5}}},
		"one less":         {6, []claimant{held("a", 7, 0, 1), held("c", 7, 2, 5)}, [][]int32{{0, 1, 3}, {2, 5, 4}}},
		"larger share":     {5, []claimant{held("a", 7, 0, 1), held("b", 7, 2, 3, 4)}, [][]int32{{0, 1}, {2, 3, 4}}},
		"stale claim":      {2, []claimant{held("a", 6, 0, 1), held("b", 7, 0)}, [][]int32{{1}, {0}}},
		"topic has grown":  {4, []claimant{held("a", 7, 0), held("b", 7, 1)}, [][]int32{{0, 2}, {1, 3}}},
		"topic has shrunk": {2, []claimant{held("a", 7, 0, 3), held("b", 7, 1, 2)}, [][]int32{{0}, {1}}},
	} {
		assign(test.count, test.members)
		for i, m := range test.members {
			if !slices.Equal(m.gets, test.want[i]) {
				t.Errorf("%s: %s gets %v, expected %v", name, m.id, m.gets, test.want[i])
			}
		}
	}
}

// TestSubscriptionsAndAssignments takes both forms there and back, and reads what
// other clients of the protocol write.
func TestSubscriptionsAndAssignments(t *testing.T) {
	want := ownership{generation: 9, partitions: []int32{4, 1}}
	owned, wants := decodeSubscription(encodeSubscription("in", want), "in")
	if !wants || owned.generation != 9 || !slices.Equal(owned.partitions, want.partitions) {
		t.Errorf("read %+v, %t", owned, wants)
	}
	if _, wants := decodeSubscription(encodeSubscription("in", want), "out"); wants {
		t.Error("a member of another topic wants ours")
	}
	old := []byte{0, 0, 0, 0, 0, 1, 0, 2, 'i', 'n', 0xff, 0xff, 0xff, 0xff} // version 0
	if owned, wants := decodeSubscription(old, "in"); !wants || owned.generation != -1 || owned.partitions != nil {
		t.Errorf("version 0 reads %+v, %t", owned, wants)
	}
	if got := decodeAssignment(encodeAssignment("in", []int32{3, 0}), "in"); !slices.Equal(got, []int32{0, 3}) {
		t.Errorf("assigned %v", got)
	}
	if got := decodeAssignment(nil, "in"); got != nil {
		t.Errorf("nothing assigned reads %v", got)
	}
}
