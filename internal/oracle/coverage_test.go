package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"sendwatch/internal/event"
)

// coverage is what random logs have reached: rules of the contract, each under a
// name of its own.
type coverage struct{ sync.Map }

func (c *coverage) note(what ...any) { c.Store(fmt.Sprint(what...), true) }

// missing returns those of the wanted that no log has reached.
func (c *coverage) missing(want []string) []string {
	return slices.DeleteFunc(want, func(what string) bool { _, ok := c.Load(what); return ok })
}

// wanted names what the logs of TestEngineAgrees must reach.
func wanted() (all []string) {
	for f := range event.NumFactors {
		for l := event.LevelWarn; l <= event.LevelDanger && f.Flags(); l++ {
			if hasLevel(f, l) {
				all = append(all, fmt.Sprint("flag ", f, " ", l))
			}
		}
	}
	for _, r := range rules {
		for _, why := range r.Silent {
			all = append(all, fmt.Sprint(r.Factor, " silent by ", why))
		}
		for _, why := range r.Tempered {
			if r.Danger != "" && r.Profile != "cloud_api" {
				all = append(all, fmt.Sprint(r.Factor, " at warn by ", why))
			}
			if r.Profile != "cloud_api" && r.Danger == "" && r.Warn != "" {
				all = append(all, fmt.Sprint(r.Factor, " halved by ", why))
			}
		}
	}
	for class := range 9 {
		all = append(all, fmt.Sprint("pending of class ", class), fmt.Sprint("answer of class ", class))
	}
	for class := range event.NumErrorClasses {
		all = append(all, fmt.Sprint("failed ", class))
	}
	for i := range dialled {
		all = append(all, fmt.Sprint("form ", i))
	}
	for c := range event.NumClasses {
		all = append(all, fmt.Sprint("class ", c))
	}
	return append(all, "link made", "link said again", "link ends", "link kept by a stop", "chain of three", "said too late", "tied to itself",
		"runs merged", "runs kept apart", "run forgotten", "pending sends merged", "answered by a tie", "preference handed on",
		"preference of three identifiers", "group message", "group message of nobody", "status of nobody", "cap over", "cap without a share",
		"pauses said", "pauses counted", "category of an update", "marketing by an update", "no timestamp", "form lid", "form address",
		"country of a user id", "country of a contact's letters", "no country by its code", "eta", "no eta at most at warn", "linked start", "new inputs", "stop word among signs")
}

// hasLevel reports whether a rule has a threshold for the level.
func hasLevel(f event.Factor, l event.Level) bool {
	return slices.ContainsFunc(rules, func(r rule) bool {
		return r.Factor == f.String() && (l == event.LevelWarn && r.Warn != "" || l == event.LevelDanger && r.Danger != "")
	})
}

// reachVerdicts notes what an evaluation of a number shows: which factors would
// say more if nothing made them silent or kept them at most at warn.
func (c *coverage) reachVerdicts(n *number) {
	profile := "community"
	if n.known.Connection == event.ConnectionCloudAPI {
		profile = "cloud_api"
	}
	without := maps.Clone(n.facts)
	for _, r := range rules {
		for _, why := range append(slices.Clone(r.Silent), r.Tempered...) {
			without[why] = 0
		}
	}
	free := weigh(without, n.words, profile)
	for _, is := range n.verdicts {
		was := ofFactor(free, is.factor)
		if was.level == event.LevelNone || was.points <= is.points {
			continue
		}
		for _, r := range rules {
			if r.Factor != is.factor.String() || !strings.Contains(r.Profile, profile) {
				continue
			}
			for _, why := range r.Silent {
				if n.facts[why] != 0 {
					c.note(is.factor, " silent by ", why)
				}
			}
			for _, why := range r.Tempered {
				if n.facts[why] == 0 {
					continue
				}
				if was.level == event.LevelDanger {
					c.note(is.factor, " at warn by ", why)
				} else {
					c.note(is.factor, " halved by ", why)
				}
				if was.level == event.LevelWarn && was.eta > 0 && was.eta <= 3600 {
					c.note("no eta at most at warn")
				}
			}
		}
	}
	for _, v := range n.verdicts {
		if v.factor == event.FactorTemplateQuality && n.facts["blind_template"] != 0 && v.value != nil {
			c.note(v.factor, " silent by blind_template")
		}
	}
	for _, s := range n.sends {
		if s.outcome == "pending" {
			c.note("pending of class ", s.delay(now(n.clock)))
		}
	}
	for _, k := range n.marks["delays"] {
		c.note("answer of class ", k.key)
	}
	if n.capped.at != 0 && n.capped.is.HasCycleEnd && n.clock >= n.capped.is.CycleEnd {
		c.note("cap over")
	}
	if n.capped.at != 0 && n.capped.is.CapTotal == -1 {
		c.note("cap without a share")
	}
	if n.known.LinkedAt > n.known.RegisteredAt && n.facts["cold_start"] > 0 {
		c.note("linked start")
	}
}

