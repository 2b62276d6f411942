package demo

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"sendwatch/internal/event"
	"sendwatch/internal/wording"
)

// screen is what the demo shows, apart from how: a plain value that the demo
// fills in and render turns into lines.
type screen struct {
	Title    string
	Right    string // at the right end of the title
	Services []service
	Phase    phase

	Progress float64 // of the history, 0 to 1
	Events   int64   // read by the numbers role
	Rate     float64 // events a second now
	Lag      int64   // records not yet read
	Unstored int64   // records of rows that ClickHouse has not taken
	Counts   string  // records by class, in words

	Bands    [3]int64 // by event.Band
	Riskiest []riskLine
	Flags    []flagLine
	Paste    []pasteLine
	Note     string // the newest warning, if any
	Foot     string
}

// phase is what the demo is doing.
type phase uint8

const (
	phaseHistory phase = iota
	phaseStoring       // the history has been read; ClickHouse has not taken all of it
	phaseLive
	phaseDraining
)

// place is something that runs and where to reach it.
type service struct{ What, Address, Detail string }

// riskLine is one of the riskiest numbers.
type riskLine struct {
	Number  string
	Score   int
	Profile string // what the traffic knows it to be
	Reasons []string
}

// flagLine is one of the newest flags.
type flagLine struct {
	Time       time.Time
	Level      event.Level
	Transition event.Transition
	Subject    string
	Words      string
}

// pasteLine is a command to be copied, with what it does.
type pasteLine struct{ What, Command string }

// style is how a span of text looks. On a terminal without colours, or where
// NO_COLOR is set, all look alike.
type style uint8

const (
	plain style = iota
	bold
	dim
	red
	yellow
	green
)

var sgr = [...]string{plain: "", bold: "\x1b[1m", dim: "\x1b[2m", red: "\x1b[31m", yellow: "\x1b[33m", green: "\x1b[32m"}

// span is a run of text in one style; a line is a row of them.
type (
	span struct {
		text  string
		style style
	}
	line []span
)

func (l line) width() int {
	n := 0
	for _, s := range l {
		n += utf8.RuneCountInString(s.text)
	}
	return n
}

// write renders the line into at most width cells; what is cut off is marked.
func (l line) write(b *strings.Builder, width int, colour bool) {
	cut, left := l.width() > width, width
	if cut {
		left--
	}
	for _, s := range l {
		text := s.text
		if n := utf8.RuneCountInString(text); n > left {
			text = string([]rune(text)[:max(left, 0)])
			left = 0
		} else {
			left -= n
		}
		if text == "" {
			continue
		}
		if colour && s.style != plain {
			b.WriteString(sgr[s.style])
			b.WriteString(text)
			b.WriteString("\x1b[0m")
		} else {
			b.WriteString(text)
		}
	}
	if cut {
		b.WriteString("…")
	}
}

// render lays the screen out in width by height cells. When there is not enough
// height the lists shrink first; what is ready to paste is never cut off, as
// half a command is of no use: it may run over the right edge.
func (s *screen) render(width, height int, colour bool) []string {
	fixed := 11 + len(s.Services)
	for _, p := range s.Paste {
		fixed += 2 + (utf8.RuneCountInString(p.Command)+1)/max(width, 1)
	}
	if s.Note != "" {
		fixed++
	}
	rows := max(height-1-fixed, 4) // the cursor stays in the line below
	risky := min(len(s.Riskiest), max(rows/2, rows-len(s.Flags)))
	flags := min(len(s.Flags), rows-risky)

	lines := []line{s.title(width), nil}
	for _, p := range s.Services {
		lines = append(lines, line{{fmt.Sprintf("  %-11s", p.What), dim}, {fmt.Sprintf("%-27s ", p.Address), plain}, {p.Detail, dim}})
	}
	lines = append(lines, nil, s.progress(width), s.bands(width), nil)
	lines = append(lines, line{{fmt.Sprintf("%-14s%5s  %-16s%s", "Riskiest", "score", "acts as", "why"), bold}})
	for _, r := range s.Riskiest[:risky] {
		lines = append(lines, r.line(width))
	}
	lines = append(lines, nil, line{{"Newest flags", bold}})
	for _, f := range s.Flags[:flags] {
		lines = append(lines, f.line())
	}
	lines = append(lines, nil)

	var out []string
	for _, l := range lines {
		var b strings.Builder
		l.write(&b, width, colour)
		out = append(out, strings.TrimRight(b.String(), " "))
	}
	for _, p := range s.Paste {
		var b strings.Builder
		line{{p.What, dim}}.write(&b, width, colour)
		out = append(out, b.String(), "  "+p.Command)
	}
	if s.Note != "" {
		var b strings.Builder
		line{{s.Note, yellow}}.write(&b, width, colour)
		out = append(out, b.String())
	}
	var b strings.Builder
	line{{s.Foot, dim}}.write(&b, width, colour)
	return append(out, b.String())
}

