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
		m.ofOne(number, pick(m.Rand, i, j), m.now)
	}
}

// ofOne writes something of a person.
func (m *maker) ofOne(number string, who int, t int64) {
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
	i := m.anyContact()
	c, _ := phone(i)
	t := &tale{m, m.number(), c, fmt.Sprint("DE.", i, pick(m.Rand, "", "y")), m.now + m.Int64N(max(m.span/3, 1))}
	pick(m.Rand, t.linkEnds, t.stopKeepsLink, t.runsMeet, t.pendingsMeet, t.runIsForgotten)()
}

// tale is a story of a number and of a person known by two identifiers.
type tale struct {
	*maker
	number, contact, user string
	start                 int64
}

// at promises things for a time, one after the other.
func (s *tale) at(t int64, all ...func(t int64)) {
	for _, do := range all {
		s.later = append(s.later, promise{t, func() { do(t) }})
	}
}

// event returns what writes an event of a type.
func (s *tale) event(kind string, of fields) func(t int64) {
	return func(t int64) {
		f := maps.Clone(of)
		f["type"], f["message_id"], f["kind"] = kind, fmt.Sprint("s", len(s.lines)), "text"
		s.write(s.base(f, s.number, t))
	}
}

func (s *tale) send(who string) func(int64)  { return s.event("message.sent", by(who, s.user)) }
func (s *tale) reply(who string) func(int64) { return s.event("message.received", by(who, s.user)) }

func (s *tale) prefer(preference string) func(int64) {
	f := by(s.either(), s.user)
	f["preference"] = preference
	return s.event("contact.preference", f)
}

func (s *tale) tie(t int64) {
	s.event("contact.alias", fields{"contact": s.contact, "previous_user_id": s.user})(t)
}

// either returns one of the two identifiers, and beside a time or one just by it.
func (s *tale) either() string       { return pick(s.Rand, s.contact, s.user) }
func (s *tale) beside(t int64) int64 { return t + pick(s.Rand, int64(-1), 0, 0, 1) }

// linkEnds has a link end, whether or not it was renewed.
func (s *tale) linkEnds() {
	s.at(s.start, s.tie)
	renewed := s.start
	if s.IntN(2) == 0 {
		renewed = s.start + s.Int64N(20*day)
		s.at(renewed, s.event("message.status", fields{"contact": s.contact, "contact_user_id": s.user, "status": "read"}))
	}
	end := s.beside(renewed + 30*day)
	s.at(end-hour, s.send(s.contact))
	s.at(end, s.reply(s.user))
	s.at(end+hour, s.send(s.contact))
	s.at(end+2*hour, s.reply(s.user))
}

// stopKeepsLink has a stop keep a link until a resume, and stop again.
func (s *tale) stopKeepsLink() {
	s.at(s.start, s.prefer("stop"))
	s.at(s.start+minute, s.tie)
	s.at(s.start+31*day, s.send(s.contact))
	s.at(s.start+31*day+hour, s.reply(s.user))
	s.at(s.start+31*day+2*hour, s.prefer("resume"))
	s.at(s.start+31*day+3*hour, s.prefer("stop"))
	s.at(s.start+31*day+4*hour, s.send(s.contact))
	s.at(s.start+31*day+5*hour, s.reply(s.user))
}

// runsMeet ties two runs that may become one, and sends in between.
func (s *tale) runsMeet() {
	gap := s.beside(day)
	s.at(s.start, s.reply(s.user))
	s.at(s.start+gap, s.reply(s.contact))
	s.at(s.start+gap+minute, s.tie)
	for range 3 {
		between := s.start + s.Int64N(gap)
		s.at(s.start+gap+2*minute, func(int64) { s.send(s.either())(between) })
	}
	s.at(s.start+gap+3*minute, s.send(s.contact))
}

// pendingsMeet answers one of two who are then one.
func (s *tale) pendingsMeet() {
	s.at(s.start, s.send(s.user))
	s.at(s.start+minute, s.send(s.contact))
	s.at(s.start+2*minute, s.send(s.contact))
	answer := s.start + pick(s.Rand, hour, 47*hour, 48*hour-1, 48*hour, 48*hour+minute)
	s.at(answer, s.reply(s.either()))
	s.at(answer+pick(s.Rand, int64(0), 1, minute), s.tie)
	s.at(answer+hour, s.reply(s.either()))
}

// runIsForgotten has a late inbound and a tie come just when a run is forgotten.
func (s *tale) runIsForgotten() {
	s.at(s.start, s.reply(s.contact))
	w := s.beside(s.start + 48*hour)
	early := s.start - pick(s.Rand, hour, day, day+1)
	s.at(w-2*hour, s.send(s.user))
	s.at(w, func(t int64) {
		s.write(fields{"id": fmt.Sprint("w", len(s.lines)), "type": "clock", "time": t})
		s.reply(s.either())(early)
		s.tie(t)
	})
	s.at(w+minute, s.send(s.contact))
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
