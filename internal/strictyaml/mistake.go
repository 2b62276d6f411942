package strictyaml

import (
	"fmt"
	"slices"
	"strings"
)

// Mistake is one thing wrong with a document.
type Mistake struct {
	Path     string // such as profiles.community.factors.reply_ratio.warn; empty for the document itself
	Line     int    // counted from 1; 0 if the mistake is on no line
	Problem  string
	Accepted string // what would be right; may be empty
}

// String returns the mistake as one line.
func (m Mistake) String() string {
	var b strings.Builder
	if m.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", m.Line)
	}
	if m.Path != "" {
		b.WriteString(m.Path + ": ")
	}
	b.WriteString(m.Problem)
	if m.Accepted != "" {
		b.WriteString("; accepted: " + m.Accepted)
	}
	return b.String()
}

// Mistakes are all mistakes of one document, by line and path.
type Mistakes []Mistake

// Error returns one mistake a line, after a line that counts them.
func (m Mistakes) Error() string {
	if len(m) == 1 {
		return m[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d mistakes:", len(m))
	for _, one := range m {
		b.WriteString("\n  " + one.String())
	}
	return b.String()
}

// sorted returns the mistakes in reading order, each once.
func (m Mistakes) sorted() Mistakes {
	slices.SortStableFunc(m, func(a, b Mistake) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return strings.Compare(a.Path, b.Path)
	})
	return slices.Compact(m)
}

// Nearest returns the name that s was most likely meant to be, "" if none is
// close: at most a third of its letters, and at least two, may be wrong.
func Nearest(s string, names []string) string {
	best, least := "", max(2, len(s)/3)+1
	for _, n := range names {
		if d := distance(s, n); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour to turn a into b (restricted Damerau-Levenshtein).
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a) // no name is that long
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
