package kafka

import (
	"cmp"
	"slices"
)

// A member describes itself to its group in Kafka's own forms, so that Kafka's
// tools can show the group
// (ConsumerProtocolSubscription.json, ConsumerProtocolAssignment.json):
//
//	subscription: version 2, topics, user data, owned: topic and partitions, generation
//	assignment:   version 2, partitions: topic and partitions, user data
//
// The name of the protocol is our own. A coordinator lets only members in that
// have a protocol in common, so neither a Java consumer nor anything else that
// speaks `range`, `roundrobin` or `sticky` can join a group of ours and be given
// partitions that nobody would read.
const (
	protocolType = "consumer"
	protocolName = "sendwatch-sticky"
)

// ownership is what a member held in the generation that it joins from.
type ownership struct {
	generation int32 // -1 for none
	partitions []int32
}

func encodeSubscription(topic string, owned ownership) []byte {
	var w wireWriter
	w.int16(2)
	w.array(1)
	w.text(topic)
	w.int32(-1) // no user data
	w.array(1)
	w.text(topic)
	w.array(len(owned.partitions))
	for _, p := range owned.partitions {
		w.int32(p)
	}
	w.int32(owned.generation)
	return w.data
}

// decodeSubscription returns what a member held of a topic, and whether it wants
// the topic at all.
func decodeSubscription(data []byte, topic string) (owned ownership, wants bool) {
	r := wire{data: data}
	version := r.int16()
	for range r.array() {
		wants = r.text() == topic || wants
	}
	r.bytes() // user data
	owned.generation = -1
	if version < 1 {
		return owned, wants && !r.malformed
	}
	for range r.array() {
		same := r.text() == topic
		for range r.array() {
			if p := r.int32(); same {
				owned.partitions = append(owned.partitions, p)
			}
		}
	}
	if version >= 2 {
		owned.generation = r.int32()
	}
	return owned, wants && !r.malformed
}

func encodeAssignment(topic string, partitions []int32) []byte {
	var w wireWriter
	w.int16(2)
	w.array(1)
	w.text(topic)
	w.array(len(partitions))
	for _, p := range partitions {
		w.int32(p)
	}
	w.int32(-1) // no user data
	return w.data
}

// decodeAssignment returns our partitions of a topic. Nothing at all, which is
// what a member gets that nobody wanted to give anything, is none.
func decodeAssignment(data []byte, topic string) []int32 {
	r := wire{data: data}
	r.skip(2) // version
	var partitions []int32
	for range r.array() {
		same := r.text() == topic
		for range r.array() {
			if p := r.int32(); same {
				partitions = append(partitions, p)
			}
		}
	}
	slices.Sort(partitions)
	return partitions
}

// claimant is a member in the leader's work.
type claimant struct {
	id    string
	owned ownership
	gets  []int32
}

// assign distributes count partitions over the members. It is sticky: a
// member keeps what it held, as far as shares stay even, so that a restart or a
// new member moves as few partitions, and states, as can be.
//
// Shares differ by one at most: each member gets count/len or one more, and the
// larger shares go to those that held most. Where two members claim to have held
// a partition, the one of the later generation did: the other was replaced and
// does not know it yet.
func assign(count int32, members []claimant) {
	if len(members) == 0 {
		return
	}
	held := make(map[int32]int, count) // partition -> index of its last owner
	for i, m := range members {
		for _, p := range m.owned.partitions {
			if p < 0 || p >= count {
				continue
			}
			other, taken := held[p]
			if !taken || cmp.Or(cmp.Compare(m.owned.generation, members[other].owned.generation), cmp.Compare(members[other].id, m.id)) > 0 {
				held[p] = i
			}
		}
	}
	keeps := make([]int, len(members))
	for _, i := range held {
		keeps[i]++
	}
	order := make([]int, len(members))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(keeps[b], keeps[a]), cmp.Compare(members[a].id, members[b].id))
	})
	share := make([]int, len(members))
	for rank, i := range order {
		share[i] = int(count) / len(members)
		if rank < int(count)%len(members) {
			share[i]++
		}
	}
	var free []int32
	for p := range count {
		if i, was := held[p]; was && len(members[i].gets) < share[i] {
			members[i].gets = append(members[i].gets, p)
		} else {
			free = append(free, p)
		}
	}
	for _, i := range order {
		n := share[i] - len(members[i].gets)
		members[i].gets = append(members[i].gets, free[:n]...)
		free = free[n:]
	}
}
