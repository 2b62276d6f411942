package randlog

import (
	"fmt"
	"maps"
	"strconv"
)

// one adds one or a few lines of some type.
func (m *maker) one() {
	if m.Float64() < m.campaigns {
		m.campaign()
		return
	}
	if m.loved && len(m.lines) == 1 {
		m.write(m.base(fields{"type": "number.connection", "ip_country": "DE", "linked_at": m.now - m.Int64N(14*day)}, "n0", m.now))
		return
	}
	if (m.official || m.returning || m.outcomes || m.loved) && len(m.lines) < 2*m.numbers && len(m.lines)%2 == 0 {
		m.profile(fmt.Sprint("n", len(m.lines)/2), m.when())
		return
	}
	number, t := m.number(), m.when()
	if m.aliases && m.IntN(4) == 0 {
		m.alike(number, t)
		return
	}
	k := m.IntN(100)
	if m.calm && m.IntN(20) > 0 {
		k = m.IntN(64) // only what messages bring
	}
	if m.together && m.IntN(5) == 0 {
		k = pick(m.Rand, 75, 75, 90)
	}
	switch {
	case k < 40:
		m.send(number, m.recipient(), m.content(), t)
	case k < 52:
		m.receive(number, t)
	case k < 64:
		m.status(number, t)
	case k < 67:
		m.prefer(number, m.anyContact(), pick(m.Rand, "stop", "stop", "resume"), t)
	case k < 69:
		m.write(m.base(m.address(fields{"type": pick(m.Rand, "contact.block", "contact.report")}, m.anyContact()), number, t))
	case k < 73:
		m.profile(number, t)
	case k < 75:
		m.write(m.base(fields{"type": "number.quality", "rating": pick(m.Rand, "GREEN", "YELLOW", "RED", "UNKNOWN")}, number, t))
	case k < 78:
		m.connection(number, t)
	case k < 80:
		m.write(m.base(fields{"type": "group.update", "non_contacts_added": pick(m.Rand, 0, 1, 5, 10, 25)}, number, t))
	case k < 82:
		m.quota(number, t)
	case k < 87:
		m.account(number, t)
	case k < 90:
		m.templateUpdate(t)
	case k < 92:
		f := m.base(fields{"type": "portfolio.limit", "portfolio_id": fmt.Sprint("p", m.IntN(m.portfolios+1)), "limit": pick(m.Rand, -1, 1, 5, 20, 250)}, "", t)
		if m.together {
			f["portfolio_id"], f["limit"] = "p0", pick(m.Rand, 30, 45, 55, 60, 65, 70)
		}
		m.write(f)
	case k < 94:
		m.twins(number, t)
	case k < 95:
		m.write(m.base(fields{"type": pick(m.Rand, "clock", "policy"), "version": "v1"}, "", t))
	case k < 98:
		m.again()
	default:
		m.junk()
	}
}

func (m *maker) connection(number string, t int64) {
	f := fields{"type": "number.connection", "ip_country": pick(m.Rand, "DE", "de", "FR", "BR")}
	if m.IntN(3) > 0 {
		f["ip_hash"] = fmt.Sprint("h", m.IntN(3))
	}
	if m.IntN(3) == 0 {
		f["linked_at"] = t - pick(m.Rand, 0, hour, 6*day, 7*day-hour, 7*day, 13*day, 14*day-hour, 14*day, 20*day, -day)
	}
	if m.together && m.IntN(8) > 0 {
		f["ip_hash"] = "h0"
	}
	m.write(m.base(f, number, t))
}

// recipient returns a contact at random or, of a bot, the next in turn.
func (m *maker) recipient() int {
	if m.steady {
		return len(m.sends) % m.contacts
	}
	return m.anyContact()
}

