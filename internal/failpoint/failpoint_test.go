//go:build failpoints

package failpoint

import (
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	all, err := parse("state.saved=exit@3,sink.inserted=sleep:2s,flags.send=error")
	if err != nil {
		t.Fatal(err)
	}
	if a := all[Saved]; a == nil || a.verb != "exit" || a.at != 3 {
		t.Errorf("state.saved is %+v", a)
	}
	if a := all[Inserted]; a == nil || a.verb != "sleep" || a.sleep != 2*time.Second || a.at != 0 {
		t.Errorf("sink.inserted is %+v", a)
	}
	if a := all[SendingFlags]; a == nil || a.verb != "error" {
		t.Errorf("flags.send is %+v", a)
	}
	for text, says := range map[string]string{
		"nowhere=exit":             "is no point",
		"flags.send=explode":       "is no action",
		"flags.send=exit@0":        "is no count",
		"flags.send=exit@x":        "is no count",
		"flags.send=sleep:forever": "is no duration",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want an error that says %q", text, err, says)
		}
	}
}
