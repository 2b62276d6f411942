package strictyaml

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// MaxBytes is the largest document that is read.
const MaxBytes = 4 << 20

// Document is one reading: it collects the mistakes.
type Document struct {
	mistakes Mistakes
}

// Value is one place of a document.
type Value struct {
	Path string
	Key  string // the last key of the path, as it is written
	doc  *Document
	node *yaml.Node
}

// Read returns the document and its root. If it cannot be read at all, the root
// is empty (Exists is false) and Err says why.
func Read(data []byte) (*Document, Value) {
	d := &Document{}
	root := Value{doc: d}
	if len(data) > MaxBytes {
		root.Wrong(fmt.Sprintf("the file has %d bytes", len(data)), fmt.Sprintf("at most %d", MaxBytes))
		return d, root
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF):
		root.Wrong("the file is empty", "")
		return d, root
	case err != nil:
		d.mistakes = append(d.mistakes, syntax(err))
		return d, root
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		d.mistakes = append(d.mistakes, Mistake{Line: second.Line, Problem: "a second document begins here", Accepted: "one document a file"})
	case !errors.Is(err, io.EOF):
		d.mistakes = append(d.mistakes, syntax(err))
		return d, root
	}
	if first.Kind == yaml.DocumentNode && len(first.Content) == 1 {
		root.node = first.Content[0]
	}
	return d, root
}

// syntax converts the YAML reader's error, which carries its line in its text,
// into a mistake.
func syntax(err error) Mistake {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	m := Mistake{Problem: text, Accepted: "YAML"}
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if number, problem, ok := strings.Cut(rest, ": "); ok {
			if line, err := strconv.Atoi(number); err == nil {
				m.Line, m.Problem = line, problem
			}
		}
	}
	switch m.Problem { // what people write most often, which the reader's words do not say
	case "found character that cannot start any token":
		m.Accepted = "YAML, indented with spaces and not with tabs; " + signsInQuotes
	case "did not find expected comment or line break":
		m.Accepted = "YAML; " + signsInQuotes
	}
	return m
}

const signsInQuotes = `in quotes what begins with a sign, as ">= 3"`

// Err returns all Mistakes found so far, nil if there are none.
func (d *Document) Err() error {
	if len(d.mistakes) == 0 {
		return nil
	}
	d.mistakes = d.mistakes.sorted()
	return d.mistakes
}

// Wrong notes a mistake that is on no line of the document.
func (d *Document) Wrong(problem, accepted string) {
	d.mistakes = append(d.mistakes, Mistake{Problem: problem, Accepted: accepted})
}

// Exists reports whether there is something at this place.
func (v Value) Exists() bool { return v.node != nil }

// Line returns the line of the place, 0 if there is nothing.
func (v Value) Line() int {
	if v.node == nil {
		return 0
	}
	return v.node.Line
}

// Column returns the column of the place, in letters counted from 1, 0 if there is
// nothing.
func (v Value) Column() int {
	if v.node == nil {
		return 0
	}
	return v.node.Column
}

// Wrong notes a mistake at this place.
func (v Value) Wrong(problem, accepted string) {
	v.doc.mistakes = append(v.doc.mistakes, Mistake{Path: v.Path, Line: v.Line(), Problem: problem, Accepted: accepted})
}

// Mistakes returns how many mistakes were noted so far in the whole document.
func (v Value) Mistakes() int { return len(v.doc.mistakes) }

// Missing notes that what must be there, at the path below this place, is not.
func (v Value) Missing(accepted string, path ...string) {
	at := v
	for _, key := range path {
		at.Path = join(at.Path, key)
	}
	at.Wrong("missing", accepted)
}

// Unknown notes that a key is none of the known ones and names the nearest.
func (v Value) Unknown(what string, known []string) {
	problem := "no such " + what
	if near := Nearest(v.Key, known); near != "" {
		problem += fmt.Sprintf(", did you mean %s?", near)
	}
	v.Wrong(problem, strings.Join(known, ", "))
}

