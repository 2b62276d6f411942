package policy

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"sendwatch/internal/event"
	"sendwatch/internal/strictyaml"
	"sendwatch/schemas"
)

// DefaultName is the name of the shipped policy, which other files may extend.
const DefaultName = "default"

// Default returns the shipped policy, schemas/policy/default.yaml.
func Default() *Policy {
	p, err := Load(shipped())
	if err != nil {
		panic("policy: the shipped policy cannot be read: " + err.Error()) // a test reads it
	}
	return p
}

// Shipped returns the text of the shipped policy.
func Shipped() []byte { return slices.Clone(shipped()) }

func shipped() []byte {
	data, err := schemas.Policies.ReadFile("policy/default.yaml")
	if err != nil {
		panic("policy: the shipped policy is not embedded: " + err.Error()) // a test reads it
	}
	return data
}

// Load reads a policy file. The error is strictyaml.Mistakes: all of them, each
// with its line, its path, the problem and what is accepted.
func Load(data []byte) (*Policy, error) { return LoadOver(data, shipped()) }

// LoadOver reads a policy file that may extend base instead of the shipped
// policy: one that was kept, with the shipped policy of its day.
func LoadOver(data, base []byte) (*Policy, error) {
	doc, f := parse(data)
	if f.extends {
		_, base := parse(base)
		f.inherit(base)
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
	if f.stop.words == nil {
		f.stop = base.stop
	}
	if f.resume.words == nil {
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
	for i := range conditionKeys {
		if c := &conditionKeys[i]; !f.given[c.path] {
			c.inherit(&f.conditions, &base.conditions)
			f.given[c.path] = true
		}
	}
	for factor, text := range base.advice {
		if f.advice[factor] == "" {
			f.advice[factor] = text
		}
	}
}

// compile puts the file together and notes the mistakes that only show then.
// With mistakes the policy is unfinished.
func (f *file) compile(doc *strictyaml.Document) *Policy {
	p := &Policy{
		StopWords: f.stop.words, ResumeWords: f.resume.words,
		Silences: f.conditions.silences, Ceilings: f.conditions.ceilings,
		Nowcast: f.conditions.nowcast, Cold: f.conditions.cold,
	}
	if !f.root.Exists() {
		return p
	}
	f.complete()
	if f.hysteresis != nil {
		p.Hysteresis = f.hysteresis.Milliseconds()
	}
	for factor := range event.NumFactors {
		p.advice[factor] = f.advice[factor]
	}
	f.checkWords()

	b := &builder{
		file: f, policy: p, index: map[profileKey]int32{}, resolved: map[string]*Profile{},
		noted: map[string]bool{},
	}
	for _, name := range slices.Sorted(maps.Keys(f.profiles)) {
		if r := b.resolve(name, nil); r != nil {
			b.index[profileKey{base: name}] = int32(len(p.Profiles))
			p.Profiles = append(p.Profiles, *r)
		}
	}
	b.connect()
	b.override()
	if doc.Err() == nil {
		p.Version = f.name + "-" + f.digest(p)
	}
	return p
}

// complete notes what a policy that extends nothing has to say and does not.
func (f *file) complete() {
	if f.broken {
		return // perhaps it says so under the wrong key
	}
	const otherwise = ", or extends: default"
	if f.hysteresis == nil {
		f.root.Missing("a span of time such as 10m"+otherwise, "hysteresis")
	}
	if f.stop.words == nil {
		f.root.Missing("a list of words, which may be empty"+otherwise, "opt_out", "stop")
	}
	if f.resume.words == nil {
		f.root.Missing("a list of words, which may be empty"+otherwise, "opt_out", "resume")
	}
	for i := range conditionKeys {
		if c := &conditionKeys[i]; !f.given[c.path] {
			f.root.Missing(c.what+otherwise, strings.Split(c.path, ".")...)
		}
	}
	var silent []string
	for factor := range event.NumFactors {
		if f.advice[factor] == "" {
			silent = append(silent, factor.String())
		}
	}
	if silent != nil {
		f.root.Missing("one to three sentences for each of "+list(silent)+otherwise, "advice")
	}
	for _, name := range connections {
		if !f.connections[name].Exists() {
			f.root.Missing("the name of a profile"+otherwise, "connections", name)
		}
	}
}

// checkWords notes a word that says stop and resume at once.
func (f *file) checkWords() {
	for _, s := range f.stop.words {
		for _, r := range f.resume.words {
			if strings.EqualFold(s, r) {
				f.resume.at.Wrong(strconv.Quote(r)+" is a word of opt_out.stop too", "it in one of them")
			}
		}
	}
}
