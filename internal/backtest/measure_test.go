package backtest

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/replay"
)

// TestMeasure counts flags and labels made by hand, on a log of 28 days.
func TestMeasure(t *testing.T) {
	h := func(hours int64) int64 { return hours * hour }
	episode := func(id string, f event.Factor, raised, danger, cleared int64) replay.Episode {
		return replay.Episode{Subject: "number", ID: id, Factor: f, Raised: raised, Danger: danger, Cleared: cleared}
	}
	o := &Observed{
		End: 28 * day, Records: 10,
		Labels: []Label{
			{ID: "quiet", Healthy: true, Joins: 0},
			{ID: "loud", Healthy: true, Joins: 14 * day},
			{ID: "unlucky", Healthy: true, Joins: 0, Restricted: []int64{14 * day}},
			{ID: "late", Healthy: true, Joins: 28 * day},
			{ID: "warned", Turns: 1, Restricted: []int64{h(300), h(500)}, Cause: CausePace},
			{ID: "scored", Turns: 1, Restricted: []int64{h(300)}, Cause: CauseSilence},
			{ID: "only_warn", Turns: 1, Restricted: []int64{h(300)}, Cause: CauseSilence},
			{ID: "platform", Turns: 1, Restricted: []int64{h(300)}, Cause: CauseList},
			{ID: "forgotten", Turns: 1, Restricted: []int64{h(300)}, Cause: CauseTimer},
			{ID: "after", Turns: 1, Restricted: []int64{h(300)}, Cause: CausePace},
			{ID: "old", Turns: 1, Restricted: []int64{h(300)}, Cause: CausePace},
			{ID: "got_away", Turns: 1},
		},
		Episodes: []replay.Episode{
			// Two false ones, one of them by the score; a warning is none.
			episode("loud", event.FactorVelocityHour, h(400), h(401), h(402)),
			episode("loud", event.FactorVelocityHour, h(500), 0, h(502)),
			episode("loud", event.FactorTrustScore, h(401), h(402), h(403)),
			episode("loud", event.FactorReplyRatio, h(450), h(460), 0), // and one that goes on to the end
			episode("loud", event.FactorRestriction, h(401), h(402), h(403)),
			// Of the unlucky one, one false alarm, long before; one that came true.
			episode("unlucky", event.FactorTrustScore, h(10), 0, h(12)),
			episode("unlucky", event.FactorBlockRate, h(330), h(331), 0),
			episode("unlucky", event.FactorOptOut, h(400), h(400), 0), // after it

			episode("warned", event.FactorVelocityHour, h(280), h(290), h(295)),
			episode("warned", event.FactorVelocityHour, h(250), h(260), h(261)),
			episode("warned", event.FactorTrustScore, h(294), 0, 0),
			episode("scored", event.FactorTrustScore, h(298), 0, 0),
			episode("only_warn", event.FactorReplyRatio, h(100), 0, 0),
			episode("platform", event.FactorQuality, h(100), h(100), 0),
			episode("platform", event.FactorRestriction, h(300), h(300), 0),
			episode("forgotten", event.FactorMechanicalTiming, h(100), h(100), h(132)), // a week before
			episode("after", event.FactorTrustScore, h(300), h(300), 0),
			episode("old", event.FactorReplyRatio, h(1), h(2), 0), // in force all the time
			episode("got_away", event.FactorGroupAdd, h(50), h(60), h(70)),
		},
	}
	got := Measure([]*Observed{o})
	want := &Figures{
		Records: 10, Healthy: 3, Weeks: 8, Misbehaving: 8, Restricted: 8, Unexplained: 1,
		Recall: 4. / 8, ExplainedRecall: 3. / 7,
		Lead:         Lead{Median: 5, P10: 2}, // 2, 5, 40 and, cut off, 168 hours
		WarnedInVain: 1,
		False:        3, FalsePerWeek: 37.5, FalseScore: 2, FalseScorePerWeek: 25,
		Factors: []FactorFigures{
			{Factor: "trust_score", Warned: 2, Lead: Lead{2, 2}, False: 2, FalsePerWeek: 25},
			{Factor: "velocity_hour", Warned: 1, Lead: Lead{40, 40}, False: 1, FalsePerWeek: 12.5},
			{Factor: "reply_ratio", Warned: 1, Lead: Lead{168, 168}, False: 1, FalsePerWeek: 12.5},
			{Factor: "block_rate", Warned: 1, Lead: Lead{5, 5}},
		},
		Causes: []CauseFigures{
			{"unexplained", 1, 1, Lead{5, 5}},
			{"pace", 3, 2, Lead{40, 40}},
			{"silence", 2, 1, Lead{2, 2}},
			{"timer", 1, 0, Lead{}},
			{"list", 1, 0, Lead{}},
		},
	}
	want.Danger = got.Danger // TestDanger
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("figures differ (-want +got):\n%s", diff)
	}
}

