package processor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/processor"
)

// strict is the shipped policy with lower thresholds of velocity_hour and its own
// stop word.
func strict(t *testing.T) *policy.Policy {
	t.Helper()
	p, err := policy.Load([]byte("name: strict\nextends: default\nopt_out: {stop: [BASTA]}\nprofiles: {community: {factors: {velocity_hour: {warn: \">= 3\", danger: \">= 5\"}}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	p.Version = "strict"
	return p
}

// fakePolicies finds the policies it holds.
type fakePolicies []*policy.Policy

func (s fakePolicies) Find(version string) (*policy.Policy, error) {
	for _, p := range s {
		if p.Version == version {
			return p, nil
		}
	}
	return nil, fmt.Errorf("policy %q is not known", version)
}

func config(p *policy.Policy) processor.Config {
	return processor.Config{Engine: engine.Config{Topic: "events", Partition: 3, Policy: p, PaneBits: 8}}
}

const start = 1_790_000_000_000

// log makes records of one sender that writes to another contact every minute, is
// told BASTA by the fifth, and writes to it again in the end. middle stands before
// the last three sends.
func log(middle ...string) []*event.Record {
	var lines []string
	at := func(i int) int { return start + i*60_000 }
	send := func(i int) {
		lines = append(lines, fmt.Sprintf(`{"id":"s%d","type":"message.sent","time":%d,"number_id":"n","message_id":"m","contact":"c%d","kind":"template","template":{"name":"t%d","language":"en","category":"MARKETING"}}`, i, at(i), i%7+i/7*4, i))
	}
	for i := range 5 {
		send(i)
	}
	lines = append(lines, fmt.Sprintf(`{"id":"r","type":"message.received","time":%d,"number_id":"n","message_id":"r","contact":"c4","kind":"text","text":"Basta"}`, at(4)+30_000))
	lines = append(lines, middle...)
	for i := 5; i < 8; i++ {
		send(i)
	}
	lines = append(lines, `{"id":"bad"`)
	records := make([]*event.Record, len(lines))
	for i, l := range lines {
		records[i] = &event.Record{Offset: int64(i), Timestamp: start + 3_600_000, Key: []byte("n"), Value: []byte(l)}
	}
	return records
}

// play applies records and returns what came out and the count of each class.
func play(t *testing.T, p *processor.Processor, records []*event.Record) (out event.Output, classes [event.NumClasses]int) {
	t.Helper()
	for _, r := range records {
		class, err := p.ApplyAll(r, &out)
		if err != nil {
			t.Fatalf("record %d: %v", r.Offset, err)
		}
		classes[class]++
	}
	for p.Flush(&out) {
	}
	return out, classes
}

// TestARecordThatCannotBeReadIsADeadLetter and does not stop the others.
func TestARecordThatCannotBeReadIsADeadLetter(t *testing.T) {
	p := processor.New(config(policy.Default()))
	_, classes := play(t, p, log())
	if want := [event.NumClasses]int{event.ClassRejected: 1, event.ClassApplied: 9}; classes != want {
		t.Errorf("classes are %v, want %v", classes, want)
	}
	l := p.DeadLetter()
	if l.Reason != "unparsable" || l.Offset != 9 || l.Partition != 3 || string(l.Key) != "n" || string(l.Value) != `{"id":"bad"` {
		t.Errorf("the dead letter is %+v", l)
	}
}

// TestAPolicyEventSwitches compares with engines that had one policy throughout:
// up to the event the first decides, behind it the second.
func TestAPolicyEventSwitches(t *testing.T) {
	cfg := config(policy.Default())
	cfg.Policies = fakePolicies{policy.Default(), strict(t)}
	p := processor.New(cfg)
	event := fmt.Sprintf(`{"id":"p","type":"policy","time":%d,"version":"strict"}`, start)
	out, _ := play(t, p, log(event))
	if got := p.Policy().Version; got != "strict" {
		t.Errorf("policy %q decides in the end", got)
	}
	if len(out.Flags) == 0 {
		t.Fatal("the second policy flagged nothing")
	}
	for i := range out.Flags {
		if f := &out.Flags[i]; f.PolicyVersion != "strict" || f.Position.Offset <= 6 {
			t.Errorf("policy %q flagged at offset %d", f.PolicyVersion, f.Position.Offset)
		}
	}
}

// TestAPolicyThatNobodyHasStopsThePartition with an error that names it.
func TestAPolicyThatNobodyHasStopsThePartition(t *testing.T) {
	cfg := config(policy.Default())
	cfg.Policies = fakePolicies{policy.Default()}
	p := processor.New(cfg)
	var out event.Output
	r := &event.Record{Timestamp: start, Value: fmt.Appendf(nil, `{"id":"p","type":"policy","time":%d,"version":"lost"}`, start)}
	if _, _, err := p.Apply(r, &out); err == nil || !strings.Contains(err.Error(), `"lost"`) {
		t.Errorf("the error is %v", err)
	}
}

// TestAShadowFlagsAsIfItDecided by its own words of opting out too, and changes
// nothing of what the policy in force brings.
func TestAShadowFlagsAsIfItDecided(t *testing.T) {
	cfg := config(policy.Default())
	alone, _ := play(t, processor.New(cfg), log())
	cfg.Shadow = strict(t)
	both, _ := play(t, processor.New(cfg), log())
	decides, _ := play(t, processor.New(config(strict(t))), log())

	var live, shadow []event.Flag
	for _, f := range both.Flags {
		if f.Shadow {
			f.Shadow = false
			shadow = append(shadow, f)
		} else {
			live = append(live, f)
		}
	}
	if !slices.ContainsFunc(shadow, func(f event.Flag) bool { return f.Factor == event.FactorOptOut }) {
		t.Error("the shadow policy's own word of opting out was not heard")
	}
	if d := cmp.Diff(decides.Flags, shadow); d != "" {
		t.Errorf("%d flags of the shadow policy; where it decides (-) and beside another (+):\n%s", len(shadow), d)
	}
	both.Flags = live
	if d := cmp.Diff(alone, both, cmpopts.EquateNaNs(), cmpopts.IgnoreUnexported(event.Output{})); d != "" {
		t.Errorf("without a shadow (-) and with one (+):\n%s", d)
	}
}
