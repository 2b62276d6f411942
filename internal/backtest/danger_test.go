package backtest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/event"
	"sendwatch/internal/replay"
)

// TestDanger counts flags at danger by hand: who was warned of and how long
// before, how soon after it began, and whom they came for in vain.
func TestDanger(t *testing.T) {
	h := func(hours int64) int64 { return hours * hour }
	episode := func(id string, f event.Factor, danger, cleared int64) replay.Episode {
		return replay.Episode{Subject: "number", ID: id, Factor: f, Raised: h(1), Danger: danger, Cleared: cleared}
	}
	o := &Observed{
		Seed: 7, End: 28 * day,
		Labels: []Label{
			{ID: "quiet", Profile: "shop", Healthy: true},
			{ID: "loud", Profile: "shop", Healthy: true},
			{ID: "early", Profile: "cold", Turns: h(100), Restricted: []int64{h(200)}},
			{ID: "late", Profile: "cold", Turns: h(100), Restricted: []int64{h(200)}},
			{ID: "missed", Profile: "cold", Turns: h(100), Restricted: []int64{h(200)}},
			{ID: "away", Profile: "slow", Turns: h(100)},
			{ID: "before", Profile: "slow", Turns: h(100)},
		},
		Episodes: []replay.Episode{
			episode("quiet", event.FactorVelocityHour, 0, h(9)), // warn is none
			episode("quiet", event.FactorQuality, h(2), 0),      // WhatsApp's own word
			episode("loud", event.FactorVelocityHour, h(2), h(9)),
			episode("loud", event.FactorReplyRatio, h(5), 0), // in force to the end
			episode("early", event.FactorReplyNowcast, h(110), 0),
			episode("early", event.FactorReplyRatio, h(150), 0),
			episode("late", event.FactorReplyRatio, h(197), 0),
			episode("missed", event.FactorReplyRatio, h(201), 0), // after it was restricted
			episode("missed", event.FactorColdStart, 0, h(3)),    // over long before
			episode("missed", event.FactorQuality, 0, 0),
			episode("away", event.FactorColdStart, h(104), h(105)),
			episode("before", event.FactorColdStart, h(50), h(60)), // over when it began
		},
	}
	got := Measure([]*Observed{o}).Danger
	delay := func(x float64) *float64 { return &x }
	want := DangerFigures{
		Foreseeable: 3, Recall: 2. / 3, Recall6h: 1. / 3, Recall24h: 1. / 3, Lead: Lead{Median: 3, P10: 3},
		Delay: delay(97), HealthyEver: .5, Precision: 3. / 4,
		Misses: []Miss{{Seed: 7, ID: "missed", Kind: "cold", Hours: 100, Warned: []string{"reply_ratio"}}},
		Factors: []FactorDangers{
			{Factor: "reply_ratio", Warned: 2, First: 1, False: 1},
			{Factor: "reply_nowcast", Warned: 1, First: 1},
			{Factor: "velocity_hour", False: 1},
		},
		Kinds: []KindFigures{
			{Kind: "cold", Numbers: 3, Restricted: 3, Warned: 2, Lead: Lead{3, 3}, Delay: delay(97), Flagged: 2, ByFactor: map[string]int{}},
			{Kind: "slow", Numbers: 2, Delay: delay(4), Flagged: 1, ByFactor: map[string]int{}},
			{Kind: "shop", Healthy: true, Numbers: 2, Flagged: 1, False: 2, ByFactor: map[string]int{"velocity_hour": 1, "reply_ratio": 1}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("figures differ (-want +got):\n%s", diff)
	}
	o.Episodes = nil
	if got := Measure([]*Observed{o}).Danger; got.Delay != nil || got.Recall != 0 {
		t.Errorf("without flags: delay %v, recall %v", got.Delay, got.Recall)
	}
	var out strings.Builder
	if err := (&Figures{Danger: want}).Print(&out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "missed") {
		t.Errorf("misses were not asked for:\n%s", out.String())
	}
	if err := (&Figures{Danger: want}).PrintMisses(&out); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"7     missed  cold  100.0             reply_ratio", "66.7 % of 3 foreseeable", "97.0 h in the median", "reply_ratio 1, velocity_hour 1"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no %q in\n%s", line, out.String())
		}
	}
}