func TestQuantile(t *testing.T) {
	values := []float64{9, 1, 8, 2, 7, 3, 6, 4, 5, 10}
	for q, want := range map[float64]float64{.1: 1, .11: 2, .5: 5, .9: 9, 1: 10} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %g is %g, want %g", q, got, want)
		}
	}
	if got := quantile(nil, .5); got != 0 {
		t.Errorf("quantile of nothing is %g", got)
	}
}

// TestRun plays a small log from end to end, twice: every figure is the
// same and makes sense, and some restrictions were foreseen.
func TestRun(t *testing.T) {
	c := Config{Seeds: []uint64{1}, Numbers: 120, Days: 14, Policy: policy.Default()}
	reported := map[uint64]float64{}
	first, err := Run(t.Context(), c, func(seed uint64, share float64) { reported[seed] = share })
	if err != nil {
		t.Fatal(err)
	}
	if reported[1] != 1 {
		t.Errorf("progress ended at %v, want 1 of the seed", reported)
	}
	if first.Restricted < 3 || first.Recall <= 0 || first.Recall > 1 || first.Lead.Median < first.Lead.P10 ||
		first.Lead.Median <= 0 || first.Healthy < 40 || first.Records < 50_000 {
		t.Errorf("figures that make no sense: %+v", first)
	}
	warned := 0
	for _, cause := range first.Causes {
		warned += cause.Warned
	}
	if got := float64(warned) / float64(first.Restricted); math.Abs(got-first.Recall) > 1e-9 {
		t.Errorf("causes add up to a recall of %g, which is given as %g", got, first.Recall)
	}
	again, err := Run(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the same seeds give other figures:\n%s", diff)
	}
	var out strings.Builder
	if err := first.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{first.PolicyVersion, "recall", "trust_score", "hidden cause"} {
		if !strings.Contains(out.String(), word) {
			t.Errorf("the tables do not say %q:\n%s", word, out.String())
		}
	}
}

// TestVariantsLoad reads the variants that the figures speak of: each is the shipped
// policy but for what it says.
func TestVariantsLoad(t *testing.T) {
	for name, want := range map[string][]string{
		"tuned":    {"velocity_hour", "velocity_burst", "reply_nowcast", "cold_start", "conversation_pressure", "identical_batch", "spam_errors", "reachout", "new_chat_cap"},
		"watchful": {"velocity_hour", "velocity_burst", "reply_nowcast", "cold_start", "identical_batch", "new_link", "spam_errors", "reachout", "new_chat_cap"},
	} {
		data, err := os.ReadFile("../../schemas/policy/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		variant, err := policy.Load(data)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(variant.Version, name+"-") {
			t.Errorf("%s is called %s", name, variant.Version)
		}
		shipped := policy.Default()
		var changed []string
		for i := range shipped.Profiles {
			for f := range event.NumFactors {
				if shipped.Profiles[i].Name == "community" && !cmp.Equal(shipped.Profiles[i].Rules[f], variant.Profiles[i].Rules[f]) {
					changed = append(changed, f.String())
				}
			}
		}
		if diff := cmp.Diff(want, changed); diff != "" {
			t.Errorf("%s changes other factors than it says (-want +got):\n%s", name, diff)
		}
	}
}

// TestPrintWithoutWarnings shows no lead of 0 hours where nothing was warned of.
func TestPrintWithoutWarnings(t *testing.T) {
	f := Figures{Restricted: 3, Causes: []CauseFigures{
		{Cause: "refusals", Restricted: 3},
		{Cause: "pace", Restricted: 1, Warned: 1, Lead: Lead{Median: 7.5, P10: 7.5}},
	}}
	var out strings.Builder
	if err := f.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"refusals      0 of 3     -         -\n", "pace          1 of 1     7.5       7.5\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no line %q in\n%s", want, out.String())
		}
	}
}
