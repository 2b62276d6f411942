package kafka

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"sendwatch/internal/embedded/apachekafka"
	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/event"
)

// TestGoesOnAfterTheBrokerCameBack kills a broker under a writer, a reader and a
// group member: each goes on by itself, and nothing acknowledged is missing.
func TestGoesOnAfterTheBrokerCameBack(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a real broker takes seconds to start")
	}
	embeddedtest.ApacheKafka(t) // skips where there can be none
	broker, err := apachekafka.Start(t.Context(), apachekafka.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = broker.Close() }() // its data is temporary
	client := ours(t, []string{broker.Addr()})
	create(t, client, "in", 1)
	m := join(t, []string{broker.Addr()}, "in", "in")

	written := make(chan int, 1)
	stop := make(chan struct{})
	go func() {
		producer, n := client.NewProducer(), 0
		defer func() { written <- n }()
		for ; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := producer.Produce(context.Background(), "in", []event.Message{{Value: fmt.Append(nil, n)}}); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	read := map[string]bool{}
	f := client.NewFetcher("in", 0, 0, 1)
	fetch := func() {
		batch, err := f.Fetch(bounded(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range batch.Records {
			read[string(r.Value)] = true
		}
	}
	until := func(n int) {
		for len(read) < n {
			fetch()
		}
	}
	until(100)
	if err := broker.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := broker.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(len(read) + 100)
	close(stop)
	n := <-written
	until(n)
	for i := range n {
		if !read[strconv.Itoa(i)] {
			t.Errorf("record %d was acknowledged and is not there", i)
		}
	}
	embeddedtest.Eventually(t, 60*time.Second, "the member has read to the end", func() bool {
		select {
		case err := <-m.done: // as a role does, which joins again whatever ended its membership
			t.Logf("the member ended and joins again: %v", err)
			m = join(t, []string{broker.Addr()}, "in", "in")
		default:
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.last[0] >= f.next
	})
	m.leave(t)
}