// Fields calls f for each key of a mapping, in the order of the file. A value
// that is no mapping, or a key written twice, is a mistake. A mapping that was
// left empty has no keys.
func (v Value) Fields(f func(key string, field Value)) {
	if v.node == nil || v.Null() || !v.plain() {
		return
	}
	if v.node.Kind != yaml.MappingNode {
		v.Wrong("is "+v.kind(), "a mapping (key: value)")
		return
	}
	seen := make(map[string]int, len(v.node.Content)/2)
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key, node := v.node.Content[i], v.node.Content[i+1]
		field := Value{Path: join(v.Path, key.Value), Key: key.Value, doc: v.doc, node: node}
		at := field
		at.node = key
		switch {
		case key.Kind != yaml.ScalarNode || key.Value == "":
			at.Path = v.Path
			at.Wrong("has a key that is no word", "words as keys")
		case key.Value == "<<" || !at.plain():
			if key.Value == "<<" {
				at.Wrong("merge keys are not read", "the keys themselves")
			}
		case seen[key.Value] != 0:
			at.Wrong(fmt.Sprintf("written twice, first on line %d", seen[key.Value]), "each key once")
		default:
			seen[key.Value] = key.Line
			f(key.Value, field)
		}
	}
}

// Record is Fields for a mapping with known keys: any other is a mistake.
func (v Value) Record(known []string, f func(key string, field Value)) {
	v.Fields(func(key string, field Value) {
		if !slices.Contains(known, key) {
			field.Unknown("key", known)
			return
		}
		f(key, field)
	})
}

// List returns the items of a list; any other value is a mistake.
func (v Value) List(accepted string) ([]Value, bool) {
	if !v.plain() {
		return nil, false
	}
	if v.node == nil || v.node.Kind != yaml.SequenceNode {
		v.Wrong("is "+v.kind(), accepted)
		return nil, false
	}
	items := make([]Value, len(v.node.Content))
	for i, n := range v.node.Content {
		items[i] = Value{Path: v.Path + "[" + strconv.Itoa(i) + "]", Key: v.Key, doc: v.doc, node: n}
	}
	return items, true
}

// IsList reports whether the value is a list.
func (v Value) IsList() bool { return v.node != nil && v.node.Kind == yaml.SequenceNode }

// IsMapping reports whether the value is a mapping.
func (v Value) IsMapping() bool { return v.node != nil && v.node.Kind == yaml.MappingNode }

// Any returns whatever is written as encoding/json would read it: nil, bool,
// json.Number, string, []any or map[string]any. A number that JSON cannot write
// is a string.
func (v Value) Any() any {
	switch {
	case v.node == nil || v.Null() || !v.plain():
		return nil
	case v.IsMapping():
		m := map[string]any{}
		v.Fields(func(key string, field Value) { m[key] = field.Any() })
		return m
	case v.IsList():
		items, _ := v.List("")
		list := make([]any, len(items))
		for i := range items {
			list[i] = items[i].Any()
		}
		return list
	}
	s := v.node.Value
	switch v.node.Tag {
	case "!!bool":
		if s == "true" || s == "false" {
			return s == "true"
		}
	case "!!int", "!!float":
		if json.Valid([]byte(s)) {
			return json.Number(s)
		}
	}
	return s
}

// Null reports whether the value was left empty.
func (v Value) Null() bool {
	return v.node != nil && v.node.Kind == yaml.ScalarNode && v.node.Tag == "!!null"
}

// Text returns a word or a sentence as it is written, without white space around
// it. A list, a mapping or nothing at all is a mistake.
func (v Value) Text(accepted string) (string, bool) {
	if !v.plain() {
		return "", false
	}
	if v.node == nil || v.node.Kind != yaml.ScalarNode || v.Null() {
		v.Wrong("is "+v.kind(), accepted)
		return "", false
	}
	s := strings.TrimSpace(v.node.Value)
	if s == "" {
		v.Wrong("is empty", accepted)
		return "", false
	}
	return s, true
}

// Word returns a Text that is one of the allowed.
func (v Value) Word(allowed []string) (string, bool) {
	accepted := strings.Join(allowed, ", ")
	s, ok := v.Text(accepted)
	if !ok {
		return "", false
	}
	if slices.Contains(allowed, s) {
		return s, true
	}
	problem := quote(s) + " is not known"
	if near := Nearest(s, allowed); near != "" {
		problem += fmt.Sprintf(", did you mean %s?", near)
	}
	v.Wrong(problem, accepted)
	return "", false
}

