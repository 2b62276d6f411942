package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"sendwatch/internal/event"
	"sendwatch/internal/strictyaml"
)

// wantedFlag is one transition as it is written:
//
//	at 1m27s on n2: velocity_hour raised to warn, value 30, eta 93
//
// A factor with keys has the key behind its name; the level, the value, the
// score and the eta may be left out and are then not compared.
type wantedFlag struct {
	value      strictyaml.Value
	at         int64
	subject    string // a number or a portfolio
	factor     event.Factor
	key        string
	transition event.Transition

	level, number, score, eta string // as written, empty where not
}

const exampleFlag = `"at 1m27s: velocity_hour raised to warn, value 30, eta 93"`

var transitionNames = []string{"raised", "escalated", "eased", "cleared"}

// readFlags reads a list of transitions.
func (c *Case) readFlags(v strictyaml.Value) *flagList {
	items, ok := v.List("a list of lines such as " + exampleFlag + ", [] for none")
	if !ok {
		return nil
	}
	list := &flagList{value: v}
	for _, item := range items {
		if w, ok := c.readFlag(item); ok {
			list.want = append(list.want, w)
		}
	}
	return list
}

func (c *Case) readFlag(v strictyaml.Value) (w wantedFlag, ok bool) {
	before := v.Mistakes()
	at, on, body, text, ok := c.entry(v, exampleFlag)
	if !ok {
		return w, false
	}
	if on == "" {
		on = c.senders[0].id
	}
	w = wantedFlag{value: v, at: at, subject: on}
	if text == "" {
		if text, ok = body.Text("a line such as " + exampleFlag); !ok {
			return w, false
		}
	}
	list, ok := tokens(text)
	if !ok {
		v.Wrong("a quote does not end", `"..."`)
		return w, false
	}
	r := &reader{list}
	name := r.peek()
	factor, known := event.ParseFactor(name)
	if !known || !factor.Flags() {
		unknown(v, name, "factor", factorNames())
		return w, false
	}
	w.factor = factor
	r.next()
	word, _ := r.next()
	transition, known := event.ParseTransition([]byte(word.text))
	if factor == event.FactorTemplateQuality && (!known || word.quoted) {
		w.key = word.text
		word, _ = r.next()
		transition, known = event.ParseTransition([]byte(word.text))
	}
	if !known {
		unknown(v, word.text, "transition", transitionNames)
		return w, false
	}
	w.transition = transition
	for len(r.rest) > 0 {
		name, _ := r.next()
		argument, ok := r.next()
		s := argument.text
		_, isNumber := strictyaml.ParseNumber(s)
		accepted := ""
		switch name.text {
		case "to":
			_, isLevel := event.ParseLevel([]byte(s))
			w.level, ok, accepted = s, isLevel, "to warn, to danger"
		case "value":
			w.number, ok, accepted = s, ok && s != "", "value and a number, a word or none"
		case "score":
			w.score, ok, accepted = s, isNumber, "score and a whole number"
		case "eta":
			w.eta, ok, accepted = s, isNumber || s == none, "eta and seconds, or none"
		default:
			unknown(v, name.text, "part of a flag", []string{"to", "value", "score", "eta"})
			return w, false
		}
		if !ok {
			v.Wrong(quote(name.text+" "+s)+" is not that", accepted)
			return w, false
		}
	}
	return w, v.Mistakes() == before
}

// subject returns the id of the flag's number or portfolio.
func subject(f *event.Flag) string {
	if f.NumberID != "" {
		return f.NumberID
	}
	return f.PortfolioID
}

// met reports whether a flag is what is written.
func (w *wantedFlag) met(f *event.Flag) bool {
	if w.at != f.EventTime || w.subject != subject(f) || w.factor != f.Factor || w.key != f.Key || w.transition != f.Transition {
		return false
	}
	if w.level != "" && w.level != f.Level.String() || w.score != "" && w.score != flagScore(f) || w.eta != "" && w.eta != flagETA(f) {
		return false
	}
	if w.number == "" {
		return true
	}
	want, isNumber := strictyaml.ParseNumber(w.number)
	if f.Value.Kind != event.ValueNumber || !isNumber {
		return w.number == flagValue(f, 0)
	}
	if n := decimals(w.number); n > 0 {
		return strconv.FormatFloat(want, 'f', n, 64) == strconv.FormatFloat(f.Value.Number, 'f', n, 64)
	}
	return want == f.Value.Number
}

func flagScore(f *event.Flag) string {
	if f.Score < 0 {
		return none
	}
	return strconv.Itoa(f.Score)
}

func flagETA(f *event.Flag) string {
	if f.ETA < 0 {
		return none
	}
	return strconv.FormatInt(f.ETA, 10)
}

func flagValue(f *event.Flag, decimals int) string {
	switch f.Value.Kind {
	case event.ValueNumber:
		return formatNumber(f.Value.Number, decimals)
	case event.ValueWord:
		return f.Value.Word
	}
	return none
}

// writeFlag writes a flag as a line. Like says which parts to write; nil writes
// the level where it is not plain, the value, and the eta if there is one.
func (c *Case) writeFlag(f *event.Flag, like *wantedFlag) string {
	if like == nil {
		like = &wantedFlag{number: "0"}
		if f.Transition == event.TransitionRaised {
			like.level = "x"
		}
		if f.ETA >= 0 {
			like.eta = "x"
		}
	}
	var b strings.Builder
	b.WriteString("at " + formatTime(f.EventTime, c.start))
	if s := subject(f); s != c.senders[0].id {
		b.WriteString(" on " + quoteToken(s))
	}
	fmt.Fprintf(&b, ": %s", f.Factor)
	if f.Key != "" {
		b.WriteString(" " + quoteToken(f.Key))
	}
	fmt.Fprintf(&b, " %s", f.Transition)
	if like.level != "" {
		b.WriteString(" to " + f.Level.String())
	}
	if like.number != "" {
		b.WriteString(", value " + quoteToken(flagValue(f, decimals(like.number))))
	}
	if like.score != "" {
		b.WriteString(", score " + flagScore(f))
	}
	if like.eta != "" {
		b.WriteString(", eta " + flagETA(f))
	}
	return b.String()
}

// write writes the flag as it is wanted.
func (w *wantedFlag) write(c *Case) string {
	var b strings.Builder
	b.WriteString("at " + formatTime(w.at, c.start))
	if w.subject != c.senders[0].id {
		b.WriteString(" on " + quoteToken(w.subject))
	}
	b.WriteString(": " + w.factor.String())
	if w.key != "" {
		b.WriteString(" " + quoteToken(w.key))
	}
	b.WriteString(" " + w.transition.String())
	if w.level != "" {
		b.WriteString(" to " + w.level)
	}
	for _, part := range [...]struct{ name, value string }{{"value", w.number}, {"score", w.score}, {"eta", w.eta}} {
		if part.value != "" {
			b.WriteString(", " + part.name + " " + quoteToken(part.value))
		}
	}
	return b.String()
}
