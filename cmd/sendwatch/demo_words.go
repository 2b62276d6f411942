package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// factorWords says what each factor sees, for people: %s is the value.
var factorWords = [event.NumFactors]struct {
	text string
	unit unit
}{
	event.FactorVelocityHour:         {"%s conversations begun in an hour", unitCount},
	event.FactorVelocityBurst:        {"%s begun in a minute", unitCount},
	event.FactorDailyVolume:          {"%s begun in a day, as a new number", unitCount},
	event.FactorReplyRatio:           {"only %s reply", unitShare},
	event.FactorUnanswered:           {"%s unanswered in 30 days", unitShare},
	event.FactorMechanicalTiming:     {"gaps differ by only %s", unitShare},
	event.FactorActiveHours:          {"active in %s hours of 24", unitCount},
	event.FactorConversationPressure: {"%s messages to one contact unanswered", unitCount},
	event.FactorGroupAdd:             {"%s strangers added to groups", unitCount},
	event.FactorBlockRate:            {"%s blocked or reported it", unitShare},
	event.FactorOptOut:               {"%s sent after a stop", unitCount},
	event.FactorOptIn:                {"%s sent without opt-in", unitShare},
	event.FactorDelivery:             {"only %s delivered", unitShare},
	event.FactorInvalidContacts:      {"%s of contacts not on WhatsApp", unitShare},
	event.FactorIdenticalBatch:       {"the same content %s times in an hour", unitCount},
	event.FactorMediaRepeat:          {"the same media %s times in a day", unitCount},
	event.FactorLinkRepeat:           {"the same link %s times in an hour", unitCount},
	event.FactorNumberAge:            {"day %s of its life", unitCount},
	event.FactorOrigin:               {"a %s number", unitCount},
	event.FactorRegion:               {"connected from %s", unitCount},
	event.FactorForeignContacts:      {"%s go abroad", unitShare},
	event.FactorDormancy:             {"%s begun just after a long sleep", unitCount},
	event.FactorQuality:              {"rated %s", unitCount},
	event.FactorTemplateQuality:      {"a template is %s", unitCount},
	event.FactorSpamErrors:           {"%s refused as spam in an hour", unitCount},
	event.FactorAccountErrors:        {"%s refused: account blocked", unitCount},
	event.FactorRestriction:          {"the account is %s", unitCount},
	event.FactorRestart:              {"%s sent right after a restriction", unitCount},
	event.FactorTrustScore:           {"trust score %s", unitCount},
	event.FactorLimitUsage:           {"%s of the messaging limit used", unitShare},
	event.FactorContagion:            {"%s numbers restricted in a week", unitCount},
	event.FactorSharedConnection:     {"%s numbers on one connection", unitCount},
}

// unit says how a factor's number reads.
type unit uint8

const (
	unitCount unit = iota
	unitShare      // of one, shown in per cent
)

// describe says in words what a factor saw and which bound that met. The value
// is a number, a word, or nothing; rule is nil if the bounds are unknown.
func describe(f event.Factor, v event.Value, rule *policy.Rule, dayOfLife int64) string {
	words := factorWords[f]
	value := "?"
	switch v.Kind {
	case event.ValueNumber:
		value = inUnit(v.Number, words.unit)
	case event.ValueWord:
		value = v.Word
	}
	text := words.text
	if v.Kind == event.ValueNumber && v.Number == 1 && words.unit == unitCount {
		text = ofOne.Replace(text)
	}
	text = fmt.Sprintf(text, value)
	if v.Kind == event.ValueNone {
		text = f.String()
	}
	if rule == nil || v.Kind != event.ValueNumber {
		return text
	}
	warn, danger := rule.At(dayOfLife)
	switch {
	case danger.Met(v.Number):
		return text + " (danger " + bound(danger, words.unit) + ")"
	case warn.Met(v.Number):
		return text + " (warn " + bound(warn, words.unit) + ")"
	}
	return text
}

// ofOne makes a factor's words speak of one.
var ofOne = strings.NewReplacer("conversations", "conversation", "messages", "message", "strangers", "stranger", "numbers", "number",
	"hours of 24", "hour of 24", " times", " time")

// counted writes a count of something whose plural ends in s.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

func bound(t *policy.Threshold, u unit) string { return t.Op.String() + " " + inUnit(t.Value, u) }

func inUnit(v float64, u unit) string {
	if u == unitShare {
		v *= 100
		if v != math.Trunc(v) && v < 10 {
			return strconv.FormatFloat(v, 'f', 1, 64) + " %"
		}
		return strconv.FormatFloat(v, 'f', 0, 64) + " %"
	}
	return thousands(int64(v))
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	var parts []string
	for len(s) > 3 {
		parts = append([]string{s[len(s)-3:]}, parts...)
		s = s[:len(s)-3]
	}
	return sign + strings.Join(append([]string{s}, parts...), ",")
}

// factOf gives the fact that a factor compares, as far as it is among a
// number's facts; the words of others come with their flags.
func factOf(f event.Factor, facts *event.Facts) event.Value {
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

// comparedFact is the fact of each factor that compares one as it is.
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
	event.FactorSpamErrors: event.FactSpamErrors1h, event.FactorAccountErrors: event.FactFailed24hAccount,
}
