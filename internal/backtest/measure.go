package backtest

import (
	"cmp"
	"math"
	"slices"

	"sendwatch/internal/event"
	"sendwatch/internal/replay"
)

// Horizon is how long before a restriction, in ms, a warning must still have been
// in force to count, and the longest lead that is counted. It is the time that
// WhatsApp's own rating looks back.
const Horizon = week

// PlatformWord reports whether a factor only repeats what WhatsApp has said: a
// restriction, a rating, an error of the account. Such flags never count as a
// warning. Restart does: it is about what the number sends afterwards.
func PlatformWord(f event.Factor) bool {
	switch f {
	case event.FactorRestriction, event.FactorAccountErrors, event.FactorQuality, event.FactorTemplateQuality:
		return true
	}
	return false
}

// warnsAt returns when an episode began to warn: of trust_score when it was raised,
// of others when it reached danger. False if it never did.
func warnsAt(e *replay.Episode) (int64, bool) {
	switch {
	case PlatformWord(e.Factor):
		return 0, false
	case e.Factor == event.FactorTrustScore:
		return e.Raised, true
	}
	return e.Danger, e.Danger != 0
}

// Lead is how long before restrictions something warned, in hours.
type Lead struct {
	Median float64 `json:"median_hours"`
	P10    float64 `json:"p10_hours"`
}

// FactorFigures are the figures of one factor alone.
type FactorFigures struct {
	Factor string `json:"factor"`
	// Warned is how many of the restricted numbers it warned of; Lead how long
	// before.
	Warned int  `json:"warned"`
	Lead   Lead `json:"lead"`
	// False is how many false episodes healthy numbers had.
	False        int     `json:"false_episodes"`
	FalsePerWeek float64 `json:"false_per_100_healthy_a_week"`
}

// CauseFigures are the figures of the restrictions of one hidden cause.
type CauseFigures struct {
	Cause      string `json:"cause"`
	Restricted int    `json:"restricted"`
	Warned     int    `json:"warned"`
	Lead       Lead   `json:"lead"`
}

// Figures are what a back-test finds. Numbers are counted by their first
// restriction: what came after it, it has helped to find.
type Figures struct {
	Seeds         []uint64 `json:"seeds"`
	Numbers       int      `json:"numbers"`
	Days          int      `json:"days"`
	PolicyVersion string   `json:"policy_version"`
	Records       int64    `json:"records"`

	Healthy     int     `json:"healthy_numbers"`
	Weeks       float64 `json:"healthy_weeks"` // number-weeks before a restriction
	Misbehaving int     `json:"misbehaving_numbers"`
	Restricted  int     `json:"restricted_numbers"`
	Unexplained int     `json:"unexplained_restrictions"`

	// Recall is the share of restricted numbers that had a warning: a flag at
	// danger, or trust_score at warn or worse. ExplainedRecall leaves out those
	// restricted for no reason.
	Recall          float64 `json:"recall"`
	ExplainedRecall float64 `json:"explained_recall"`
	Lead            Lead    `json:"lead"`
	// WarnedInVain is how many misbehaving numbers were warned of and got away.
	WarnedInVain int `json:"misbehaving_warned_not_restricted"`

	// False counts the episodes of healthy numbers that reached danger and were
	// followed by no restriction.
	False        int     `json:"false_danger_episodes"`
	FalsePerWeek float64 `json:"false_danger_per_100_healthy_a_week"`
	// FalseScore counts those of trust_score at warn or worse, alike.
	FalseScore        int     `json:"false_score_warnings"`
	FalseScorePerWeek float64 `json:"false_score_warnings_per_100_healthy_a_week"`

	Factors []FactorFigures `json:"factors"` // those that flagged, trust_score from warn on
	Causes  []CauseFigures  `json:"causes"`

	Danger DangerFigures `json:"danger"`
}

// tally gathers what Measure counts.
type tally struct {
	f       *Figures
	leads   []float64 // of all warned
	factors [event.NumFactors]struct {
		leads []float64
		wrong int
	}
	causes [numCauses]struct {
		leads      []float64
		restricted int
	}
	explained int // restricted for a reason and warned
	danger    dangerTally
}

// Measure compares flags with labels.
func Measure(all []*Observed) *Figures {
	t := &tally{f: &Figures{}, danger: dangerTally{kinds: map[string]*kindTally{}}}
	for _, o := range all {
		t.f.Records += o.Records
		of := map[string][]*replay.Episode{}
		for i := range o.Episodes {
			e := &o.Episodes[i]
			of[e.ID] = append(of[e.ID], e)
		}
		for i := range o.Labels {
			t.number(o, &o.Labels[i], of[o.Labels[i].ID])
		}
	}
	t.finish()
	return t.f
}

