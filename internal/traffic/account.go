package traffic

import (
	"strconv"

	"sendwatch/internal/event"
	eventsv1 "sendwatch/schemas/events/v1"
)

// stepAccount does what concerns the number itself and not a message.
func (n *number) stepAccount(a action) bool {
	switch a.do {
	case doConnection:
		return n.connect(a)
	case doLink:
		return n.link(a.at)
	case doRating:
		return n.rate(a)
	case doCap:
		return n.showQuota(a)
	case doGroup:
		n.schedule(action{at: a.at + 20*hour + n.rng.Int64N(6*hour), do: doGroup})
		added := int64(n.p.groups)/3 + n.rng.Int64N(int64(n.p.groups))
		n.open(a.at, "group.update").NonContactsAdded = &added
		return n.close()
	case doRestrict:
		return n.restrict(a)
	case doTemplate:
		return n.decline(a)
	case doLimit:
		n.schedule(action{at: a.at + 7*day, do: doLimit})
		e := n.openShared(a.at, "portfolio.limit", n.Portfolio)
		e.PortfolioId, e.Limit = n.Portfolio, &n.g.portfolios[n.portfolio].Limit
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
		if n.style.quota {
			n.schedule(action{at: a.at + hour + n.rng.Int64N(day), do: doCap})
		}
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
	e := n.open(a.at, "number.profile")
	e.Country, e.Connection = n.place.country, n.target.connection.String()
	if !n.target.unregistered {
		e.RegisteredAt = &n.registered
	}
	if n.style.inputs {
		e.Inputs = &eventsv1.Inputs{Names: (event.AllInputs &^ n.Lacks).Names()}
	}
	if a.arg == 0 && n.target.asleep > 0 {
		active := n.join - int64(n.target.asleep)*day
		e.LastActiveAt = &active
	}
	e.Origin = "sim"
	if n.salt%9 == 0 {
		e.Origin = "voip"
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
	e := n.open(a.at, "number.connection")
	e.IpCountry, e.IpHash = country, n.connectionHash
	if n.target.connection == event.ConnectionWebSession || n.target.newLink {
		e.LinkedAt = &n.linked
	}
	return n.close()
}

// Sizes of a quota of new chats, and how often a gateway looks at it.
const (
	ampleQuota = 20_000
	cycle      = 30 * day
	capEvery   = 8 * hour
)

// showQuota is what WhatsApp shows an app sender of its quota of new chats.
func (n *number) showQuota(a action) bool {
	n.schedule(action{at: a.at + capEvery, do: doCap})
	total, begun := int64(n.target.quota), (a.at-n.join)/cycle*cycle+n.join
	if total == 0 {
		total = ampleQuota
	}
	if a.at-begun < capEvery {
		n.newChats = 0
	}
	used, end, status := min(int64(n.newChats), total), begun+cycle, "NONE"
	switch {
	case used == total:
		status = "CAPPED"
	case used*100 >= total*95:
		status = "SECOND_WARNING"
	case used*100 >= total*80:
		status = "FIRST_WARNING"
	}
	e := n.open(a.at, "number.cap")
	e.Used, e.Total, e.CycleEnd, e.Status = &used, &total, &end, status
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
	n.open(a.at, "number.quality").Rating = rating
	return n.close()
}

// restrictedFor is how long a restriction of the demo holds.
const restrictedFor = 36 * hour

// restrict is WhatsApp's answer to a number that misbehaves. It sends nothing
// while restricted and continues as before on the very day it may.
func (n *number) restrict(a action) bool {
	n.silent = a.at + restrictedFor
	n.runLeft = 0
	e := n.open(a.at, "account.update")
	e.Scope, e.State, e.Reason = "number", "restricted", "spam"
	e.Restrictions = []string{"RESTRICTED_BIZ_INITIATED_MESSAGING"}
	e.ExpiresAt = &n.silent
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
	e := n.openShared(a.at, "template.update", n.WABA)
	e.WabaId, e.Template = n.WABA, n.template(0)
	e.Status, e.Quality = s.status, s.quality
	if s.status == "PAUSED" {
		pauses := int64(a.arg) / 2
		e.Pauses = &pauses
	}
	return n.close()
}

// template returns the template with this index.
func (n *number) template(i int) *eventsv1.Template {
	return &eventsv1.Template{
		Name:     templateNames[n.p.category][i%templatesEach] + "_" + strconv.FormatUint(n.salt%1000, 10),
		Language: n.place.language,
		Category: categoryName(n.p.category, n.style.upper),
	}
}
