package replay_test

import (
	"context"
	"fmt"
	"strings"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/replay"
)

// A replay reads events, one a line, and returns what the pipeline would have
// written to its topics.
func ExampleRun() {
	log := strings.NewReader(`
{"id":"1","type":"message.sent","time":1768000000000,"number_id":"n","message_id":"a","contact":"4915112345678","kind":"text","text":"Hello"}
{"id":"2","type":"message.received","time":1768000060000,"number_id":"n","message_id":"b","contact":"4915112345678","kind":"text","text":"Hello!"}
{"id":"3","type":"account.update","time":1768000120000,"number_id":"n","scope":"number","state":"restricted"}
{"id":"3","type":"account.update","time":1768000120000,"number_id":"n","scope":"number","state":"restricted"}
`)
	r, err := replay.Run(context.Background(), replay.Config{Files: []string{"-"}, Stdin: log, Policy: policy.Default()})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("applied", r.Summary.Applied, "duplicate", r.Summary.Duplicate, "rejected", r.Summary.Rejected)
	for _, f := range r.Rows.Flags {
		fmt.Println(f.NumberID, f.Factor, f.Transition, f.Level)
	}
	status := &r.Rows.NumberStatuses[0]
	fmt.Println("score", status.Score, "answered in 7 days", status.Facts[event.FactAnswered7d])
	// Output:
	// applied 3 duplicate 1 rejected 0
	// n restriction raised danger
	// n trust_score raised danger
	// score 30 answered in 7 days 1
}
