package policy

import (
	"math"
	"slices"

	"sendwatch/internal/event"
)

// Op compares a fact with a threshold.
type Op uint8

// OpNone marks a threshold that does not exist.
const (
	OpNone Op = iota
	OpAtLeast
	OpAbove
	OpAtMost
	OpBelow
)

var opNames = [...]string{"", ">=", ">", "<=", "<"}

// String returns the operator's sign.
func (o Op) String() string { return opNames[o] }

// Threshold is one bound of a rule: either an operator and a number, or words.
type Threshold struct {
	Op    Op
	Value float64
	Words []string
}

// Exists reports whether the bound was given.
func (t *Threshold) Exists() bool { return t.Op != OpNone || len(t.Words) > 0 }

// Met reports whether v is at or past the bound. NaN meets none.
func (t *Threshold) Met(v float64) bool {
	switch t.Op {
	case OpAtLeast:
		return v >= t.Value
	case OpAbove:
		return v > t.Value
	case OpAtMost:
		return v <= t.Value
	case OpBelow:
		return v < t.Value
	}
	return false
}

// Least returns the smallest whole number that meets a rising bound.
func (t *Threshold) Least() float64 {
	if t.Op == OpAbove {
		return math.Floor(t.Value) + 1
	}
	return math.Ceil(t.Value)
}

// Step is a pair of thresholds that holds up to a day of a number's life.
type Step struct {
	UntilDay     int64 // inclusive
	Warn, Danger Threshold
}

// Rule is what a profile holds against one factor. The zero Rule is off.
type Rule struct {
	On           bool
	Weight       float64
	Sample       float64 // the factor is silent below it
	Window       int64   // days that the fact looks back, where there is a choice; 0: as the contract has it
	Warn, Danger Threshold
	Steps        []Step // instead of Warn and Danger: by day of life, rising; past the last there is none
}

// At returns the thresholds that hold on a day of life.
func (r *Rule) At(day int64) (warn, danger *Threshold) {
	if len(r.Steps) == 0 {
		return &r.Warn, &r.Danger
	}
	for i := range r.Steps {
		if day <= r.Steps[i].UntilDay {
			return &r.Steps[i].Warn, &r.Steps[i].Danger
		}
	}
	return &none, &none
}

// none is the threshold that nothing meets; it is never written.
var none Threshold

// Judge returns the level and the severity (contract, section 5) of a value on a
// day of life, given the size of its sample. A NaN value is silent.
func (r *Rule) Judge(value, sample float64, day int64) (event.Level, float64) {
	if !r.On || sample < r.Sample || value != value {
		return event.LevelNone, 0
	}
	warn, danger := &r.Warn, &r.Danger
	if r.Steps != nil {
		warn, danger = r.At(day)
	}
	if danger.Op != OpNone && danger.Met(value) {
		return event.LevelDanger, 1
	}
	if warn.Op == OpNone || !warn.Met(value) {
		return event.LevelNone, 0
	}
	if danger.Op == OpNone {
		return event.LevelWarn, 1
	}
	return event.LevelWarn, 0.25 + 0.75*(value-warn.Value)/(danger.Value-warn.Value)
}

// JudgeWord returns the level and the severity of a factor of words: 1 at danger
// or where there is but one threshold, else 0.5 at warn. The empty word is silent.
func (r *Rule) JudgeWord(word string) (event.Level, float64) {
	if !r.On || word == "" {
		return event.LevelNone, 0
	}
	switch {
	case slices.Contains(r.Danger.Words, word):
		return event.LevelDanger, 1
	case !slices.Contains(r.Warn.Words, word):
		return event.LevelNone, 0
	case len(r.Danger.Words) == 0:
		return event.LevelWarn, 1
	}
	return event.LevelWarn, 0.5
}

// JudgeBoth judges a number and a word, such as new_chat_cap's: the higher level
// and the larger severity count.
func (r *Rule) JudgeBoth(value float64, word string) (event.Level, float64) {
	level, severity := r.Judge(value, r.Sample, 0)
	byWord, severityByWord := r.JudgeWord(word)
	return max(level, byWord), max(severity, severityByWord)
}

// Score returns the trust score for P, the sum of weight x severity over all
// factors: floor(max(0, 100 - P) + 0.5) with P rounded to 6 decimals.
func Score(p float64) int {
	p = math.Round(p*1e6) / 1e6
	return int(math.Floor(max(0, 100-p) + 0.5))
}

// Words of factors that speak no language of the platform's: a template paused
// for the second time or more, and a send in the first three or the next two
// days after a restriction ended.
const (
	WordPausedAgain  = "PAUSED_AGAIN"
	WordRestartEarly = "SENT_WITHIN_3D"
	WordRestartLate  = "SENT_WITHIN_5D"
	WordRegion       = "DIFFERS"
)
