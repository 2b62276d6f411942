package policy

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"sendwatch/internal/event"
)

// wording is how a factor is spoken of.
type wording struct {
	fact  string // what is compared, a noun
	saw   string // what was seen, a phrase; %s is the value
	share bool   // the value is a share of one and shown in per cent
}

// wordings is indexed by event.Factor and never written.
var wordings = [event.NumFactors]wording{
	event.FactorVelocityHour:         {fact: "initiated sends in the last hour", saw: "%s conversations begun in an hour"},
	event.FactorVelocityBurst:        {fact: "initiated sends in the last minute", saw: "%s begun in a minute"},
	event.FactorDailyVolume:          {fact: "initiated sends in the last 24 hours, by the number's day of life", saw: "%s begun in a day, as a new number"},
	event.FactorReplyRatio:           {fact: "share of the sends resolved in 7 days that were answered", saw: "only %s reply", share: true},
	event.FactorReplyNowcast:         {fact: "share of the sends of 7 days that will be answered, as far as the number's own past tells of those pending", saw: "only %s will reply", share: true},
	event.FactorColdStart:            {fact: "the same in the first week of a number or session, judged by how strangers answer", saw: "only %s of the first will reply", share: true},
	event.FactorUnanswered:           {fact: "share of the sends resolved in 30 days that were not answered", saw: "%s unanswered in 30 days", share: true},
	event.FactorMechanicalTiming:     {fact: "standard deviation over mean of the last 20 gaps between initiated sends", saw: "gaps differ by only %s", share: true},
	event.FactorActiveHours:          {fact: "distinct hours of the last 24 with an initiated send", saw: "active in %s hours of 24"},
	event.FactorConversationPressure: {fact: "the most sends waiting for an answer in one conversation", saw: "%s messages to one contact unanswered"},
	event.FactorGroupAdd:             {fact: "people who are no contacts added to groups in 24 hours", saw: "%s strangers added to groups"},
	event.FactorBlockRate:            {fact: "blocks and reports over sends in 7 days", saw: "%s blocked or reported it", share: true},
	event.FactorOptOut:               {fact: "sends in 24 hours to contacts who said stop", saw: "%s sent after a stop"},
	event.FactorOptIn:                {fact: "share of the initiated sends in 24 hours without an opt-in", saw: "%s sent without opt-in", share: true},
	event.FactorDelivery:             {fact: "share of the sends in 24 hours that were delivered", saw: "only %s delivered", share: true},
	event.FactorInvalidContacts:      {fact: "share of the sends in 24 hours to contacts that cannot be reached", saw: "%s of contacts not on WhatsApp", share: true},
	event.FactorIdenticalBatch:       {fact: "the most initiated sends of one content in the last hour", saw: "the same content %s times in an hour"},
	event.FactorMediaRepeat:          {fact: "the most initiated sends of one file in 24 hours", saw: "the same media %s times in a day"},
	event.FactorLinkRepeat:           {fact: "the most initiated sends of one link in the last hour", saw: "the same link %s times in an hour"},
	event.FactorNumberAge:            {fact: "the number's day of life", saw: "day %s of its life"},
	event.FactorOrigin:               {fact: "where the number comes from", saw: "a %s number"},
	event.FactorRegion:               {fact: "the country of the connection against the number's", saw: "connected from %s"},
	event.FactorForeignContacts:      {fact: "share of the initiated sends in 24 hours that went abroad", saw: "%s go abroad", share: true},
	event.FactorDormancy:             {fact: "initiated sends in 24 hours, in the two weeks after half a year of silence", saw: "%s begun just after a long sleep"},
	event.FactorNewLink:              {fact: "initiated sends in 24 hours, in the two weeks after the session was linked", saw: "%s begun just after its session was linked"},
	event.FactorQuality:              {fact: "WhatsApp's quality rating of the number", saw: "rated %s"},
	event.FactorTemplateQuality:      {fact: "WhatsApp's rating and status of each template sent in 24 hours", saw: "a template is %s"},
	event.FactorSpamErrors:           {fact: "sends refused with error 131048 in the last hour", saw: "%s refused as spam in an hour"},
	event.FactorReachout:             {fact: "first contacts refused with error 463 in 24 hours", saw: "%s first contacts refused in a day"},
	event.FactorNewChatCap:           {fact: "share of the quota of new chats that is used, and the warning that WhatsApp shows", saw: "%s of the quota of new chats used", share: true},
	event.FactorAccountErrors:        {fact: "sends refused for the account's sake in 24 hours", saw: "%s refused: account blocked"},
	event.FactorRestriction:          {fact: "what WhatsApp holds against the account now", saw: "the account is %s"},
	event.FactorRestart:              {fact: "sends in the first days after a restriction ended", saw: "%s sent right after a restriction"},
	event.FactorTrustScore:           {fact: "the trust score", saw: "trust score %s"},
	event.FactorLimitUsage:           {fact: "contacts written to first in 24 hours over the portfolio's limit", saw: "%s of the messaging limit used", share: true},
	event.FactorContagion:            {fact: "numbers of the portfolio restricted in 7 days", saw: "%s numbers restricted in a week"},
	event.FactorSharedConnection:     {fact: "the most numbers of the portfolio on one address", saw: "%s numbers on one connection"},
}

