package processor_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/processor"
)

// run applies records and flushes, and returns what came of them.
func run(t *testing.T, p *processor.Processor, records []*event.Record) *event.Output {
	t.Helper()
	var out event.Output
	for _, r := range records {
		if _, err := p.ApplyAll(r, &out); err != nil {
			t.Fatal(err)
		}
	}
	for p.Flush(&out) {
	}
	return &out
}

// TestRestoreGoesOnTheSame stops after each record of a log that switches the policy,
// with a shadow that has words of its own, and goes on with a processor that was made
// of the snapshot: what comes after is the same, and so is its own snapshot.
func TestRestoreGoesOnTheSame(t *testing.T) {
	c := config(policy.Default())
	c.Policies, c.Shadow = fakePolicies{policy.Default(), strict(t)}, strict(t)
	records := log(`{"id":"p1","type":"policy","time":1790000280000,"version":"strict"}`)
	for stop := range records {
		one := processor.New(c)
		run(t, one, records[:stop])
		var state processor.Snapshot
		one.Snapshot(&state)
		state.Finish()
		two := processor.New(c)
		if shadowed, err := two.Restore(&state, nil); err != nil || !shadowed {
			t.Fatalf("after %d records: shadow restored %v, error %v", stop, shadowed, err)
		}
		if one.Policy() != two.Policy() {
			t.Fatalf("after %d records: policy %s, want %s", stop, two.Policy().Version, one.Policy().Version)
		}
		if d := cmp.Diff(run(t, one, records[stop:]), run(t, two, records[stop:]), cmpopts.EquateNaNs(), cmpopts.IgnoreUnexported(event.Output{})); d != "" {
			t.Fatalf("stopped after %d records, the rest comes out otherwise (-whole +restored):\n%s", stop, d)
		}
	}
}

// TestRestoreRefuses names the setting with which a state was computed otherwise.
func TestRestoreRefuses(t *testing.T) {
	var state processor.Snapshot
	p := processor.New(config(policy.Default()))
	run(t, p, log())
	p.Snapshot(&state)
	state.Finish()
	for setting, change := range map[string]func(*processor.Config){
		"numbers.dedup_horizon": func(c *processor.Config) { c.Engine.DedupHorizon = 1 },
		"contacts.secret_file":  func(c *processor.Config) { c.Secret = codec.Secret{1} },
		"numbers.pane_size":     func(c *processor.Config) { c.Engine.PaneBits = 9 },
	} {
		c := config(policy.Default())
		change(&c)
		_, err := processor.New(c).Restore(&state, nil)
		if e, ok := errors.AsType[*processor.SettingError](err); !ok || !strings.Contains(e.Error(), setting) {
			t.Errorf("another %s: error %v", setting, err)
		}
	}
	c := config(strict(t))
	if _, err := processor.New(c).Restore(&state, nil); err == nil || !strings.Contains(err.Error(), policy.Default().Version) {
		t.Errorf("a policy that is not known: error %v", err)
	}
	state.Engine = state.Engine[:len(state.Engine)/2]
	if _, err := processor.New(config(policy.Default())).Restore(&state, nil); err == nil {
		t.Error("half a state was restored")
	}
}

// TestOtherShadowBeginsEmpty restores beside a shadow policy that the snapshot knows
// nothing of.
func TestOtherShadowBeginsEmpty(t *testing.T) {
	var state processor.Snapshot
	p := processor.New(config(policy.Default()))
	run(t, p, log())
	p.Snapshot(&state)
	state.Finish()
	c := config(policy.Default())
	c.Shadow = strict(t)
	if shadowed, err := processor.New(c).Restore(&state, nil); err != nil || shadowed {
		t.Errorf("shadow restored %v, error %v, want false and none", shadowed, err)
	}
}

// TestStateHoldsNoPointer is the layout of the state, which is an error where one does,
// and no text or number of a contact is in it.
func TestStateHoldsNoPointer(t *testing.T) {
	if _, err := checkpoint.Layout(processor.StateTypes()...); err != nil {
		t.Fatal(err)
	}
	p := processor.New(config(policy.Default()))
	record := &event.Record{Timestamp: start, Value: []byte(`{"id":"e","type":"message.received","time":1790000000000,"number_id":"n","message_id":"m","contact":"+447700900123","kind":"text","text":"canary in the text"}`)}
	run(t, p, []*event.Record{record})
	var state processor.Snapshot
	p.Snapshot(&state)
	state.Finish()
	all := slices.Concat(state.Head, state.Engine, state.Shadow)
	for _, secret := range []string{"447700900123", "canary"} {
		if strings.Contains(string(all), secret) {
			t.Errorf("%q is in the state", secret)
		}
	}
}
