package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// spread is the median of some figures with the least and the largest.
type spread struct{ median, least, most float64 }

func spreadOf(list []float64) spread {
	s := slices.Sorted(slices.Values(list))
	return spread{s[len(s)/2], s[0], s[len(s)-1]}
}

func (s spread) write(verb string) string {
	if s.least == s.most {
		return fmt.Sprintf(verb, s.median)
	}
	return fmt.Sprintf(verb+" ("+verb+" to "+verb+")", s.median, s.least, s.most)
}

// of collects one figure of all runs.
func (s *system) of(figure func(*measured) float64) spread {
	list := make([]float64, len(s.runs))
	for i, m := range s.runs {
		list[i] = figure(m)
	}
	return spreadOf(list)
}

// times is how many times the base does an event in the processor time of this one, run by
// run.
func (s *system) times() (spread, bool) {
	if s.base == nil {
		return spread{}, false
	}
	list := make([]float64, len(s.runs))
	for i, m := range s.runs {
		list[i] = m.steady() / s.base.runs[i].steady()
	}
	return spreadOf(list), true
}

func perSecond(ns float64) float64 { return 1e6 / ns }

// printTable prints what was found.
func printTable(list []*system) {
	fmt.Println("| system | log | ns an event | thousand events a core-second | as a whole, with start-up | by the clock on the wall | MB at most | times |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, s := range list {
		ratio := ""
		if times, ok := s.times(); ok {
			ratio = times.write("%.1f") + " of " + s.base.name
		}
		name := s.name
		if allocations, ok := s.runs[0].notes["allocations"]; ok {
			name += " (" + allocations + " allocations a record)"
		}
		fmt.Printf("| %s | %s, %d bytes | %s | %s | %s | %s | %s | %s |\n", name, s.log.name, s.log.size,
			s.of((*measured).steady).write("%.0f"),
			s.of(func(m *measured) float64 { return perSecond(m.steady()) }).write("%.0f"),
			s.of(func(m *measured) float64 { return perSecond(m.whole()) }).write("%.0f"),
			s.of(func(m *measured) float64 { return m.wall() / 1000 }).write("%.0f"),
			s.of(func(m *measured) float64 { return float64(m.rss) / 1e6 }).write("%.0f"), ratio)
	}
}

// plot draws a bar a system, in thousand events a core-second, on a scale of logarithms: the
// figures lie more than a hundred times apart.
func plot(list []*system) []byte {
	const left, row, width, top = 300, 26, 420, 40
	var most float64
	for _, s := range list {
		most = max(most, s.of(func(m *measured) float64 { return perSecond(m.steady()) }).most)
	}
	x := func(v float64) float64 { return left + width*logOf(v)/logOf(most*1.2) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", left+width+120, top+row*len(list)+30)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="white"/><text x="%d" y="18">thousand events a core-second (logarithmic), median, least and most</text>`+"\n", left)
	for v := 1.0; v < most*1.2; v *= 10 {
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#ccc"/><text x="%.1f" y="%d" fill="#666" text-anchor="middle">%.0f</text>`+"\n", x(v), top-8, top+row*len(list), x(v), top+row*len(list)+16, v)
	}
	for i, s := range list {
		v := s.of(func(m *measured) float64 { return perSecond(m.steady()) })
		y, color := top+row*i, "#9aa5b1"
		if strings.Contains(s.name, "Sendwatch") {
			color = "#2f7d4f"
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text><rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", left-8, y+15, s.name, left, y+2, x(v.median)-left, row-8, color)
		fmt.Fprintf(&b, `<path d="M%.1f %dH%.1f" stroke="black"/><text x="%.1f" y="%d">%.0f</text>`+"\n", x(v.least), y+11, x(v.most), x(v.most)+6, y+15, v.median)
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// logOf is the place of a figure on the scale, which begins at one.
func logOf(v float64) float64 { return math.Log10(max(v, 1)) }
