package policy

import (
	"fmt"
	"strings"

	"sendwatch/internal/event"
	"sendwatch/internal/strictyaml"
)

// conditions is what a policy says beside thresholds: when factors are silent,
// when they are held at warn, and what a nowcast believes beforehand.
type conditions struct {
	silences      Silences
	ceilings      Ceilings
	nowcast, cold Prior
}

// condition is one key of a policy that says a part of it. The table of them is
// what a file is read by, inherits by, is digested by and what the schema is made of.
type condition struct {
	path string // from the root of the file, keys joined by points
	what string // accepted, in words
	most float64
	// One of these points to where the value goes.
	set    func(*conditions) *FactorSet
	number func(*conditions) *float64
	list   func(*conditions) *[DelayClasses]float64
}

// most that a prior may count, in sends: more than a number ever awaits.
const maxPrior = 1e6

const (
	acceptedSet  = "a list of factors of numbers, which may be empty"
	acceptedList = "9 numbers from 0, one for each class of delay: how many answers came within 0, 1, 2-3, 4-7, ..., 128 and more quarter hours"
)

// conditionKeys is never written. Its first keys are part of fileKeys.
var conditionKeys = []condition{
	{path: "silences.inputs.inbound", what: acceptedSet, set: func(c *conditions) *FactorSet { return &c.silences.Without[0] }},
	{path: "silences.inputs.status", what: acceptedSet, set: func(c *conditions) *FactorSet { return &c.silences.Without[1] }},
	{path: "silences.inputs.account", what: acceptedSet, set: func(c *conditions) *FactorSet { return &c.silences.Without[2] }},
	{path: "silences.inputs.template", what: acceptedSet, set: func(c *conditions) *FactorSet { return &c.silences.Without[3] }},
	{path: "silences.no_status", what: acceptedSet, set: func(c *conditions) *FactorSet { return &c.silences.NoStatus }},
	{
		path: "silences.unlinked.inbounds", what: "a number from 0: the least inbounds of 7 days under user ids that nothing links", most: maxSample,
		number: func(c *conditions) *float64 { return &c.silences.UnlinkedInbounds },
	},
	{
		path: "silences.unlinked.share", what: "a number from 0 to 1: the least share of all inbounds of 7 days", most: ratio,
		number: func(c *conditions) *float64 { return &c.silences.UnlinkedShare },
	},
	{path: "silences.unlinked.factors", what: acceptedSet, set: func(c *conditions) *FactorSet { return &c.silences.Unlinked }},
	{
		path: "ceilings.answered.awaited", what: "a number from 0: the least answers awaited in 7 days", most: maxSample,
		number: func(c *conditions) *float64 { return &c.ceilings.AnsweredAwaited },
	},
	{
		path: "ceilings.answered.ratio", what: "a number from 0 to 1: the least share of these that came", most: ratio,
		number: func(c *conditions) *float64 { return &c.ceilings.AnsweredRatio },
	},
	{path: "ceilings.answered.factors", what: acceptedSet, set: func(c *conditions) *FactorSet { return &c.ceilings.Answered }},
	{path: "ceilings.unregistered.factors", what: acceptedSet, set: func(c *conditions) *FactorSet { return &c.ceilings.Unregistered }},
	{path: "nowcast.reply_nowcast.answered", what: acceptedList, most: maxPrior, list: func(c *conditions) *[DelayClasses]float64 { return &c.nowcast.Answered }},
	{
		path: "nowcast.reply_nowcast.unanswered", what: "a number from 0: how many sends beside them were never answered", most: maxPrior,
		number: func(c *conditions) *float64 { return &c.nowcast.Unanswered },
	},
	{path: "nowcast.cold_start.answered", what: acceptedList, most: maxPrior, list: func(c *conditions) *[DelayClasses]float64 { return &c.cold.Answered }},
	{
		path: "nowcast.cold_start.unanswered", what: "a number from 0: how many sends beside them were never answered", most: maxPrior,
		number: func(c *conditions) *float64 { return &c.cold.Unanswered },
	},
}

// keysBelow returns the keys that may stand below a path, in order.
func keysBelow(path string) []string {
	var keys []string
	for i := range conditionKeys {
		rest, below := strings.CutPrefix(conditionKeys[i].path, path+".")
		if !below {
			continue
		}
		key, _, _ := strings.Cut(rest, ".")
		if len(keys) == 0 || keys[len(keys)-1] != key {
			keys = append(keys, key)
		}
	}
	return keys
}

// conditions reads what stands at a path that leads to conditions.
func (f *file) readConditions(path string, v strictyaml.Value) {
	v.Record(keysBelow(path), func(key string, v strictyaml.Value) {
		below := path + "." + key
		for i := range conditionKeys {
			if c := &conditionKeys[i]; c.path == below {
				f.given[below] = true
				c.read(v, &f.conditions)
				return
			}
		}
		f.readConditions(below, v)
	})
}

// read reads the value of one key.
func (c *condition) read(v strictyaml.Value, into *conditions) {
	switch {
	case c.number != nil:
		*c.number(into), _ = v.Number(0, c.most, c.what)
	case c.list != nil:
		items, ok := v.List(c.what)
		if ok && len(items) != DelayClasses {
			v.Wrong(fmt.Sprintf("has %d numbers", len(items)), c.what)
			return
		}
		for i, item := range items {
			c.list(into)[i], _ = item.Number(0, c.most, c.what)
		}
	default:
		items, _ := v.List(c.what)
		for _, item := range items {
			name, ok := item.Word(numberFactorNames())
			if !ok {
				continue
			}
			factor, _ := event.ParseFactor(name)
			if c.set(into).Has(factor) {
				item.Wrong(name+" is written twice", "each factor once")
			}
			*c.set(into) |= 1 << factor
		}
	}
}

// numberFactorNames are the factors of numbers but for the score, which follows
// from the others.
func numberFactorNames() []string {
	names := make([]string, 0, event.FactorTrustScore)
	for f := range event.FactorTrustScore {
		names = append(names, f.String())
	}
	return names
}

// inherit copies the value of the key.
func (c *condition) inherit(to, from *conditions) {
	switch {
	case c.number != nil:
		*c.number(to) = *c.number(from)
	case c.list != nil:
		*c.list(to) = *c.list(from)
	default:
		*c.set(to) = *c.set(from)
	}
}

// content writes the key and its value so that equal ones are equal texts.
func (c *condition) content(of *conditions) string { return c.path + " " + c.value(of) }

// value writes the value of the key as a file has it.
func (c *condition) value(of *conditions) string {
	switch {
	case c.number != nil:
		return number(*c.number(of))
	case c.list != nil:
		values := c.list(of)
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = number(v)
		}
		return list(texts)
	}
	return list(c.set(of).Names())
}

// Condition is one of the keys by which a policy says when factors are silent or
// held at warn, and what a nowcast believes beforehand.
type Condition struct{ Key, Value string }

// Conditions returns all of them as they are in force, in the order of the page
// that explains them.
func (p *Policy) Conditions() []Condition {
	of := conditions{p.Silences, p.Ceilings, p.Nowcast, p.Cold}
	all := make([]Condition, len(conditionKeys))
	for i := range conditionKeys {
		all[i] = Condition{conditionKeys[i].path, conditionKeys[i].value(&of)}
	}
	return all
}
