package demo

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

var updateScreens = flag.Bool("update-screens", false, "rewrite the golden screens in testdata")

func exampleScreen() *screen {
	at := time.Date(2026, 3, 2, 14, 3, 12, 0, time.UTC)
	community := policy.Default().Portfolio(nil)
	return &screen{
		Title: "Sendwatch demo", Right: "seed 1, 200 numbers, 12 portfolios",
		Services: []service{
			{"Kafka", "127.0.0.1:41235", "in memory, 4 partitions"},
			{"ClickHouse", "127.0.0.1:39111", "native protocol, database sendwatch"},
			{"HTTP", "http://127.0.0.1:43567", "live page, /metrics, /api/numbers"},
		},
		Phase: phaseHistory, Progress: .71, Events: 1_812_403, Rate: 142_137, Lag: 12_034, Unstored: 87,
		Counts: "2,612,334 applied, 10,233 duplicate",
		Bands:  [3]int64{131, 42, 27},
		Riskiest: []riskLine{
			{"number-0042", 12, "blaster", []string{
				policy.Describe(event.FactorVelocityHour, event.NumberValue(412), &community.Rules[event.FactorVelocityHour], 90),
				policy.Describe(event.FactorVelocityBurst, event.NumberValue(8), &community.Rules[event.FactorVelocityBurst], 90),
				policy.Describe(event.FactorReplyRatio, event.NumberValue(.0821), &community.Rules[event.FactorReplyRatio], 90),
			}},
			{"number-0107", 38, "early_restart", []string{
				policy.Describe(event.FactorRestriction, event.WordValue("restricted"), &community.Rules[event.FactorRestriction], 90),
			}},
			{"number-0003", 55, "cold_campaign", []string{
				policy.Describe(event.FactorUnanswered, event.NumberValue(.62), &community.Rules[event.FactorUnanswered], 90),
			}},
			{"number-0150", 80, "newcomer", []string{
				policy.Describe(event.FactorNumberAge, event.NumberValue(4), &community.Rules[event.FactorNumberAge], 4),
			}},
		},
		Flags: []flagLine{
			{at, event.LevelDanger, event.TransitionEscalated, "number-0042", "412 conversations begun in an hour (danger > 60)"},
			{at.Add(-time.Minute), event.LevelWarn, event.TransitionRaised, "number-0003", "62 % unanswered in 30 days (warn > 50 %)"},
			{at.Add(-time.Hour), event.LevelNone, event.TransitionCleared, "number-0107", "connected from RU"},
		},
		Paste: []pasteLine{
			{"Read the flags with any Kafka client:", "kcat -b 127.0.0.1:41235 -t sendwatch.flags -C -e -o -5"},
			{"Ask ClickHouse:", `sendwatch sql --address 127.0.0.1:39111 "SELECT * FROM numbers ORDER BY score LIMIT 10"`},
		},
		Foot: "Ctrl-C drains and ends the demo; a second one ends it at once.",
	}
}

func TestScreenGolden(t *testing.T) {
	for _, c := range []struct {
		name          string
		width, height int
		phase         phase
		colour        bool
	}{
		{"history_80", 80, 40, phaseHistory, false},
		{"history_120", 120, 40, phaseHistory, false},
		{"live_80", 80, 40, phaseLive, false},
		{"live_120_colour", 120, 40, phaseLive, true},
		{"low_80", 80, 20, phaseLive, false},
		{"storing_80", 80, 40, phaseStoring, false},
		{"draining_80", 80, 40, phaseDraining, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := exampleScreen()
			s.Phase = c.phase
			if c.phase == phaseLive {
				s.Rate, s.Lag = 1.4, 0
			}
			got := strings.Join(s.render(c.width, c.height, c.colour), "\n") + "\n"
			file := filepath.Join("testdata", "screen_"+c.name+".txt")
			if *updateScreens {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("screen differs (-want +got); go test -update-screens rewrites it:\n%s", diff)
			}
		})
	}
}

// Whatever the size, no line but a command to paste is wider than the terminal.
func TestScreenKeepsItsWidth(t *testing.T) {
	s := exampleScreen()
	s.Riskiest[0].Number = strings.Repeat("ünïcode-", 20)
	for width := 20; width <= 200; width += 7 {
		for _, l := range s.render(width, 30, true) {
			if n := visible(l); n > width && !strings.HasPrefix(l, "  kcat") && !strings.HasPrefix(l, "  sendwatch") {
				t.Fatalf("width %d: %d cells in %q", width, n, l)
			}
			if !utf8.ValidString(l) {
				t.Fatalf("width %d: %q is cut inside a character", width, l)
			}
		}
	}
}

// As long as there is room for the lists to shrink, the block and the cursor's
// line below it fit the terminal: what is taller scrolls and cannot be redrawn.
func TestScreenKeepsItsHeight(t *testing.T) {
	s := exampleScreen()
	s.Note = "log: something is amiss"
	for range 40 {
		s.Riskiest = append(s.Riskiest, s.Riskiest[1])
		s.Flags = append(s.Flags, s.Flags[0])
	}
	for height := 28; height < 90; height++ {
		for _, width := range []int{60, 80, 120} {
			rows := 1
			for _, l := range s.render(width, height, true) {
				rows += 1 + (visible(l)-1)/width
			}
			if rows > height {
				t.Errorf("width %d: %d rows for a height of %d", width, rows, height)
			}
		}
	}
}

func TestPainterDrawsOverTheLastBlock(t *testing.T) {
	var out strings.Builder
	p := &terminal{out: &out, fd: -1}
	s := exampleScreen()
	if err := p.paint(s); err != nil {
		t.Fatal(err)
	}
	first := p.drawn
	out.Reset()
	s.Riskiest = s.Riskiest[:1]
	if err := p.paint(s); err != nil {
		t.Fatal(err)
	}
	if up := fmt.Sprintf("\x1b[%dA", first); !strings.Contains(out.String(), up) {
		t.Errorf("the second block does not go up by the %d lines of the first", first)
	}
	if !strings.HasSuffix(out.String(), "\x1b[J\x1b[?2026l") {
		t.Error("what was left of the longer first block is not cleared")
	}
}
