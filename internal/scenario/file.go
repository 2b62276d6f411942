package scenario

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/strictyaml"
)

// File is one test file.
type File struct {
	Cases  []*Case
	policy *policy.Policy // what it says to judge by, nil for the shipped one
	source []byte
	open   func(name string) ([]byte, error)
}

// Case is one story and what is expected of it.
type Case struct {
	Name  string
	Line  int
	start int64 // ms

	senders []sender // the first is meant where a line names none
	watch   []event.Factor
	actions []action
	expects []expect
}

// sender is a number as a case declares it.
type sender struct {
	id, waba, portfolio string
	profile             map[string]any // fields of its number.profile, nil for none
}

// defaultStart is when a case begins that does not say: a Monday morning.
const defaultStart = "2026-03-02T09:00:00Z"

// defaultNumber is the number of a case that declares none.
const defaultNumber = "n1"

var (
	fileKeys   = []string{"policy", "start", "numbers", "watch", "cases"}
	caseKeys   = []string{"name", "start", "numbers", "watch", "events", "expect"}
	numberKeys = []string{"waba", "portfolio", "country", "registered", "last_active", "connection", "origin", "inputs"}
)

// Read reads a test file. Open returns the contents of a policy file that it
// names, by the path written there. The error is strictyaml.Mistakes: all of them.
func Read(data []byte, open func(name string) ([]byte, error)) (*File, error) {
	doc, root := strictyaml.Read(data)
	f := &File{source: slices.Clone(data), open: open}
	var start, numbers, watch, cases strictyaml.Value
	root.Record(fileKeys, func(key string, v strictyaml.Value) {
		switch key {
		case "policy":
			f.readPolicy(v)
		case "start":
			start = v
		case "numbers":
			numbers = v
		case "watch":
			watch = v
		case "cases":
			cases = v
		}
	})
	switch {
	case cases.Exists():
		items, _ := cases.List("a list of cases")
		names := map[string]bool{}
		for _, item := range items {
			c := readCase(item, start, numbers, watch)
			if names[c.Name] && c.Name != "" {
				item.Wrong("another case has the same name", "each name once")
			}
			names[c.Name] = true
			f.Cases = append(f.Cases, c)
		}
		if len(items) == 0 && cases.IsList() {
			cases.Wrong("is empty", "a list of cases")
		}
	case root.Exists():
		root.Missing("a list of cases", "cases")
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return f, nil
}

// readCase reads a case; start, numbers and watch are the file's, used where
// the case has none of its own.
func readCase(v, start, numbers, watch strictyaml.Value) *Case {
	c := &Case{Line: v.Line()}
	if !v.IsMapping() {
		v.Wrong("is no case", "a mapping with "+strings.Join(caseKeys, ", "))
		return c
	}
	var events, expects strictyaml.Value
	v.Record(caseKeys, func(key string, v strictyaml.Value) {
		switch key {
		case "name":
			c.Name, _ = v.Text("a sentence")
		case "start":
			start = v
		case "numbers":
			numbers = v
		case "watch":
			watch = v
		case "events":
			events = v
		case "expect":
			expects = v
		}
	})
	if c.Name == "" {
		v.Missing("a sentence that says what is shown", "name")
	}
	c.readStart(start)
	c.readNumbers(numbers)
	c.readWatch(watch)
	if !events.Exists() {
		v.Missing("a list of lines such as "+exampleAction, "events")
	} else {
		c.readActions(events)
	}
	if !expects.Exists() {
		v.Missing("a list of expectations, each with at", "expect")
	} else {
		c.readExpects(expects)
	}
	return c
}

func (c *Case) readStart(v strictyaml.Value) {
	text := defaultStart
	if v.Exists() {
		text, _ = v.Text("a time in RFC 3339")
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err == nil {
		c.start = t.UnixMilli()
	}
	if text != "" && (err != nil || c.start < codec.MinTime || t.Year() > 2200) {
		v.Wrong("is no time that an event may have", "RFC 3339 from 2009 on, such as "+defaultStart)
		c.start = codec.MinTime
	}
}

// readNumbers reads the declared numbers. What a profile would say becomes the
// number.profile with which the case begins.
func (c *Case) readNumbers(v strictyaml.Value) {
	v.Fields(func(id string, v strictyaml.Value) {
		s := sender{id: id}
		var home strictyaml.Value
		profile := map[string]any{}
		v.Record(numberKeys, func(key string, v strictyaml.Value) {
			switch key {
			case "waba":
				s.waba, _ = v.Text("the id of a WABA")
			case "portfolio":
				s.portfolio, _ = v.Text("the id of a portfolio")
			case "registered", "last_active":
				if text, ok := v.Text(acceptedTime); ok {
					t, ok := parseTime(text, c.start)
					if !ok {
						v.Wrong("is no time", acceptedTime)
					}
					profile[key+"_at"] = t
				}
			case "country":
				home = v
				if text, ok := v.Text("two letters"); ok {
					profile[key] = country(v, text)
				}
			case "connection":
				if text, ok := v.Text("cloud_api, business_app, web_session"); ok {
					profile[key] = connection(v, text)
				}
			case "inputs":
				if text, ok := v.Text(acceptedInputs); ok {
					profile[key] = inputs(v, text)
				}
			case "origin":
				if text, ok := v.Text("sim, voip"); ok {
					profile[key] = origin(v, text)
				}
			}
		})
		if len(profile) > 0 {
			s.profile = profile
			if !home.Exists() {
				v.Missing("two letters: a number.profile has one", "country")
			}
		}
		c.senders = append(c.senders, s)
	})
	if len(c.senders) == 0 {
		c.senders = []sender{{id: defaultNumber}}
	}
}

// readWatch reads which factors' flags are compared; none for all.
func (c *Case) readWatch(v strictyaml.Value) {
	if !v.Exists() {
		return
	}
	items, _ := v.List("a list of factors")
	for _, item := range items {
		if f, ok := readFactor(item); ok {
			c.watch = append(c.watch, f)
		}
	}
}

// readFactor reads the name of a factor that has flags.
func readFactor(v strictyaml.Value) (event.Factor, bool) {
	name, ok := v.Word(factorNames())
	if !ok {
		return 0, false
	}
	return event.ParseFactor(name)
}

func factorNames() []string {
	var names []string
	for f := range event.NumFactors {
		if f.Flags() {
			names = append(names, f.String())
		}
	}
	return names
}

// sender finds a declared number, by its place in senders; empty is the first.
func (c *Case) sender(id string) (int, bool) {
	if id == "" {
		return 0, true
	}
	i := slices.IndexFunc(c.senders, func(s sender) bool { return s.id == id })
	return i, i >= 0
}

func (c *Case) senderNames() string {
	var names []string
	for i := range c.senders {
		names = append(names, c.senders[i].id)
	}
	return "a number of the case: " + strings.Join(names, ", ")
}

// readPolicy reads what the file judges by: the path of a policy file, or what
// differs from the shipped policy.
func (f *File) readPolicy(v strictyaml.Value) {
	const accepted = "the path of a policy file, seen from this file, or what differs from the shipped policy"
	if v.IsMapping() {
		f.readInline(v)
		return
	}
	name, ok := v.Text(accepted)
	if !ok {
		return
	}
	data, err := f.open(name)
	if err != nil {
		v.Wrong("cannot be read: "+err.Error(), accepted)
		return
	}
	if f.policy, err = policy.Load(data); err != nil {
		v.Wrong(name+": "+err.Error(), "")
	}
}

// readInline reads changes of the shipped policy. The mistakes that the policy
// names are noted where the changes are written.
func (f *File) readInline(v strictyaml.Value) {
	changes, ok := v.Any().(map[string]any)
	if !ok {
		return
	}
	places := map[string]strictyaml.Value{}
	note(v, places)
	for _, key := range []string{"name", "extends"} {
		if p, ok := places[v.Path+"."+key]; ok {
			p.Wrong("is given: the changes extend the shipped policy", "no "+key)
		}
	}
	changes["name"], changes["extends"] = "inline", policy.DefaultName
	text, err := json.Marshal(changes)
	if err != nil {
		v.Wrong(err.Error(), "the keys of a policy file")
		return
	}
	p, err := policy.Load(text)
	f.policy = p
	if err == nil {
		return
	}
	var mistakes strictyaml.Mistakes
	if !errors.As(err, &mistakes) {
		v.Wrong(err.Error(), "")
	}
	for _, m := range mistakes {
		path := v.Path + "." + m.Path
		at, found := places[path]
		for !found && path != "" {
			path = path[:max(0, strings.LastIndexAny(path, ".["))]
			at, found = places[path]
		}
		if !found {
			at = v
		}
		at.Path = v.Path + "." + m.Path
		at.Wrong(m.Problem, m.Accepted)
	}
}

// note remembers every place at and below v by its path.
func note(v strictyaml.Value, places map[string]strictyaml.Value) {
	places[v.Path] = v
	switch {
	case v.IsMapping():
		v.Fields(func(_ string, v strictyaml.Value) { note(v, places) })
	case v.IsList():
		items, _ := v.List("")
		for _, item := range items {
			note(item, places)
		}
	}
}

// Policy returns what the file is judged by.
func (f *File) Policy() *policy.Policy {
	if f.policy == nil {
		return policy.Default()
	}
	return f.policy
}

// entry reads an item such as `at 2h on n2: 3 sends`: the time, whom it is
// about (empty if not said), and what stands behind the colon. The item is a
// mapping of one key, or the same as one text.
func (c *Case) entry(v strictyaml.Value, example string) (at int64, on string, body strictyaml.Value, text string, ok bool) {
	accepted := "at TIME: WHAT or at TIME on NAME: WHAT, such as " + example
	var key string
	if v.IsMapping() {
		keys := 0
		v.Fields(func(k string, field strictyaml.Value) {
			key, body = k, field
			keys++
		})
		if keys != 1 {
			v.Wrong("has not exactly one key", accepted)
			return 0, "", body, "", false
		}
	} else {
		line, ok := v.Text(accepted)
		if !ok {
			return 0, "", body, "", false
		}
		var found bool
		if key, text, found = strings.Cut(line, ": "); !found {
			v.Wrong("has no \": \" behind its time", accepted)
			return 0, "", body, "", false
		}
		body = v
	}
	words, ok := tokens(key)
	r := reader{words}
	if !ok || !r.skip("at") {
		v.Wrong("does not begin with at TIME", accepted)
		return 0, "", body, "", false
	}
	word, _ := r.next()
	if at, ok = parseTime(word.text, c.start); !ok {
		v.Wrong(quote(word.text)+" is no time", acceptedTime)
		return 0, "", body, "", false
	}
	if r.skip("on") {
		word, _ = r.next()
		on = word.text
	}
	if len(r.rest) > 0 {
		v.Wrong(quote(r.rest[0].text)+" behind the time", accepted)
		return 0, "", body, "", false
	}
	return at, on, body, text, true
}
