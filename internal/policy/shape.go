package policy

import "sendwatch/internal/event"

// shape says what a rule of one factor may look like. It is the code's half of
// section 5: what a factor is; the policy file says how much of it is too much.
type shape struct {
	falling bool     // lower values are worse
	most    float64  // no threshold lies above it
	sample  string   // what the sample counts; empty: the factor has none
	words   []string // the words that may stand in a threshold; nil: a number is compared
	open    bool     // any other word may stand there as well
	mixed   bool     // a number is compared beside the words
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
	event.FactorVelocityHour:         {most: anyCount, weighty: true},
	event.FactorVelocityBurst:        {most: anyCount, weighty: true},
	event.FactorDailyVolume:          {most: anyCount, days: true, weighty: true},
	event.FactorReplyRatio:           {falling: true, most: ratio, sample: "sends resolved in 7 days", windows: replyWindows, weighty: true},
	event.FactorReplyNowcast:         {falling: true, most: ratio, sample: "sends awaiting an answer or resolved in 7 days", weighty: true},
	event.FactorColdStart:            {falling: true, most: ratio, sample: "sends awaiting an answer or resolved in 7 days", weighty: true},
	event.FactorUnanswered:           {most: ratio, sample: "sends resolved in 30 days", windows: replyWindows, weighty: true},
	event.FactorMechanicalTiming:     {falling: true, most: 100, weighty: true},
	event.FactorActiveHours:          {most: 24, sample: "initiated sends in 24 hours", weighty: true},
	event.FactorConversationPressure: {most: anyCount, weighty: true},
	event.FactorGroupAdd:             {most: anyCount, weighty: true},
	event.FactorBlockRate:            {most: anyCount, sample: "sends in 7 days", weighty: true},
	event.FactorOptOut:               {most: anyCount, weighty: true},
	event.FactorOptIn:                {most: ratio, sample: "initiated sends in 24 hours that told of an opt-in", weighty: true},
	event.FactorDelivery:             {falling: true, most: ratio, sample: "sends in 24 hours that are an hour old", weighty: true},
	event.FactorInvalidContacts:      {most: anyCount, sample: "sends in 24 hours", weighty: true},
	event.FactorIdenticalBatch:       {most: anyCount, weighty: true},
	event.FactorMediaRepeat:          {most: anyCount, weighty: true},
	event.FactorLinkRepeat:           {most: anyCount, weighty: true},
	event.FactorNumberAge:            {falling: true, most: 1e5, weighty: true},
	event.FactorOrigin:               {words: []string{"sim", "voip"}, weighty: true},
	event.FactorRegion:               {words: []string{WordRegion}, weighty: true},
	event.FactorForeignContacts:      {most: ratio, sample: "initiated sends in 24 hours whose countries are known", weighty: true},
	event.FactorDormancy:             {most: anyCount, weighty: true},
	event.FactorNewLink:              {most: anyCount, weighty: true},
	event.FactorQuality:              {words: []string{"GREEN", "YELLOW", "RED", "UNKNOWN"}, weighty: true},
	event.FactorTemplateQuality:      {words: []string{"GREEN", "YELLOW", "RED", "UNKNOWN", "APPROVED", "FLAGGED", "PAUSED", WordPausedAgain, "DISABLED"}, open: true, weighty: true},
	event.FactorSpamErrors:           {most: anyCount, weighty: true},
	event.FactorReachout:             {most: anyCount, weighty: true},
	event.FactorNewChatCap:           {words: []string{"NONE", "FIRST_WARNING", "SECOND_WARNING", "CAPPED"}, mixed: true, most: anyCount, weighty: true},
	event.FactorAccountErrors:        {most: anyCount, weighty: true},
	event.FactorRestriction:          {words: []string{"warned", "restricted", "banned"}, weighty: true},
	event.FactorRestart:              {words: []string{WordRestartEarly, WordRestartLate}, weighty: true},
	event.FactorTrustScore:           {falling: true, most: 100},
	event.FactorLimitUsage:           {most: anyCount},
	event.FactorContagion:            {most: anyCount},
	event.FactorSharedConnection:     {most: anyCount},
}

// ofPortfolio reports whether the factor judges a portfolio and not a number.
func ofPortfolio(f event.Factor) bool { return f >= event.NumNumberFactors }

// ops returns the operators that make sense for the factor.
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
	case s.mixed:
		return `"> N" or ">= N" (higher is worse), one or more of [` + list(s.words) + "], a list of both, or none"
	case s.open:
		return "words such as [" + list(s.words) + "], or none"
	case s.words != nil:
		return "one or more of [" + list(s.words) + "], or none"
	case s.falling:
		return `"< N" or "<= N" (lower is worse), N from 0 to ` + number(s.most) + ", or none"
	}
	return `"> N" or ">= N" (higher is worse), N from 0 to ` + number(s.most) + ", or none"
}
