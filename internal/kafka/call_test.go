package kafka

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/segmentio/kafka-go/protocol"
)

// gatedConn is a connection whose writes can be held up, and are looked at.
type gatedConn struct {
	net.Conn
	gate *gate
}

type gate struct {
	armed   atomic.Bool
	reached chan struct{} // gets one write that waits
	open    chan struct{} // closed to let it go on
	written chan []byte   // all that are written from then on
}

func (c gatedConn) Write(b []byte) (int, error) {
	if c.gate.armed.CompareAndSwap(true, false) {
		c.gate.reached <- struct{}{}
		<-c.gate.open
	}
	select {
	case <-c.gate.open:
		c.gate.written <- bytes.Clone(b)
	default:
	}
	return c.Conn.Write(b)
}

// A call that is given up goes on in the goroutine of its connection. It is not told what has changed since, and tells nobody
// what was answered.
func TestACallThatIsGivenUpTouchesNothing(t *testing.T) {
	var decoded atomic.Int32
	for name, beat := range map[string]func(ctx context.Context, m *member) error{
		"a member that changes": func(ctx context.Context, m *member) error { return m.heartbeat(ctx, 1) },
		"an answer that nobody awaits": func(ctx context.Context, m *member) error {
			return m.client.do(ctx, m.client.control, &call{
				key: protocol.Heartbeat, versions: []int16{3}, broker: m.at(),
				encode: func(w *wireWriter, _ int16) {
					w.text("group")
					w.int32(1)
					w.text("before")
					w.orNull("")
				},
				decode: func(*wire, int16) { decoded.Add(1) },
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := &gate{reached: make(chan struct{}, 1), open: make(chan struct{}), written: make(chan []byte, 100)}
			_, client, _ := fake(t, 1, func(c *Config) {
				c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := new(net.Dialer).DialContext(ctx, network, address)
					return gatedConn{conn, g}, err
				}
			})
			m, ctx := &member{client: client, group: "group", topic: "in", id: "before", coordinator: -1}, bounded(t)
			if err := m.locate(ctx); err != nil {
				t.Fatal(err)
			}
			if err := beat(ctx, m); errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			answered := decoded.Load()
			client.spoken.Clear() // so that a question about versions goes before the request
			given, giveUp := context.WithCancel(ctx)
			ended := make(chan error, 1)
			g.armed.Store(true)
			go func() { ended <- beat(given, m) }()
			<-g.reached
			giveUp()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Fatalf("given up: %v", err)
			}
			m.id = "after"
			close(g.open)
			<-g.written // the question about versions
			if request := <-g.written; !bytes.Contains(request, []byte("before")) {
				t.Errorf("the request that was given up is %q, want it of the member that sent it", request)
			}
			if err := m.heartbeat(ctx, 1); errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			if n := decoded.Load(); n != answered {
				t.Errorf("the answer to a request that was given up was taken %d times", n-answered)
			}
		})
	}
}
