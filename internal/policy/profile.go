package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sendwatch/internal/event"
	"sendwatch/internal/strictyaml"
)

// builder puts the profiles together.
type builder struct {
	file     *file
	policy   *Policy
	resolved map[string]*Profile // by name; nil if it cannot be
	index    map[profileKey]int32
	noted    map[string]bool // paths at which a rule was found to make no sense
}

// profileKey names a profile with overrides: a base profile and two sets of
// changes, 0 for none.
type profileKey struct {
	base              string
	portfolio, number int
}

// resolve returns a profile with all that it extends. via are the profiles that
// led here, to find a circle.
func (b *builder) resolve(name string, via []string) *Profile {
	if r, ok := b.resolved[name]; ok {
		return r
	}
	w := b.file.profiles[name]
	r := &Profile{Name: name}
	if w.extends != "" {
		via = append(via, name)
		switch {
		case b.file.profiles[w.extends] == nil:
			b.unknownProfile(w.parent, w.extends)
			r = nil
		case slices.Contains(via, w.extends):
			w.parent.Wrong("extends itself: "+strings.Join(append(via, w.extends), ", "), "a profile that does not lead back here")
			r = nil
		default:
			parent := b.resolve(w.extends, via)
			if parent == nil {
				r = nil
			} else {
				r.Rules = parent.Rules
			}
		}
	}
	if r != nil {
		b.fill(r, w)
	}
	b.resolved[name] = r
	return r
}

// fill applies a profile's changes, and notes what it leaves open.
func (b *builder) fill(r *Profile, w *writtenProfile) {
	var seen [event.NumFactors]bool
	for _, c := range w.changes {
		rule := &r.Rules[c.factor]
		if w.extends == "" && !seen[c.factor] {
			rule.On = true // what a profile of its own names is on unless it says otherwise
		} else if !rule.On && c.on == nil && !b.file.factors[c.factor] {
			c.at.Wrong("was off before, and this does not say whether it is on", "on: true or on: false")
		}
		seen[c.factor] = true
		c.apply(rule)
	}
	var silent []string
	for factor := range event.NumFactors {
		if w.extends == "" && !seen[factor] {
			silent = append(silent, factor.String())
		}
	}
	if silent != nil && !w.broken && !b.file.broken {
		w.at.Missing("thresholds, or {on: false}, for each of "+list(silent)+"; or extends: a profile that has them", "factors")
	}
	b.check(r, w.changes, "")
}

// check notes rules that make no sense as a whole, once for each place.
func (b *builder) check(r *Profile, changes []change, with string) {
	for i, c := range changes {
		last := !slices.ContainsFunc(changes[i+1:], func(later change) bool { return later.factor == c.factor })
		if !last || b.file.factors[c.factor] || b.noted[c.at.Path] {
			continue
		}
		before := c.at.Mistakes()
		r.Rules[c.factor].check(c.at, &shapes[c.factor], with)
		b.noted[c.at.Path] = c.at.Mistakes() != before
	}
}

// connect chooses the profile of each connection, -1 where there is none.
func (b *builder) connect() {
	for c, name := range connections {
		b.policy.byConnection[c] = -1
		v := b.file.connections[name]
		if !v.Exists() {
			continue
		}
		profile, ok := v.Text(b.profileNames())
		if !ok {
			continue
		}
		if b.file.profiles[profile] == nil {
			b.unknownProfile(v, profile)
			continue
		}
		if i, ok := b.index[profileKey{base: profile}]; ok {
			b.policy.byConnection[c] = i
		}
	}
}

func (b *builder) profileNames() string {
	return strings.Join(slices.Sorted(maps.Keys(b.file.profiles)), ", ")
}

func (b *builder) unknownProfile(v strictyaml.Value, name string) {
	names := slices.Sorted(maps.Keys(b.file.profiles))
	problem := fmt.Sprintf("there is no profile %q", name)
	if near := strictyaml.Nearest(name, names); near != "" {
		problem += fmt.Sprintf(", did you mean %s?", near)
	}
	v.Wrong(problem, list(names))
}