// number counts one number of one log.
func (t *tally) number(o *Observed, l *Label, episodes []*replay.Episode) {
	end := o.End
	if l.Joins >= end {
		return // it never came
	}
	t.danger.number(o.Seed, l, episodes)
	restricted := never
	if len(l.Restricted) > 0 {
		restricted = l.Restricted[0]
		t.restricted(l, episodes, restricted)
	} else if !l.Healthy && slices.ContainsFunc(episodes, func(e *replay.Episode) bool {
		at, ok := warnsAt(e)
		return ok && at >= l.Turns
	}) {
		t.f.WarnedInVain++
	}
	if !l.Healthy {
		t.f.Misbehaving++
		return
	}
	t.f.Healthy++
	t.f.Weeks += float64(min(end, restricted)-l.Joins) / float64(week)
	for _, e := range episodes {
		at, ok := warnsAt(e)
		if !ok || at >= restricted || before(e, at, restricted) {
			continue
		}
		t.factors[e.Factor].wrong++
		if e.Factor == event.FactorTrustScore {
			t.f.FalseScore++
		}
		if e.Danger != 0 && e.Danger < restricted {
			t.f.False++
		}
	}
}

// before reports whether an episode that began to warn at a time was in force
// within the horizon before a restriction; never is the time of none.
func before(e *replay.Episode, at, restricted int64) bool {
	return restricted != never && at < restricted && (e.Cleared == 0 || e.Cleared > restricted-Horizon)
}

// never is when a number is restricted that is not.
const never = int64(math.MaxInt64)

// restricted counts a number by its first restriction.
func (t *tally) restricted(l *Label, episodes []*replay.Episode, restricted int64) {
	t.f.Restricted++
	cause := &t.causes[l.Cause]
	cause.restricted++
	var first [event.NumFactors]int64 // 0: none
	earliest := int64(0)
	for _, e := range episodes {
		at, ok := warnsAt(e)
		if !ok || !before(e, at, restricted) {
			continue
		}
		if first[e.Factor] == 0 || at < first[e.Factor] {
			first[e.Factor] = at
		}
		if earliest == 0 || at < earliest {
			earliest = at
		}
	}
	lead := func(at int64) float64 { return float64(min(restricted-at, Horizon)) / float64(hour) }
	for f, at := range first {
		if at != 0 {
			t.factors[f].leads = append(t.factors[f].leads, lead(at))
		}
	}
	if earliest == 0 {
		return
	}
	t.leads = append(t.leads, lead(earliest))
	cause.leads = append(cause.leads, lead(earliest))
	if l.Cause != CauseUnexplained {
		t.explained++
	}
}

func (t *tally) finish() {
	f := t.f
	f.Unexplained = t.causes[CauseUnexplained].restricted
	f.Recall = share(len(t.leads), f.Restricted)
	f.ExplainedRecall = share(t.explained, f.Restricted-f.Unexplained)
	f.Lead = lead(t.leads)
	f.FalsePerWeek = perWeek(f.False, f.Weeks)
	f.FalseScorePerWeek = perWeek(f.FalseScore, f.Weeks)
	f.Weeks = round(f.Weeks, 10)
	for factor := range event.NumFactors {
		if x := &t.factors[factor]; len(x.leads) > 0 || x.wrong > 0 {
			f.Factors = append(f.Factors, FactorFigures{
				Factor: factor.String(), Warned: len(x.leads), Lead: lead(x.leads),
				False: x.wrong, FalsePerWeek: perWeek(x.wrong, f.Weeks),
			})
		}
	}
	slices.SortStableFunc(f.Factors, func(a, b FactorFigures) int { return cmp.Compare(b.Warned, a.Warned) })
	for c := range numCauses {
		if x := &t.causes[c]; x.restricted > 0 {
			f.Causes = append(f.Causes, CauseFigures{c.String(), x.restricted, len(x.leads), lead(x.leads)})
		}
	}
	f.Danger = t.danger.figures()
}

// lead summarises leads in hours.
func lead(hours []float64) Lead {
	return Lead{Median: quantile(hours, .5), P10: quantile(hours, .1)}
}

// quantile returns the smallest value that at least the share q of all values
// does not exceed, 0 of none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return round(sorted[max(int(math.Ceil(q*float64(len(sorted))))-1, 0)], 100)
}

// share returns n of all, 1 of none: nobody was missed.
func share(n, all int) float64 {
	if all == 0 {
		return 1
	}
	return float64(n) / float64(all)
}

// perWeek returns episodes per 100 numbers a week.
func perWeek(n int, weeks float64) float64 {
	if weeks == 0 {
		return 0
	}
	return round(100*float64(n)/weeks, 1000)
}

// round keeps so many parts of one.
func round(x, parts float64) float64 { return math.Round(x*parts) / parts }
