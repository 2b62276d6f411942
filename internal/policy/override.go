package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxProfiles bounds the profiles that overrides make; each takes 4 KiB.
const maxProfiles = 4096

// set is one distinct set of changes: all ids with equal overrides share it.
type set struct {
	id    string // the first id that has it
	first *override
}

// distinct sorts overrides into sets of equal content; set 0 changes nothing.
func distinct(overrides map[string]*override) ([]set, map[string]int32) {
	sets, of, seen := []set{{first: &override{}}}, map[string]int32{}, map[string]int32{}
	for _, id := range slices.Sorted(maps.Keys(overrides)) {
		o := overrides[id]
		content := o.content()
		n, ok := seen[content]
		if !ok {
			n = int32(len(sets))
			seen[content] = n
			sets = append(sets, set{id: id, first: o})
		}
		of[id] = n
	}
	return sets, of
}

// override fills the table of profiles by number, portfolio and connection. A
// portfolio's changes go on top of the profile, a number's on top of those.
func (b *builder) override() {
	p := b.policy
	portfolios, byPortfolio := distinct(b.file.portfolios)
	numbers, byNumber := distinct(b.file.numbers)
	p.byPortfolio, p.byNumber = byPortfolio, byNumber
	p.numPortfolioSets = int32(len(portfolios))
	if n := len(portfolios) * len(numbers); n > maxProfiles {
		b.file.root.Wrong(fmt.Sprintf("%d different overrides of portfolios times %d of numbers", len(portfolios)-1, len(numbers)-1),
			fmt.Sprintf("at most %d combinations; give more of them the same changes", maxProfiles))
		return
	}
	for _, sets := range [...][]set{portfolios, numbers} {
		for _, s := range sets[1:] {
			if name := s.first.profile; name != "" && b.file.profiles[name] == nil {
				b.unknownProfile(s.first.chosen, name)
			}
		}
	}
	p.table = make([][len(connections)]int32, len(portfolios)*len(numbers))
	for n := range numbers {
		for q := range portfolios {
			at := &p.table[n*len(portfolios)+q]
			for c := range connections {
				if p.byConnection[c] < 0 {
					continue
				}
				at[c] = b.combine(p.Profiles[p.byConnection[c]].Name, q, n, portfolios[q], numbers[n])
				if len(p.Profiles) > maxProfiles {
					b.file.root.Wrong("its overrides make too many different profiles", fmt.Sprintf("at most %d", maxProfiles))
					return
				}
			}
		}
	}
}

// combine returns the profile of a base with a portfolio's and a number's changes.
func (b *builder) combine(base string, q, n int, portfolio, number set) int32 {
	for _, chosen := range [...]string{portfolio.first.profile, number.first.profile} {
		if _, ok := b.index[profileKey{base: chosen}]; ok {
			base = chosen
		}
	}
	if len(portfolio.first.changes) == 0 {
		q = 0
	}
	if len(number.first.changes) == 0 {
		n = 0
	}
	key := profileKey{base: base, portfolio: q, number: n}
	if i, ok := b.index[key]; ok {
		return i
	}
	p := b.policy
	profile := p.Profiles[b.index[profileKey{base: base}]]
	with := " (on top of profile " + base
	if q != 0 {
		profile.Name += "+portfolio:" + portfolio.id
		profile.change(portfolio.first.changes)
		if n == 0 {
			b.check(&profile, portfolio.first.changes, with+")")
		}
	}
	if n != 0 {
		if q != 0 {
			with += " and portfolio " + portfolio.id
		}
		profile.Name += "+number:" + number.id
		profile.change(number.first.changes)
		b.check(&profile, number.first.changes, with+")")
	}
	i := int32(len(p.Profiles))
	p.Profiles = append(p.Profiles, profile)
	b.index[key] = i
	return i
}

func (p *Profile) change(changes []change) {
	for _, c := range changes {
		c.apply(&p.Rules[c.factor])
	}
}

// content writes an override so that equal ones are equal texts.
func (o *override) content() string {
	changes := slices.Clone(o.changes)
	slices.SortStableFunc(changes, func(a, b change) int { return int(a.factor) - int(b.factor) })
	var w strings.Builder
	fmt.Fprintf(&w, "profile %q\n", o.profile)
	for _, c := range changes {
		w.WriteString(c.factor.String())
		if c.on != nil {
			fmt.Fprintf(&w, " on %t", *c.on)
		}
		for _, n := range [...]struct {
			name  string
			value *float64
		}{{"weight", c.weight}, {"sample", c.sample}} {
			if n.value != nil {
				fmt.Fprintf(&w, " %s %s", n.name, number(*n.value))
			}
		}
		if c.window != nil {
			fmt.Fprintf(&w, " window %d", *c.window)
		}
		if c.warn != nil {
			w.WriteString(" warn " + c.warn.content())
		}
		if c.danger != nil {
			w.WriteString(" danger " + c.danger.content())
		}
		for i := range c.steps {
			w.WriteString(c.steps[i].content())
		}
		w.WriteByte('\n')
	}
	return w.String()
}

func (t *Threshold) content() string {
	if len(t.Words) == 0 && t.Op != OpNone {
		return t.String()
	}
	words := slices.Sorted(slices.Values(t.Words))
	if t.Op != OpNone {
		return fmt.Sprintf("%s %s %q", t.Op, number(t.Value), words)
	}
	return fmt.Sprintf("%q", words)
}

func (s *Step) content() string {
	return fmt.Sprintf(" until %d warn %s danger %s", s.UntilDay, s.Warn.content(), s.Danger.content())
}

// content writes a rule so that rules that judge alike are equal texts: of one
// that is off nothing else matters.
func (r *Rule) content() string {
	if !r.On {
		return "off"
	}
	var w strings.Builder
	fmt.Fprintf(&w, "weight %s sample %s warn %s danger %s", number(r.Weight), number(r.Sample), r.Warn.content(), r.Danger.content())
	for i := range r.Steps {
		w.WriteString(r.Steps[i].content())
	}
	if r.Window != 0 {
		fmt.Fprintf(&w, " window %d", r.Window)
	}
	return w.String()
}
