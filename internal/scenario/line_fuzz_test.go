package scenario

import (
	"encoding/json"
	"testing"

	"sendwatch/internal/strictyaml"
)

// FuzzLine reads one line as a action and as a flag. Nothing may panic; a action that
// is read becomes records, and a flag that is read is written and read again as
// the same flag.
func FuzzLine(f *testing.F) {
	for _, line := range []string{
		exampleAction[1 : len(exampleAction)-1],
		exampleFlag[1 : len(exampleFlag)-1],
		`at 2d on n2: 3 replies from the last 3 contacts, text "a ""b"" c", id x`,
		`at -1h: failed to contact "+49151", code -4, recorded 3h`,
		`at 2026-03-02T09:00:00.5Z: restricted for 3d1ms, waba w1`,
		`at 1ms: profile country DE registered -30d last-active 0s connection cloud_api origin voip`,
		`at 0s: template a/b (c) status PAUSED quality RED`,
		`at 1m on p1: template_quality "a b/en" raised to danger, value "PAUSED/RED", score 3, eta none`,
		`at 1m: limit_usage escalated, value 0.95`,
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		text, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		doc, root := strictyaml.Read(text)
		c := Case{start: 1_772_442_000_000, senders: []sender{{id: "n1"}, {id: "n2"}}}
		p := parser{c: &c, known: 10}
		if d, ok := p.read(root); ok && !d.repeat {
			if d.count < 1 || d.count > maxCount {
				t.Fatalf("%d events", d.count)
			}
			if r := c.record(&d, d.count-1, 0); len(r.value) == 0 || r.value[0] != '{' {
				t.Fatalf("%q becomes %q", line, r.value)
			}
		} else if !ok && doc.Err() == nil {
			t.Fatalf("%q is refused without a mistake", line)
		}

		doc, root = strictyaml.Read(text)
		w, ok := c.readFlag(root)
		if ok != (doc.Err() == nil) {
			t.Fatalf("%q: %v, but %v", line, ok, doc.Err())
		}
		if !ok {
			return
		}
		written := w.write(&c)
		text, err = json.Marshal(written)
		if err != nil {
			t.Fatal(err)
		}
		doc, root = strictyaml.Read(text)
		again, _ := c.readFlag(root)
		if err := doc.Err(); err != nil {
			t.Fatalf("%q is written as %q: %v", line, written, err)
		}
		again.value, w.value = strictyaml.Value{}, strictyaml.Value{}
		if again != w {
			t.Fatalf("%q is written as %q: %+v, %+v", line, written, w, again)
		}
	})
}
