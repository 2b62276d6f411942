package demo

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/traffic"
)

// flagRecord is what the demo reads of a flag, as any other reader of the flags
// topic would (schemas/flags/v1).
type flagRecord struct {
	FlagID      string `json:"flag_id"`
	Sequence    int64  `json:"sequence"`
	Transition  string `json:"transition"`
	Level       string `json:"level"`
	NumberID    string `json:"number_id"`
	PortfolioID string `json:"portfolio_id"`
	Factor      string `json:"factor"`
	Key         string `json:"key"`
	Value       any    `json:"value"`
	EventTime   int64  `json:"event_time"`
	Evidence    struct {
		Counts struct {
			Day *float64 `json:"day"` // of the number's life, where the bounds go by it
		} `json:"counts"`
	} `json:"evidence"`
}

// day returns the day of the number's life that the flag was judged by; the first
// one where the bounds do not go by it.
func (r *flagRecord) day() int64 {
	if r.Evidence.Counts.Day == nil {
		return 1
	}
	return int64(*r.Evidence.Counts.Day)
}

// value returns the flag's value as the engine had it.
func (r *flagRecord) value() event.Value {
	switch v := r.Value.(type) {
	case float64:
		return event.NumberValue(v)
	case string:
		return event.WordValue(v)
	}
	return event.Value{}
}

// expectations holds what was expected of each number against the flags that came. It
// is filled by the readers of the flags topic and read by the screen.
type expectations struct {
	policy     *policy.Policy
	labels     map[string]*traffic.Number
	portfolios []traffic.Portfolio

	mu       sync.Mutex
	seen     map[string]map[event.Factor]bool // factors that flagged, by number or portfolio
	inDanger map[string]bool                  // numbers raised to danger of trust_score
	words    map[wordKey]event.Value          // the newest value of each flag, for those of words
	newest   []flagLine                       // newest last, at most keptFlags
	flags    [4]int64                         // by transition
	last     map[string]int64                 // sequence of an episode's newest transition: a flag may come twice
}

type wordKey struct {
	subject string
	factor  event.Factor
}

// keptFlags is more than any screen shows.
const keptFlags = 64

func newExpectations(numbers []traffic.Number, portfolios []traffic.Portfolio, p *policy.Policy) *expectations {
	l := &expectations{
		policy: p, portfolios: portfolios, labels: make(map[string]*traffic.Number, len(numbers)),
		seen: map[string]map[event.Factor]bool{}, inDanger: map[string]bool{},
		words: map[wordKey]event.Value{}, last: map[string]int64{},
	}
	for i := range numbers {
		l.labels[numbers[i].ID] = &numbers[i]
	}
	return l
}

// read takes one record of the flags topic.
func (l *expectations) read(value []byte) error {
	var r flagRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return fmt.Errorf("a record of the flags topic is no flag: %w", err)
	}
	factor, ok := event.ParseFactor(r.Factor)
	if !ok {
		return fmt.Errorf("a flag is of the unknown factor %q", r.Factor)
	}
	transition, ok := event.ParseTransition([]byte(r.Transition))
	if !ok {
		return fmt.Errorf("a flag has the unknown transition %q", r.Transition)
	}
	level, _ := event.ParseLevel([]byte(r.Level))
	subject := r.NumberID
	if subject == "" {
		subject = r.PortfolioID
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	if before, known := l.last[r.FlagID]; known && r.Sequence <= before {
		return nil // delivered twice
	}
	l.last[r.FlagID] = r.Sequence
	if transition == event.TransitionCleared {
		delete(l.last, r.FlagID) // no more will come, so that this does not grow for ever
	}
	l.flags[transition]++
	l.words[wordKey{subject, factor}] = r.value()
	if level != event.LevelNone {
		if l.seen[subject] == nil {
			l.seen[subject] = map[event.Factor]bool{}
		}
		l.seen[subject][factor] = true
	}
	if factor == event.FactorTrustScore && level == event.LevelDanger {
		l.inDanger[subject] = true
	}
	words := describe(factor, level, r.value(), l.rule(subject, factor), r.day())
	if r.Key != "" {
		words += ", " + r.Key
	}
	l.newest = append(l.newest, flagLine{
		Time: time.UnixMilli(r.EventTime).UTC(), Level: level, Transition: transition, Subject: subject, Words: words,
	})
	if len(l.newest) > 2*keptFlags {
		l.newest = slices.Delete(l.newest, 0, len(l.newest)-keptFlags)
	}
	return nil
}

// describe says what a factor saw, and so if that would be danger and is held at
// warn, because people answer the number or nobody knows its age.
func describe(f event.Factor, level event.Level, v event.Value, rule *policy.Rule, day int64) string {
	words := policy.Describe(f, v, rule, day)
	if rule == nil || level != event.LevelWarn || v.Kind != event.ValueNumber {
		return words
	}
	if _, danger := rule.At(day); danger.Met(v.Number) {
		words += ", held at warn"
	}
	return words
}

// rule returns the rule that a subject is judged by, nil if it is none of ours.
func (l *expectations) rule(subject string, f event.Factor) *policy.Rule {
	n, ok := l.labels[subject]
	if !ok {
		return &l.policy.Portfolio([]byte(subject)).Rules[f]
	}
	return &l.policy.Profiles[l.policy.Index([]byte(n.ID), []byte(n.Portfolio), n.Connection)].Rules[f]
}