func (s *screen) title(width int) line {
	l := line{{s.Title, bold}}
	gap := width - utf8.RuneCountInString(s.Title) - utf8.RuneCountInString(s.Right)
	return append(l, span{strings.Repeat(" ", max(gap, 2)), plain}, span{s.Right, dim})
}

func (s *screen) progress(width int) line {
	rate := fmt.Sprintf("%s events/s", wording.Thousands(int64(s.Rate)))
	if s.Rate < 10 {
		rate = fmt.Sprintf("%.1f events/s", s.Rate)
	}
	switch s.Phase {
	case phaseLive:
		return line{
			{"Live     ", bold},
			{rate, plain},
			{fmt.Sprintf("   lag %s   %s", wording.Thousands(s.Lag), s.Counts), dim},
		}
	case phaseStoring:
		return line{
			{"History  ", bold},
			{fmt.Sprintf("read; ClickHouse takes the last of it, %s batches of rows to go", wording.Thousands(s.Unstored)), plain},
		}
	case phaseDraining:
		return line{
			{"Ending   ", bold},
			{"draining what is under way", plain},
			{fmt.Sprintf("   %s records to read, %s batches of rows to store", wording.Thousands(s.Lag), wording.Thousands(s.Unstored)), dim},
		}
	}
	cells := min(max(width-66, 8), 40)
	full := min(int(s.Progress*float64(cells)), cells)
	return line{
		{"History  ", bold},
		{strings.Repeat("━", full), green},
		{strings.Repeat("─", cells-full), dim},
		{fmt.Sprintf(" %3.0f %%  %s events  %s", s.Progress*100, wording.Thousands(s.Events), rate), plain},
		{fmt.Sprintf("  lag %s", wording.Thousands(s.Lag)), dim},
	}
}

// bands draws the numbers as one bar, in proportion.
func (s *screen) bands(width int) line {
	total := s.Bands[event.BandHigh] + s.Bands[event.BandMedium] + s.Bands[event.BandLow]
	l := line{{"Numbers  ", bold}}
	cells := int64(min(max(width-66, 8), 40))
	styles := [3]style{event.BandHigh: green, event.BandMedium: yellow, event.BandLow: red}
	var drawn int64
	for _, b := range []event.Band{event.BandHigh, event.BandMedium, event.BandLow} {
		if total == 0 {
			break
		}
		n := s.Bands[b] * cells / total
		if n == 0 && s.Bands[b] > 0 {
			n = 1
		}
		if b == event.BandHigh && s.Bands[b] > 0 {
			n = cells
			for _, other := range []event.Band{event.BandMedium, event.BandLow} {
				if s.Bands[other] > 0 {
					n -= max(s.Bands[other]*cells/total, 1)
				}
			}
		}
		l = append(l, span{strings.Repeat("━", int(max(n, 0))), styles[b]})
		drawn += max(n, 0)
	}
	if drawn < cells {
		l = append(l, span{strings.Repeat("─", int(cells-drawn)), dim})
	}
	for _, b := range []event.Band{event.BandHigh, event.BandMedium, event.BandLow} {
		l = append(l, span{fmt.Sprintf("  %s ", b), dim}, span{wording.Thousands(s.Bands[b]), styles[b]})
	}
	return l
}

func (r *riskLine) line(width int) line {
	l := line{
		{fmt.Sprintf("  %-12s", r.Number), plain},
		{fmt.Sprintf("%5d  ", r.Score), scoreStyle(r.Score)},
		{fmt.Sprintf("%-16s", r.Profile), dim},
	}
	// Whole reasons only: the first that does not fit ends the line.
	for i, reason := range r.Reasons {
		if i > 0 {
			reason = "; " + reason
		}
		if i > 0 && l.width()+utf8.RuneCountInString(reason) > width {
			break
		}
		l = append(l, span{reason, plain})
	}
	return l
}

func scoreStyle(score int) style {
	switch event.BandOf(score) {
	case event.BandLow:
		return red
	case event.BandMedium:
		return yellow
	}
	return green
}

func (f *flagLine) line() line {
	mark, level := plain, f.Level.String()
	switch {
	case f.Transition == event.TransitionCleared:
		mark, level = green, ""
	case f.Level == event.LevelDanger:
		mark = red
	case f.Level == event.LevelWarn:
		mark = yellow
	}
	return line{
		{"  " + f.Time.Format("Jan 02 15:04:05") + "  ", dim},
		{fmt.Sprintf("%-7s", level), mark},
		{fmt.Sprintf("%-10s", f.Transition), plain},
		{fmt.Sprintf("%-14s", f.Subject), plain},
		{f.Words, plain},
	}
}
