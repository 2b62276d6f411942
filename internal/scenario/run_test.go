package scenario

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// read reads a file that has no mistakes.
func read(t testing.TB, data []byte) *File {
	t.Helper()
	f, err := Read(data, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestUpdate rewrites a file of odd layouts. What was met, comments, order and
// blank lines stay; what is written is met, and the difference that a person
// sees is the other golden file.
func TestUpdate(t *testing.T) {
	before, err := os.ReadFile("testdata/update/layout.before.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f := read(t, before)
	results := f.Run(nil)
	var shown strings.Builder
	for i := range results {
		for _, failure := range results[i].Failures {
			shown.WriteString(failure.String() + "\n")
		}
	}
	golden(t, "testdata/update/layout.golden", shown.String())
	after, err := f.Update(results)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/update/layout.after.yaml", string(after))
	f = read(t, after)
	for _, r := range f.Run(nil) {
		if len(r.Failures) > 0 {
			t.Errorf("%s fails after the update: %v", r.Case.Name, r.Failures)
		}
	}
	again, err := f.Update(f.Run(nil))
	if err != nil || f.Changed(again) {
		t.Errorf("a second update changes the file: %v", err)
	}
}

// TestUpdateRefuses takes layouts that cannot be changed in place: the file is
// not given, and the error says which line.
func TestUpdateRefuses(t *testing.T) {
	for _, text := range []string{
		"cases: [{name: x, events: [at 0s: 1 send], expect: [{at: 0s, flags: ['at 0s: velocity_hour raised']}]}]",
		"cases:\n- name: x\n  events: [at 0s: 1 send]\n  expect:\n  - at: 0s\n    score: \"\\u0031\"\n",
		"cases:\n- name: x\n  events: [at 0s: 1 send]\n  expect:\n  - at: 0s\n    flags:\n    - at 0s: velocity_hour\n        raised\n",
	} {
		f := read(t, []byte(text))
		got, err := f.Update(f.Run(nil))
		if err == nil {
			t.Errorf("rewritten:\n%s\nas:\n%s", text, got)
		} else if !strings.Contains(err.Error(), "line ") || !strings.Contains(err.Error(), "by hand") {
			t.Errorf("the error does not say where and what to do: %v", err)
		}
	}
}

// TestShippedExamples plays the examples that document the shipped policies.
func TestShippedExamples(t *testing.T) {
	names, err := filepath.Glob("../../schemas/policy/tests/*.yaml")
	if err != nil || len(names) < 9 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Read(data, func(policy string) ([]byte, error) {
			return os.ReadFile(filepath.Join(filepath.Dir(name), policy))
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, r := range f.Run(nil) {
			for _, failure := range r.Failures {
				t.Errorf("%s: %s\n%s", name, r.Case.Name, failure)
			}
		}
	}
}

// TestAnotherPolicyJudges plays an example by a policy that is stricter.
func TestAnotherPolicyJudges(t *testing.T) {
	strict, err := policy.Load([]byte("name: strict\nextends: default\nprofiles: {community: {factors: {velocity_hour: {warn: \">= 2\"}}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	f := read(t, []byte("cases: [{name: x, watch: [velocity_hour], events: [at 0s: 2 sends], expect: [{at: 0s, flags: []}]}]"))
	if r := f.Run(nil); len(r[0].Failures) > 0 {
		t.Errorf("by its own policy: %v", r[0].Failures)
	}
	r := f.Run(strict)
	if len(r[0].Failures) == 0 || !strings.Contains(r[0].Failures[0].String(), "+ at 0s: velocity_hour raised to warn, value 2") {
		t.Errorf("by the stricter one: %v", r[0].Failures)
	}
	updated, err := f.Update(r)
	if err != nil || !bytes.Contains(updated, []byte("'at 0s: velocity_hour raised to warn, value 2, eta 17700'")) && !bytes.Contains(updated, []byte("'at 0s: velocity_hour raised to warn, value 2'")) {
		t.Errorf("%v\n%s", err, updated)
	}
}

// TestRawEventsFailLoudly takes events as mappings that are none: a typing error
// must not make a test pass.
func TestRawEventsFailLoudly(t *testing.T) {
	for raw, want := range map[string]string{
		"{type: message.snt}":                    "unknown type",
		"{type: message.sent, kind: text}":       "message_id",
		"{type: number.quality, rating: PURPLE}": "rating",
	} {
		f := read(t, []byte("cases: [{name: x, events: [at 0s: 1 send, at 1s: "+raw+"], expect: [{at: 1s, score: 90}]}]"))
		r := f.Run(nil)
		if len(r[0].Failures) == 0 || !strings.Contains(r[0].Failures[0].String(), want) || len(r[0].Unwritten()) != 1 {
			t.Errorf("%s: %v", raw, r[0].Failures)
		}
	}
}

// TestNothingKnown expects something of a number before it was known.
func TestNothingKnown(t *testing.T) {
	f := read(t, []byte("cases: [{name: x, numbers: {a: , b: }, events: [at 1h: 1 send], expect: [{at: 1m, score: 90}, {at: 2h, number: b, score: 1}]}]"))
	r := f.Run(nil)
	if len(r[0].Failures) != 2 || len(r[0].Unwritten()) != 2 {
		t.Errorf("%v", r[0].Failures)
	}
}

// TestLog compares the events that lines become with those written by hand.
func TestLog(t *testing.T) {
	f := read(t, []byte(`
cases:
  - name: x
    start: 2026-01-01T00:00:00Z
    numbers: {n1: {waba: w1, portfolio: p1, country: de, registered: -1d}, n2: }
    events:
      - at 1s: 2 sends, one every 1s, template a/en (utility), opt-in, in fr, link x.com/a, link y.com
      - at 5s on n2: 1 send to the last contact, text "a, ""b"""
      - at 6s: 3 replies from contacts 1-2, kind image
      - at 7s: restricted for 1h, portfolio p9
      - at 8s: {type: number.quality, rating: RED, waba_id: null, x: [1, 2.5, true, "3", ~]}
      - at 9s: failed to contact "+49151", code 131048, recorded 1m
      - at 2m: repeat
    expect: [{at: 1s, score: 90}]
`))
	want := `{"id":"e0","type":"number.profile","time":1767225600000,"number_id":"n1","waba_id":"w1","portfolio_id":"p1","country":"de","registered_at":1767139200000}
{"id":"e1","type":"message.sent","time":1767225601000,"number_id":"n1","waba_id":"w1","portfolio_id":"p1","message_id":"m1","contact":"contact-1","kind":"template","template":{"name":"a","language":"en","category":"utility"},"opt_in":true,"links":["x.com/a","y.com"],"contact_country":"fr"}
{"id":"e2","type":"message.sent","time":1767225602000,"number_id":"n1","waba_id":"w1","portfolio_id":"p1","message_id":"m2","contact":"contact-2","kind":"template","template":{"name":"a","language":"en","category":"utility"},"opt_in":true,"links":["x.com/a","y.com"],"contact_country":"fr"}
{"id":"e3","type":"message.sent","time":1767225605000,"number_id":"n2","message_id":"m3","contact":"contact-2","kind":"text","text":"a, \"b\""}
{"id":"e4","type":"message.received","time":1767225606000,"number_id":"n1","waba_id":"w1","portfolio_id":"p1","message_id":"m4","contact":"contact-1","kind":"image"}
{"id":"e5","type":"message.received","time":1767225606000,"number_id":"n1","waba_id":"w1","portfolio_id":"p1","message_id":"m5","contact":"contact-2","kind":"image"}
{"id":"e6","type":"message.received","time":1767225606000,"number_id":"n1","waba_id":"w1","portfolio_id":"p1","message_id":"m6","contact":"contact-1","kind":"image"}
{"id":"e7","type":"account.update","time":1767225607000,"portfolio_id":"p9","scope":"portfolio","state":"restricted","expires_at":1767229207000}
{"id":"e8","number_id":"n1","portfolio_id":"p1","rating":"RED","time":1767225608000,"type":"number.quality","waba_id":null,"x":[1,2.5,true,"3",null]}
{"_record_time":1767225660000,"id":"e9","type":"message.status","time":1767225609000,"number_id":"n1","waba_id":"w1","portfolio_id":"p1","message_id":"m9","contact":"+49151","status":"failed","error_code":131048}
{"_record_time":1767225720000,"id":"e9","type":"message.status","time":1767225609000,"number_id":"n1","waba_id":"w1","portfolio_id":"p1","message_id":"m9","contact":"+49151","status":"failed","error_code":131048}
`
	if diff := cmp.Diff(want, string(f.Cases[0].Log())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestAlign pairs lists of flags: a line that is missing, one too many, and one
// that differs each cost no more than themselves.
func TestAlign(t *testing.T) {
	flags := func(times ...int64) []event.Flag {
		var list []event.Flag
		for _, at := range times {
			list = append(list, event.Flag{EventTime: at, NumberID: "n"})
		}
		return list
	}
	wanted := func(times ...int64) []wantedFlag {
		var list []wantedFlag
		for _, at := range times {
			list = append(list, wantedFlag{at: at, subject: "n"})
		}
		return list
	}
	for _, c := range []struct {
		want []wantedFlag
		got  []event.Flag
		same int
	}{
		{wanted(1, 2, 3), flags(1, 2, 3), 3},
		{wanted(1, 2, 3), flags(1, 3), 2},
		{wanted(1, 3), flags(1, 2, 3), 2},
		{wanted(1, 2, 3), flags(1, 4, 3), 2},
		{wanted(2, 3, 4, 1), flags(1, 2, 3, 4), 3},
		{nil, flags(1), 0},
		{wanted(1), nil, 0},
	} {
		var gotWant, gotGot []int
		same := 0
		for _, s := range align(c.want, c.got) {
			if s.want >= 0 {
				gotWant = append(gotWant, s.want)
			}
			if s.got >= 0 {
				gotGot = append(gotGot, s.got)
			}
			if s.want >= 0 && s.got >= 0 {
				same++
			}
		}
		if same != c.same || !slices.IsSorted(gotWant) || !slices.IsSorted(gotGot) || len(gotWant) != len(c.want) || len(gotGot) != len(c.got) {
			t.Errorf("%v and %v: %d pairs, %v, %v", c.want, c.got, same, gotWant, gotGot)
		}
	}
}

// TestLooseWords reads a span whose unit stands apart and a template without a
// language, as one writes them without looking them up.
func TestLooseWords(t *testing.T) {
	f, err := Read([]byte(`cases:
  - name: loose
    events:
      - at 0s: 40 sends, one every 3 s, template X
      - at 2m: restricted for 2 d
    expect:
      - at: 1m57s
        facts: {sent_1m: 20, identical_1h: 40}
      - at: 3d
        facts: {restriction: none}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, failure := range f.Run(nil)[0].Failures {
		t.Error(failure)
	}
}

// TestExplanation holds the page that explains the format: its example runs, and
// it names every action, phrase and key.
func TestExplanation(t *testing.T) {
	data, err := os.ReadFile("../../schemas/policy/TESTING.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	_, example, _ := strings.Cut(page, "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	f, err := Read([]byte(example), func(string) ([]byte, error) { return []byte("name: mine\nextends: default\n"), nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range f.Run(nil) {
		for _, failure := range r.Failures {
			t.Error(failure)
		}
	}
	names := slices.Concat(fileKeys, caseKeys, numberKeys, expectKeys, prepositions, ownPhrases, transitionNames)
	for i := range words {
		names = append(append(names, words[i].names[len(words[i].names)-1]), words[i].phrases...)
	}
	for _, name := range names {
		if !strings.Contains(page, name) {
			t.Errorf("%s is not explained", name)
		}
	}
}

// FuzzRead reads any input. Nothing may panic, and what Update returns
// must be a file whose expectations are met.
func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*.yaml", "../../schemas/policy/tests/*.yaml", "../engine/testdata/scenarios/*.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			f.Fatal(pattern, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	shipped := policy.Default()
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Read(data, open)
		if err != nil {
			return
		}
		const day = 24 * 3_600_000
		work := len(file.Cases)
		for _, c := range file.Cases {
			for i := range c.actions {
				work += c.actions[i].count + int(max(0, c.actions[i].at-c.start)/day)*100
			}
			for i := range c.expects {
				work += int(max(0, c.expects[i].at-c.start)/day) * 100
			}
		}
		if work > 1000 {
			return // it would only take long
		}
		updated, err := file.Update(file.Run(shipped))
		if err != nil {
			return
		}
		var document yaml.Node
		if err := yaml.Unmarshal(updated, &document); err != nil {
			t.Fatalf("%v\n%s", err, updated)
		}
	})
}

func BenchmarkRun(b *testing.B) {
	f := read(b, []byte("cases: [{name: x, events: [at 0s: '10000 sends, one every 1s, template a/en'], expect: [{at: 3h, facts: {sent_24h: 10000}}]}]"))
	for b.Loop() {
		if r := f.Run(nil); len(r[0].Failures) > 0 {
			b.Fatal(r[0].Failures)
		}
	}
	b.ReportMetric(10000*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
