package processor_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/processor"
)

// foreseeing plays records with Foresee before every so many of them, one record of which is
// applied from another place in memory, as one is that nobody foresaw.
func foreseeing(t *testing.T, p *processor.Processor, records []event.Record, every int) (out event.Output, events []string) {
	t.Helper()
	for i := range records {
		if i%every == 0 {
			if n := p.Foresee(records[i:]); n != min(processor.MostForeseen, len(records)-i) {
				t.Fatalf("%d of %d records were looked at", n, len(records)-i)
			}
		}
		r := &records[i]
		if i == 3 {
			elsewhere := *r
			r = &elsewhere
		}
		class, err := p.ApplyAll(r, &out)
		if err != nil {
			t.Fatalf("record %d: %v", r.Offset, err)
		}
		if class == event.ClassRejected {
			events = append(events, "rejected: "+p.DeadLetter().Reason)
			continue
		}
		events = append(events, string(p.Event().ID))
	}
	for p.Flush(&out) {
	}
	return out, events
}

// TestForesightChangesNothing plays a log whose policy, and with it the words of opting out, is
// switched in its middle.
func TestForesightChangesNothing(t *testing.T) {
	lines := log(`{"id":"p","type":"policy","time":1790000000000,"version":"strict"}`,
		`{"id":"again","type":"message.received","time":1790000280000,"number_id":"n","message_id":"r2","contact":"c5","kind":"text","text":"BASTA \"now\"","links":["https://a.example/x?y"]}`)
	records := make([]event.Record, len(lines))
	for i, r := range lines {
		records[i] = *r
	}
	cfg := config(policy.Default())
	cfg.Policies = fakePolicies{policy.Default(), strict(t)}
	want, _ := play(t, processor.New(cfg), lines)
	if len(want.Flags) == 0 {
		t.Fatal("the log brings no flag")
	}
	for _, every := range []int{1, 2, 5, 16} {
		got, events := foreseeing(t, processor.New(cfg), records, every)
		if d := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.IgnoreUnexported(event.Output{})); d != "" {
			t.Errorf("without foresight (-) and with it before every %d records (+):\n%s", every, d)
		}
		if events[0] != "s0" || events[5] != "r" || events[len(events)-1] != "rejected: unparsable" {
			t.Errorf("the events are %q", events)
		}
	}
}
