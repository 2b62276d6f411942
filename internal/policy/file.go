package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/strictyaml"
)

// file is a policy as it is written, before anything is inherited. What could
// not be read is remembered as broken, so that nobody takes it for missing and
// notes a second mistake.
type file struct {
	root        strictyaml.Value
	broken      bool                   // a key of the file itself could not be read
	factors     [event.NumFactors]bool // broken somewhere
	name        string
	extends     bool // the shipped policy
	hysteresis  *time.Duration
	connections map[string]strictyaml.Value
	stop        wordList
	resume      wordList
	profiles    map[string]*writtenProfile
	portfolios  map[string]*override
	numbers     map[string]*override
	advice      map[event.Factor]string
	conditions  conditions
	given       map[string]bool // which of conditionKeys are written, by path
}

// writtenProfile is a profile as it is written: what it extends and its
// changes, those of the shipped policy first.
type writtenProfile struct {
	at      strictyaml.Value
	broken  bool   // a factor's name could not be read
	extends string // empty: a profile of its own
	parent  strictyaml.Value
	changes []change
}

// wordList is a list of words of opt-out and where it stands; nil words: it was
// not given.
type wordList struct {
	at    strictyaml.Value
	words []string
}

// override is what a portfolio or a number has of its own.
type override struct {
	at      strictyaml.Value
	profile string // empty: as the connection says
	chosen  strictyaml.Value
	changes []change
}

// change is what is written about one factor. What is nil stays as it was.
type change struct {
	at             strictyaml.Value
	factor         event.Factor
	on             *bool
	weight, sample *float64
	window         *int64 // days
	warn, danger   *Threshold
	steps          []Step
}

var (
	fileKeys     = []string{"name", "extends", "hysteresis", "connections", "opt_out", "silences", "ceilings", "nowcast", "profiles", "portfolios", "numbers", "advice"}
	optOutKeys   = []string{"stop", "resume"}
	profileKeys  = []string{"extends", "factors"}
	overrideKeys = []string{"profile", "factors"}
	dayKeys      = []string{"until", "warn", "danger"}
	connections  = [...]string{"unknown", "cloud_api", "business_app", "web_session"} // by event.Connection
)

// Limits of a policy.
const (
	maxName       = 64
	maxHysteresis = 24 * time.Hour
	maxDay        = 100_000
	maxSample     = 1e9
	maxWeight     = 100
	maxWords      = 1000
	maxWord       = 64  // letters
	maxAdvice     = 600 // bytes
	maxID         = 256 // bytes
)

// parse reads a policy file and notes every mistake that can be seen without
// knowing what it inherits.
func parse(data []byte) (*strictyaml.Document, *file) {
	doc, root := strictyaml.Read(data)
	f := &file{
		root: root, connections: map[string]strictyaml.Value{}, profiles: map[string]*writtenProfile{},
		portfolios: map[string]*override{}, numbers: map[string]*override{}, advice: map[event.Factor]string{},
		given: map[string]bool{},
	}
	f.broken = root.Exists() && !root.IsMapping() && !root.Null()
	root.Fields(func(key string, v strictyaml.Value) {
		if !slices.Contains(fileKeys, key) {
			f.broken = true
			v.Unknown("key", fileKeys)
			return
		}
		f.key(key, v)
	})
	if f.name == "" && (root.IsMapping() || root.Null()) {
		root.Missing(acceptedName, "name")
	}
	return doc, f
}

const acceptedName = "a name of lower-case letters, digits, - and _, at most 64"

func (f *file) key(key string, v strictyaml.Value) {
	switch key {
	case "name":
		f.name = parseName(v)
	case "extends":
		v.Word([]string{DefaultName})
		f.extends = true
	case "hysteresis":
		d, _ := v.Duration(0, maxHysteresis)
		d = d.Truncate(time.Millisecond)
		f.hysteresis = &d
	case "connections":
		v.Record(connections[:], func(key string, v strictyaml.Value) { f.connections[key] = v })
	case "opt_out":
		v.Record(optOutKeys, func(key string, v strictyaml.Value) {
			if key == "stop" {
				f.stop = parseWordList(v)
			} else {
				f.resume = parseWordList(v)
			}
		})
	case "silences", "ceilings", "nowcast":
		f.readConditions(key, v)
	case "profiles":
		v.Fields(f.profile)
	case "portfolios":
		f.overrides(v, inPortfolio, f.portfolios)
	case "numbers":
		f.overrides(v, inNumber, f.numbers)
	case "advice":
		v.Fields(func(key string, v strictyaml.Value) {
			factor, ok := parseFactor(key, v)
			if !ok {
				return
			}
			text, ok := v.Text("one to three sentences")
			if ok && len(text) > maxAdvice {
				v.Wrong(fmt.Sprintf("has %d bytes", len(text)), fmt.Sprintf("one to three sentences, at most %d bytes", maxAdvice))
			}
			f.advice[factor] = strictyaml.OrUnread(text, ok)
		})
	}
}

