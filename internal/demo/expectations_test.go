package demo

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/traffic"
)

func exampleExpectations() *expectations {
	return newExpectations([]traffic.Number{
		{ID: "n1", Profile: "blaster", Connection: event.ConnectionWebSession, Expects: []traffic.Expectation{
			{Factor: event.FactorVelocityHour, By: 1000}, {Factor: event.FactorVelocityBurst, By: 1000},
		}},
		{ID: "n2", Profile: "creeping", Connection: event.ConnectionBusinessApp, Expects: []traffic.Expectation{
			{Factor: event.FactorUnanswered, By: 9000},
		}},
		{ID: "n3", Profile: "small_shop", Healthy: true, Connection: event.ConnectionBusinessApp},
	}, nil, policy.Default())
}

func flagJSON(id string, sequence int, number string, f event.Factor, level event.Level, transition event.Transition, value string) []byte {
	return fmt.Appendf(nil, `{"flag_id":%q,"sequence":%d,"transition":%q,"level":%q,"number_id":%q,"factor":%q,"key":null,"value":%s,"event_time":500}`,
		id, sequence, transition, level, number, f, value)
}

func TestVerdict(t *testing.T) {
	type seen struct {
		number string
		factor event.Factor
		level  event.Level
	}
	for _, c := range []struct {
		name     string
		until    int64
		flags    []seen
		mistakes []string
		waiting  int
	}{
		{"nothing came", 1000, nil, []string{"n1 (blaster) was not flagged for velocity_hour", "n1 (blaster) was not flagged for velocity_burst"}, 1},
		{"half came", 1000, []seen{{"n1", event.FactorVelocityHour, event.LevelWarn}}, []string{"n1 (blaster) was not flagged for velocity_burst"}, 1},
		{"all that is due came", 1000, []seen{{"n1", event.FactorVelocityHour, event.LevelWarn}, {"n1", event.FactorVelocityBurst, event.LevelDanger}}, nil, 1},
		{"the flag of another number is none", 9000, []seen{
			{"n1", event.FactorVelocityHour, event.LevelWarn},
			{"n1", event.FactorVelocityBurst, event.LevelDanger},
			{"n1", event.FactorUnanswered, event.LevelDanger},
		}, []string{"n2 (creeping) was not flagged for unanswered"}, 0},
		{"nothing was due and a healthy one fell", 0, []seen{{"n3", event.FactorTrustScore, event.LevelDanger}}, []string{"n3 (small_shop) is healthy and was raised to danger of its trust score"}, 3},
		{"a healthy one may be warned", 0, []seen{{"n3", event.FactorTrustScore, event.LevelWarn}, {"n3", event.FactorDelivery, event.LevelDanger}}, nil, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := exampleExpectations()
			for i, f := range c.flags {
				if err := l.read(flagJSON(strconv.Itoa(i), 0, f.number, f.factor, f.level, event.TransitionRaised, "1")); err != nil {
					t.Fatal(err)
				}
			}
			v := l.result(c.until)
			if got, want := strings.Join(v.Mistakes, "\n"), strings.Join(c.mistakes, "\n"); got != want {
				t.Errorf("mistakes:\n%s\nwant:\n%s", got, want)
			}
			if v.Waiting != c.waiting {
				t.Errorf("%d expectations wait, want %d", v.Waiting, c.waiting)
			}
			text := strings.Join(v.lines(), "\n")
			for _, m := range c.mistakes {
				if !strings.Contains(text, m) {
					t.Errorf("the summary does not say %q:\n%s", m, text)
				}
			}
		})
	}
}

// TestExpectationsJudgesPortfolios misses a portfolio's flag once it is due.
func TestExpectationsJudgesPortfolios(t *testing.T) {
	l := exampleExpectations()
	l.portfolios = []traffic.Portfolio{{ID: "p9", Expects: []traffic.Expectation{{Factor: event.FactorContagion, By: 20_000}}}}
	missed := func() bool {
		v := l.result(20_000)
		return slices.Contains(v.Mistakes, "p9 was not flagged for contagion")
	}
	if !missed() {
		t.Error("a flag that is due and did not come is not missed")
	}
	record := []byte(`{"flag_id":"f","sequence":0,"transition":"raised","level":"warn","portfolio_id":"p9","factor":"contagion","value":1,"event_time":1}`)
	if err := l.read(record); err != nil {
		t.Fatal(err)
	}
	if missed() {
		t.Error("a flag that came is missed")
	}
	v := l.result(20_000)
	if text := strings.Join(v.lines(), "\n"); !strings.Contains(text, "1  contagion") {
		t.Errorf("the summary does not name the portfolio's flag:\n%s", text)
	}
}

