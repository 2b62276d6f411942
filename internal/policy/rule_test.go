package policy

import (
	"math"
	"testing"

	"sendwatch/internal/event"
)

// TestJudge holds severity against the contract: 0 below warn, 1 at danger,
// between them 0.25 + 0.75 x (value - warn) / (danger - warn).
func TestJudge(t *testing.T) {
	rising := Rule{On: true, Warn: Threshold{Op: OpAtLeast, Value: 30}, Danger: Threshold{Op: OpAbove, Value: 60}}
	falling := Rule{On: true, Sample: 50, Warn: Threshold{Op: OpBelow, Value: 0.5}, Danger: Threshold{Op: OpBelow, Value: 0.25}}
	inclusive := Rule{On: true, Warn: Threshold{Op: OpAtMost, Value: 10}}
	danger := Rule{On: true, Danger: Threshold{Op: OpAtLeast, Value: 1}}
	off := rising
	off.On = false
	steps := Rule{On: true, Steps: []Step{
		{UntilDay: 3, Warn: Threshold{Op: OpAbove, Value: 50}, Danger: Threshold{Op: OpAbove, Value: 100}},
		{UntilDay: 7, Warn: Threshold{Op: OpAbove, Value: 100}, Danger: Threshold{Op: OpAtLeast, Value: 200}},
	}}
	for _, c := range []struct {
		name          string
		rule          *Rule
		value, sample float64
		day           int64
		level         event.Level
		severity      float64
	}{
		{"below warn", &rising, 29, 0, 1, event.LevelNone, 0},
		{"at warn", &rising, 30, 0, 1, event.LevelWarn, 0.25},
		{"half way", &rising, 45, 0, 1, event.LevelWarn, 0.625},
		{"at a danger that must be passed", &rising, 60, 0, 1, event.LevelWarn, 1},
		{"past danger", &rising, 61, 0, 1, event.LevelDanger, 1},
		{"far past danger", &rising, 1e9, 0, 1, event.LevelDanger, 1},
		{"no value", &rising, math.NaN(), 0, 1, event.LevelNone, 0},
		{"off", &off, 61, 0, 1, event.LevelNone, 0},

		{"falling, at warn", &falling, 0.5, 50, 1, event.LevelNone, 0},
		{"falling, past warn", &falling, 0.4375, 50, 1, event.LevelWarn, 0.4375},
		{"falling, at danger", &falling, 0.25, 50, 1, event.LevelWarn, 1},
		{"falling, past danger", &falling, 0.2, 50, 1, event.LevelDanger, 1},
		{"falling, no value", &falling, math.NaN(), 50, 1, event.LevelNone, 0},
		{"below the sample", &falling, 0, 49, 1, event.LevelNone, 0},

		{"one threshold, at it", &inclusive, 10, 0, 1, event.LevelWarn, 1},
		{"one threshold, not at it", &inclusive, 11, 0, 1, event.LevelNone, 0},
		{"danger alone, at it", &danger, 1, 0, 1, event.LevelDanger, 1},
		{"danger alone, below", &danger, 0, 0, 1, event.LevelNone, 0},

		{"day 1", &steps, 51, 0, 1, event.LevelWarn, 0.25 + 0.75*0.02},
		{"day 3, at a warn that must be passed", &steps, 50, 0, 3, event.LevelNone, 0},
		{"day 3", &steps, 101, 0, 3, event.LevelDanger, 1},
		{"day 4", &steps, 101, 0, 4, event.LevelWarn, 0.25 + 0.75*0.01},
		{"day 7, at danger", &steps, 200, 0, 7, event.LevelDanger, 1},
		{"past the last step", &steps, 1e6, 0, 8, event.LevelNone, 0},
	} {
		level, severity := c.rule.Judge(c.value, c.sample, c.day)
		if level != c.level || math.Abs(severity-c.severity) > 1e-12 {
			t.Errorf("%s: %v of %v, want %v of %v", c.name, level, severity, c.level, c.severity)
		}
	}
}

