package policy

import "sendwatch/internal/event"

// shape says what a rule of one factor may look like. It is the code's half of
// section 5: what a factor is; the policy file says how much of it is too much.
type shape struct {
	fact    string   // what is compared, for people
	falling bool     // lower values are worse
	most    float64  // no threshold lies above it
	sample  string   // what the sample counts; empty: the factor has none
	words   []string // the words that may stand in a threshold; nil: a number is compared
	open    bool     // any other word may stand there as well
	windows []int64  // days that the fact may look back; nil: there is no choice
	days    bool     // thresholds may go by day of life
	weighty bool     // the factor counts in the score
}

// replyWindows are the windows in which answers are counted.
var replyWindows = []int64{7, 30}

const (
	anyCount = 1e9
	ratio    = 1
)

// shapes is indexed by event.Factor and never written.
var shapes = [event.NumFactors]shape{
	event.FactorVelocityHour:         {fact: "initiated sends in the last hour", most: anyCount, weighty: true},
	event.FactorVelocityBurst:        {fact: "initiated sends in the last minute", most: anyCount, weighty: true},
	event.FactorDailyVolume:          {fact: "initiated sends in the last 24 hours, by the number's day of life", most: anyCount, days: true, weighty: true},
	event.FactorReplyRatio:           {fact: "share of the sends resolved in 7 days that were answered", falling: true, most: ratio, sample: "sends resolved in 7 days", windows: replyWindows, weighty: true},
	event.FactorUnanswered:           {fact: "share of the sends resolved in 30 days that were not answered", most: ratio, sample: "sends resolved in 30 days", windows: replyWindows, weighty: true},
	event.FactorMechanicalTiming:     {fact: "standard deviation over mean of the last 20 gaps between initiated sends", falling: true, most: 100, weighty: true},
	event.FactorActiveHours:          {fact: "distinct hours of the last 24 with an initiated send", most: 24, sample: "initiated sends in 24 hours", weighty: true},
	event.FactorConversationPressure: {fact: "the most sends waiting for an answer in one conversation", most: anyCount, weighty: true},
	event.FactorGroupAdd:             {fact: "people who are no contacts added to groups in 24 hours", most: anyCount, weighty: true},
	event.FactorBlockRate:            {fact: "blocks and reports over sends in 7 days", most: anyCount, sample: "sends in 7 days", weighty: true},
	event.FactorOptOut:               {fact: "sends in 24 hours to contacts who said stop", most: anyCount, weighty: true},
	event.FactorOptIn:                {fact: "share of the initiated sends in 24 hours without an opt-in", most: ratio, sample: "initiated sends in 24 hours that told of an opt-in", weighty: true},
	event.FactorDelivery:             {fact: "share of the sends in 24 hours that were delivered", falling: true, most: ratio, sample: "sends in 24 hours that are an hour old", weighty: true},
	event.FactorInvalidContacts:      {fact: "share of the sends in 24 hours to contacts that cannot be reached", most: anyCount, sample: "sends in 24 hours", weighty: true},
	event.FactorIdenticalBatch:       {fact: "the most initiated sends of one content in the last hour", most: anyCount, weighty: true},
	event.FactorMediaRepeat:          {fact: "the most initiated sends of one file in 24 hours", most: anyCount, weighty: true},
	event.FactorLinkRepeat:           {fact: "the most initiated sends of one link in the last hour", most: anyCount, weighty: true},
	event.FactorNumberAge:            {fact: "the number's day of life", falling: true, most: 1e5, weighty: true},
	event.FactorOrigin:               {fact: "where the number comes from", words: []string{"sim", "voip"}, weighty: true},
	event.FactorRegion:               {fact: "the country of the connection against the number's", words: []string{WordRegion}, weighty: true},
	event.FactorForeignContacts:      {fact: "share of the initiated sends in 24 hours that went abroad", most: ratio, sample: "initiated sends in 24 hours whose countries are known", weighty: true},
	event.FactorDormancy:             {fact: "initiated sends in 24 hours, in the two weeks after half a year of silence", most: anyCount, weighty: true},
	event.FactorQuality:              {fact: "WhatsApp's quality rating of the number", words: []string{"GREEN", "YELLOW", "RED", "UNKNOWN"}, weighty: true},
	event.FactorTemplateQuality:      {fact: "WhatsApp's rating and status of each template sent in 24 hours", words: []string{"GREEN", "YELLOW", "RED", "UNKNOWN", "APPROVED", "FLAGGED", "PAUSED", WordPausedAgain, "DISABLED"}, open: true, weighty: true},
	event.FactorSpamErrors:           {fact: "sends refused with error 131048 in the last hour", most: anyCount, weighty: true},
	event.FactorAccountErrors:        {fact: "sends refused for the account's sake in 24 hours", most: anyCount, weighty: true},
	event.FactorRestriction:          {fact: "what WhatsApp holds against the account now", words: []string{"warned", "restricted", "banned"}, weighty: true},
	event.FactorRestart:              {fact: "sends in the first days after a restriction ended", words: []string{WordRestartEarly, WordRestartLate}, weighty: true},
	event.FactorTrustScore:           {fact: "the trust score", falling: true, most: 100},
	event.FactorLimitUsage:           {fact: "contacts written to first in 24 hours over the portfolio's limit", most: anyCount},
	event.FactorContagion:            {fact: "numbers of the portfolio restricted in 7 days", most: anyCount},
	event.FactorSharedConnection:     {fact: "the most numbers of the portfolio on one address", most: anyCount},
}

// ofPortfolio tells whether the factor judges a portfolio and not a number.
func ofPortfolio(f event.Factor) bool { return f >= event.NumNumberFactors }

// ops gives the operators that make sense for the factor.
func (s *shape) ops() (orEqual, strict Op) {
	if s.falling {
		return OpAtMost, OpBelow
	}
	return OpAtLeast, OpAbove
}

// keys are what a rule of the factor may say.
func (s *shape) keys() []string {
	keys := []string{"on", "warn", "danger"}
	if s.days {
		keys = append(keys, "days")
	}
	if s.sample != "" {
		keys = append(keys, "sample")
	}
	if s.windows != nil {
		keys = append(keys, "window")
	}
	if s.weighty {
		keys = append(keys, "weight")
	}
	return keys
}

// accepts says in words what a threshold of the factor looks like.
func (s *shape) accepts() string {
	switch {
	case s.open:
		return "words such as [" + list(s.words) + "], or none"
	case s.words != nil:
		return "one or more of [" + list(s.words) + "], or none"
	case s.falling:
		return `"< N" or "<= N" (lower is worse), N from 0 to ` + number(s.most) + ", or none"
	}
	return `"> N" or ">= N" (higher is worse), N from 0 to ` + number(s.most) + ", or none"
}
