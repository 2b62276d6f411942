package webhook

import (
	"regexp"
	"strconv"
	"strings"

	eventsv1 "sendwatch/schemas/events/v1"
)

// accountSilent are the events of account_update that are no sanction.
var accountSilent = map[string]string{
	"ACCOUNT_OFFBOARDED": "offboarded", "ACCOUNT_RECONNECTED": "reconnected", "ACCOUNT_DELETED": "deleted",
	"PARTNER_ADDED": "partner", "PARTNER_REMOVED": "partner", "PARTNER_APP_INSTALLED": "partner", "PARTNER_APP_UNINSTALLED": "partner",
	"PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE": "certification", "AD_ACCOUNT_LINKED": "ads", "MM_LITE_TERMS_SIGNED": "terms",
	"AUTH_INTL_PRICE_ELIGIBILITY_UPDATE": "price", "VOLUME_BASED_PRICING_TIER_UPDATE": "price",
	"BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE": "country", "VERIFIED_ACCOUNT": "verified", "ACCOUNT_UPDATE": "settings",
	"THREAD_CONTROL_TAKEN": "handover", "DISPLAY_NAME_UPDATE": "name",
}

// accountStreams are the events after which nothing more comes of a WABA or a
// number, and those after which it does again.
var accountStreams = map[string]string{
	"ACCOUNT_OFFBOARDED": StreamEnded, "ACCOUNT_DELETED": StreamEnded, "PARTNER_REMOVED": StreamEnded, "PARTNER_APP_UNINSTALLED": StreamEnded,
	"ACCOUNT_RECONNECTED": StreamAlive, "PARTNER_ADDED": StreamAlive, "PARTNER_APP_INSTALLED": StreamAlive,
}

// metaAccount reads account_update. On the PARTNER events the entry is that of a
// business and the WABA stands inside; the same events name the owner of a WABA.
func metaAccount(c *call, m *metaChange) {
	v := m.value
	a := account{waba: first(str(v, "waba_info", "waba_id"), m.waba), time: c.at(m.time)}
	c.learn(Fact{Kind: FactPortfolio, Key: a.waba, Value: str(v, "waba_info", "owner_business_id"), Time: a.time})
	event := strings.ToUpper(str(v, "event"))
	if stream := accountStreams[event]; stream != "" {
		c.learn(Fact{Kind: FactStream, Key: first(digits(str(v, "phone_number")), a.waba), Value: stream, Time: a.time})
	}
	if reason, ok := accountSilent[event]; ok {
		c.nothing(m.field, reason)
		return
	}
	a.id = m.accountID(&a, event)
	switch event {
	case "ACCOUNT_RESTRICTION":
		restrict(&a, list(v, "restriction_info"))
	case "ACCOUNT_VIOLATION":
		a.state, a.reason = "warned", first(str(v, "violation_info", "violation_type"), "ACCOUNT_VIOLATION")
	case "DISABLED_UPDATE":
		ban := strings.ToUpper(str(v, "ban_info", "waba_ban_state"))
		a.state = map[string]string{"SCHEDULE_FOR_DISABLE": "warned", "DISABLE": "banned", "REINSTATE": "reinstated"}[ban]
		if a.state == "" {
			c.unknown(m.field, "ban_state", v)
			return
		}
		a.id += ":" + ban
	default:
		c.unknown(m.field, "event", v)
		return
	}
	c.accountUpdate(m.field, a, v)
}

// accountID names an account update by its WABA, the second of its entry and its
// kind: a body that is delivered again has the same.
func (m *metaChange) accountID(a *account, what string) string {
	return "acc:" + a.waba + ":" + m.second(a.time) + ":" + what
}

// second is the entry's time as it stands there, in seconds.
func (m *metaChange) second(ms int64) string { return strconv.FormatInt(ms/1000, 10) }

// restrict reads restrictions, each with an end of its own. Only two of them stop
// sending; with neither it is a warning, since as a restriction it would be a
// strike on every number. The end is the largest of the ends that count, and
// there is none if one of these has none.
func restrict(a *account, restrictions []any) {
	var sending, others []any
	for _, r := range restrictions {
		kind := str(r, "restriction_type")
		if kind == "" {
			continue
		}
		a.restrictions = append(a.restrictions, kind)
		if strings.Contains(kind, "BIZ_INITIATED_MESSAGING") || strings.Contains(kind, "CUSTOMER_INITIATED_MESSAGING") {
			sending = append(sending, r)
		} else {
			others = append(others, r)
		}
	}
	a.state = "restricted"
	if len(sending) == 0 {
		a.state, sending = "warned", others
	}
	for _, r := range sending {
		end, ok := millis(get(r, "expiration"))
		if !ok {
			a.expires = 0
			return
		}
		a.expires = max(a.expires, end)
	}
}