// risk puts a number's status into words.
func (l *expectations) risk(n *event.NumberStatus) riskLine {
	r := riskLine{Number: n.NumberID, Score: n.Score}
	if label := l.labels[n.NumberID]; label != nil {
		r.Profile = label.Profile
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range n.Top {
		v := policy.Compared(c.Factor, &n.Facts)
		if v.Kind == event.ValueNone {
			v = l.words[wordKey{n.NumberID, c.Factor}]
		}
		if c.Factor == event.FactorOrigin {
			v = event.WordValue("VoIP")
		}
		words := describe(c.Factor, n.Levels[c.Factor], v, l.rule(n.NumberID, c.Factor), int64(n.Facts[event.FactDay]))
		if c.Key != "" {
			words += ", " + c.Key
		}
		r.Reasons = append(r.Reasons, words)
	}
	if len(r.Reasons) == 0 {
		r.Reasons = []string{"nothing against it"}
	}
	return r
}

// newestFlags returns at most limit flags by event time, newest first.
func (l *expectations) newestFlags(limit int) []flagLine {
	l.mu.Lock()
	lines := slices.Clone(l.newest)
	l.mu.Unlock()
	// Partitions are read side by side, so that arrival is no order of time.
	slices.SortStableFunc(lines, func(a, b flagLine) int { return b.Time.Compare(a.Time) })
	return lines[:min(limit, len(lines))]
}

// profileResult is how the numbers of one profile came out.
type profileResult struct {
	Profile  string
	Healthy  bool
	Numbers  int
	Expected []event.Factor // that are due
	Flagged  int            // numbers flagged in all of Expected; of healthy ones, those raised to danger
}

// result is what became of all expectations.
type result struct {
	Profiles   []profileResult
	Portfolios map[event.Factor]int // portfolios flagged as expected, by factor
	Mistakes   []string             // every missed flag and every false danger, by number
	Waiting    int                  // expectations that are not due yet
	Flags      [4]int64             // by transition
}

// result compares what was expected by a time (ms) with what came.
func (l *expectations) result(until int64) result {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := result{Flags: l.flags}
	profiles := map[string]*profileResult{}
	for _, id := range slices.Sorted(maps.Keys(l.labels)) {
		n := l.labels[id]
		p := profiles[n.Profile]
		if p == nil {
			p = &profileResult{Profile: n.Profile, Healthy: n.Healthy}
			profiles[n.Profile] = p
		}
		p.Numbers++
		if n.Healthy {
			if l.inDanger[id] {
				p.Flagged++
				v.Mistakes = append(v.Mistakes, fmt.Sprintf("%s (%s) is healthy and was raised to danger of its trust score", id, n.Profile))
			}
			continue
		}
		missed := false
		for _, e := range n.Expects {
			if e.By > until {
				v.Waiting++
				continue
			}
			if !slices.Contains(p.Expected, e.Factor) {
				p.Expected = append(p.Expected, e.Factor)
			}
			if !l.seen[id][e.Factor] {
				missed = true
				v.Mistakes = append(v.Mistakes, fmt.Sprintf("%s (%s) was not flagged for %s", id, n.Profile, e.Factor))
			}
		}
		if !missed {
			p.Flagged++
		}
	}
	v.Portfolios = map[event.Factor]int{}
	for _, p := range l.portfolios {
		for _, e := range p.Expects {
			switch {
			case e.By > until:
				v.Waiting++
			case l.seen[p.ID][e.Factor]:
				v.Portfolios[e.Factor]++
			default:
				v.Mistakes = append(v.Mistakes, fmt.Sprintf("%s was not flagged for %s", p.ID, e.Factor))
			}
		}
	}
	for _, p := range profiles {
		v.Profiles = append(v.Profiles, *p)
	}
	slices.SortFunc(v.Profiles, func(a, b profileResult) int {
		if a.Healthy != b.Healthy {
			if b.Healthy {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Profile, b.Profile)
	})
	return v
}

// lines puts the result into words.
func (v *result) lines() []string {
	var out []string
	heading := false
	for _, p := range v.Profiles {
		if p.Healthy {
			if !heading {
				out = append(out, "", fmt.Sprintf("%-20s %7s  %s", "healthy", "numbers", "raised to danger of the trust score"))
				heading = true
			}
			out = append(out, fmt.Sprintf("  %-18s %7d  %d", p.Profile, p.Numbers, p.Flagged))
			continue
		}
		if len(out) == 0 {
			out = append(out, fmt.Sprintf("%-20s %7s  %-8s %s", "misbehaving", "numbers", "flagged", "for"))
		}
		names := make([]string, len(p.Expected))
		for i, f := range p.Expected {
			names[i] = f.String()
		}
		what, flagged := strings.Join(names, ", "), fmt.Sprintf("%d of %d", p.Flagged, p.Numbers)
		if len(names) == 0 {
			what, flagged = "(the history is too short for it)", "-"
		}
		out = append(out, fmt.Sprintf("  %-18s %7d  %-8s %s", p.Profile, p.Numbers, flagged, what))
	}
	if len(v.Portfolios) > 0 {
		out = append(out, "", "portfolios           flagged  for")
		for _, f := range slices.Sorted(maps.Keys(v.Portfolios)) {
			out = append(out, fmt.Sprintf("%28d  %s", v.Portfolios[f], f))
		}
	}
	out = append(out, "")
	for i, m := range v.Mistakes {
		if i == 10 {
			out = append(out, fmt.Sprintf("... and %d more", len(v.Mistakes)-i))
			break
		}
		out = append(out, m)
	}
	if len(v.Mistakes) == 0 {
		out = append(out, "Every misbehaving number was flagged for what it was built to do; no healthy one was in danger.")
	}
	if v.Waiting > 0 {
		out = append(out, fmt.Sprintf("%d expectations are not due yet.", v.Waiting))
	}
	return out
}