// Describe says in words what a factor saw and which bound that met, such as
// "412 conversations begun in an hour (danger > 60)". The rule may be nil if the
// bounds are not known; dayOfLife chooses among those that go by day.
func Describe(f event.Factor, v event.Value, rule *Rule, dayOfLife int64) string {
	w := &wordings[f]
	text := w.saw
	switch v.Kind {
	case event.ValueNone:
		return f.String()
	case event.ValueWord:
		return fmt.Sprintf(text, v.Word)
	}
	if v.Number == 1 && !w.share {
		text = ofOne.Replace(text)
	}
	text = fmt.Sprintf(text, w.value(v.Number))
	if rule == nil {
		return text
	}
	warn, danger := rule.At(dayOfLife)
	switch {
	case danger.Met(v.Number):
		return text + " (danger " + w.bound(danger) + ")"
	case warn.Met(v.Number):
		return text + " (warn " + w.bound(warn) + ")"
	}
	return text
}

// ofOne makes a phrase speak of one.
var ofOne = strings.NewReplacer("conversations", "conversation", "messages", "message", "contacts", "contact", "strangers", "stranger", "numbers", "number",
	"hours of 24", "hour of 24", " times", " time")

// bound writes a threshold in the factor's unit.
func (w *wording) bound(t *Threshold) string { return t.Op.String() + " " + w.value(t.Value) }

// value writes a number in the factor's unit.
func (w *wording) value(v float64) string {
	if !w.share {
		return message.NewPrinter(language.English).Sprintf("%d", int64(v)) // 1,234
	}
	v *= 100
	if v != math.Trunc(v) && v < 10 {
		return strconv.FormatFloat(v, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(v, 'f', 0, 64) + " %"
}

// Compared returns the value that a factor compares, taken from a number's facts
// (contract, section 5). It is none where the facts do not hold it: the words of
// most factors of words, and what holds for a time only, come with their flags.
func Compared(f event.Factor, facts *event.Facts) event.Value {
	switch f {
	case event.FactorUnanswered:
		return numberOrNone(1 - facts[event.FactReplyRatio30d])
	case event.FactorInvalidContacts:
		return numberOrNone(facts[event.FactFailed24hContact] / facts[event.FactSent24h])
	case event.FactorRestriction:
		return event.WordValue(event.State(facts[event.FactRestriction]).String())
	}
	if fact, ok := comparedFact[f]; ok {
		return numberOrNone(facts[fact])
	}
	return event.Value{}
}

func numberOrNone(v float64) event.Value {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return event.Value{}
	}
	return event.NumberValue(v)
}

// comparedFact is the fact of each factor that compares one as it is. It is
// never written.
var comparedFact = map[event.Factor]event.Fact{
	event.FactorVelocityHour: event.FactInitiated1h, event.FactorVelocityBurst: event.FactInitiated1m,
	event.FactorDailyVolume: event.FactInitiated24h, event.FactorReplyRatio: event.FactReplyRatio7d,
	event.FactorMechanicalTiming: event.FactIntervalCV, event.FactorActiveHours: event.FactActiveHours24h,
	event.FactorConversationPressure: event.FactConversationPressure, event.FactorGroupAdd: event.FactGroups24h,
	event.FactorBlockRate: event.FactBlockRate7d, event.FactorOptOut: event.FactSentAfterStop24h,
	event.FactorOptIn: event.FactNoOptInShare24h, event.FactorDelivery: event.FactDeliveryRatio24h,
	event.FactorIdenticalBatch: event.FactIdentical1h, event.FactorMediaRepeat: event.FactMediaRepeat24h,
	event.FactorLinkRepeat: event.FactLinkRepeat1h, event.FactorNumberAge: event.FactDay,
	event.FactorForeignContacts: event.FactForeignShare24h, event.FactorDormancy: event.FactInitiated24h,
	event.FactorReplyNowcast: event.FactReplyRatioNowcast, event.FactorColdStart: event.FactReplyRatioCold,
	event.FactorNewLink: event.FactInitiated24h, event.FactorReachout: event.FactReachoutErrors24h, event.FactorNewChatCap: event.FactCapShare,
	event.FactorSpamErrors: event.FactSpamErrors1h, event.FactorAccountErrors: event.FactFailed24hAccount,
}
