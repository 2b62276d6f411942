package chdb

import (
	"errors"
	"os"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/ch-go/proto"
)

// killEvery is how often the engine is asked to end a cancelled statement.
const killEvery = 50 * time.Millisecond

// watcher looks at the connection while a statement runs: a client may cancel,
// or leave. Both end the statement.
type watcher struct {
	c         *client
	quit      chan struct{}
	done      chan struct{}
	lost      error // lost is why the connection ended; read after done.
	cancelled atomic.Bool
}

func (c *client) watch() *watcher {
	w := &watcher{c: c, quit: make(chan struct{}), done: make(chan struct{})}
	go w.run()
	return w
}

func (w *watcher) run() {
	defer close(w.done)
	next, err := w.c.in.raw.Peek(1)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return // The statement has ended: stop set the deadline.
	}
	if err != nil {
		w.lost = err
	} else if proto.ClientCode(next[0]) != proto.ClientCodeCancel {
		return // The next query is already there: its turn comes.
	}
	w.cancelled.Store(true)
	// The statement may not have reached the engine's list yet: ask until it
	// has ended.
	tick := time.NewTicker(killEvery)
	defer tick.Stop()
	for {
		w.c.server.kill(w.c.tag)
		select {
		case <-w.quit:
			return
		case <-tick.C:
		}
	}
}

// stop ends the watcher. It returns an error if the client is gone.
func (w *watcher) stop() error {
	close(w.quit)
	if err := w.c.conn.SetReadDeadline(time.Unix(1, 0)); err != nil {
		<-w.done
		return err
	}
	<-w.done
	if w.lost != nil {
		return w.lost
	}
	return w.c.conn.SetReadDeadline(time.Time{})
}