func (f *file) profile(name string, v strictyaml.Value) {
	if !isName(name) {
		v.Wrong("no name for a profile", acceptedName)
	}
	p := &writtenProfile{at: v}
	v.Record(profileKeys, func(key string, v strictyaml.Value) {
		if key == "extends" {
			p.extends, _ = v.Text("the name of a profile")
			p.parent = v
		} else {
			p.changes, p.broken = f.changes(v, inProfile)
		}
	})
	f.profiles[name] = p
}

// place says where factors are written, and so which may be.
type place uint8

const (
	inProfile place = iota
	inPortfolio
	inNumber
)

func (f *file) overrides(v strictyaml.Value, where place, into map[string]*override) {
	v.Fields(func(id string, v strictyaml.Value) {
		if len(id) > maxID {
			v.Wrong(fmt.Sprintf("the id has %d bytes", len(id)), fmt.Sprintf("at most %d", maxID))
		}
		o, written, before := &override{at: v}, 0, v.Mistakes()
		v.Record(overrideKeys, func(key string, v strictyaml.Value) {
			written++
			if key == "profile" {
				o.profile, _ = v.Text("the name of a profile")
				o.chosen = v
			} else {
				o.changes, _ = f.changes(v, where)
			}
		})
		if written == 0 && v.Mistakes() == before {
			v.Wrong("changes nothing", "profile, factors, or both")
		}
		into[id] = o
	})
}

func parseFactor(key string, v strictyaml.Value) (event.Factor, bool) {
	factor, ok := event.ParseFactor(key)
	if !ok {
		names := make([]string, event.NumFactors)
		for f := range event.NumFactors {
			names[f] = f.String()
		}
		v.Unknown("factor", names)
	}
	return factor, ok
}

// changes reads the factors of a profile or an override. broken reports that one
// of them has a name that nobody knows.
func (f *file) changes(v strictyaml.Value, where place) (changes []change, broken bool) {
	v.Fields(func(key string, v strictyaml.Value) {
		factor, ok := parseFactor(key, v)
		if !ok {
			broken = true
			return
		}
		if where == inNumber && ofPortfolio(factor) {
			v.Wrong("is a factor of portfolios", "it under profiles or portfolios")
			return
		}
		c, ok := parseChange(v, factor)
		f.factors[factor] = f.factors[factor] || !ok
		changes = append(changes, c)
	})
	return changes, broken
}

func parseChange(v strictyaml.Value, factor event.Factor) (c change, ok bool) {
	s := &shapes[factor]
	c = change{at: v, factor: factor}
	before, written := v.Mistakes(), 0
	v.Fields(func(key string, v strictyaml.Value) {
		written++
		switch key {
		case "on":
			if b, ok := v.Bool(); ok {
				c.on = &b
			}
		case "warn":
			c.warn = parseThreshold(v, s)
		case "danger":
			c.danger = parseThreshold(v, s)
		case "days":
			if !s.days {
				v.Wrong(factor.String()+" does not go by day of life", "warn and danger; days belong to "+event.FactorDailyVolume.String())
				return
			}
			c.steps = parseSteps(v, s)
		case "sample":
			if s.sample == "" {
				v.Wrong(factor.String()+" has no sample", "no sample here")
				return
			}
			if n, ok := v.Number(0, maxSample, "a number from 0: the least "+s.sample); ok {
				c.sample = &n
			}
		case "window":
			if s.windows == nil {
				v.Wrong(factor.String()+" has one window only", "no window here")
				return
			}
			if w, ok := v.Word(windowNames(s.windows)); ok {
				days, _ := strconv.ParseInt(strings.TrimSuffix(w, "d"), 10, 64) // one of the names
				c.window = &days
			}
		case "weight":
			if !s.weighty {
				v.Wrong(factor.String()+" does not count in the score", "no weight here")
				return
			}
			if n, ok := v.Number(0, maxWeight, "a number from 0 to 100"); ok {
				c.weight = &n
			}
		default:
			v.Unknown("key", s.keys())
		}
	})
	if written == 0 && v.Mistakes() == before {
		v.Wrong("says nothing", "one or more of "+list(s.keys()))
	}
	if c.steps != nil && (c.warn != nil || c.danger != nil) {
		v.Wrong("has days as well as warn or danger", "either")
	}
	return c, v.Mistakes() == before
}

// windowNames writes windows as a policy names them.
func windowNames(days []int64) []string {
	names := make([]string, len(days))
	for i, d := range days {
		names[i] = strconv.FormatInt(d, 10) + "d"
	}
	return names
}

