package main

import (
	"fmt"
	"hash/fnv"
)

// The three facts, which every peer computes at each event, with t the time of the number's
// newest event in whole seconds:
//
//	sent_1h       sends of the number in (t - 1 h, t], exact to the second
//	identical_1h  the largest count of one template among them
//	unanswered    conversations (number, contact) whose contact has not answered within 48 h
//	              of the first send that opened them
//
// and a flag each time that one of them reaches its threshold from below.
const (
	hour     = 3600
	noReply  = 48 * 3600 * 1000
	manySent = 100
	manySame = 12
	manyDead = 25
)

// answer is what a peer found: the numbers of flags, and the facts of each number after its
// closing event, summed and in one checksum.
type answer struct {
	Events      int    `json:"events"`
	Flags       int    `json:"flags"`
	Sent1h      int    `json:"sent_1h"`
	Identical1h int    `json:"identical_1h"`
	Unanswered  int    `json:"unanswered"`
	Open        int    `json:"open"`
	Checksum    uint64 `json:"checksum,string"`
}

// close adds a number's facts after its closing event.
func (a *answer) close(number string, sent, identical, unanswered, open int) {
	a.Sent1h += sent
	a.Identical1h += identical
	a.Unanswered += unanswered
	a.Open += open
	h := fnv.New64a()
	fmt.Fprintf(h, "%s|%d|%d|%d|%d", number, sent, identical, unanswered, open)
	a.Checksum += h.Sum64()
}

// truth is what the log says, found the plainest way, from happenings and not from their
// bytes.
type truth struct {
	answer
	numbers []truthOfNumber
	at      int64 // of the closing events
	next    int   // of order: what runs out next
	order   []conversation
}

// truthOfNumber is what Sendwatch's own figures are compared with too: it counts sends where
// the peers count conversations.
type truthOfNumber struct {
	Sent1h, Identical1h   int
	Pending, UnansweredOf int // sends in open conversations; in those that ran out

	sends            []sendOf
	counts           map[int]int
	open             map[int64]*conversation
	unanswered       int
	wasSent, wasSame bool
	wasDead          bool
}

type sendOf struct {
	second   int64
	template int
}

type conversation struct {
	number         int
	contact, first int64
	sends          int
	over           *bool // shared with the map's: it was answered or ran out
}

func newTruth(numbers int) *truth {
	t := &truth{numbers: make([]truthOfNumber, numbers)}
	for i := range t.numbers {
		t.numbers[i].counts, t.numbers[i].open = map[int]int{}, map[int64]*conversation{}
	}
	return t
}

// add counts one happening.
func (t *truth) add(h *happening) {
	t.expire(h.at)
	n := &t.numbers[h.number]
	now := h.at / 1000
	for len(n.sends) > 0 && n.sends[0].second <= now-hour {
		n.counts[n.sends[0].template]--
		n.sends = n.sends[1:]
	}
	switch h.kind {
	case sent:
		n.sends = append(n.sends, sendOf{now, h.template})
		n.counts[h.template]++
		c := n.open[h.contact]
		if c == nil {
			c = &conversation{number: h.number, contact: h.contact, first: h.at, over: new(bool)}
			n.open[h.contact] = c
			t.order = append(t.order, *c)
		}
		c.sends++
	case received:
		if c := n.open[h.contact]; c != nil {
			*c.over = true
			delete(n.open, h.contact)
		}
	default:
	}
	n.Sent1h, n.Identical1h = len(n.sends), 0
	for _, count := range n.counts {
		n.Identical1h = max(n.Identical1h, count)
	}
	t.raise(&n.wasSent, n.Sent1h >= manySent)
	t.raise(&n.wasSame, n.Identical1h >= manySame)
	t.Events++
	if h.closing {
		t.at = h.at
		t.close(numberID(h.number), n.Sent1h, n.Identical1h, n.unanswered, len(n.open))
		for _, c := range n.open {
			n.Pending += c.sends
		}
	}
}

// expire ends the conversations that nobody answered by the time.
func (t *truth) expire(at int64) {
	for ; t.next < len(t.order) && t.order[t.next].first+noReply <= at; t.next++ {
		c := &t.order[t.next]
		if *c.over {
			continue
		}
		n := &t.numbers[c.number]
		n.UnansweredOf += n.open[c.contact].sends
		delete(n.open, c.contact)
		n.unanswered++
		t.raise(&n.wasDead, n.unanswered >= manyDead)
	}
}

func (t *truth) raise(was *bool, is bool) {
	if is && !*was {
		t.Flags++
	}
	*was = is
}

// agrees compares an answer with the truth.
func (t *truth) agrees(a answer) error {
	if a != t.answer {
		return fmt.Errorf("its answer is wrong: %+v, the log says %+v", a, t.answer)
	}
	return nil
}

// agreesButFlags compares the facts alone: a database raises no flags by itself.
func (t *truth) agreesButFlags(a answer) error {
	a.Flags = t.Flags
	return t.agrees(a)
}

// wasRead compares the number of records.
func (t *truth) wasRead(a answer) error {
	if a.Events != t.Events {
		return fmt.Errorf("it read %d records of %d", a.Events, t.Events)
	}
	return nil
}
