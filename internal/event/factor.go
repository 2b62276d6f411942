package event

// Factor is one thing that is compared with a warn and a danger threshold
// (contract, section 5).
type Factor uint8

// The factors in the order of section 5, which is also the order of several
// transitions of one evaluation; trust_score comes last of a number's, then
// those of a portfolio.
const (
	FactorVelocityHour Factor = iota
	FactorVelocityBurst
	FactorDailyVolume
	FactorReplyRatio
	FactorReplyNowcast
	FactorColdStart
	FactorUnanswered
	FactorMechanicalTiming
	FactorActiveHours
	FactorConversationPressure
	FactorGroupAdd
	FactorBlockRate
	FactorOptOut
	FactorOptIn
	FactorDelivery
	FactorInvalidContacts
	FactorIdenticalBatch
	FactorMediaRepeat
	FactorLinkRepeat
	FactorNumberAge
	FactorOrigin
	FactorRegion
	FactorForeignContacts
	FactorDormancy
	FactorNewLink
	FactorQuality
	FactorTemplateQuality
	FactorSpamErrors
	FactorReachout
	FactorNewChatCap
	FactorAccountErrors
	FactorRestriction
	FactorRestart
	FactorTrustScore

	FactorLimitUsage
	FactorContagion
	FactorSharedConnection

	NumFactors
	// NumNumberFactors counts the factors of a number, trust_score included.
	NumNumberFactors = FactorTrustScore + 1
)

// Layer groups factors by where a risk comes from.
type Layer uint8

// The layers of section 5.
const (
	LayerIdentity   Layer = 1
	LayerBehaviour  Layer = 2
	LayerRecipients Layer = 3
	LayerContent    Layer = 4
	LayerPlatform   Layer = 5
)

var factors = [NumFactors]struct {
	name  string
	layer Layer
}{
	FactorVelocityHour:         {"velocity_hour", LayerBehaviour},
	FactorVelocityBurst:        {"velocity_burst", LayerBehaviour},
	FactorDailyVolume:          {"daily_volume", LayerBehaviour},
	FactorReplyRatio:           {"reply_ratio", LayerBehaviour},
	FactorReplyNowcast:         {"reply_nowcast", LayerBehaviour},
	FactorColdStart:            {"cold_start", LayerBehaviour},
	FactorUnanswered:           {"unanswered", LayerBehaviour},
	FactorMechanicalTiming:     {"mechanical_timing", LayerBehaviour},
	FactorActiveHours:          {"active_hours", LayerBehaviour},
	FactorConversationPressure: {"conversation_pressure", LayerBehaviour},
	FactorGroupAdd:             {"group_add", LayerBehaviour},
	FactorBlockRate:            {"block_rate", LayerRecipients},
	FactorOptOut:               {"opt_out", LayerRecipients},
	FactorOptIn:                {"opt_in", LayerRecipients},
	FactorDelivery:             {"delivery", LayerRecipients},
	FactorInvalidContacts:      {"invalid_contacts", LayerRecipients},
	FactorIdenticalBatch:       {"identical_batch", LayerContent},
	FactorMediaRepeat:          {"media_repeat", LayerContent},
	FactorLinkRepeat:           {"link_repeat", LayerContent},
	FactorNumberAge:            {"number_age", LayerIdentity},
	FactorOrigin:               {"origin", LayerIdentity},
	FactorRegion:               {"region", LayerIdentity},
	FactorForeignContacts:      {"foreign_contacts", LayerIdentity},
	FactorDormancy:             {"dormancy", LayerIdentity},
	FactorNewLink:              {"new_link", LayerIdentity},
	FactorQuality:              {"quality", LayerPlatform},
	FactorTemplateQuality:      {"template_quality", LayerPlatform},
	FactorSpamErrors:           {"spam_errors", LayerPlatform},
	FactorReachout:             {"reachout", LayerPlatform},
	FactorNewChatCap:           {"new_chat_cap", LayerPlatform},
	FactorAccountErrors:        {"account_errors", LayerPlatform},
	FactorRestriction:          {"restriction", LayerPlatform},
	FactorRestart:              {"restart", LayerPlatform},
	FactorTrustScore:           {"trust_score", LayerBehaviour},
	FactorLimitUsage:           {"limit_usage", LayerPlatform},
	FactorContagion:            {"contagion", LayerPlatform},
	FactorSharedConnection:     {"shared_connection", LayerPlatform},
}

// String returns the factor's name.
func (f Factor) String() string { return factors[f].name }

// Layer returns the factor's layer.
func (f Factor) Layer() Layer { return factors[f].layer }

// Flags reports whether the factor raises flags; number_age and origin only
// count in the score.
func (f Factor) Flags() bool { return f != FactorNumberAge && f != FactorOrigin }

// ParseFactor returns the factor named s.
func ParseFactor(s string) (Factor, bool) {
	for f := range NumFactors {
		if factors[f].name == s {
			return f, true
		}
	}
	return 0, false
}
