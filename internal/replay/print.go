package replay

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"sendwatch/internal/event"
)

// shifts are by how many ms B was earlier than A, and later.
type shifts struct {
	earlier, later []int64
}

func (s *shifts) add(shift int64) {
	if shift < 0 {
		s.earlier = append(s.earlier, -shift)
	} else if shift > 0 {
		s.later = append(s.later, shift)
	}
}

// String returns four cells of a table: how many were earlier and by how much,
// and how many later.
func (s *shifts) String() string {
	return fmt.Sprintf("%d\t%s\t%d\t%s", len(s.earlier), median(s.earlier), len(s.later), median(s.later))
}

// shownDifferences is how many flags of a factor PrintDifferences names.
const shownDifferences = 5

// PrintDifferences prints a table by factor: how many episodes each policy
// raised, and how they disagree; shifts are medians. Below it the first flags of
// each factor that differ.
func PrintDifferences(out io.Writer, a, b *Result, list []Difference) error {
	type row struct {
		a, b           int
		kinds          map[string]int
		raised, danger shifts
	}
	rows := map[event.Factor]*row{}
	at := func(f event.Factor) *row {
		if rows[f] == nil {
			rows[f] = &row{kinds: map[string]int{}}
		}
		return rows[f]
	}
	for _, e := range Episodes(a.Rows.Flags) {
		at(e.Factor).a++
	}
	for _, e := range Episodes(b.Rows.Flags) {
		at(e.Factor).b++
	}
	for i := range list {
		d := &list[i]
		r := at(d.of().Factor)
		r.kinds[d.Kind()]++
		r.raised.add(d.Shift())
		r.danger.add(d.DangerShift())
	}
	if _, err := fmt.Fprintf(out, "A is %s, B is %s.\n", a.Summary.PolicyVersion, b.Summary.PolicyVersion); err != nil {
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "factor\tepisodes A\tepisodes B\tonly A\tonly B\tother level\tB earlier\tby\tB later\tby\tB danger earlier\tby\tlater\tby")
	for f := range event.NumFactors {
		r := rows[f]
		if r == nil {
			continue
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\n", f, r.a, r.b,
			r.kinds["only_a"], r.kinds["only_b"], r.kinds["level"], &r.raised, &r.danger)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return printFlags(out, list)
}

// printFlags names the first flags of each factor that differ. The list is
// sorted by factor.
func printFlags(out io.Writer, list []Difference) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "\nNo flag differs.")
		return err
	}
	var b strings.Builder
	n := 0 // flags of the factor so far
	for i := range list {
		d := &list[i]
		of := d.of()
		if i == 0 || list[i-1].of().Factor != of.Factor {
			fmt.Fprintf(&b, "\n%s\n", of.Factor)
			n = 0
		}
		if n++; n > shownDifferences {
			if n == shownDifferences+1 {
				b.WriteString("  ...\n")
			}
			continue
		}
		id := of.ID
		if of.Key != "" {
			id += " " + of.Key
		}
		fmt.Fprintf(&b, "  %s  %s  %s\n", time.UnixMilli(of.Raised).UTC().Format(time.DateTime), id, d)
	}
	differ := "flags differ"
	if len(list) == 1 {
		differ = "flag differs"
	}
	fmt.Fprintf(&b, "\n%d %s; differences.ndjson has each.\n", len(list), differ)
	_, err := io.WriteString(out, b.String())
	return err
}

// String says in words how the policies disagree.
func (d *Difference) String() string {
	switch {
	case d.B == nil:
		return "only A, " + d.A.Top.String()
	case d.A == nil:
		return "only B, " + d.B.Top.String()
	}
	var parts []string
	if d.A.Top != d.B.Top {
		parts = append(parts, fmt.Sprintf("A %s, B %s", d.A.Top, d.B.Top))
	}
	for _, s := range [...]struct {
		what  string
		shift int64
	}{{"B", d.Shift()}, {"B danger", d.DangerShift()}} {
		if s.shift < 0 {
			parts = append(parts, s.what+" earlier by "+span(-s.shift))
		} else if s.shift > 0 {
			parts = append(parts, s.what+" later by "+span(s.shift))
		}
	}
	return strings.Join(parts, ", ")
}

// median returns the median of durations in ms, in words.
func median(ms []int64) string {
	if len(ms) == 0 {
		return "-"
	}
	slices.Sort(ms)
	return span(ms[len(ms)/2])
}

// span writes ms in words, to the second, or exactly below a second.
func span(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	if d >= time.Second {
		d = d.Round(time.Second)
	}
	return d.String()
}