// content returns what a send says.
func (m *maker) content() fields {
	f := fields{"kind": pick(m.Rand, "text", "image", "video", "interactive", "nonsense")}
	if m.IntN(3) == 0 {
		f["kind"] = "text"
		f["text"] = pick(m.Rand, "Hello 12 there", "hello  13\u00a0There ", "Straße 7", "STRASSE ٧", "Order "+strconv.Itoa(m.IntN(1000)), "ﬁne", fmt.Sprint("t", string(rune('a'+m.IntN(26)))))
	}
	if m.IntN(3) == 0 {
		f["media_hash"] = fmt.Sprint("m", m.IntN(4))
	}
	if m.IntN(4) == 0 {
		f["links"] = []string{
			pick(m.Rand, "https://Shop.example/a?x=1", "shop.example/a#b", "http://u@other.example:80/", "", "other.example"),
			pick(m.Rand, "https://shop.example/a", "third.example/x"),
		}
	}
	if m.IntN(10) == 0 {
		f["content_hash"] = fmt.Sprint("c", m.IntN(3))
	}
	if m.IntN(2) == 0 {
		f["kind"] = "template"
		f["template"] = m.template()
	}
	if m.IntN(3) == 0 {
		f["contact_country"] = pick(m.Rand, "DE", "fr", "BR")
	}
	if m.IntN(2) == 0 {
		f["opt_in"] = m.IntN(4) > 0
	}
	if m.loved && m.IntN(8) > 0 {
		f = fields{"kind": "text", "text": "the same to all", "media_hash": "m0", "links": []string{"shop.example/a"}, "contact_country": pick(m.Rand, "DE", "FR", "FR", "US")}
	}
	if m.outcomes {
		f["media_hash"], f["contact_country"] = "m0", pick(m.Rand, "DE", "DE", "DE", "FR", "BR")
	}
	if m.IntN(20) == 0 {
		f["held"] = true
	}
	if m.IntN(20) == 0 {
		f["kind"] = "reaction"
	}
	return f
}

func (m *maker) template() fields {
	i := m.IntN(m.templates)
	f := fields{"name": fmt.Sprint("t", i), "language": pick(m.Rand, "en", "en", "de", "en-US", "EN-us", "en_US", "por_br", "english")}
	if c := []any{"MARKETING", "Utility", nil, "authentication", "other"}[(i+m.IntN(8)/7)%5]; c != nil {
		f["category"] = c
	}
	return f
}

func (m *maker) send(number string, contact int, content fields, t int64) {
	if len(m.inbounds) > 0 && m.IntN(12) == 0 { // at an edge of a window
		i := m.inbounds[max(0, len(m.inbounds)-1-m.IntN(8))]
		at := i.at + pick(m.Rand, 0, -1, day, day+1, -48*hour)
		if m.disorder > 0 && at <= m.now+hour && at > m.now-3*day || at >= m.now && at <= m.now+hour {
			number, contact, t = i.number, i.contact, at
		}
	}
	f := m.address(fields{"type": "message.sent", "message_id": fmt.Sprint("m", len(m.lines))}, contact)
	maps.Copy(f, content)
	m.write(m.base(m.grouped(f), number, t))
	m.sends = append(m.sends, sent{number, contact, t})
	if m.outcomes {
		f := m.address(fields{"type": "message.status", "message_id": "m", "status": "delivered"}, contact)
		if m.IntN(20) < 4 {
			f["status"], f["error_code"] = "failed", pick(m.Rand, 131026, 131049, 131049)
		}
		m.write(m.base(f, number, max(t, m.now)))
	}
	if m.loved && m.IntN(5) < 2 {
		at := t + m.Int64N(20*minute)
		m.later = append(m.later, promise{at, func() { m.inbound(number, contact, at) }})
	}
	if m.IntN(12) == 0 { // an answer about when a class of delays begins
		at := (t/quarter+1<<m.IntN(9))*quarter - m.Int64N(2)
		m.later = append(m.later, promise{at, func() { m.inbound(number, contact, at) }})
	}
	if m.IntN(15) == 0 { // an answer at the last instant, or just too late
		at := t + 48*hour + pick(m.Rand, int64(-1), 0, 0, 1)
		m.later = append(m.later, promise{at, func() { m.inbound(number, contact, at) }})
	}
}

// twins writes two events of the same time that contradict each other, and
// something that shows which of them counts.
func (m *maker) twins(number string, t int64) {
	switch m.IntN(4) {
	case 0:
		for range 2 {
			m.write(m.base(fields{"type": "number.quality", "rating": pick(m.Rand, "GREEN", "YELLOW", "RED")}, number, t))
		}
	case 1:
		contact := m.anyContact()
		for range 2 {
			m.send(number, contact, m.content(), t)
		}
		m.write(m.base(m.address(fields{"type": "message.status", "message_id": "m", "status": "failed"}, contact), number, max(t, m.now)))
	case 2:
		for range 2 {
			m.account(number, t)
		}
	default:
		for range 2 {
			m.templateUpdate(t)
		}
		home := 0
		_, _ = fmt.Sscanf(number, "n%d", &home)
		for _, status := range []string{"PAUSED", "APPROVED", "PAUSED"} { // twice
			m.write(m.base(fields{"type": "template.update", "waba_id": m.waba(home), "template": fields{"name": "t0", "language": "en"}, "status": status}, "", m.now))
		}
		m.send(number, m.anyContact(), fields{"kind": "template", "template": fields{"name": "t0", "language": "en"}}, m.now)
	}
}

