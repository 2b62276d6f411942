package traffic

import "strconv"

// stepAccount does what concerns the number itself and not a message.
func (n *number) stepAccount(a action) bool {
	switch a.do {
	case doConnection:
		return n.connect(a)
	case doRating:
		return n.rate(a)
	case doGroup:
		n.schedule(action{at: a.at + 20*hour + n.rng.Int64N(6*hour), do: doGroup})
		n.open(a.at, "group.update")
		n.int("non_contacts_added", int64(n.p.groups)/3+n.rng.Int64N(int64(n.p.groups)))
		return n.close()
	case doRestrict:
		return n.restrict(a)
	case doTemplate:
		return n.decline(a)
	case doLimit:
		n.schedule(action{at: a.at + 7*day, do: doLimit})
		n.openShared(a.at, "portfolio.limit", n.Portfolio)
		n.str("portfolio_id", n.Portfolio)
		n.int("limit", n.g.portfolios[n.portfolio].Limit)
		return n.close()
	}
	return false
}

// appear is the number's first event, and again once a week.
func (n *number) appear(a action) bool {
	n.schedule(action{at: a.at + 7*day, do: doJoin, arg: 1})
	if a.arg == 0 {
		n.schedule(action{at: a.at + 1 + n.rng.Int64N(minute), do: doConnection})
		n.schedule(action{at: a.at + hour + n.rng.Int64N(day), do: doRating})
		if n.p.visits > 0 {
			n.schedule(action{at: n.steady(a.at+minute, n.p.visits*n.size, n.p.visitHours), do: doVisit})
		}
		if n.p.templateHits {
			n.schedule(action{at: a.at + hour, do: doTemplate})
		}
		n.plan(a.at + 2*minute)
		if n.p == n.target && !n.Healthy {
			n.begin(a.at)
		}
	}
	n.open(a.at, "number.profile")
	n.str("country", n.place.country)
	n.time("registered_at", n.registered)
	if a.arg == 0 && n.target.asleep > 0 {
		n.time("last_active_at", n.join-int64(n.target.asleep)*day)
	}
	n.str("connection", n.target.connection.String())
	if n.salt%9 == 0 {
		n.str("origin", "voip")
	} else {
		n.str("origin", "sim")
	}
	return n.close()
}

// connect says from where the number is connected: daily, and once more (arg 1)
// when that changes.
func (n *number) connect(a action) bool {
	if a.arg == 0 {
		n.schedule(action{at: a.at + 20*hour + n.rng.Int64N(8*hour), do: doConnection})
	}
	country := n.place.country
	if n.p.abroad {
		country = places[(int(n.salt%uint64(len(places)))+5)%len(places)].country
		if country == n.place.country {
			country = "RU"
		}
	}
	n.open(a.at, "number.connection")
	n.str("ip_country", country)
	n.str("ip_hash", n.connectionHash)
	return n.close()
}

// rate is WhatsApp's quality rating of the number.
func (n *number) rate(a action) bool {
	rating, next := "GREEN", 7*day
	if n.target.ratingFalls && a.at >= n.join+2*day {
		rating, next = "YELLOW", day
		if a.at >= n.join+4*day {
			rating, next = "RED", 7*day
		}
	} else if n.target.ratingFalls {
		next = day
	}
	n.schedule(action{at: a.at + next, do: doRating})
	n.open(a.at, "number.quality")
	n.str("rating", rating)
	return n.close()
}

// restrictedFor is how long a restriction of the demo holds.
const restrictedFor = 36 * hour

// restrict is WhatsApp's answer to a number that misbehaves. It sends nothing
// while restricted and continues as before on the very day it may.
func (n *number) restrict(a action) bool {
	n.silent = a.at + restrictedFor
	n.runLeft = 0
	n.open(a.at, "account.update")
	n.str("scope", "number")
	n.str("state", "restricted")
	n.raw(`,"restrictions":["RESTRICTED_BIZ_INITIATED_MESSAGING"]`)
	n.time("expires_at", n.silent)
	n.str("reason", "spam")
	return n.close()
}

// decline is the way of a template that people do not like.
func (n *number) decline(a action) bool {
	steps := [...]struct {
		status, quality string
		next            int64
	}{
		{"APPROVED", "GREEN", 2 * day},
		{"FLAGGED", "YELLOW", 6 * hour},
		{"PAUSED", "", 3 * hour},
		{"APPROVED", "", day},
		{"PAUSED", "RED", 6 * hour},
		{"APPROVED", "", 3 * day},
	}
	s := steps[min(int(a.arg), len(steps)-1)]
	n.schedule(action{at: a.at + s.next, do: doTemplate, arg: min(a.arg+1, int32(len(steps)-1))})
	n.openShared(a.at, "template.update", n.WABA)
	n.str("waba_id", n.WABA)
	n.template(0)
	n.str("status", s.status)
	if s.quality != "" {
		n.str("quality", s.quality)
	}
	return n.close()
}

// template writes the template with this index.
func (n *number) template(i int) {
	b := append(n.g.buf, `,"template":{"name":"`...)
	b = append(b, templateNames[n.p.category][i%templatesEach]...)
	b = append(b, '_')
	b = strconv.AppendUint(b, n.salt%1000, 10)
	b = append(b, `","language":"`...)
	b = append(b, n.place.language...)
	b = append(b, `","category":"`...)
	b = append(b, categoryName(n.p.category, n.style.upper)...)
	n.g.buf = append(b, `"}`...)
}
