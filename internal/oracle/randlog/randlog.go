package randlog

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// begin is where every log begins: 2025-10-09 08:53:20 UTC.
const begin = int64(1760000000000)

// maker makes one log. Its memory of what it wrote serves to come back to it.
type maker struct {
	*rand.Rand
	shape
	now         int64 // the largest event time so far
	recordClock int64
	lines       []string
	anchors     []int64 // event times that windows will end for
	sends       []sent
	inbounds    []sent
	ids         []applied
	later       []promise
	end         int64
	live        bool    // events are written as time passes: none is of a time to come
	written     []int64 // when each line is, as far as it was noted
}

// promise is something that will happen at a time to come.
type promise struct {
	at int64
	do func()
}

// sent is a send that may be answered, withdrawn or delivered later, or an
// inbound that opened a window.
type sent struct {
	number  string
	contact int
	at      int64
}

// applied is a line that may come again, and the record clock it came at.
type applied struct {
	line  string
	time  int64
	clock int64
}

type fields map[string]any

// Log returns the log of a seed, one event a line.
func Log(seed uint64) []string {
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 0x5e4d)), now: begin}
	m.shape = newShape(m.Rand)
	m.now += pick(m.Rand, 0, 1, 999, 40*second, m.Int64N(hour))
	m.end = m.now + m.span
	if m.stories > 0 {
		for range m.stories {
			m.story()
		}
	}
	for len(m.lines) < m.events {
		before := m.now
		m.advance()
		if !m.keep(before) {
			m.one()
		}
	}
	if m.IntN(2) == 0 {
		m.write(m.base(fields{"type": "clock"}, "", m.now+pick(m.Rand, 10*minute, 49*hour)))
	}
	return m.lines
}

// advance moves the time, often to just where something ends.
func (m *maker) advance() {
	left := max(m.end-m.now, int64(0))
	mean := left/int64(max(1, m.events-len(m.lines))) + 1
	switch m.IntN(12) {
	case 0: // no time passes
	case 1:
		m.now += pick(m.Rand, 1, 999, second, second+1)
	case 2:
		m.now += m.Int64N(minute)
	case 3:
		m.now += second - m.now%second
	case 4:
		m.now += minute - m.now%minute - pick(m.Rand, int64(0), 0, 1)
	case 5:
		if next := m.now + hour - m.now%hour; next-m.now < 4*mean+minute {
			m.now = next
		}
	case 6, 7:
		m.meet(mean)
	default:
		m.now += m.Int64N(2*mean + 1)
	}
	if m.IntN(200) == 0 && left > 0 { // everybody falls silent
		m.now += min(left, pick(m.Rand, 11*minute, hour, day, 2*day, 3*day, 8*day))
	}
	if m.span > 100*day && m.IntN(20) == 0 && left > 0 {
		m.now += min(left, pick(m.Rand, 14*day, 30*day, 180*day))
	}
}

// keep does the earliest of what was promised for between before and now, at its
// time, and reports whether there was any.
func (m *maker) keep(before int64) bool {
	first := -1
	for i, p := range m.later {
		if p.at >= before && p.at <= m.now && (first < 0 || p.at < m.later[first].at) {
			first = i
		}
	}
	if first < 0 {
		return false
	}
	p := m.later[first]
	m.later = append(m.later[:first], m.later[first+1:]...)
	m.now = p.at
	p.do()
	return true
}

// meet goes to a moment at which something that happened leaves a window.
func (m *maker) meet(mean int64) {
	for range 20 {
		if len(m.anchors) == 0 {
			return
		}
		t := m.anchors[m.IntN(len(m.anchors))] + pick(m.Rand, minute, 10*minute, hour, day, 48*hour, 3*day, 5*day, 7*day, 14*day, 30*day) +
			pick(m.Rand, int64(0), 0, 0, 1, -1, second, -second, minute, 10*minute, hour)
		if t >= m.now && t-m.now <= 20*mean {
			m.now = t
			return
		}
	}
}

// when returns an event's time: mostly now, sometimes out of order.
func (m *maker) when() int64 {
	if m.Float64() >= m.disorder {
		return m.now
	}
	t := m.now - pick(m.Rand, 1, second, m.Int64N(minute), m.Int64N(20*minute), m.Int64N(hour), m.Int64N(30*hour),
		day, day+1, day-1, m.Int64N(4*day))
	if m.IntN(4) == 0 {
		t -= t % pick(m.Rand, second, minute, hour)
	}
	return t
}

// base adds to an event the fields that all have.
func (m *maker) base(f fields, number string, t int64) fields {
	f["id"], f["time"] = fmt.Sprint("e", len(m.lines)), t
	if number != "" {
		f["number_id"] = number
		home := 0
		_, _ = fmt.Sscanf(number, "n%d", &home)
		if m.IntN(40) == 0 {
			home = m.IntN(20) // it moves
		}
		if m.IntN(5) > 0 {
			f["waba_id"] = m.waba(home)
		}
		if m.IntN(5) > 0 {
			f["portfolio_id"] = m.portfolio(home)
		}
	}
	return f
}

func (m *maker) waba(i int) string      { return fmt.Sprint("w", i%m.wabas) }
func (m *maker) portfolio(i int) string { return fmt.Sprint("p", i%m.wabas%m.portfolios) }
func (m *maker) number() string         { return fmt.Sprint("n", m.IntN(m.numbers)) }

func (m *maker) anyContact() int { return m.IntN(m.contacts) }

