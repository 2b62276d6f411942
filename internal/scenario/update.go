package scenario

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/strictyaml"
)

// edit is one expectation to be rewritten.
type edit struct {
	value strictyaml.Value
	old   string // the value as it is written, without quotes
	text  string

	isFlags bool
	flags   []newFlag
}

// newFlag is a line of a list of flags: one that stays, with all that stands
// above it, or a new one.
type newFlag struct {
	kept  int // in the old list, -1 if new
	model int // where kept is -1: the old one that it replaces, -1 for none
	text  string
}

// rewriteFlags returns the list of flags that came. What stays, stays as it is
// written; a flag that differs from the one in its place keeps its parts.
func (c *Case) rewriteFlags(want []wantedFlag, got []event.Flag, steps []pair) []newFlag {
	var list []newFlag
	var gone []int // wanted, did not come, and not taken as a model
	for _, s := range steps {
		if s.got < 0 {
			gone = append(gone, s.want)
		}
	}
	for _, s := range steps {
		switch {
		case s.got < 0:
		case s.want >= 0:
			list = append(list, newFlag{kept: s.want})
		default:
			f := &got[s.got]
			var like *wantedFlag
			model := -1
			if i := slices.IndexFunc(gone, func(i int) bool {
				w := &want[i]
				return w.factor == f.Factor && w.key == f.Key && w.transition == f.Transition && w.subject == subject(f)
			}); i >= 0 {
				model = gone[i]
				like = &want[model]
				gone = slices.Delete(gone, i, i+1)
			}
			list = append(list, newFlag{kept: -1, model: model, text: c.writeFlag(f, like)})
		}
	}
	return list
}

// Update returns the file with every expectation that was not met rewritten.
// All else stays byte for byte: comments, order, layout. The error names the
// lines that it cannot rewrite, such as a value on several lines.
func (f *File) Update(results []Result) ([]byte, error) {
	var edits []edit
	for i := range results {
		edits = append(edits, results[i].edits...)
	}
	// From the end to the beginning, so that places stay where they are.
	slices.SortStableFunc(edits, func(a, b edit) int {
		return cmp.Or(cmp.Compare(b.value.Line(), a.value.Line()), cmp.Compare(b.value.Column(), a.value.Column()))
	})
	lines := strings.Split(string(f.source), "\n")
	var problems []error
	for i := range edits {
		e := &edits[i]
		var err error
		if e.isFlags {
			lines, err = e.applyFlags(lines)
		} else {
			err = e.applyValue(lines)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("line %d: %w; rewrite it by hand", e.value.Line(), err))
		}
	}
	text := []byte(strings.Join(lines, "\n"))
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if len(edits) > 0 {
		if err := f.verify(text, results[0].policy); err != nil {
			return nil, err
		}
	}
	return text, nil
}

// verify reads what is to be written once more and plays it: nothing may be
// written that would not be met.
func (f *File) verify(text []byte, p *policy.Policy) error {
	const advice = "; change its expectations by hand"
	again, err := Read(text, f.open)
	if err != nil {
		return fmt.Errorf("the rewritten file cannot be read%s: %w", advice, err)
	}
	for _, r := range again.Run(p) {
		for _, failure := range r.Failures {
			if failure.rewritten {
				return fmt.Errorf("the rewritten file would fail%s: %s", advice, failure)
			}
		}
	}
	return nil
}

var errLayout = errors.New("its layout is too unusual to be changed in place")

// split cuts a line where a value begins.
func (e *edit) split(lines []string) (before, rest string, err error) {
	n := e.value.Line() - 1
	if n < 0 || n >= len(lines) {
		return "", "", errLayout
	}
	letters := []rune(lines[n])
	column := e.value.Column() - 1
	if column < 0 || column > len(letters) {
		return "", "", errLayout
	}
	return string(letters[:column]), string(letters[column:]), nil
}

// applyValue writes a single value again.
func (e *edit) applyValue(lines []string) error {
	before, rest, err := e.split(lines)
	if err != nil {
		return err
	}
	for _, quotes := range [...]string{"", `"`, "'"} {
		if after, ok := strings.CutPrefix(rest, quotes+e.old+quotes); ok {
			lines[e.value.Line()-1] = before + quotes + e.text + quotes + after
			return nil
		}
	}
	return errLayout
}