// before is a number as it was before an event.
type before struct {
	links map[uint64]link
	talks map[uint64]talk
	sends []send
}

func (n *number) snapshot() before {
	b := before{map[uint64]link{}, map[uint64]talk{}, slices.Clone(n.sends)}
	for id, l := range n.links {
		b.links[id] = *l
	}
	for id, c := range n.talks {
		b.talks[id] = *c
	}
	return b
}

// reachEvent notes what an applied event of a number shows.
func (c *coverage) reachEvent(o *Oracle, n *number, ev *event.Event, was before) {
	at := func(what string, holds bool) {
		if holds {
			c.note(what)
		}
	}
	tied := ev.HasContact && ev.HasUserID && !ev.InGroup || ev.Type == event.TypeAlias
	for id, l := range n.links {
		old, known := was.links[id]
		at("link made", !known)
		at("link said again", known && l.said > old.said)
		at("link kept by a stop", o.watermark >= l.said+30*day)
		at("chain of three", n.links[l.to] != nil && n.links[n.links[l.to].to] != nil)
		if from, to := was.talks[id], was.talks[l.to]; !known && tied {
			merged := *n.talks[l.to]
			at("runs merged", from.run.first != 0 && to.run.first != 0 && merged.run.first < max(from.run.first, to.run.first))
			at("runs kept apart", from.run.first != 0 && to.run.first != 0 && merged.run.first == max(from.run.first, to.run.first))
			at("preference handed on", from.preference.nth > to.preference.nth || from.preference.nth < to.preference.nth)
		}
	}
	for id := range was.links {
		at("link ends", n.links[id] == nil)
	}
	for id, t := range was.talks {
		at("run forgotten", t.run.first != 0 && n.talks[id].run.last == 0 && !tied)
	}
	for i, s := range was.sends {
		at("pending sends merged", n.sends[i].name != s.name)
		at("answered by a tie", s.outcome == "pending" && n.sends[i].outcome == "answered" && ev.Type == event.TypeAlias)
	}
	at("said too late", tied && o.watermark >= ev.Time+30*day)
	at("tied to itself", tied && (ev.Contact == ev.UserID || ev.Contact == ev.Previous))
	at("preference of three identifiers", ev.Preference != 0 && ev.HasContact && ev.HasUserID && n.name(ev.Contact) != ev.Contact)
	at("group message", ev.InGroup)
	at("group message of nobody", ev.InGroup && !ev.HasContact && !ev.HasUserID)
	at("status of nobody", ev.Status == event.StatusFailed && !ev.HasContact && !ev.HasUserID)
	at("new inputs", ev.HasInputs)
	if ev.HasTemplate && ev.Type == event.TypeSent {
		t := o.templates[[2]string{n.waba, ev.Template.Key()}]
		at("pauses counted", t.status.is == "PAUSED" && t.pauses.at == 0 && t.paused > 1)
		at("category of an update", t.category != 0 && t.category != ev.Template.Category)
		at("marketing by an update", t.category == event.CategoryMarketing && ev.Template.Category != t.category && len(n.marks["sent_after_stop"]) > 0)
	}
	if ev.Status == event.StatusFailed {
		c.note("failed ", event.ClassifyError(ev.ErrorCode))
	}
}

// reachRecord notes what a record shows that became an event.
func (c *coverage) reachRecord(rec record) {
	fields, _ := object(rec.line)
	contact, _ := fields["contact"].(string)
	user, _ := fields["contact_user_id"].(string)
	s := strings.TrimPrefix(contact, "whatsapp:")
	if lid.MatchString(s) {
		c.note("form lid")
	}
	if m := address.FindStringSubmatch(s); m != nil {
		c.note("form address")
	}
	for i, d := range dialled {
		if digits := strings.TrimPrefix(noDigit.ReplaceAllString(s, ""), "00"); phone.MatchString(s) && d.from.MatchString(digits) {
			c.note("form ", i)
		}
	}
	if rec.ev.Type == event.TypeSent && fields["contact_country"] == nil {
		switch {
		case dialable.MatchString(canonical(contact)) && rec.ev.ContactCalling == 0:
			c.note("no country by its code")
		case rec.ev.ContactCountry != 0 && letters.MatchString(user):
			c.note("country of a user id")
		case rec.ev.ContactCountry != 0:
			c.note("country of a contact's letters")
		}
	}
	if text, _ := fields["text"].(string); rec.ev.Type == event.TypeReceived && rec.ev.Text != event.PreferenceNone && strings.ContainsAny(text, "«!🛑(.") {
		c.note("stop word among signs")
	}
	if rec.ev.HasPauses {
		c.note("pauses said")
	}
	if rec.time < year2009 {
		c.note("no timestamp")
	}
}

// TestCoverageNames makes sure that what is missing is named.
func TestCoverageNames(t *testing.T) {
	var c coverage
	c.note("a ", 1)
	if got := c.missing([]string{"a 1", "b"}); !slices.Equal(got, []string{"b"}) {
		t.Errorf("missing %v, want b", got)
	}
}
