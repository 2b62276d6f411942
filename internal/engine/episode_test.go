package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// TestEpisodesOfOneRecord lets one record bring a day of ticks, in which a flag
// is raised, cleared and raised again: the position is the same, and yet the
// second episode has an id of its own, so that no flag_id and sequence stands
// for two transitions.
func TestEpisodesOfOneRecord(t *testing.T) {
	const start = 1_760_000_000_000 - 1_760_000_000_000%60_000
	var log []string
	for i := range int64(200) {
		log = append(log, send(start+i))
	}
	for i := range int64(100) {
		log = append(log, fmt.Sprintf(`{"id":"d%d","type":"message.status","time":%d,"number_id":"n","message_id":"m","contact":"c","status":"delivered"}`,
			i, start+20*60_000))
	}
	for i := range int64(100) {
		log = append(log, send(start+40*60_000+i))
	}
	// Without any status in the 24 h nothing would be said of delivery.
	log = append(log, fmt.Sprintf(`{"id":"f","type":"message.status","time":%d,"number_id":"n","message_id":"m","status":"failed"}`, start+55*60_000))
	log = append(log, clock(start+30*3_600_000))
	e := engine.New(engine.Config{Topic: "t", Policy: policy.Default(), PaneBits: engine.WholeLog, Portfolios: true})
	var out event.Output
	run([]byte(strings.Join(log, "\n")), e, &out, func(int64) {})

	var got, ids []string
	for _, f := range out.Flags {
		ids = append(ids, fmt.Sprintf("%s %d", f.FlagID, f.Sequence))
		if f.Factor == event.FactorDelivery {
			got = append(got, fmt.Sprintf("%s at minute %d, record %d", f.Transition, (f.EventTime-start)/60_000, f.Position.Offset))
		}
	}
	want := []string{
		"raised at minute 60, record 401",    // 100 of 200
		"cleared at minute 1449, record 401", // 100 of the later 100 since minute 1440
		"raised at minute 1460, record 401",  // what was delivered has left
		"cleared at minute 1489, record 401", // all has left at minute 1480
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	slices.Sort(ids)
	if n := len(ids) - len(slices.Compact(slices.Clone(ids))); n > 0 {
		t.Errorf("%d transitions share flag_id and sequence with another", n)
	}
}
