package oracle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"sendwatch/internal/embedded/embeddedtest"
)

var (
	insertCuts  = flag.Int("insert-cuts", 20, "how many acknowledgements of inserts TestCuts cuts at least")
	moreSinks   = flag.Int("more-sinks", 0, "how many more processes TestCuts has store the same rows in the same tables, so that more can be cut in the same time")
	produceCuts = flag.Int("produce-cuts", 20, "how many acknowledgements of writes to Kafka TestCuts cuts at least")
)

// cuts are proxies that cut acknowledgements: the broker or the engine has stored what
// was sent, and the sender finds its connection ended in place of the answer.
type cuts struct {
	mu                    sync.Mutex
	random                *rand.Rand
	produceOne, insertOne int // of so many acknowledgements one is cut, on average; 0 for none
	produced, inserted    int // cut so far
	passed                int // acknowledgements that were let through
}

// cut reports whether an acknowledgement is to be cut, and counts it.
func (c *cuts) cut(one *int, count *int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *one > 0 && c.random.IntN(*one) == 0 {
		*count++
		return true
	}
	c.passed++
	return false
}

// counts returns how many acknowledgements were cut and let through.
func (c *cuts) counts() (produced, inserted, passed int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.produced, c.inserted, c.passed
}

// end lets every acknowledgement through.
func (c *cuts) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.produceOne, c.insertOne = 0, 0
}

// proxy listens, and has each pair of connections carried until one of both ends.
func proxy(t *testing.T, server string, carry func(client, server net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = client.Close() }()
				s, err := net.Dial("tcp", server)
				if err != nil {
					return // the server is away: the client finds its connection ended
				}
				defer func() { _ = s.Close() }()
				carry(client, s)
			}()
		}
	}()
	return l.Addr().String()
}

// errCut ends a connection whose acknowledgement is cut.
var errCut = errors.New("cut")

// kafka stands before a broker. It knows requests and answers by their frames:
//
//	request  length 4 | api key 2 | version 2 | correlation id 4 | ...
//	answer   length 4 | correlation id 4 | ...
//
// and may cut the answer to a request of the key 0, Produce.
func (c *cuts) kafka(t *testing.T, server string) string {
	t.Helper()
	return proxy(t, server, func(client, server net.Conn) {
		var mu sync.Mutex
		produces := map[uint32]bool{} // by correlation id
		go func() {
			defer func() { _ = server.Close() }()
			_ = frames(server, client, func(frame []byte) error {
				if len(frame) >= 8 && binary.BigEndian.Uint16(frame) == 0 {
					mu.Lock()
					produces[binary.BigEndian.Uint32(frame[4:])] = true
					mu.Unlock()
				}
				return nil
			})
		}()
		_ = frames(client, server, func(frame []byte) error {
			if len(frame) < 4 {
				return nil
			}
			mu.Lock()
			id := binary.BigEndian.Uint32(frame)
			acknowledges := produces[id]
			delete(produces, id)
			mu.Unlock()
			if acknowledges && c.cut(&c.produceOne, &c.produced) {
				return errCut
			}
			return nil
		})
	})
}

// frames copies frames, each once it was looked at, until one is refused or a side ends.
func frames(to io.Writer, from io.Reader, look func(frame []byte) error) error {
	var length [4]byte
	for {
		if _, err := io.ReadFull(from, length[:]); err != nil {
			return err
		}
		n := binary.BigEndian.Uint32(length[:])
		if n > 256<<20 {
			return errors.New("no frame of Kafka's")
		}
		frame := make([]byte, n)
		if _, err := io.ReadFull(from, frame); err != nil {
			return err
		}
		if err := look(frame); err != nil {
			return err
		}
		if _, err := to.Write(append(length[:len(length):len(length)], frame...)); err != nil {
			return err
		}
	}
}

// What an insert over the native protocol consists of, as seen between client and server.
const (
	idle     = iota
	asked    // the client has sent the statement
	answered // the server has sent the table's columns
	sent     // the client has sent rows: what the server says next acknowledges them
)

// endOfStream is the packet by which the server says that an insert is stored.
const endOfStream = 5

// clickHouse stands before a server and may cut its answer to an insert.
func (c *cuts) clickHouse(t *testing.T, server string) string {
	t.Helper()
	return proxy(t, server, func(client, server net.Conn) {
		var mu sync.Mutex
		stage := idle
		go func() {
			defer func() { _ = server.Close() }()
			_ = chunks(server, client, func(chunk []byte) error {
				mu.Lock()
				defer mu.Unlock()
				switch {
				case stage == answered:
					stage = sent
				case stage == idle && bytes.Contains(chunk, []byte("INSERT INTO ")):
					stage = asked
				}
				return nil
			})
		}()
		_ = chunks(client, server, func(chunk []byte) error {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case stage == asked:
				stage = answered
			case stage == sent && chunk[len(chunk)-1] == endOfStream:
				stage = idle
				if c.cut(&c.insertOne, &c.inserted) {
					return errCut
				}
			}
			return nil
		})
	})
}

// chunks copies what comes, each piece once it was looked at.
func chunks(to io.Writer, from io.Reader, look func(chunk []byte) error) error {
	buffer := make([]byte, 256<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if refused := look(buffer[:n]); refused != nil {
				return refused
			}
			if _, failed := to.Write(buffer[:n]); failed != nil {
				return failed
			}
		}
		if err != nil {
			return err
		}
	}
}

// TestCuts takes acknowledgements from two processes of the real binary: of writes, after
// the broker has stored them, and of inserts, after the engine has. Nobody dies, so nothing
// may be in a topic twice: the broker knows a batch that comes again. In ClickHouse the
// same rows come again, and no table and no view may show it.
func TestCuts(t *testing.T) {
	if testing.Short() || !*crashes {
		t.Skip("it starts a real broker")
	}
	c := &cuts{random: rand.New(rand.NewPCG(*crashSeed, 0xc075)), produceOne: 4, insertOne: 8}
	s := newCrashSite(t, c)
	s.play(4 * time.Hour)
	started := time.Now()
	more := s.more(t, *moreSinks)
	for _, p := range append(more, s.both[:]...) {
		if err := p.start(); err != nil {
			t.Fatal(err)
		}
	}
	embeddedtest.Eventually(t, time.Duration(60+5*max(*insertCuts, *produceCuts))*time.Second, "enough acknowledgements are cut", func() bool {
		produced, inserted, _ := c.counts()
		return produced >= *produceCuts && inserted >= *insertCuts
	})
	c.end()
	lasted := time.Since(started)
	for _, p := range more {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	}
	if err := s.heal(time.Minute); err != nil {
		t.Fatal(err)
	}
	s.quiet(t)
	v := s.verify(t)
	produced, inserted, passed := c.counts()
	t.Logf("seed %d: %d acknowledgements of writes and %d of inserts cut in %s, %d let through; %d events, %d flags (and %d times one of them again), %d dead letters, %d records of rows, %d tables and views",
		*crashSeed, produced, inserted, lasted.Round(time.Second), passed, v.events, v.flags, v.repeats, v.letters, v.rows, v.tables)
	if v.repeats > 0 {
		t.Errorf("flags came again %d times: a batch was stored twice", v.repeats)
	}
}
