package kafka

import (
	"maps"
	"slices"
	"testing"
	"time"

	"sendwatch/internal/embedded/embeddedtest"
)

func TestShares(t *testing.T) {
	for of := int32(1); of <= 7; of++ {
		var all []int32
		for ordinal := range of {
			all = append(all, Share{Ordinal: ordinal, Of: of}.partitions(5)...)
		}
		if slices.Sort(all); !slices.Equal(all, []int32{0, 1, 2, 3, 4}) {
			t.Errorf("of %d processes: together they read %v", of, all)
		}
	}
}

// readsFixedShares: each process reads its own partitions, the group has the offsets and
// no members, and one that is started again moves nothing of the other.
func readsFixedShares(t *testing.T, brokers []string, topic string) {
	writer := theirs(t, brokers)
	create(t, ours(t, brokers), topic, 3)
	failing := make(chan error, 100)
	share := func(ordinal int32) *testMember {
		return joinWith(t, brokers, GroupConfig{ID: topic, Topic: topic, FixedPartitions: true, Share: Share{ordinal, 2}, Failing: func(err error) { failing <- err }})
	}
	for p := range int32(3) {
		seed(t, writer, topic, p, 10)
	}
	one, two := share(0), share(1)
	embeddedtest.Eventually(t, 30*time.Second, "both have read their share", func() bool { return one.read() == 20 && two.read() == 10 })
	if !slices.Equal(one.holds(), []int32{0, 2}) || !slices.Equal(two.holds(), []int32{1}) {
		t.Errorf("they hold %v and %v", one.holds(), two.holds())
	}
	two.leave(t)
	seed(t, writer, topic, 1, 5)
	two = share(1)
	embeddedtest.Eventually(t, 30*time.Second, "the second goes on from where it committed", func() bool { return two.read() == 5 })
	if one.read() != 20 {
		t.Error("the first began again")
	}
	for len(failing) > 0 {
		if err := <-failing; err != nil {
			t.Errorf("failing: %v", err)
		}
	}
	two.leave(t)
	one.leave(t)
	if got := committed(t, writer, topic, topic, 3); !maps.Equal(got, map[int32]int64{0: 10, 1: 15, 2: 10}) {
		t.Errorf("committed offsets are %v", got)
	}
	// A process without a share is a member, and reads what belongs to the shares.
	member := join(t, brokers, topic, topic)
	embeddedtest.Eventually(t, 30*time.Second, "the member holds all", func() bool { return len(member.holds()) == 3 })
	one = share(0)
	named := reasonGiven[*ForeignMembersError](t, failing)
	if named.Reason() != "group_shared" || len(named.Clients) != 1 {
		t.Errorf("the member is named as %v", named)
	}
	one.leave(t)
	member.leave(t)
}
