package sim

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var (
	errDead    = errors.New("sim: the process is dead")
	errRefused = errors.New("sim: refused")
	errLost    = errors.New("sim: the reply was lost")
)

// wire is a connection of a process to a broker. It sees each request as a whole, and
// does to it what the schedule says: the process cannot notice the difference to a network
// that does so.
type wire struct {
	net.Conn
	process *process
	out     []byte // of a request that is not whole yet

	mu     sync.Mutex
	answer fate // of the request whose answer is awaited
	given  bool // the pipe belongs to a request that arrives late
}

// dial connects a process to a broker.
func (p *process) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if f := p.reach("dial"); f.err != nil {
		return nil, f.err
	}
	conn, err := p.world.network.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &wire{Conn: conn, process: p}
	if !p.connected(c) {
		_ = conn.Close()
		return nil, errDead
	}
	return c, nil
}

// Write takes a part of a request, and sends the requests that are whole.
func (c *wire) Write(b []byte) (int, error) {
	c.out = append(c.out, b...)
	for len(c.out) >= 4 {
		size := 4 + int(binary.BigEndian.Uint32(c.out))
		if len(c.out) < size {
			break
		}
		request := c.out[:size:size]
		c.out = append([]byte(nil), c.out[size:]...)
		if err := c.send(request); err != nil {
			_ = c.Close()
			return 0, err
		}
	}
	return len(b), nil
}

// send does to a request what the schedule says.
func (c *wire) send(request []byte) error {
	operation, asked := operationOf(request), time.Now()
	f := c.process.reach(operation)
	if operation == "OffsetCommit" && f.late > 0 && c.process.world.hasCut() {
		f = fate{err: errRefused} // it might take a group back to what was deleted, whose end no retention is as close to
	}
	if f.err != nil {
		return f.err
	}
	if operation == "OffsetCommit" && (f.late > 0 || time.Since(asked) > 4*time.Second) { // a commit is given up after 5 s
		c.process.world.lateCommit.Store(true)
	}
	c.mu.Lock()
	c.answer = f
	c.given = f.late > 0
	c.mu.Unlock()
	if f.late > 0 {
		go c.arrive(request, f.late)
		return nil
	}
	_, err := c.Conn.Write(request)
	return err
}

// arrive lets a request reach its broker after the process has given it up, and perhaps
// after the process itself.
func (c *wire) arrive(request []byte, after time.Duration) {
	select {
	case <-time.After(after):
	case <-c.process.world.healed:
	}
	defer c.Conn.Close() //nolint:errcheck // nobody is left to be told
	_ = c.SetDeadline(time.Time{})
	if _, err := c.Conn.Write(request); err == nil {
		_ = c.discard()
	}
}

// discard reads an answer that nobody gets.
func (c *wire) discard() error {
	var size [4]byte
	if _, err := io.ReadFull(c.Conn, size[:]); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, c.Conn, int64(binary.BigEndian.Uint32(size[:])))
	return err
}

// Read returns what the broker answers, unless the answer is lost.
func (c *wire) Read(b []byte) (int, error) {
	c.mu.Lock()
	f, given := c.answer, c.given
	c.mu.Unlock()
	if given {
		return 0, io.ErrUnexpectedEOF
	}
	if f.lost || f.after != nil {
		if err := c.discard(); err != nil {
			return 0, err
		}
		c.process.act(f.after)
		_ = c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.Conn.Read(b)
	if err == nil {
		err = c.process.await()
	}
	return n, err
}

// Close ends the connection; a request that arrives late keeps its pipe.
func (c *wire) Close() error {
	c.process.disconnected(c)
	c.mu.Lock()
	given := c.given
	c.mu.Unlock()
	if given {
		return nil
	}
	return c.Conn.Close()
}

// operationOf names a request: what it is, and of a write its topic.
func operationOf(request []byte) string {
	r := kbin.Reader{Src: request[4:]}
	key, version := r.Int16(), r.Int16()
	if key != int16(kmsg.Produce) {
		return kmsg.NameForKey(key)
	}
	r.Int32() // correlation id
	r.NullableString()
	produce := kmsg.NewPtrProduceRequest()
	produce.SetVersion(version)
	if produce.IsFlexible() {
		kmsg.SkipTags(&r)
	}
	if err := produce.ReadFrom(r.Src); err != nil || len(produce.Topics) == 0 {
		return "Produce"
	}
	return "Produce " + produce.Topics[0].Topic
}
