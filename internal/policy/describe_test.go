package policy

import (
	"strings"
	"testing"

	"sendwatch/internal/event"
)

// TestDescribe reads what a factor saw, with the bound that it met.
func TestDescribe(t *testing.T) {
	community := Default().Portfolio(nil)
	for _, c := range []struct {
		factor event.Factor
		value  event.Value
		day    int64
		want   string
	}{
		{event.FactorVelocityHour, event.NumberValue(1234), 90, "1,234 conversations begun in an hour (danger > 60)"},
		{event.FactorVelocityHour, event.NumberValue(30), 90, "30 conversations begun in an hour (warn >= 30)"},
		{event.FactorVelocityHour, event.NumberValue(3), 90, "3 conversations begun in an hour"},
		{event.FactorDailyVolume, event.NumberValue(101), 2, "101 begun in a day, as a new number (danger > 50)"},
		{event.FactorBlockRate, event.NumberValue(.0125), 90, "1.2 % blocked or reported it (warn >= 1 %)"},
		{event.FactorContagion, event.NumberValue(1), 90, "1 number restricted in a week (warn >= 1)"},
		{event.FactorIdenticalBatch, event.NumberValue(1), 90, "the same content 1 time in an hour"},
		{event.FactorReplyRatio, event.NumberValue(1), 90, "only 100 % reply"},
		{event.FactorReplyNowcast, event.NumberValue(.1449), 90, "only 14 % will reply (danger < 15 %)"},
		{event.FactorReachout, event.NumberValue(1), 90, "1 first contact refused in a day (warn >= 1)"},
		{event.FactorNewChatCap, event.NumberValue(.9), 90, "90 % of the quota of new chats used (warn >= 80 %)"},
		{event.FactorQuality, event.WordValue("RED"), 90, "rated RED"},
		{event.FactorDelivery, event.Value{}, 90, "delivery"},
	} {
		if got := Describe(c.factor, c.value, &community.Rules[c.factor], c.day); got != c.want {
			t.Errorf("%s: %q, want %q", c.factor, got, c.want)
		}
	}
	for f := range event.NumFactors {
		if w := &wordings[f]; w.fact == "" || strings.Count(w.saw, "%s") != 1 {
			t.Errorf("%s has no words", f)
		}
	}
}
