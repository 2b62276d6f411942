package engine

import "sendwatch/internal/event"

// change is something that a portfolio must know of one of its numbers. A
// number's partition hands changes on in the order in which they came about,
// each with the first portfolio minute that sees it, so that portfolios can be
// evaluated elsewhere as exactly as here. What a and b hold depends on the kind:
// the accessors name it.
type change struct {
	sequence  int64
	visible   int64 // ms, a full minute
	kind      event.ChangeKind
	portfolio uint32
	number    numberIndex // noNumber on a limit
	a         uint64
	b         int64
}

// What a change holds, by its kind.

func (c *change) contact() uint64 { return c.a }        // ChangeContact: the contact's hash
func (c *change) minute() int64   { return c.b }        // and the number of the send's minute
func (c *change) score() uint8    { return uint8(c.a) } // ChangeScore
func (c *change) ipHash() uint64  { return c.a }        // ChangeIP
func (c *change) struckAt() int64 { return c.b }        // ChangeStrike: ms
func (c *change) limit() int64    { return c.b }        // ChangeLimit
func (c *change) limitAt() int64  { return int64(c.a) } // and the event time that gave it, ms

// changelog keeps the changes of a partition until they are drained.
type changelog struct {
	on       bool
	visible  int64
	offset   int64 // of the record in progress
	sequence int64 // of the change added last
	list     []change
}

// sequenceBits leaves room for a million changes of one record. The sequence of a change
// is made of its record's offset, so that an engine that begins anywhere in the log, on a
// log that has lost its beginning or after a gap, numbers what comes as one that has
// read all of it: a reader that is further takes it for what it has, or for newer, and
// never the other way round.
const sequenceBits = 20

func (l *changelog) addContact(portfolio uint32, i numberIndex, contact uint64, minute int64) {
	l.add(event.ChangeContact, portfolio, i, contact, minute)
}

func (l *changelog) addScore(portfolio uint32, i numberIndex, score uint8) {
	l.add(event.ChangeScore, portfolio, i, uint64(score), 0)
}

func (l *changelog) addJoin(portfolio uint32, i numberIndex) {
	l.add(event.ChangeJoin, portfolio, i, 0, 0)
}

func (l *changelog) addLeave(portfolio uint32, i numberIndex) {
	l.add(event.ChangeLeave, portfolio, i, 0, 0)
}

func (l *changelog) addIP(portfolio uint32, i numberIndex, ipHash uint64) {
	l.add(event.ChangeIP, portfolio, i, ipHash, 0)
}

func (l *changelog) addStrike(portfolio uint32, i numberIndex, at int64) {
	l.add(event.ChangeStrike, portfolio, i, 0, at)
}

func (l *changelog) addLimit(portfolio uint32, limit, at int64) {
	l.add(event.ChangeLimit, portfolio, noNumber, uint64(at), limit)
}

// add adds a change, if anyone wants it and it concerns a portfolio.
func (l *changelog) add(kind event.ChangeKind, portfolio uint32, i numberIndex, a uint64, b int64) {
	if l.on && portfolio != 0 {
		l.sequence = max(l.sequence, l.offset<<sequenceBits) + 1
		l.list = append(l.list, change{l.sequence, l.visible, kind, portfolio, i, a, b})
	}
}

// LastChange returns the sequence of the last change, 0 before the first.
func (e *Engine) LastChange() int64 { return e.changelog.sequence }

// drain moves changes to out, for the portfolios role, and reports whether some are left:
// with a budget so many come at a time. There are nearly two a send, and a flush that moved all of
// them at once made lists of tens of megabytes, each new to the caches.
func (e *Engine) drain(next *int, out *event.Output) (more bool) {
	list := e.changelog.list[*next:]
	if n := e.cfg.Budget; n > 0 && len(list) > n {
		list, more = list[:n], true
	}
	*next += len(list)
	for k := range list {
		c := &list[k]
		v := event.PortfolioChange{
			Partition: e.cfg.Partition, Sequence: c.sequence, Visible: c.visible, Kind: c.kind,
			PortfolioID: e.portfolioIDs.string(c.portfolio), A: c.a, B: c.b,
		}
		if c.number != noNumber {
			v.NumberID = e.numbers.ids.string(c.number.name())
		}
		out.Changes = append(out.Changes, v)
	}
	if !more {
		e.changelog.list, *next = e.changelog.list[:0], 0
	}
	return more
}
