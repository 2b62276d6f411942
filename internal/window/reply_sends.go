package window

import (
	"sendwatch/internal/flat"
	"sendwatch/internal/invariants"
)

// pendingSends holds the sends that wait for a reply, those of one minute of expiry together, in
// the order in which they were applied. So a new one is written next to the one before, and what expires is read
// from one end to the other. A send that resolved leaves its place empty until the minute comes.
//
//	due      | minute 17 | minute 18 | minute 19 | ...
//	               |           |
//	chunks      newest      newest
//	               |
//	             older
//
// A send's slot is its chunk and its place there. It stays where it is.
type pendingSends struct {
	blocks [][]sendChunk
	holds  []flat.Holds // of each block, nil for none
	n      uint32       // chunks that were ever used
	used   uint32       // chunks of minutes
	free   uint32       // the first of the others, plus 1
	due    [dueMinutes]dueMinute
}

// pendingSend is 24 bytes, with which an entry of Index makes 31 to 31.4. Those of a conversation that
// is known by its sends alone (bare) have its number and contact; those of one that has a record of its
// own (full) are linked with the others of it.
type pendingSend struct {
	who         uint64 // the contact; of a full one the next and, above it, the one before, as slots plus 1
	fingerprint uint64
	of          uint32 // the number; of a full one its conversation
	when        uint32 // where its minute stands in due, 12 bits; state, 4 with sendShares; ms before the end of the minute, 16
}

// What a send is.
const (
	sendBare   = iota // pending, in the index
	sendFull          // pending, in the list of its conversation
	sendFailed        // withdrawn, and in the index, so that the contact is known until its minute
	sendGone          // resolved

	sendStates = 3 // bits of them
	// sendShares is set besides if there were others in the conversation when it was bare.
	sendShares = 4
)

// sendChunk is a run of sends of one minute.
type sendChunk struct {
	sends   [chunkSends]pendingSend
	older   uint32 // the one before in its minute, or the next free one, plus 1
	ordinal uint32 // in its minute
	n       uint32
	_       uint32 // to 1 KiB
}

// dueMinute is what expires in one minute.
type dueMinute struct {
	minute uint32 // since 1970
	newest uint32 // its newest chunk, plus 1
}

const (
	// dueMinutes is the size of the wheel of expiry: a send is tracked if it is
	// at most 24 h behind the watermark and expires at a tick, which is 10
	// minutes behind it, after 48 h. 2,892 minutes are alive at once.
	dueMinutes = 4096

	chunkSends = 42
	placeBits  = 6
	placeMask  = 1<<placeBits - 1

	// blockChunks is a MiB, since Go's collector looks at each block once more to sweep it: with blocks of 64 KiB a collection of
	// 20 million sends took 7 to 10 ms, with these 1.0 to 1.4. The first one grows up to it.
	blockChunks = 1024
	firstChunks = 64

	// maxChunks leaves a bit of a slot to fullBit: 1.4 billion sends, 44 GB.
	maxChunks = fullBit >> placeBits
)

func (p *pendingSend) state() uint32 { return p.when >> 16 & sendStates }

func (p *pendingSend) setState(state uint32) { p.when = p.when&^(sendStates<<16) | state<<16 }

func (p *pendingSend) shares() bool { return p.when>>16&sendShares != 0 }

func (p *pendingSend) setShares() { p.when |= sendShares << 16 }

func (p *pendingSend) pending() bool { return p.state() <= sendFull }

func (p *pendingSend) next() uint32 { return uint32(p.who) }

func (p *pendingSend) previous() uint32 { return uint32(p.who >> 32) }

func (p *pendingSend) setNext(link uint32) { p.who = p.who&^(1<<32-1) | uint64(link) }

func (p *pendingSend) setPrevious(link uint32) { p.who = p.who&(1<<32-1) | uint64(link)<<32 }

