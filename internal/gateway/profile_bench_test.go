package gateway

import (
	"fmt"
	"strconv"
	"testing"

	"sendwatch/internal/webhook"
	eventsv1 "sendwatch/schemas/events/v1"
)

// BenchmarkTemplateUpdates takes in a body of 1,000 template updates of one WABA while
// 100,000 numbers are remembered: per body, which holds up all the others.
func BenchmarkTemplateUpdates(b *testing.B) {
	d := newDirectory(nil, nil)
	for i := range 100_000 {
		d.senders[strconv.Itoa(100000000000000+i)] = sender{WABA: fmt.Sprint("waba-", i%1000), Inputs: inbound | status}
	}
	p, err := webhook.New("meta")
	if err != nil {
		b.Fatal(err)
	}
	var r webhook.Result
	for range webhook.MaxUpdates {
		r.Updates = append(r.Updates, webhook.Update{Events: []*eventsv1.Event{{Type: "template.update", WabaId: "waba-7"}}})
	}
	for b.Loop() {
		if _, changed, _ := d.beside(p, &r, nil, now); len(changed) > 101 {
			b.Fatalf("%d numbers changed", len(changed))
		}
	}
}
