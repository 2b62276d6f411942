package policy

import (
	"strings"
	"testing"

	"sendwatch/internal/event"
)

// TestWindow chooses among the windows that exist, and only where there are some.
func TestWindow(t *testing.T) {
	const head = "name: w\nextends: default\nprofiles: {community: {factors: "
	p, err := Load([]byte(head + "{reply_ratio: {window: 30d}}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Profiles[p.Index(nil, nil, event.ConnectionNone)].Rules[event.FactorReplyRatio].Window; got != 30 {
		t.Errorf("the window is %d days, want 30", got)
	}
	if p.Version == Default().Version || strings.TrimPrefix(p.Version, "w") == strings.TrimPrefix(Default().Version, DefaultName) {
		t.Errorf("version %s does not tell of the window", p.Version)
	}
	for text, want := range map[string]string{
		"{reply_ratio: {window: 5d}}":    "7d, 30d",
		"{velocity_hour: {window: 30d}}": "has one window only",
	} {
		if _, err := Load([]byte(head + text + "}}\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", text, err, want)
		}
	}
}
