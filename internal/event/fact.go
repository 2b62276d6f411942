package event

// Fact is one computed property of a number (contract, section 4).
type Fact uint8

// The facts in the order of the number_status row.
const (
	FactSent1m Fact = iota
	FactSent1h
	FactSent24h
	FactInitiated1m
	FactInitiated1h
	FactInitiated24h
	FactIdentical1h
	FactAnswered7d
	FactUnanswered7d
	FactAnswered30d
	FactUnanswered30d
	FactReplyRatio7d
	FactReplyRatio30d
	FactConversationPressure
	FactPending
	FactAwaited
	FactReplyRatioNowcast
	FactReplyRatioCold
	FactReceived7d
	FactUnlinked7d
	FactReadRatio24h
	FactAged24h
	FactDeliveryRatio24h
	FactBlocks7d
	FactReports7d
	FactBlockRate7d
	FactStops7d
	FactSentAfterStop24h
	FactFailed24hAccount // the eight failed_24h_{class} in the order of ErrorClass
	FactFailed24hReputation
	FactFailed24hContact
	FactFailed24hFatigue
	FactFailed24hPace
	FactFailed24hWindow
	FactFailed24hNeutral
	FactFailed24hOperational
	FactSpamErrors1h
	FactReachoutErrors24h
	FactIntervalCV
	FactActiveHours24h
	FactMediaRepeat24h
	FactLinkRepeat1h
	FactForeign24h
	FactCountry24h
	FactForeignShare24h
	FactNoOptIn24h
	FactOptInGiven24h
	FactNoOptInShare24h
	FactGroups24h
	FactDay
	FactRestriction
	FactStrikes
	FactWake
	FactLinked
	FactCap
	FactCapShare
	NumFacts
)

// FactType says how a fact's value is to be read.
type FactType uint8

// A count is a whole number and always there; a ratio is a double that may be
// none; a word is a State; a cap word is a CapStatus and may be none; a time is
// ms UTC and may be none.
const (
	FactCount FactType = iota
	FactRatio
	FactWord
	FactCapWord
	FactTime
)

var facts = [NumFacts]struct {
	name string
	typ  FactType
}{
	FactSent1m: {"sent_1m", FactCount}, FactSent1h: {"sent_1h", FactCount}, FactSent24h: {"sent_24h", FactCount},
	FactInitiated1m: {"initiated_1m", FactCount}, FactInitiated1h: {"initiated_1h", FactCount},
	FactInitiated24h: {"initiated_24h", FactCount}, FactIdentical1h: {"identical_1h", FactCount},
	FactAnswered7d: {"answered_7d", FactCount}, FactUnanswered7d: {"unanswered_7d", FactCount},
	FactAnswered30d: {"answered_30d", FactCount}, FactUnanswered30d: {"unanswered_30d", FactCount},
	FactReplyRatio7d: {"reply_ratio_7d", FactRatio}, FactReplyRatio30d: {"reply_ratio_30d", FactRatio},
	FactConversationPressure: {"conversation_pressure", FactCount}, FactPending: {"pending", FactCount},
	FactAwaited: {"awaited", FactCount}, FactReplyRatioNowcast: {"reply_ratio_nowcast", FactRatio},
	FactReplyRatioCold: {"reply_ratio_cold", FactRatio}, FactReceived7d: {"received_7d", FactCount},
	FactUnlinked7d: {"unlinked_7d", FactCount}, FactReadRatio24h: {"read_ratio_24h", FactRatio},
	FactAged24h: {"aged_24h", FactCount}, FactDeliveryRatio24h: {"delivery_ratio_24h", FactRatio},
	FactBlocks7d: {"blocks_7d", FactCount}, FactReports7d: {"reports_7d", FactCount},
	FactBlockRate7d: {"block_rate_7d", FactRatio}, FactStops7d: {"stops_7d", FactCount},
	FactSentAfterStop24h: {"sent_after_stop_24h", FactCount},
	FactFailed24hAccount: {"failed_24h_account", FactCount}, FactFailed24hReputation: {"failed_24h_reputation", FactCount},
	FactFailed24hContact: {"failed_24h_contact", FactCount}, FactFailed24hFatigue: {"failed_24h_fatigue", FactCount},
	FactFailed24hPace: {"failed_24h_pace", FactCount}, FactFailed24hWindow: {"failed_24h_window", FactCount},
	FactFailed24hNeutral: {"failed_24h_neutral", FactCount}, FactFailed24hOperational: {"failed_24h_operational", FactCount},
	FactSpamErrors1h: {"spam_errors_1h", FactCount}, FactReachoutErrors24h: {"reachout_errors_24h", FactCount},
	FactIntervalCV:     {"interval_cv", FactRatio},
	FactActiveHours24h: {"active_hours_24h", FactCount}, FactMediaRepeat24h: {"media_repeat_24h", FactCount},
	FactLinkRepeat1h: {"link_repeat_1h", FactCount}, FactForeign24h: {"foreign_24h", FactCount},
	FactCountry24h: {"country_24h", FactCount}, FactForeignShare24h: {"foreign_share_24h", FactRatio},
	FactNoOptIn24h: {"no_opt_in_24h", FactCount}, FactOptInGiven24h: {"opt_in_given_24h", FactCount},
	FactNoOptInShare24h: {"no_opt_in_share_24h", FactRatio}, FactGroups24h: {"groups_24h", FactCount},
	FactDay: {"day", FactCount}, FactRestriction: {"restriction", FactWord}, FactStrikes: {"strikes", FactCount},
	FactWake: {"wake", FactTime}, FactLinked: {"linked", FactTime}, FactCap: {"cap", FactCapWord},
	FactCapShare: {"cap_share", FactRatio},
}

// String returns the fact's name, which is its column in number_status.
func (f Fact) String() string { return facts[f].name }

// Type says how the fact's value is to be read.
func (f Fact) Type() FactType { return facts[f].typ }

// ParseFact returns the fact named s.
func ParseFact(s string) (Fact, bool) {
	for f := range NumFacts {
		if facts[f].name == s {
			return f, true
		}
	}
	return 0, false
}

// Facts holds a number's facts at its clock. None is NaN (ratios, times and the
// cap's word only); the restriction is the State as a number, the cap's word the
// CapStatus. Every count is below 2^53
// and so exact.
type Facts [NumFacts]float64
