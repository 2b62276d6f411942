package randlog

import (
	"fmt"
	"maps"
	"strings"
)

// phone returns the phone number of a person in its canonical form, and one that
// their WhatsApp account may be called by instead: by the rules of the contract's
// section 9, one after the other. The tenth and eleventh have no country.
func phone(i int) (canonical, other string) {
	n := 1000000 + i
	switch i % 16 {
	case 0:
		return fmt.Sprint("5511", 80000000+i), fmt.Sprint("55119", 80000000+i)
	case 1:
		return fmt.Sprint("52155", 5000000+i), fmt.Sprint("52155", 5000000+i)
	case 2:
		return fmt.Sprint("5411", 20000000+i), fmt.Sprint("541115", 20000000+i)
	case 3:
		return fmt.Sprint("54351", n), fmt.Sprint("5435115", n)
	case 4:
		return fmt.Sprint("542966", 100000+i), fmt.Sprint("54296615", 100000+i)
	case 5:
		return fmt.Sprint("22901", 90000000+i), fmt.Sprint("229", 90000000+i)
	case 6:
		return fmt.Sprint("22501", 40000000+i), fmt.Sprint("225", 40000000+i)
	case 7:
		return fmt.Sprint("225050", 4000000+i), fmt.Sprint("2250", 4000000+i)
	case 8:
		return fmt.Sprint("22507", 49000000+i), fmt.Sprint("225", 49000000+i)
	case 9:
		return fmt.Sprint("user-", i), fmt.Sprint("+user-", i)
	case 10:
		return fmt.Sprint("88300000", n), fmt.Sprint("0088300000", n) // a code of no country
	case 11:
		return fmt.Sprint("52555", n), fmt.Sprint("521555", n)
	case 12:
		return fmt.Sprint("5411", 30000000+i), fmt.Sprint("54911", 30000000+i)
	}
	c := fmt.Sprint([]string{"336", "1202", "49151"}[i%16-13], n)
	return c, c
}

// called returns one of the ways to write the contact of a person.
func (m *maker) called(i int) string {
	canonical, other := phone(i)
	if m.forms == 1 {
		return pick(m.Rand, canonical, canonical, "+"+canonical)
	}
	if strings.HasPrefix(other, "+") {
		return pick(m.Rand, canonical, other)
	}
	p := pick(m.Rand, canonical, canonical, other)
	if m.IntN(3) > 0 {
		return p
	}
	return pick(m.Rand, "+"+p, "whatsapp:"+p, "whatsapp:+"+p, "00"+p, " (+"+p[:3]+") "+p[3:6]+"-"+p[6:], p[:4]+"."+p[4:], p+"@s.whatsapp.net",
		"+"+p+":12@c.us", p+":3@hosted")
}

// user returns the business-scoped user id of a person, at times one of long ago,
// and lid the id that a device knows the person by.
func (m *maker) user(i int) string {
	return fmt.Sprint(pick(m.Rand, "DE", "DE", "DE", "FR"), ".", i, strings.Repeat("x", m.IntN(8)/7))
}

func (m *maker) lid(i int) string {
	return fmt.Sprint(100000000000000+i, pick(m.Rand, "@lid", ":2@lid", "@hosted.lid"))
}

// address names a person in an event in one of the ways that this log knows, at
// times by two identifiers, of which seldom one is another person's.
func (m *maker) address(f fields, i int) fields {
	switch k := m.IntN(12); {
	case m.forms == 1 || k < 5:
		f["contact"] = m.called(i)
	case m.forms == 2 && k < 9 || k < 8:
		f["contact_user_id"] = m.user(i)
	case k < 10:
		f["contact"], f["contact_user_id"] = m.called(i), m.user(i)
	case m.forms < 6:
		f["contact"], f["contact_user_id"] = m.called(i), ""
	case k == 10:
		f["contact"] = pick(m.Rand, m.lid(i), m.user(i))
	default:
		f["contact"], f["contact_user_id"] = pick(m.Rand, m.lid(i), m.user(i), m.called(i)), m.user((i+m.IntN(2))%m.contacts)
	}
	return f
}

// grouped makes of a message one to a group, now and then, at times one that
// names nobody.
func (m *maker) grouped(f fields) fields {
	if m.IntN(30) == 0 {
		f["group_id"] = "g"
		if m.IntN(2) == 0 {
			delete(f, "contact")
			delete(f, "contact_user_id")
		}
	}
	return f
}

// alike says that two identifiers are one person's: mostly forms of one, at times
// of two, and at times long after it was true.
func (m *maker) alike(number string, t int64) {
	i := m.anyContact()
	j := i
	if m.IntN(3) == 0 {
		j = m.anyContact()
	}
	if m.IntN(6) == 0 {
		t = m.now - pick(m.Rand, day, 29*day, 30*day-10*minute, 30*day-1, 30*day, 30*day+1, 31*day)
	}
	f := fields{"type": "contact.alias"}
	switch m.IntN(4) {
	case 0:
		f["contact"], f["contact_user_id"] = m.called(i), m.user(i)
	case 1:
		f["contact_user_id"] = m.user(i)
	default:
		f["contact"] = m.called(i)
	}
	if m.IntN(2) == 0 {
		f["previous_user_id"] = m.user(j)
	}
	if m.IntN(2) == 0 || f["previous_user_id"] == nil {
		f["previous"] = pick(m.Rand, m.lid(j), m.called(j), m.called(j), m.user(j))
	}
	m.write(m.base(f, number, t))
	for range m.IntN(3) { // something that shows it
		m.either(number, i, j, m.now)
	}
}