func TestExpectationsCountsARepeatedFlagOnce(t *testing.T) {
	l := exampleExpectations()
	raised := flagJSON("e", 0, "n1", event.FactorVelocityHour, event.LevelWarn, event.TransitionRaised, "31")
	escalated := flagJSON("e", 1, "n1", event.FactorVelocityHour, event.LevelDanger, event.TransitionEscalated, "61")
	for _, record := range [][]byte{raised, escalated, raised, escalated} {
		if err := l.read(record); err != nil {
			t.Fatal(err)
		}
	}
	if want := [4]int64{event.TransitionRaised: 1, event.TransitionEscalated: 1}; l.flags != want {
		t.Errorf("counted %v, want %v", l.flags, want)
	}
	lines := l.newestFlags(10)
	if len(lines) != 2 || !strings.Contains(lines[0].Words, "31 conversations begun in an hour (warn >= 30)") {
		t.Errorf("newest flags: %+v", lines)
	}
}

// TestExpectationsWordsGoByTheDayOfLife: on the fourth day 90 sends are a warning, on
// the first they were danger.
func TestExpectationsWordsGoByTheDayOfLife(t *testing.T) {
	l := exampleExpectations()
	record := bytes.Replace(flagJSON("a", 2, "n3", event.FactorDailyVolume, event.LevelWarn, event.TransitionEased, "90"),
		[]byte(`"key"`), []byte(`"evidence":{"counts":{"initiated_24h":90,"day":4}},"key"`), 1)
	if err := l.read(record); err != nil {
		t.Fatal(err)
	}
	if got := l.newestFlags(1)[0].Words; !strings.HasSuffix(got, "(warn > 80)") {
		t.Errorf("a flag of the fourth day reads %q", got)
	}
}

// TestAHeldFlagSaysSo: 70 in an hour are danger, unless people answer.
func TestAHeldFlagSaysSo(t *testing.T) {
	l := exampleExpectations()
	for level, want := range map[event.Level]string{event.LevelWarn: "(danger > 60), held at warn", event.LevelDanger: "(danger > 60)"} {
		if err := l.read(flagJSON("h"+level.String(), 0, "n1", event.FactorVelocityHour, level, event.TransitionRaised, "70")); err != nil {
			t.Fatal(err)
		}
		lines := l.newestFlags(8)
		found := false
		for _, line := range lines {
			found = found || line.Level == level && strings.HasSuffix(line.Words, want)
		}
		if !found {
			t.Errorf("%s: %+v does not say %q", level, lines, want)
		}
	}
}

func TestExpectationsNamesWhatItCannotRead(t *testing.T) {
	for _, record := range []string{`nonsense`, `{"factor":"mood","transition":"raised"}`, `{"factor":"quality","transition":"vanished"}`} {
		if err := exampleExpectations().read([]byte(record)); err == nil {
			t.Errorf("%s was taken for a flag", record)
		}
	}
}

func TestRiskTakesWordsFromFlags(t *testing.T) {
	l := exampleExpectations()
	if err := l.read(flagJSON("q", 0, "n1", event.FactorQuality, event.LevelDanger, event.TransitionRaised, `"RED"`)); err != nil {
		t.Fatal(err)
	}
	n := event.NumberStatus{NumberID: "n1", Score: 44, Top: []event.Contribution{{Factor: event.FactorQuality, Points: 20}, {Factor: event.FactorVelocityHour, Points: 20}}}
	n.Facts[event.FactInitiated1h] = 77
	got := strings.Join(l.risk(&n).Reasons, "; ")
	if want := "rated RED; 77 conversations begun in an hour (danger > 60)"; got != want {
		t.Errorf("reasons %q, want %q", got, want)
	}
}