func parseSteps(v strictyaml.Value, s *shape) []Step {
	items, ok := v.List("a list of {until: DAY, warn: ..., danger: ...}")
	if !ok {
		return nil
	}
	if len(items) == 0 {
		v.Wrong("is an empty list", "at least one step; to judge nothing, on: false")
	}
	steps, last := make([]Step, 0, len(items)), int64(0)
	for _, item := range items {
		step, seen := Step{}, false
		item.Record(dayKeys, func(key string, v strictyaml.Value) {
			switch key {
			case "until":
				seen = true
				step.UntilDay, ok = v.Whole(1, maxDay)
				if ok && step.UntilDay <= last {
					v.Wrong(fmt.Sprintf("%d comes after %d", step.UntilDay, last), "days that rise from step to step")
				}
				last = max(last, step.UntilDay)
			case "warn":
				if t := parseThreshold(v, s); t != nil {
					step.Warn = *t
				}
			case "danger":
				if t := parseThreshold(v, s); t != nil {
					step.Danger = *t
				}
			}
		})
		if !seen {
			item.Missing("the last day of life that the step is for", "until")
		}
		steps = append(steps, step)
	}
	return steps
}

// parseThreshold returns what is written; `none` is a Threshold that does not
// exist, a mistake returns nil.
func parseThreshold(v strictyaml.Value, s *shape) *Threshold {
	accepted := s.accepts()
	if s.words != nil {
		return parseWords(v, s, accepted)
	}
	text, ok := v.Text(accepted)
	if !ok {
		return nil
	}
	if text == "none" {
		return &Threshold{}
	}
	t := Threshold{}
	if !t.parseBound(v, s, text, accepted) {
		return nil
	}
	return &t
}

// parseBound reads a sign and a number.
func (t *Threshold) parseBound(v strictyaml.Value, s *shape, text, accepted string) bool {
	orEqual, strictly := s.ops()
	rest := ""
	for _, op := range [...]Op{OpAtLeast, OpAtMost, OpAbove, OpBelow} { // the longer signs first
		if after, found := strings.CutPrefix(text, op.String()); found {
			t.Op, rest = op, strings.TrimSpace(after)
			break
		}
	}
	if t.Op == OpNone {
		v.Wrong(strconv.Quote(text)+" has no sign", accepted)
		return false
	}
	if t.Op != orEqual && t.Op != strictly {
		v.Wrong(strconv.Quote(text)+" looks the wrong way", accepted)
		return false
	}
	var ok bool
	t.Value, ok = strictyaml.ParseNumber(rest)
	if !ok || t.Value < 0 || t.Value > s.most {
		v.Wrong(strconv.Quote(rest)+" is no number that it can be compared with", accepted)
		return false
	}
	return true
}

func parseWords(v strictyaml.Value, s *shape, accepted string) *Threshold {
	items := []strictyaml.Value{v}
	if v.IsList() {
		var ok bool
		if items, ok = v.List(accepted); !ok {
			return nil
		}
	} else if text, ok := v.Text(accepted); !ok {
		return nil
	} else if text == "none" {
		return &Threshold{}
	}
	if len(items) > maxWords {
		v.Wrong(fmt.Sprintf("has %d words", len(items)), fmt.Sprintf("at most %d", maxWords))
		return nil
	}
	t := Threshold{}
	for _, item := range items {
		var word string
		var ok bool
		if s.open || s.mixed {
			word, ok = item.Text(accepted)
		} else {
			word, ok = item.Word(s.words)
		}
		if !ok {
			continue
		}
		if s.mixed && !slices.Contains(s.words, word) {
			if t.Op != OpNone {
				item.Wrong("is a second bound", "one bound and any words")
			} else {
				t.parseBound(item, s, word, accepted)
			}
			continue
		}
		for _, w := range t.Words {
			if w == word {
				item.Wrong(word+" is written twice", "each word once")
				ok = false
			}
		}
		if ok {
			t.Words = append(t.Words, word)
		}
	}
	return &t
}

// parseWordList reads words of opt-out.
func parseWordList(v strictyaml.Value) wordList {
	l := wordList{at: v, words: []string{}}
	items, ok := v.List("a list of words")
	if !ok {
		return l
	}
	if len(items) > maxWords {
		v.Wrong(fmt.Sprintf("has %d words", len(items)), fmt.Sprintf("at most %d", maxWords))
		return l
	}
	for _, item := range items {
		word, ok := item.Text("a word, in quotes where YAML reads it otherwise")
		if !ok {
			continue
		}
		if n := len([]rune(word)); n > maxWord {
			item.Wrong(fmt.Sprintf("has %d letters", n), fmt.Sprintf("at most %d", maxWord))
			continue
		}
		l.words = append(l.words, word)
	}
	return l
}

func parseName(v strictyaml.Value) string {
	s, ok := v.Text(acceptedName)
	if ok && !isName(s) {
		v.Wrong(strconv.Quote(s)+" is no name", acceptedName)
	}
	return strictyaml.OrUnread(s, ok)
}

func isName(s string) bool {
	return s != "" && len(s) <= maxName && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

func list(words []string) string { return strings.Join(words, ", ") }

func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