// either writes something of one of two people.
func (m *maker) either(number string, i, j int, t int64) {
	who := pick(m.Rand, i, j)
	switch m.IntN(5) {
	case 0, 1:
		m.send(number, who, m.content(), t)
	case 2, 3:
		m.inbound(number, who, t)
	default:
		m.prefer(number, who, pick(m.Rand, "stop", "resume"), t)
	}
}

func (m *maker) prefer(number string, contact int, preference string, t int64) {
	m.write(m.base(m.address(fields{"type": "contact.preference", "preference": preference}, contact), number, t))
}

// story lets things happen, over hours or a month, that two identifiers of one
// person depend upon. Each time is at an edge of a rule or a millisecond beside it.
func (m *maker) story() {
	number, i := m.number(), m.anyContact()
	start := m.now + m.Int64N(max(m.span/3, 1))
	c, _ := phone(i)
	u := fmt.Sprint("DE.", i, pick(m.Rand, "", "y"))
	at := func(t int64, do func(t int64)) { m.later = append(m.later, promise{t, func() { do(t) }}) }
	event := func(kind string, f fields) func(int64) {
		return func(t int64) {
			f := maps.Clone(f)
			f["type"], f["message_id"], f["kind"] = kind, fmt.Sprint("s", len(m.lines)), "text"
			m.write(m.base(f, number, t))
		}
	}
	send := func(who string) func(int64) { return event("message.sent", by(who, u)) }
	reply := func(who string) func(int64) { return event("message.received", by(who, u)) }
	tie := event("contact.alias", fields{"contact": c, "previous_user_id": u})
	prefer := func(who, preference string) func(int64) {
		f := by(who, u)
		f["preference"] = preference
		return event("contact.preference", f)
	}
	beside := func(t int64) int64 { return t + pick(m.Rand, int64(-1), 0, 0, 1) }
	switch m.IntN(5) {
	case 0: // a link that ends, told again or not
		at(start, tie)
		told := start
		if m.IntN(2) == 0 {
			told = start + m.Int64N(20*day)
			at(told, event("message.status", fields{"contact": c, "contact_user_id": u, "status": "read"}))
		}
		end := beside(told + 30*day)
		at(end-hour, send(c))
		at(end, reply(u))
		at(end+hour, send(c))
		at(end+2*hour, reply(u))
	case 1: // one that a stop keeps
		at(start, prefer(pick(m.Rand, c, u), "stop"))
		at(start+minute, tie)
		at(start+31*day, send(c))
		at(start+31*day+hour, reply(u))
		at(start+31*day+2*hour, prefer(pick(m.Rand, c, u), "resume"))
		at(start+31*day+3*hour, prefer(pick(m.Rand, c, u), "stop"))
		at(start+31*day+4*hour, send(c))
		at(start+31*day+5*hour, reply(u))
	case 2: // two runs that may be one
		gap := beside(day)
		at(start, reply(u))
		at(start+gap, reply(c))
		at(start+gap+minute, tie)
		for range 3 {
			between := start + m.Int64N(gap)
			at(start+gap+2*minute, func(int64) { send(pick(m.Rand, c, u))(between) })
		}
		at(start+gap+3*minute, send(c))
	case 3: // pending sends of both, an answer to one, and then they are one
		at(start, send(u))
		at(start+minute, send(c))
		at(start+2*minute, send(c))
		answer := start + pick(m.Rand, hour, 47*hour, 48*hour-1, 48*hour, 48*hour+minute)
		at(answer, reply(pick(m.Rand, c, u)))
		at(answer+pick(m.Rand, int64(0), 1, minute), tie)
		at(answer+hour, reply(pick(m.Rand, c, u)))
	default: // a run that is about to be forgotten
		at(start, reply(c))
		w := beside(start + 48*hour)
		early := start - pick(m.Rand, hour, day, day+1)
		at(w-2*hour, send(u))
		at(w, func(t int64) {
			m.write(fields{"id": fmt.Sprint("w", len(m.lines)), "type": "clock", "time": t})
			reply(pick(m.Rand, c, u))(early)
			tie(t)
		})
		at(w+minute, send(c))
	}
}

// by names one identifier, the user id in a field of its own.
func by(who, user string) fields {
	if who == user {
		return fields{"contact_user_id": who}
	}
	return fields{"contact": who}
}

// quota writes what WhatsApp shows of a quota of new chats.
func (m *maker) quota(number string, t int64) {
	total := pick(m.Rand, 1, 10, 100, -1)
	f := fields{"type": "number.cap", "used": m.IntN(12) * max(total, 1) / 10, "total": total}
	if m.IntN(3) == 0 {
		f["status"] = pick(m.Rand, "NONE", "FIRST_WARNING", "SECOND_WARNING", "CAPPED")
	}
	if m.IntN(3) == 0 {
		end := t + pick(m.Rand, -hour, 0, 10*minute, hour, day)
		f["cycle_end"] = end
		m.anchors = append(m.anchors, end)
		at := end - m.Int64N(2)
		m.later = append(m.later, promise{at, func() { m.send(number, m.anyContact(), m.content(), at) }})
	}
	m.write(m.base(f, number, t))
}
