package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// send returns a line of the log: a send to a contact of its own at a time (ms).
func send(at int64) string {
	return fmt.Sprintf(`{"id":"s%d","type":"message.sent","time":%d,"number_id":"n","portfolio_id":"p",`+
		`"message_id":"m","contact":"c%d","kind":"text","text":"hello"}`, at, at, at)
}

// clock returns a line that moves the watermark.
func clock(at int64) string { return fmt.Sprintf(`{"id":"c%d","type":"clock","time":%d}`, at, at) }

// TestSetPolicy changes the policy between two records: an episode that is open
// keeps its id, falls when the old policy's evaluations are 10 minutes ago, and
// a level that only the new policy sees comes with the next tick, no event needed.
func TestSetPolicy(t *testing.T) {
	strict, err := policy.Load([]byte(`
name: strict
extends: default
profiles:
  community:
    factors:
      velocity_burst: {warn: ">= 100", danger: ">= 200"}
      daily_volume: {days: [{until: 21, warn: "> 2", danger: "> 3"}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	const start = 1_760_000_000_000 - 1_760_000_000_000%60_000
	log := strings.Join([]string{
		send(start), send(start + 1000), send(start + 2000), send(start + 3000), // 4 in a minute: velocity_burst at warn
		clock(start + 11*60_000), // the tick of the first minute
		clock(start + 12*60_000),
		clock(start + 40*60_000),
	}, "\n")
	e := engine.New(engine.Config{Topic: "t", Policy: policy.Default(), PaneBits: engine.WholeLog})
	var out event.Output
	run([]byte(log), e, &out, func(offset int64) {
		if offset == 4 {
			e.SetPolicy(strict)
		}
	})
	var got []string
	ids := map[event.Factor]map[string]bool{}
	for _, f := range out.Flags {
		if f.Factor == event.FactorTrustScore {
			continue
		}
		got = append(got, fmt.Sprintf("%s %s %s %d", f.Factor, f.Transition, strings.SplitN(f.PolicyVersion, "-", 2)[0], (f.EventTime-start)/1000))
		if ids[f.Factor] == nil {
			ids[f.Factor] = map[string]bool{}
		}
		ids[f.Factor][f.FlagID] = true
	}
	want := []string{
		"velocity_burst raised default 2",
		"daily_volume raised strict 120",    // the next tick: 4 > 3 is danger
		"velocity_burst cleared strict 660", // last seen at warn at the tick of minute 1
	}
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), strings.Join(want, "; "))
	}
	for f, set := range ids {
		if len(set) != 1 {
			t.Errorf("%s: %d flag ids in one episode", f, len(set))
		}
	}
}

// TestNoHysteresis raises a flag for as long as the level lasts, no longer.
func TestNoHysteresis(t *testing.T) {
	p, err := policy.Load([]byte("name: nervous\nextends: default\nhysteresis: 0s\n"))
	if err != nil {
		t.Fatal(err)
	}
	const start = 1_760_000_000_000 - 1_760_000_000_000%60_000
	log := strings.Join([]string{send(start), send(start + 1), send(start + 2), clock(start + 20*60_000)}, "\n")
	e := engine.New(engine.Config{Topic: "t", Policy: p, PaneBits: engine.WholeLog})
	var out event.Output
	run([]byte(log), e, &out, func(int64) {})
	var got []string
	for _, f := range out.Flags {
		got = append(got, fmt.Sprintf("%s %s %d", f.Factor, f.Transition, f.EventTime-start))
	}
	if want := "velocity_burst raised 2 velocity_burst cleared 60000"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// TestPolicyWindow lets reply_ratio look back 30 days: answers of two weeks ago
// keep at warn what the last 7 days alone would raise to danger.
func TestPolicyWindow(t *testing.T) {
	const start = 1_760_000_000_000
	var lines []string
	for k := range int64(200) { // 100 answered, two weeks later 100 that are not
		at := start + k*60_000
		if k >= 100 {
			at += 14 * 86_400_000
		}
		lines = append(lines, send(at))
		if k < 100 {
			lines = append(lines, fmt.Sprintf(`{"id":"r%d","type":"message.received","time":%d,"number_id":"n","message_id":"i","contact":"c%d","kind":"text"}`, k, at+1000, at))
		}
	}
	log := []byte(strings.Join(append(lines, clock(start+18*86_400_000)), "\n"))
	for window, want := range map[string]event.Level{"7d": event.LevelDanger, "30d": event.LevelWarn} {
		p, err := policy.Load([]byte("name: w\nextends: default\nprofiles: {community: {factors: {reply_ratio: {window: " + window + ", warn: \"< 0.6\", danger: \"< 0.1\"}}}}\n"))
		if err != nil {
			t.Fatal(err)
		}
		e := engine.New(engine.Config{Topic: "t", Policy: p, PaneBits: engine.WholeLog})
		var out event.Output
		run(log, e, &out, func(int64) {})
		got := event.LevelNone
		for _, f := range out.Flags {
			if f.Factor == event.FactorReplyRatio {
				got = max(got, f.Level)
			}
		}
		if got != want {
			t.Errorf("window %s: reply_ratio reaches %s, want %s", window, got, want)
		}
	}
}