// Bool returns true or false.
func (v Value) Bool() (bool, bool) {
	s, ok := v.Text("true or false")
	if !ok {
		return false, false
	}
	if s != "true" && s != "false" {
		v.Wrong(quote(s)+" is neither true nor false", "true or false")
		return false, false
	}
	return s == "true", true
}

// Number returns a finite number within [least, most].
func (v Value) Number(least, most float64, accepted string) (float64, bool) {
	s, ok := v.Text(accepted)
	if !ok {
		return 0, false
	}
	n, ok := ParseNumber(s)
	if !ok {
		v.Wrong(quote(s)+" is no number", accepted)
		return 0, false
	}
	if n < least || n > most {
		v.Wrong(s+" is out of range", accepted)
		return 0, false
	}
	return n, true
}

// Whole returns a whole number within [least, most].
func (v Value) Whole(least, most int64) (int64, bool) {
	accepted := fmt.Sprintf("a whole number from %d to %d", least, most)
	s, ok := v.Text(accepted)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		v.Wrong(quote(s)+" is no whole number", accepted)
		return 0, false
	}
	if n < least || n > most {
		v.Wrong(s+" is out of range", accepted)
		return 0, false
	}
	return n, true
}

// Duration returns a span of time such as 90s, 10m, 1h30m or 7d, within
// [least, most].
func (v Value) Duration(least, most time.Duration) (time.Duration, bool) {
	accepted := fmt.Sprintf("a span of time such as 90s, 10m, 1h or 7d, from %s to %s", Span(least), Span(most))
	s, ok := v.Text(accepted)
	if !ok {
		return 0, false
	}
	d, ok := parseSpan(s)
	if !ok {
		v.Wrong(quote(s)+" is no span of time", accepted)
		return 0, false
	}
	if d < least || d > most {
		v.Wrong(s+" is out of range", accepted)
		return 0, false
	}
	return d, true
}

// ParseNumber reads a finite decimal number and nothing else: no hexadecimal,
// no infinity, no underscores.
func ParseNumber(s string) (float64, bool) {
	if strings.Trim(s, "0123456789.eE+-") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && !math.IsInf(n, 0) && !math.IsNaN(n)
}

// parseSpan reads a Go duration that may begin with days.
func parseSpan(s string) (time.Duration, bool) {
	var days time.Duration
	if number, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return 0, false
		}
		days, s = time.Duration(n)*24*time.Hour, rest
		if s == "" {
			return days, true
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, false
	}
	return days + d, true
}

// Span writes a span of time as briefly as it can be read: 48h, 10m, 7d.
func Span(d time.Duration) string {
	if d >= 72*time.Hour && d%(24*time.Hour) == 0 {
		return strconv.FormatInt(int64(d/(24*time.Hour)), 10) + "d"
	}
	s := d.String()
	if d%time.Minute == 0 && d > 0 {
		s = strings.TrimSuffix(s, "0s")
	}
	if d%time.Hour == 0 && d > 0 {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// plain notes a mistake where a value is written with an alias, an anchor or a
// tag of its own.
func (v Value) plain() bool {
	switch {
	case v.node == nil:
	case v.node.Kind == yaml.AliasNode || v.node.Anchor != "":
		v.Wrong("anchors and aliases are not read", "the value itself")
		return false
	case v.node.Style&yaml.TaggedStyle != 0:
		v.Wrong("tags are not read", "the value without its tag")
		return false
	}
	return true
}

// kind names what is written at a place.
func (v Value) kind() string {
	switch {
	case v.node == nil:
		return "missing"
	case v.Null():
		return "empty"
	case v.node.Kind == yaml.SequenceNode:
		return "a list"
	case v.node.Kind == yaml.MappingNode:
		return "a mapping"
	}
	return "a single value"
}

// quote shows a value of the file in a problem, cut where it is long.
func quote(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "..."
	}
	return strconv.Quote(s)
}

// join adds a key to a path; a key that could be misread there is quoted.
func join(path, key string) string {
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r == '.' || r == '"' || !strconv.IsPrint(r) }) {
		key = quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// OrUnread returns the text if ok and else a stand-in for it, so that a key whose
// value could not be read is not reported as missing too.
func OrUnread(text string, ok bool) string {
	if ok {
		return text
	}
	return "unread"
}
