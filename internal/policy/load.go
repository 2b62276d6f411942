package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/strict"
	"sendwatch/schemas"
)

// DefaultName is the name of the shipped policy, which other files may extend.
const DefaultName = "default"

// Default gives the shipped policy, schemas/policy/default.yaml.
func Default() *Policy {
	p, err := Load(shipped())
	if err != nil {
		panic("policy: the shipped policy cannot be read: " + err.Error()) // a test reads it
	}
	return p
}

func shipped() []byte {
	data, err := schemas.Policies.ReadFile("policy/default.yaml")
	if err != nil {
		panic("policy: the shipped policy is not embedded: " + err.Error()) // a test reads it
	}
	return data
}

// Load reads a policy file. The error is strict.Mistakes: all of them, each
// with its line, its path, the problem and what is accepted.
func Load(data []byte) (*Policy, error) {
	doc, f := parse(data)
	if f.extends {
		_, base := parse(shipped())
		f.inherit(base)
	}
	// What was written wrongly is missing from f, and what is missing would be
	// reported as a second mistake for the same line: only a file that reads
	// well is put together. The two kinds of mistakes seldom hide each other.
	if err := doc.Err(); err != nil {
		return nil, err
	}
	p := f.compile(doc)
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// inherit takes from the shipped policy what the file does not say.
func (f *file) inherit(base *file) {
	if f.hysteresis == nil {
		f.hysteresis = base.hysteresis
	}
	if f.stop == nil {
		f.stop = base.stop
	}
	if f.resume == nil {
		f.resume = base.resume
	}
	for key, v := range base.connections {
		if !f.connections[key].Exists() {
			f.connections[key] = v
		}
	}
	for name, theirs := range base.profiles {
		mine := f.profiles[name]
		switch {
		case mine == nil:
			f.profiles[name] = theirs
		case mine.extends == "":
			mine.extends, mine.parent = theirs.extends, theirs.parent
			mine.changes = append(slices.Clone(theirs.changes), mine.changes...)
		}
	}
	for factor, text := range base.advice {
		if f.advice[factor] == "" {
			f.advice[factor] = text
		}
	}
}

// compile puts a file together that reads well, and notes the mistakes that
// only show then. With mistakes the policy is unfinished.
func (f *file) compile(doc *strict.Document) *Policy {
	p := &Policy{StopWords: f.stop, ResumeWords: f.resume}
	if f.hysteresis == nil {
		f.root.Missing("hysteresis", "a span of time such as 10m, or extends: default")
		f.hysteresis = new(time.Duration)
	}
	p.Hysteresis = f.hysteresis.Milliseconds()
	f.checkWords()
	for factor := range event.NumFactors {
		p.advice[factor] = f.advice[factor]
		if f.advice[factor] == "" {
			f.root.Missing("advice."+factor.String(), "one to three sentences, or extends: default")
		}
	}

	b := &builder{file: f, policy: p, index: map[profileKey]int32{}, resolved: map[string]*Profile{}}
	for _, name := range slices.Sorted(maps.Keys(f.profiles)) {
		if r := b.resolve(name, nil); r != nil {
			b.index[profileKey{base: name}] = int32(len(p.Profiles))
			p.Profiles = append(p.Profiles, *r)
		}
	}
	b.connect()
	if doc.Err() != nil {
		return p
	}
	b.override()
	p.Version = f.name + "-" + f.digest(p)
	return p
}

// checkWords notes a word that says stop and resume at once.
func (f *file) checkWords() {
	for _, s := range f.stop {
		for _, r := range f.resume {
			if strings.EqualFold(s, r) {
				f.root.Wrong(fmt.Sprintf("%q is a word of opt_out.stop and of opt_out.resume", s), "it in one of them")
			}
		}
	}
}

// builder puts the profiles together.
type builder struct {
	file     *file
	policy   *Policy
	resolved map[string]*Profile // by name; nil if it cannot be
	index    map[profileKey]int32
}

// profileKey names a profile with overrides: a base profile and two sets of
// changes, 0 for none.
type profileKey struct {
	base              string
	portfolio, number int
}

// resolve gives a profile with all that it extends. via are the profiles that
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
		} else if !rule.On && c.on == nil {
			c.at.Wrong("was off before, and this does not say whether it is on", "on: true or on: false")
		}
		seen[c.factor] = true
		c.apply(rule)
	}
	for factor := range event.NumFactors {
		if w.extends == "" && !seen[factor] {
			w.at.Missing("factors."+factor.String(), "thresholds, or {on: false}")
		}
	}
	b.check(r, w.changes, "")
}

// check notes rules that make no sense as a whole, once for each factor that
// was changed here.
func (b *builder) check(r *Profile, changes []change, with string) {
	last := map[event.Factor]strict.Value{}
	for _, c := range changes {
		last[c.factor] = c.at
	}
	for factor := range event.NumFactors {
		if at, ok := last[factor]; ok {
			r.Rules[factor].check(at, &shapes[factor], with)
		}
	}
}

// connect chooses the profile of each connection.
func (b *builder) connect() {
	for c, name := range connections {
		v := b.file.connections[name]
		if !v.Exists() {
			b.file.root.Missing("connections."+name, b.profileNames()+", or extends: default")
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
		b.policy.byConnection[c] = b.index[profileKey{base: profile}]
	}
}

func (b *builder) profileNames() string {
	return strings.Join(slices.Sorted(maps.Keys(b.file.profiles)), ", ")
}

func (b *builder) unknownProfile(v strict.Value, name string) {
	names := slices.Sorted(maps.Keys(b.file.profiles))
	problem := fmt.Sprintf("there is no profile %q", name)
	if near := strict.Nearest(name, names); near != "" {
		problem += fmt.Sprintf(", did you mean %s?", near)
	}
	v.Wrong(problem, list(names))
}

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
func (r *Rule) check(at strict.Value, s *shape, with string) {
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
func (t *Threshold) check(danger *Threshold, at strict.Value, s *shape, with string) {
	switch {
	case !t.Exists() && !danger.Exists():
		at.Wrong("has neither warn nor danger"+with, "at least one of them, or on: false")
	case s.words != nil:
		for _, w := range t.Words {
			if slices.Contains(danger.Words, w) {
				at.Wrong(fmt.Sprintf("%s is a word of warn and of danger%s", w, with), "it in one of them")
			}
		}
	case !t.Exists() || !danger.Exists():
	case !s.falling && t.Value >= danger.Value:
		at.Wrong(fmt.Sprintf("warn %s is not below danger %s%s", t, danger, with), "warn before danger: higher is worse")
	case s.falling && t.Value <= danger.Value:
		at.Wrong(fmt.Sprintf("warn %s is not above danger %s%s", t, danger, with), "warn before danger: lower is worse")
	}
}

// String gives the threshold as it is written in a file, "none" if there is none.
func (t *Threshold) String() string {
	switch {
	case t.Op != OpNone:
		return t.Op.String() + " " + number(t.Value)
	case len(t.Words) > 0:
		return "[" + list(t.Words) + "]"
	}
	return "none"
}