// metaReview reads account_review_update.
func metaReview(c *call, m *metaChange) {
	decision := strings.ToUpper(str(m.value, "decision"))
	switch decision {
	case "REJECTED":
		a := account{waba: m.waba, time: c.at(m.time), state: "warned", reason: "account_review"}
		a.id = m.accountID(&a, "ACCOUNT_REVIEW_REJECTED")
		c.accountUpdate(m.field, a, m.value)
	case "APPROVED", "PENDING", "DEFERRED":
		c.nothing(m.field, "review")
	default:
		c.unknown(m.field, "decision", m.value)
	}
}

// metaLimit reads the messaging limit of the portfolio that owns the WABA. What
// only caps the count of phone numbers is no messaging limit, and current_limit
// of phone_number_quality_update is the old one of a single number.
func metaLimit(c *call, m *metaChange) {
	v := get(m.value, "max_daily_conversations_per_business")
	if v == nil {
		c.nothing(m.field, "no_limit")
		return
	}
	limit, silent, ok := parseLimit(str(v))
	switch {
	case silent:
		c.nothing(m.field, "no_limit")
		return
	case !ok:
		c.unknown(m.field, "limit", m.value)
		return
	}
	portfolio := first(c.known(FactPortfolio, m.waba), c.source.PortfolioID)
	time := c.at(m.time)
	switch {
	case portfolio == "":
		c.unknown(m.field, "no_portfolio", m.value)
	case time == 0:
		c.unknown(m.field, "no_time", m.value)
	default:
		c.made(m.field, limitEvent(portfolio, "lim:"+m.waba+":"+m.second(time), time, limit))
	}
}

func limitEvent(portfolio, id string, time, limit int64) *eventsv1.Event {
	return &eventsv1.Event{
		Id: short(id), Type: "portfolio.limit", Time: new(time), PortfolioId: portfolio, Limit: new(limit),
	}
}

// tier is a limit in words.
var tier = regexp.MustCompile(`^(?:TIER_)?([0-9]+)(K|M)?$`)

// parseLimit reads a limit: a whole number, -1, or TIER_50 to TIER_UNLIMITED.
// silent says that there is none yet.
func parseLimit(s string) (limit int64, silent, ok bool) {
	s = strings.ToUpper(s)
	switch s {
	case "", "TIER_NOT_SET", "NOT_SET", "0":
		return 0, true, true
	case "-1", "UNLIMITED", "TIER_UNLIMITED":
		return -1, false, true
	}
	m := tier.FindStringSubmatch(strings.TrimSuffix(s, ".0"))
	if m == nil {
		return 0, false, false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n < 1 || n > 1e12 {
		return 0, false, false
	}
	return n * map[string]int64{"": 1, "K": 1000, "M": 1000000}[m[2]], false, true
}

// metaPolled reads a phone number node, which is asked for and not sent: the only
// word about one number on the Cloud API. FLAGGED ended in October 2025 and says
// no more than the rating.
func metaPolled(c *call, v any) {
	m := message{id: "-", number: first(str(v, "id"), c.source.NumberID), time: c.at(get(v, "polled_at"))}
	c.learn(Fact{Kind: FactNumber, Key: digits(str(v, "display_phone_number")), Value: str(v, "id"), NumberID: m.number, Time: m.time})
	if !c.complete("polled", &m, v) {
		return
	}
	second := strconv.FormatInt(m.time/1000, 10)
	rating := strings.ToUpper(first(str(v, "quality_rating"), str(v, "quality_score", "score"), "UNKNOWN"))
	switch rating {
	case "GREEN", "YELLOW", "RED":
	default:
		rating = "UNKNOWN"
	}
	e := c.base(&m, short("q:"+m.number+":"+second), "number.quality")
	e.MessageId, e.Rating = "", rating
	events := []*eventsv1.Event{e}
	word := strings.ToUpper(str(v, "status"))
	if state := map[string]string{"BANNED": "banned", "RESTRICTED": "restricted", "RATE_LIMITED": "warned"}[word]; state != "" {
		a := account{
			id: "acc:" + m.number + ":" + second + ":" + word, number: m.number, waba: m.waba,
			state: state, reason: strings.ToLower(word), time: m.time,
		}
		if e := c.accountEvent("polled", a, v); e != nil {
			events = append(events, e)
		}
	}
	if limit, silent, ok := parseLimit(str(v, "whatsapp_business_manager_messaging_limit")); ok && !silent {
		if portfolio := first(c.known(FactPortfolio, m.waba), c.source.PortfolioID); portfolio != "" {
			events = append(events, limitEvent(portfolio, "lim:"+m.number+":"+second, m.time, limit))
		}
	}
	c.made("polled", events...)
}