// campaign sends one content to many, evenly or nearly so, with few replies.
func (m *maker) campaign() {
	number, content := m.number(), m.content()
	gap := pick(m.Rand, 0, 100, second, 3*second, 20*second, minute, 5*minute)
	if m.live {
		gap = min(gap, second/2)
	}
	wobble := pick(m.Rand, int64(1), gap/10+1, gap+1)
	for range pick(m.Rand, 5, 12, 20, 40, 80) {
		m.now += gap + m.Int64N(wobble)
		m.send(number, m.recipient(), content, m.now)
		switch m.IntN(12) {
		case 0:
			m.receive(number, m.now)
		case 1:
			m.status(number, m.now)
		case 2:
			m.again()
		}
		if len(m.lines) >= m.events {
			return
		}
	}
}

// earlier returns a send to come back to, mostly a recent one.
func (m *maker) earlier() (sent, bool) {
	if len(m.sends) == 0 || m.IntN(6) == 0 {
		return sent{}, false
	}
	if m.IntN(2) == 0 {
		return m.sends[m.IntN(len(m.sends))], true
	}
	return m.sends[max(0, len(m.sends)-1-m.IntN(10))], true
}

// receive writes an inbound, often at an edge of a send's wait or a window.
func (m *maker) receive(number string, t int64) {
	contact := m.anyContact()
	if s, ok := m.earlier(); ok {
		number, contact = s.number, s.contact
		if at := s.at + pick(m.Rand, 0, -1, 48*hour, 48*hour+1, day, day+1, -day, -day-1, 48*hour-1); m.IntN(3) == 0 && at <= m.now+2*hour && at > m.now-5*day {
			t = at
		}
	}
	if len(m.inbounds) > 0 && m.IntN(8) == 0 { // at an edge of a run of inbounds
		i := m.inbounds[max(0, len(m.inbounds)-1-m.IntN(8))]
		if at := i.at + pick(m.Rand, day, day+1, -day, -day-1, -hour); at <= m.now+2*hour && at > m.now-3*day {
			number, contact, t = i.number, i.contact, at
		}
	}
	m.inbound(number, contact, t)
}

func (m *maker) inbound(number string, contact int, t int64) {
	m.inbounds = append(m.inbounds, sent{number, contact, t})
	f := fields{"type": "message.received", "message_id": fmt.Sprint("i", len(m.lines)), "kind": pick(m.Rand, "text", "text", "image", "reaction")}
	if m.IntN(2) == 0 {
		f["text"] = pick(m.Rand, "ok", " Stop ", "STOP", "«stop!»", "🛑 stop 🛑", "...", "start", "(Start.)", "arrêt", "stop it", "st.op", "resume", "")
	}
	f = m.address(f, contact)
	if m.strangers && m.IntN(3) > 0 { // whose answers come under ids that nothing joins
		delete(f, "contact")
		f["contact_user_id"] = fmt.Sprint("XX.", contact)
	}
	m.write(m.base(m.grouped(f), number, t))
}

func (m *maker) status(number string, t int64) {
	contact := m.anyContact()
	if s, ok := m.earlier(); ok {
		number, contact = s.number, s.contact
	}
	f := fields{
		"type": "message.status", "message_id": fmt.Sprint("m", m.IntN(len(m.lines)+1)),
		"status": pick(m.Rand, "sent", "delivered", "delivered", "read", "played", "failed", "failed"),
	}
	if m.mute {
		f["status"] = pick(m.Rand, "sent", "played")
	}
	if f["status"] == "failed" && m.IntN(4) > 0 {
		f["error_code"] = pick(m.Rand, 368, 131048, 131048, 131026, 131026, 131049, 131056, 4, 131047, 130472, 1, -3,
			463, 463, 131207, 131214, 137000, 131208, 133016, 131064, 132016)
	}
	if m.IntN(12) > 0 {
		f = m.address(f, contact)
	}
	m.write(m.base(m.grouped(f), number, t))
}