// applyFlags writes a list of flags again.
func (e *edit) applyFlags(lines []string) ([]string, error) {
	before, rest, err := e.split(lines)
	if err != nil {
		return lines, err
	}
	n := e.value.Line() - 1
	items, _ := e.value.List("")
	if strings.HasPrefix(rest, "[") {
		return e.applyFlow(lines, n, before, rest, items)
	}
	// A list of one line an item, from line n on.
	last := items[len(items)-1].Line() - 1
	key := n - 1
	for key >= 0 && !strings.HasSuffix(strings.TrimRight(withoutComment(lines[key]), " \t"), "flags:") {
		key--
	}
	if key < 0 || last >= len(lines) {
		return lines, errLayout
	}
	for i := range items {
		if text := lines[items[i].Line()-1]; !strings.HasPrefix(strings.TrimLeft(text, " "), "- ") || i > 0 && items[i].Line() == items[i-1].Line() {
			return lines, errLayout
		}
		if !wholeOn(lines, items, i) {
			return lines, errLayout
		}
	}
	indent := lines[n][:len(lines[n])-len(strings.TrimLeft(lines[n], " "))]
	var list []string
	// block returns the lines of an old item, with the comments above it.
	block := func(i int) []string {
		from := key + 1
		if i > 0 {
			from = items[i-1].Line()
		}
		return lines[from:items[i].Line()]
	}
	for _, f := range e.flags {
		switch {
		case f.kept >= 0:
			list = append(list, block(f.kept)...)
			continue
		case f.model >= 0:
			old := block(f.model)
			list = append(list, old[:len(old)-1]...)
			line := old[len(old)-1]
			comment := strings.TrimPrefix(line, withoutComment(line))
			list = append(list, indent+"- "+plain(f.text)+comment)
			continue
		}
		list = append(list, indent+"- "+plain(f.text))
	}
	if len(e.flags) == 0 {
		at := strings.LastIndex(lines[key], "flags:") + len("flags:")
		lines[key] = lines[key][:at] + " []" + lines[key][at:]
	}
	return slices.Concat(lines[:key+1], list, lines[last+1:]), nil
}

// wholeOn reports whether an item is on one line: up to the next item there are
// only comments and blank lines, and behind the last nothing that is further in.
func wholeOn(lines []string, items []strictyaml.Value, i int) bool {
	if i+1 == len(items) {
		dash := strings.IndexByte(lines[items[i].Line()-1], '-')
		for _, line := range lines[items[i].Line():] {
			if text := strings.TrimLeft(line, " "); text != "" && text[0] != '#' {
				return len(line)-len(text) <= dash
			}
		}
		return true
	}
	for _, line := range lines[items[i].Line() : items[i+1].Line()-1] {
		if text := strings.TrimSpace(line); text != "" && text[0] != '#' {
			return false
		}
	}
	return true
}

// applyFlow writes a list that stands in brackets again: below its key, or in
// brackets again where it stands within braces.
func (e *edit) applyFlow(lines []string, n int, before, rest string, items []strictyaml.Value) ([]string, error) {
	if len(items) > 0 {
		return lines, errLayout
	}
	end := strings.IndexByte(rest, ']')
	key := strings.LastIndex(before, "flags:")
	if end < 0 || key < 0 {
		return lines, errLayout
	}
	if strings.ContainsRune(before, '{') {
		texts := make([]string, len(e.flags))
		for i, f := range e.flags {
			texts[i] = "'" + strings.ReplaceAll(f.text, "'", "''") + "'"
		}
		lines[n] = before + "[" + strings.Join(texts, ", ") + rest[end:]
		return lines, nil
	}
	indent := strings.Repeat(" ", len([]rune(before[:key]))+2)
	list := make([]string, len(e.flags))
	for i, f := range e.flags {
		list[i] = indent + "- " + plain(f.text)
	}
	lines[n] = strings.TrimRight(before, " ") + rest[end+1:]
	return slices.Concat(lines[:n+1], list, lines[n+1:]), nil
}

// plain writes a line of a list so that YAML reads it as such: in quotes where
// something in it would mean something else.
func plain(s string) string {
	_, behind, _ := strings.Cut(s, ": ")
	if !strings.Contains(behind, ": ") && !strings.Contains(s, " #") && !strings.HasSuffix(s, ":") && strings.IndexFunc(s, unicode.IsControl) < 0 {
		return s
	}
	return strconv.Quote(s)
}

// withoutComment cuts a comment and the spaces before it off a line. A line with
// quotes is left alone: what looks like a comment may stand within them.
func withoutComment(line string) string {
	text, _, found := strings.Cut(line, " #")
	if !found || strings.ContainsAny(text, `"'`) {
		return line
	}
	return strings.TrimRight(text, " ")
}

// Changed reports whether Update would change the file.
func (f *File) Changed(updated []byte) bool { return !bytes.Equal(f.source, updated) }
