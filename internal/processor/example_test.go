package processor_test

import (
	"fmt"

	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/processor"
)

// Decode and apply: a number that writes to sixty strangers within a minute.
// Whatever a record brings about is appended to one output.
func ExampleProcessor_Apply() {
	p := processor.New(processor.Config{Engine: engine.Config{Topic: "events", Policy: policy.Default(), PaneBits: engine.WholeLog}})
	var out event.Output
	const begin = 1_768_000_000_000 // ms
	for i := range 60 {
		at := int64(begin + i*1000)
		line := fmt.Sprintf(`{"id":"%d","type":"message.sent","time":%d,"number_id":"n","message_id":"%d","contact":"49151%08d","kind":"text","text":"Hello %d"}`, i, at, i, i, i)
		class, more, err := p.Apply(&event.Record{Offset: int64(i), Timestamp: at, Value: []byte(line)}, &out)
		if class != event.ClassApplied || more || err != nil {
			fmt.Println(class, more, err)
		}
	}
	for p.Flush(&out) { // without engine.Config.Budget it is done at once
	}
	for _, f := range out.Flags {
		fmt.Printf("offset %d: %s %s, %s\n", f.Position.Offset, f.Factor, f.Transition, f.Level)
	}
	fmt.Println("sends in the first minutes:", out.NumberMinutes[0].Sent, out.NumberMinutes[1].Sent)
	// Output:
	// offset 2: velocity_burst raised, warn
	// offset 4: velocity_burst escalated, danger
	// offset 11: identical_batch raised, warn
	// offset 11: trust_score raised, warn
	// offset 14: identical_batch escalated, danger
	// offset 20: mechanical_timing raised, danger
	// offset 29: velocity_hour raised, warn
	// offset 40: daily_volume raised, warn
	// offset 40: trust_score escalated, danger
	// sends in the first minutes: 20 40
}
