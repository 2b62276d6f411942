package policy

import (
	"strings"
	"testing"

	"sendwatch/internal/event"
)

// TestCircumstances holds the shipped policy's silences and ceilings against the
// contract, at each bound and just below it.
func TestCircumstances(t *testing.T) {
	p := Default()
	whole := Circumstances{Inputs: event.AllInputs, Statuses24h: 1, RegistrationIsKnown: true}
	for _, c := range []struct {
		name   string
		change func(*Circumstances)
		factor event.Factor
		silent bool
		held   bool
	}{
		{"nothing is missing", func(*Circumstances) {}, event.FactorReplyRatio, false, false},
		{"no inbound", func(c *Circumstances) { c.Inputs &^= event.InputInbound }, event.FactorColdStart, true, false},
		{"no inbound", func(c *Circumstances) { c.Inputs &^= event.InputInbound }, event.FactorOptOut, true, false},
		{"no inbound", func(c *Circumstances) { c.Inputs &^= event.InputInbound }, event.FactorVelocityHour, false, false},
		{"no statuses", func(c *Circumstances) { c.Inputs &^= event.InputStatus }, event.FactorReachout, true, false},
		{"no templates", func(c *Circumstances) { c.Inputs &^= event.InputTemplate }, event.FactorTemplateQuality, true, false},
		{"no account", func(c *Circumstances) { c.Inputs &^= event.InputAccount }, event.FactorRestart, true, false},
		{"no input at all", func(c *Circumstances) { c.Inputs = 0 }, event.FactorRestriction, true, false},
		{"no status came", func(c *Circumstances) { c.Statuses24h = 0 }, event.FactorDelivery, true, false},
		{"no status came", func(c *Circumstances) { c.Statuses24h = 0 }, event.FactorInvalidContacts, false, false},
		{"10 of 40 unlinked", func(c *Circumstances) { c.Unlinked7d, c.Received7d = 10, 40 }, event.FactorUnanswered, true, false},
		{"10 of 41 unlinked", func(c *Circumstances) { c.Unlinked7d, c.Received7d = 10, 41 }, event.FactorUnanswered, false, false},
		{"9 of 9 unlinked", func(c *Circumstances) { c.Unlinked7d, c.Received7d = 9, 9 }, event.FactorReplyNowcast, false, false},
		{"a quarter answers", func(c *Circumstances) { c.Answered7d, c.Awaited = 13, 52 }, event.FactorIdenticalBatch, false, true},
		{"a quarter answers", func(c *Circumstances) { c.Answered7d, c.Awaited = 13, 52 }, event.FactorReplyRatio, false, false},
		{"less than a quarter answers", func(c *Circumstances) { c.Answered7d, c.Awaited = 12, 50 }, event.FactorVelocityHour, false, false},
		{"49 are awaited", func(c *Circumstances) { c.Answered7d, c.Awaited = 49, 49 }, event.FactorVelocityHour, false, false},
		{"registration unknown", func(c *Circumstances) { c.RegistrationIsKnown = false }, event.FactorDailyVolume, false, true},
		{"registration unknown", func(c *Circumstances) { c.RegistrationIsKnown = false }, event.FactorVelocityHour, false, false},
	} {
		now := whole
		c.change(&now)
		if got := p.Silent(&now).Has(c.factor); got != c.silent || (p.Silence(c.factor, &now) != event.SilenceNone) != got {
			t.Errorf("%s: %s silent %t (%q), want %t", c.name, c.factor, got, p.Silence(c.factor, &now), c.silent)
		}
		if got := p.AtMostWarn(&now).Has(c.factor); got != c.held {
			t.Errorf("%s: %s held %t, want %t", c.name, c.factor, got, c.held)
		}
	}
	if n := testing.AllocsPerRun(100, func() { p.Silent(&whole); p.AtMostWarn(&whole) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestHold(t *testing.T) {
	for _, c := range []struct {
		level    event.Level
		severity float64
		want     event.Level
		at       float64
	}{{event.LevelDanger, 1, event.LevelWarn, 0.5}, {event.LevelWarn, 0.75, event.LevelWarn, 0.5}, {event.LevelWarn, 0.25, event.LevelWarn, 0.25}, {event.LevelNone, 0, event.LevelNone, 0}} {
		if level, severity := Hold(c.level, c.severity); level != c.want || severity != c.at {
			t.Errorf("%v of %v is held at %v of %v", c.level, c.severity, level, severity)
		}
	}
}

// TestConditionsAreInherited changes one key of each kind and keeps the rest.
func TestConditionsAreInherited(t *testing.T) {
	p, err := Load([]byte(`
name: mine
extends: default
silences: {inputs: {status: []}, unlinked: {share: 0.5}}
ceilings: {answered: {factors: [dormancy]}}
nowcast: {cold_start: {unanswered: 7}}
`))
	if err != nil {
		t.Fatal(err)
	}
	d := Default()
	want := *d
	want.Silences.Without[1] = 0
	want.Silences.UnlinkedShare = 0.5
	want.Ceilings.Answered = 1 << event.FactorDormancy
	want.Cold.Unanswered = 7
	if p.Silences != want.Silences || p.Ceilings != want.Ceilings || p.Nowcast != want.Nowcast || p.Cold != want.Cold {
		t.Errorf("%+v %+v %+v", p.Silences, p.Ceilings, p.Cold)
	}
	// A file that extends nothing has to say all of it.
	text := string(shipped())
	from, to := strings.Index(text, "nowcast:\n"), strings.Index(text, "profiles:\n")
	_, err = Load([]byte(text[:from] + text[to:]))
	if err == nil || strings.Count(err.Error(), ": missing;") != 4 {
		t.Errorf("without nowcast: %v", err)
	}
}