func (m *maker) profile(number string, t int64) {
	f := fields{"type": "number.profile", "country": pick(m.Rand, "DE", "fr", "US", "BR")}
	if m.IntN(2) == 0 {
		f["connection"] = pick(m.Rand, "cloud_api", "business_app", "web_session", "web_session")
	}
	if m.official {
		f["connection"] = "cloud_api"
	}
	if m.outcomes {
		f["connection"], f["country"] = "business_app", "DE"
	}
	if m.IntN(3) == 0 {
		f["registered_at"] = t - pick(m.Rand, 0, 2*day, 3*day, 6*day, 7*day, 9*day, 20*day, 21*day, 100*day, -day)
	}
	if m.IntN(3) == 0 {
		f["last_active_at"] = t - pick(m.Rand, 0, day, 179*day, 180*day, 180*day-hour, 200*day, 200*day)
	}
	if m.returning {
		f["last_active_at"] = t - pick(m.Rand, 180*day, 180*day, 200*day)
	}
	if m.IntN(6) == 0 {
		f["inputs"] = pick(m.Rand, []string{}, []string{"inbound"}, []string{"status", "account"}, []string{"template", "inbound", "inbound"},
			[]string{"inbound", "status", "template"}, []string{"inbound", "status", "account", "template"})
	}
	if m.IntN(3) == 0 {
		f["origin"] = pick(m.Rand, "sim", "voip")
	}
	m.write(m.base(f, number, t))
	if m.returning && m.IntN(4) == 0 { // it comes back, and is busy when its two weeks end
		m.send(number, m.anyContact(), m.content(), m.now)
		at := m.now + 14*day - 2*second
		m.later = append(m.later, promise{at, func() {
			for i := range int64(25) {
				m.send(number, m.IntN(400), m.content(), at+i*100)
			}
		}})
	}
}

func (m *maker) account(number string, t int64) {
	f := fields{"type": "account.update", "scope": pick(m.Rand, "number", "number", "waba", "portfolio"), "state": pick(m.Rand, "warned", "restricted", "restricted", "banned", "reinstated")}
	if m.IntN(3) > 0 {
		f["expires_at"] = t + pick(m.Rand, 0, -hour, 1, 10*minute, hour, 6*hour, day, 3*day)
	}
	if len(m.anchors) > 0 && m.IntN(6) == 0 {
		f["expires_at"] = m.anchors[m.IntN(len(m.anchors))]
	}
	if t%3 == 0 {
		f["reason"], f["restrictions"] = "SPAM \"\u00e9\"", []string{"BIZ_INITIATED", "", "ADD_PHONE"}[:t%4]
	}
	switch f["scope"] {
	case "waba":
		f["waba_id"] = fmt.Sprint("w", m.IntN(m.wabas+1))
		m.write(m.base(f, "", t))
	case "portfolio":
		f["portfolio_id"] = fmt.Sprint("p", m.IntN(m.portfolios+1))
		m.write(m.base(f, "", t))
	default:
		m.write(m.base(f, number, t))
	}
	if v, ok := f["expires_at"].(int64); ok {
		m.anchors = append(m.anchors, v, v-day, v-2*day)
		for _, edge := range pick(m.Rand, []int64{0, 3 * day, 5 * day}, []int64{3 * day, 5 * day}) { // a send at an edge of the restart watch
			at := v + edge + pick(m.Rand, int64(-1), 0, 0)
			m.later = append(m.later, promise{at, func() { m.send(number, m.anyContact(), m.content(), at) }})
		}
	}
}

func (m *maker) templateUpdate(t int64) {
	template := m.template()
	if m.IntN(3) == 0 {
		template["category"] = pick(m.Rand, "utility", "Marketing", "AUTHENTICATION", "service")
	}
	f := fields{"type": "template.update", "waba_id": fmt.Sprint("w", m.IntN(m.wabas+1)), "template": template}
	if fmt.Sprint(template["name"]) != "t0" && m.IntN(3) == 0 { // those of t0 are counted
		f["pauses"] = m.IntN(4)
	}
	if m.IntN(3) > 0 {
		f["status"] = pick(m.Rand, "APPROVED", "PAUSED", "PAUSED", "FLAGGED", "DISABLED", "")
	}
	if m.IntN(2) == 0 {
		f["quality"] = pick(m.Rand, "GREEN", "YELLOW", "RED", "UNKNOWN")
	}
	if m.IntN(4) == 0 {
		f["number_id"] = "n0"
	}
	m.write(m.base(f, "", t))
}
