package policy

import (
	"fmt"
	"slices"

	"sendwatch/internal/strictyaml"
)

// apply writes a change into a rule.
func (c *change) apply(r *Rule) {
	if c.on != nil {
		r.On = *c.on
	}
	if c.weight != nil {
		r.Weight = *c.weight
	}
	if c.sample != nil {
		r.Sample = *c.sample
	}
	if c.window != nil {
		r.Window = *c.window
	}
	if c.steps != nil {
		r.Steps, r.Warn, r.Danger = c.steps, Threshold{}, Threshold{}
	}
	if c.warn != nil {
		r.Warn, r.Steps = *c.warn, nil
	}
	if c.danger != nil {
		r.Danger, r.Steps = *c.danger, nil
	}
}

// check notes what is wrong with a whole rule. What is off may be anything.
func (r *Rule) check(at strictyaml.Value, s *shape, with string) {
	if !r.On {
		return
	}
	if r.Steps == nil {
		r.Warn.check(&r.Danger, at, s, with)
		return
	}
	for i := range r.Steps {
		step := &r.Steps[i]
		step.Warn.check(&step.Danger, at, s, fmt.Sprintf(" until day %d%s", step.UntilDay, with))
	}
}

// check notes a pair of thresholds of which warn does not come first.
func (t *Threshold) check(danger *Threshold, at strictyaml.Value, s *shape, with string) {
	switch {
	case !t.Exists() && !danger.Exists():
		at.Wrong("has neither warn nor danger"+with, "at least one of them, or on: false")
	case t.bothSay(danger, at, with):
	case t.Op == OpNone || danger.Op == OpNone:
	case !s.falling && t.Value >= danger.Value:
		at.Wrong(fmt.Sprintf("warn %s is not below danger %s%s", t, danger, with), "warn before danger: higher is worse")
	case s.falling && t.Value <= danger.Value:
		at.Wrong(fmt.Sprintf("warn %s is not above danger %s%s", t, danger, with), "warn before danger: lower is worse")
	}
}

// bothSay notes the words that two thresholds share and reports whether there are any.
func (t *Threshold) bothSay(danger *Threshold, at strictyaml.Value, with string) bool {
	found := false
	for _, w := range t.Words {
		if slices.Contains(danger.Words, w) {
			at.Wrong(fmt.Sprintf("%s is a word of warn and of danger%s", w, with), "it in one of them")
			found = true
		}
	}
	return found
}

// String returns the threshold as it is written in a file, "none" if there is none.
func (t *Threshold) String() string {
	switch {
	case t.Op != OpNone && len(t.Words) > 0:
		return "[" + t.Op.String() + " " + number(t.Value) + ", " + list(t.Words) + "]"
	case t.Op != OpNone:
		return t.Op.String() + " " + number(t.Value)
	case len(t.Words) > 0:
		return "[" + list(t.Words) + "]"
	}
	return "none"
}
