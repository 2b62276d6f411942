package randlog

import (
	"math/rand/v2"
	"strings"
	"time"
)

// Line is one line of a log that is written as time passes.
type Line struct {
	At   int64 // ms: when it is to be written; no event of it is of a later time
	Text string
}

// Live is how a log that is written as time passes is made.
type Live struct {
	Seed    uint64
	Start   time.Time     // when the first live line is written
	Span    time.Duration // for how long lines are written
	Gap     time.Duration // between two of them, on average, bursts aside
	Numbers int
	History int // events of the days before, to be written at Start
}

// Lines returns the history and then the live lines, by their At. Numbers, contacts and
// campaigns are those of Log; what the history promised for the days before Start is left
// out. No line names a policy: a pipeline stops at one that it does not keep.
func (l Live) Lines() []Line {
	start := l.Start.UnixMilli()
	m := l.history(begin)
	if m.now > start {
		panic("randlog: the history of a live log reaches beyond its start")
	}
	const whole = 3 * day // what depends on a time's remainders stays as it is
	m = l.history(begin + (start-m.now)/whole*whole)
	var all []Line
	take := func() {
		m.noteWritten()
		for i := len(all); i < len(m.lines); i++ {
			all = append(all, Line{At: max(m.written[i], start), Text: m.lines[i]})
		}
	}
	take()
	m.now, m.recordClock, m.live, m.events = start, start, true, int(^uint(0)>>1)
	for end := start + l.Span.Milliseconds(); m.now < end; take() {
		before := m.now
		m.now += m.Int64N(2*l.Gap.Milliseconds() + 1)
		if m.IntN(12) == 0 {
			m.now += second - m.now%second
		}
		if !m.keep(before) {
			m.one()
		}
	}
	kept := all[:0]
	for _, line := range all {
		if !strings.Contains(line.Text, `"policy"`) {
			kept = append(kept, line)
		}
	}
	return kept
}

// noteWritten notes that the lines which have no time yet are written now.
func (m *maker) noteWritten() {
	for len(m.written) < len(m.lines) {
		m.written = append(m.written, m.now)
	}
}

// history makes the days before, from an instant on.
func (l Live) history(from int64) *maker {
	m := &maker{Rand: rand.New(rand.NewPCG(l.Seed, 0x11fe)), now: from}
	m.shape = shape{
		numbers: l.Numbers, contacts: 40 * l.Numbers, wabas: 5, portfolios: 4, events: l.History, span: 4 * day,
		disorder: 0.05, campaigns: 0.01, templates: 30, forms: 3,
	}
	m.end = m.now + m.span
	for len(m.lines) < m.events {
		before := m.now
		m.advance()
		if !m.keep(before) {
			m.one()
		}
	}
	return m
}