func TestJudgeWord(t *testing.T) {
	both := Rule{On: true, Warn: Threshold{Words: []string{"YELLOW", "FLAGGED"}}, Danger: Threshold{Words: []string{"RED"}}}
	warn := Rule{On: true, Warn: Threshold{Words: []string{"voip"}}}
	danger := Rule{On: true, Danger: Threshold{Words: []string{WordRegion}}}
	off := Rule{Warn: Threshold{Words: []string{"voip"}}}
	for _, c := range []struct {
		name     string
		rule     *Rule
		word     string
		level    event.Level
		severity float64
	}{
		{"neither", &both, "GREEN", event.LevelNone, 0},
		{"warn of two", &both, "FLAGGED", event.LevelWarn, 0.5},
		{"danger of two", &both, "RED", event.LevelDanger, 1},
		{"another case", &both, "red", event.LevelNone, 0},
		{"no word", &both, "", event.LevelNone, 0},
		{"warn alone", &warn, "voip", event.LevelWarn, 1},
		{"danger alone", &danger, WordRegion, event.LevelDanger, 1},
		{"off", &off, "voip", event.LevelNone, 0},
	} {
		if level, severity := c.rule.JudgeWord(c.word); level != c.level || severity != c.severity {
			t.Errorf("%s: %v of %v, want %v of %v", c.name, level, severity, c.level, c.severity)
		}
	}
}

// TestJudgeBoth takes the worse of a share and a word.
func TestJudgeBoth(t *testing.T) {
	p := Default()
	r := &p.Portfolio(nil).Rules[event.FactorNewChatCap]
	for _, c := range []struct {
		share    float64
		word     string
		level    event.Level
		severity float64
	}{
		{math.NaN(), "", event.LevelNone, 0},
		{0.5, "NONE", event.LevelNone, 0},
		{0.8, "NONE", event.LevelWarn, 0.25},
		{0.8, "FIRST_WARNING", event.LevelWarn, 0.5},
		{0.94, "FIRST_WARNING", event.LevelWarn, 0.25 + 0.75*0.14/0.15},
		{math.NaN(), "FIRST_WARNING", event.LevelWarn, 0.5},
		{0.1, "CAPPED", event.LevelDanger, 1},
		{0.95, "", event.LevelDanger, 1},
	} {
		if level, severity := r.JudgeBoth(c.share, c.word); level != c.level || math.Abs(severity-c.severity) > 1e-9 {
			t.Errorf("%v, %q: %v of %v, want %v of %v", c.share, c.word, level, severity, c.level, c.severity)
		}
	}
}

// TestScore rounds as the contract does: the sum to 6 decimals, then halves up.
func TestScore(t *testing.T) {
	for _, c := range []struct {
		p    float64
		want int
	}{
		{0, 100},
		{0.5, 100},
		{0.500001, 99},
		{0.5000001, 100},
		{0.4999999, 100},
		{30, 70},
		{30.5, 70},
		{30.51, 69},
		{99.5, 1},
		{99.6, 0},
		{100, 0},
		{250, 0},
		{0.1 + 0.2 + 0.2, 100},
		{20*0.25 + 10*0.625, 89},
	} {
		if got := Score(c.p); got != c.want {
			t.Errorf("Score(%v) = %d, want %d", c.p, got, c.want)
		}
	}
}

func TestThreshold(t *testing.T) {
	for _, c := range []struct {
		threshold Threshold
		text      string
		least     float64
		met, not  float64
	}{
		{Threshold{Op: OpAtLeast, Value: 5}, ">= 5", 5, 5, 4.99},
		{Threshold{Op: OpAbove, Value: 60}, "> 60", 61, 60.01, 60},
		{Threshold{Op: OpAtLeast, Value: 4.5}, ">= 4.5", 5, 4.5, 4.4},
		{Threshold{Op: OpAbove, Value: 4.5}, "> 4.5", 5, 4.6, 4.5},
		{Threshold{Op: OpAtMost, Value: 10}, "<= 10", 10, 10, 10.1},
		{Threshold{Op: OpBelow, Value: 0.3}, "< 0.3", 1, 0.29, 0.3},
		{Threshold{Words: []string{"A", "B"}}, "[A, B]", 0, math.NaN(), 0},
		{Threshold{}, "none", 0, math.NaN(), 0},
	} {
		threshold := &c.threshold
		if got := threshold.String(); got != c.text {
			t.Errorf("%q is written %q", c.text, got)
		}
		if got := threshold.Least(); got != c.least {
			t.Errorf("%q: least %v, want %v", c.text, got, c.least)
		}
		if c.met == c.met && !threshold.Met(c.met) {
			t.Errorf("%q is not met by %v", c.text, c.met)
		}
		if threshold.Met(c.not) || threshold.Met(math.NaN()) {
			t.Errorf("%q is met by %v or by no value", c.text, c.not)
		}
	}
}
