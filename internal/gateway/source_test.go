package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/event"
)

// partition is a Records of one fetch; then it waits for the end.
type partition struct {
	records   []event.Record
	committed chan int64
}

func (p *partition) Fetch(ctx context.Context) (*event.Batch, error) {
	if p.records == nil {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	b := &event.Batch{Records: p.records, Next: p.records[len(p.records)-1].Offset + 1}
	p.records = nil
	return b, nil
}

func (p *partition) Commit(offset int64) error {
	p.committed <- offset
	return nil
}

// TestSourceCommitsWhatIsAcknowledged reads records while the brokers are away: the
// offset is committed once they are back and have everything, and what could not be
// read names its offset.
func TestSourceCommitsWhatIsAcknowledged(t *testing.T) {
	w := &log{away: true}
	g, _ := start(t, Config{Writer: w})
	p := &partition{committed: make(chan int64, 1), records: []event.Record{
		{Offset: 40, Timestamp: now, Value: []byte(textBody)},
		{Offset: 41, Timestamp: now, Value: []byte("no JSON")},
		{Offset: 42, Timestamp: now, Value: []byte(strings.Replace(textBody, "wamid.2", "wamid.3", 1))},
	}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.ReadSource(ctx, Source{Topic: "raw", Provider: "meta"}, 3, p) }()
	for g.Ready() == nil { // until the first write has failed
		select {
		case <-p.committed:
			t.Fatal("committed before anything was written")
		default:
		}
	}
	w.set(false)
	if offset := <-p.committed; offset != 43 {
		t.Errorf("committed %d, want 43", offset)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	var ids []string
	for _, e := range w.events(t) {
		if e.Type == "message.received" {
			ids = append(ids, e.Id)
		}
	}
	if !slices.Equal(ids, []string{"in:wamid.2", "in:wamid.3"}) {
		t.Errorf("events %v", ids)
	}
	dead := w.take("dead")
	if len(dead) != 1 {
		t.Fatalf("%d dead letters", len(dead))
	}
	headers := map[string]string{}
	for _, h := range dead[0].Headers {
		headers[string(h.Key)] = string(h.Value)
	}
	if headers["sendwatch-topic"] != "raw" || headers["sendwatch-partition"] != "3" || headers["sendwatch-offset"] != "41" {
		t.Errorf("headers %v", headers)
	}
}

// TestDeadLettersFitABroker reads a body of an unknown shape that is as large as any, of
// words that cannot be made shorter. A broker would refuse it for good: the partition of
// the source would stand still, and over HTTP the bodies beside it would be answered 503.
func TestDeadLettersFitABroker(t *testing.T) {
	words := strings.Repeat(`"`+strings.Repeat("a", 200)+`",`, 2<<20/203)
	body := `{"entry":[{"id":"200","changes":[{"field":"brand_new","value":{"ids":[` + strings.TrimSuffix(words, ",") + `]}}]}]}`
	w := new(log)
	_, address := start(t, Config{Writer: w, Auth: Auth{Open: true}})
	if status, answer, _ := post(t, address+"/v1/webhooks/meta", "application/json", []byte(body)); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	dead := w.take("dead")
	if len(dead) != 1 {
		t.Fatalf("%d dead letters", len(dead))
	}
	if n := len(dead[0].Value); n > 1_000_000 || n < 500_000 {
		t.Errorf("a dead letter of %d bytes", n)
	}
	if r := (event.Record{Headers: dead[0].Headers}); len(r.Header("sendwatch-truncated-from")) == 0 {
		t.Error("that it is cut is not said")
	}
}

// TestManyUpdatesOfOneBodyAreWritten reads a body of more updates than may wait: they are
// kept, and the records behind it have their turn.
func TestManyUpdatesOfOneBodyAreWritten(t *testing.T) {
	body := `{"entry":[{"changes":[{"field":"messages","value":{"messages":[` + strings.Repeat("{},", maxWaiting) + `{}]}}]}]}`
	w := new(log)
	g, _ := start(t, Config{Writer: w})
	p := &partition{committed: make(chan int64, 1), records: []event.Record{{Offset: 7, Timestamp: now, Value: []byte(body)}}}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- g.ReadSource(ctx, Source{Topic: "raw", Provider: "meta"}, 0, p) }()
	select {
	case <-p.committed:
	case <-ctx.Done():
		t.Error("never written")
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := len(w.take("dead")); n != maxWaiting+1 {
		t.Errorf("%d dead letters, want %d", n, maxWaiting+1)
	}
}
