package gateway

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sendwatch/internal/event"
	"sendwatch/internal/webhook"
)

// blocked is a Writer that acknowledges nothing until it is let go.
type blocked struct {
	free chan struct{}
	busy atomic.Bool // something waits in it
}

func (b *blocked) Produce(context.Context, string, []event.Message) error {
	b.busy.Store(true)
	<-b.free
	return nil
}

// TestWaitingBodiesAreSmall lets full bodies wait for brokers that do not answer, and
// measures what each of them keeps: its messages, and neither the body nor the events
// that were read from it.
func TestWaitingBodiesAreSmall(t *testing.T) {
	const bodies, most = 30, 500 << 10
	w := &blocked{free: make(chan struct{})}
	g, _ := start(t, Config{Writer: w, Auth: Auth{Open: true}})
	var statuses []string
	for i := range webhook.MaxUpdates {
		statuses = append(statuses, fmt.Sprintf(`{"id":"wamid.HBgMNDQ3NzAwOTAwMTIzFQIAERgS%06d","status":"delivered","timestamp":"1795860000","recipient_id":"4477009%05d"}`, i, i))
	}
	body := []byte(`{"entry":[{"id":"w","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"100"},"statuses":[` + strings.Join(statuses, ",") + `]}}]}]}`)
	before := liveHeap()
	var group sync.WaitGroup
	for i := range bodies {
		for i == 1 && !w.busy.Load() {
			runtime.Gosched() // until the first is being written, by itself
		}
		group.Go(func() {
			r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/v1/webhooks/meta", bytes.NewReader(body))
			g.Handler().ServeHTTP(httptest.NewRecorder(), r)
		})
	}
	for waiting := 0; waiting < (bodies-1)*webhook.MaxUpdates; {
		runtime.Gosched() // the first is being written, the others wait
		g.batch.mu.Lock()
		waiting = g.batch.count
		g.batch.mu.Unlock()
	}
	each := (liveHeap() - before) / bodies
	close(w.free)
	group.Wait()
	if each > most {
		t.Errorf("a waiting body of %d updates, %d KiB long, keeps %d KiB, want at most %d", webhook.MaxUpdates, len(body)>>10, each>>10, most>>10)
	}
}

func liveHeap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