// chunk returns a chunk that may be written.
func (s *pendingSends) chunk(i uint32) *sendChunk {
	if block := i / blockChunks; int(block) < len(s.holds) && s.holds[block].Keep(i%blockChunks) {
		s.holds = nil
	}
	return &s.blocks[i/blockChunks][i%blockChunks]
}

// lookChunk returns a chunk that may not be written.
func (s *pendingSends) lookChunk(i uint32) *sendChunk {
	return &s.blocks[i/blockChunks][i%blockChunks]
}

// at returns a send that may be written.
func (s *pendingSends) at(slot uint32) *pendingSend {
	return &s.chunk(slot >> placeBits).sends[slot&placeMask]
}

// look returns a send that may not be written.
func (s *pendingSends) look(slot uint32) *pendingSend {
	return &s.lookChunk(slot >> placeBits).sends[slot&placeMask]
}

// sent returns the time of a send.
func (s *pendingSends) sent(p *pendingSend) int64 {
	return int64(s.due[p.when>>20].minute)*minute - int64(p.when&0xffff)
}

// later reports whether one of two sends of one minute was applied after the other.
func (s *pendingSends) later(slot, than uint32) bool {
	a, b := slot>>placeBits, than>>placeBits
	if a == b {
		return slot > than
	}
	return s.lookChunk(a).ordinal > s.lookChunk(b).ordinal
}

// add adds a send at a time. Who it is of is for the caller to say.
func (s *pendingSends) add(at int64, fingerprint uint64, state uint32) (slot uint32, p *pendingSend) {
	m := ceilMinute(at)
	place := uint32(m % dueMinutes)
	due := &s.due[place]
	if invariants.Enabled {
		invariants.Check(due.newest == 0 || due.minute == uint32(m), "replies: a send of minute %d would expire with minute %d", m, due.minute)
	}
	if due.newest == 0 || s.lookChunk(due.newest-1).n == chunkSends {
		s.addChunk(due, m)
	}
	c := s.chunk(due.newest - 1)
	slot = (due.newest-1)<<placeBits | c.n
	p = &c.sends[c.n]
	c.n++
	*p = pendingSend{fingerprint: fingerprint, when: place<<20 | state<<16 | uint32(m*minute-at)}
	return slot, p
}

// addChunk adds an empty chunk to a minute.
func (s *pendingSends) addChunk(due *dueMinute, m int64) {
	i := s.free - 1
	if s.free == 0 {
		if i = s.n; i == maxChunks {
			panic("window: more sends wait for a reply than one partition has room for")
		}
		s.room(i)
		s.n++
	} else {
		s.free = s.lookChunk(i).older
	}
	c := s.chunk(i)
	c.older, c.ordinal, c.n = due.newest, 0, 0
	if due.newest != 0 {
		c.ordinal = s.lookChunk(due.newest-1).ordinal + 1
	}
	due.minute, due.newest = uint32(m), i+1
	s.used++
}

// room makes sure that there is a chunk of an index that is one more than the largest, at most.
func (s *pendingSends) room(i uint32) {
	switch {
	case i == 0:
		s.blocks = append(s.blocks, make([]sendChunk, firstChunks))
	case int(i/blockChunks) == len(s.blocks):
		s.blocks = append(s.blocks, make([]sendChunk, blockChunks))
	case int(i) == len(s.blocks[0]):
		s.blocks[0] = append(make([]sendChunk, 0, 2*i), s.blocks[0]...)[:2*i]
	}
}

// dueAt returns the list of what expires at a tick.
func (s *pendingSends) dueAt(tick int64) *dueMinute {
	return &s.due[(tick-ReplyWindow)/minute%dueMinutes]
}

// drop takes the newest chunk from a minute.
func (s *pendingSends) drop(due *dueMinute) {
	i := due.newest - 1
	c := s.chunk(i)
	due.newest = c.older
	c.older, s.free = s.free, i+1
	s.used--
}

// ceilMinute returns the number of the first full minute at or after t.
func ceilMinute(t int64) int64 { return (t + minute - 1) / minute }