// write adds a line with a record time that the event may have.
func (m *maker) write(f fields) {
	t := f["time"].(int64)
	if m.live && t > m.now {
		t = m.now
		f["time"] = t
	}
	recordTime := t
	switch m.IntN(12) {
	case 0:
		recordTime = t - pick(m.Rand, m.Int64N(5*minute), 5*minute)
		f["_record_time"] = recordTime
	case 1:
		recordTime = max(t, m.now) + m.Int64N(2*minute)
		f["_record_time"] = recordTime
	}
	switch m.IntN(30) {
	case 0:
		f["time"] = time.UnixMilli(t).In(time.FixedZone("", pick(m.Rand, 0, 2, -5)*3600)).Format("2006-01-02T15:04:05.000Z07:00")
	case 1:
		f["time"] = time.UnixMilli(t).UTC().Format("2006-01-02T15:04:05.000") + "999Z"
	}
	if m.IntN(40) == 0 { // it has no timestamp of its own, and so may be ahead of the others
		recordTime = 0
		f["_record_time"] = pick(m.Rand, int64(0), 1, year2009-1)
	}
	data, err := json.Marshal(f)
	if err != nil {
		panic(err) // a map of strings and numbers always encodes
	}
	m.recordClock = max(m.recordClock, recordTime)
	m.now = max(m.now, t)
	if m.IntN(3) == 0 {
		m.anchors = append(m.anchors, t)
	}
	m.noteWritten()
	m.lines = append(m.lines, string(data))
	m.ids = append(m.ids, applied{string(data), recordTime, m.recordClock})
	if m.IntN(25) == 0 && !m.live { // the same line again at the last instant of the dedup horizon
		at := m.recordClock + hour
		m.later = append(m.later, promise{at, func() {
			if m.recordClock <= at {
				m.lines = append(m.lines, fmt.Sprintf(`{"id":"c%d","type":"clock","time":%d}`, len(m.lines), at), string(data))
				m.recordClock = at
			}
		}})
	}
}

// again repeats a line, never one whose repetition the contract leaves open.
func (m *maker) again() {
	if len(m.ids) == 0 {
		return
	}
	i := m.IntN(len(m.ids))
	if m.IntN(2) == 0 {
		i = len(m.ids) - 1
	}
	a := &m.ids[i]
	clock := max(m.recordClock, a.time)
	if gap := clock - a.clock; gap > hour && gap <= 2*hour+minute {
		return
	} else if gap > hour {
		a.clock = clock
	}
	m.recordClock = clock
	m.lines = append(m.lines, a.line)
}

// junk adds a line that is no event, or one of an unknown type.
func (m *maker) junk() {
	id := fmt.Sprint("j", len(m.lines))
	if m.IntN(3) == 0 {
		m.lines = append(m.lines, fmt.Sprintf(`{"id":%q,"type":"unknown.type","time":%d}`, id, m.now))
		m.recordClock = max(m.recordClock, m.now)
		return
	}
	head := fmt.Sprintf(`{"id":%q,"time":%d,"number_id":"n0",`, id, m.now)
	line := pick(m.Rand, "not json", "{", "[]", "null", `{"id":"x"`, "\xff\xfe", `"{}"`,
		head+`"type":"message.sent"}`, head+`"type":"number.quality","rating":"PURPLE"}`,
		head+`"type":"number.quality","rating":7}`, head+`"type":"group.update","non_contacts_added":-1}`,
		head+`"type":"group.update","non_contacts_added":1.0}`, head+`"type":"message.received","contact":"+","message_id":"i","kind":"text"}`,
		head+`"type":"portfolio.limit","portfolio_id":"p0","limit":0}`, head+`"type":"account.update","scope":"waba","state":"warned"}`,
		head+`"type":"account.update","scope":"number","state":"none"}`, head+`"type":"number.profile","country":"DEU"}`,
		head+`"type":"message.received","contact":"\ud800","message_id":"i","kind":"text"}`,
		head+`"type":"message.sent","message_id":"m","kind":"text"}`, head+`"type":"message.received","contact":"whatsapp:00","message_id":"i","kind":"text"}`,
		head+`"type":"message.sent","message_id":"m","kind":"text","contact":"c","contact_user_id":7}`, head+`"type":"message.sent","message_id":"m","kind":"text","contact":"c","group_id":7}`,
		head+`"type":"contact.alias","contact":"c"}`, head+`"type":"contact.alias","previous":"c"}`, head+`"type":"contact.alias","contact":"c","previous":"+"}`,
		head+`"type":"number.cap","used":-1,"total":5}`, head+`"type":"number.cap","used":1,"total":0}`, head+`"type":"number.cap","used":1,"total":5,"status":"capped"}`,
		head+`"type":"number.cap","total":5}`, head+`"type":"number.profile","country":"DE","inputs":["calls"]}`, head+`"type":"number.profile","country":"DE","inputs":[""]}`,
		head+`"type":"number.connection","ip_country":"DE","linked_at":"soon"}`,
		head+`"type":"template.update","waba_id":"w0","template":{"name":"t0","language":"en"},"pauses":-1}`,
		head+`"type":"unknown.type","time":"2001-01-01T00:00:00Z"}`, head+`"type":"clock","_record_time":1}`,
		head+`"type":"unknown.type","x":`+strings.Repeat("[", 32)+strings.Repeat("]", 32)+`}`,
	)
	if strings.HasPrefix(line, head) && !strings.Contains(line, "_record_time") && !strings.Contains(line, "2001-") && !strings.Contains(line, "\\ud800") {
		m.recordClock = max(m.recordClock, m.now) // the line's time can be read, though it is no event
	}
	m.lines = append(m.lines, line)
}
