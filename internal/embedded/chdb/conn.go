package chdb

import (
	"bufio"
	"bytes"
	"crypto/subtle"
	"errors"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"
)

// client is one connection: it reads packets, drives a session of its own in
// the engine and answers. One goroutine runs it.
type client struct {
	server   *Server
	conn     net.Conn
	tag      string // tag marks the session's statements, so that they can be killed.
	in       *wireReader
	out      *bufio.Writer
	buf      proto.Buffer
	revision int
	session  *session
	// applied is the settings of the last query, which the session still has.
	applied    map[string]string
	compressor *compress.Writer
	compressed bool
	block      []byte // block is the memory of the last inserted block.
}

// writeBuffer gathers small packets into one write.
const writeBuffer = 64 << 10

// helloTimeout is how long a new connection may take to say who it is.
const helloTimeout = 30 * time.Second

func newClient(s *Server, conn net.Conn, tag string) *client {
	return &client{
		server: s, conn: conn, tag: tag,
		in: newWireReader(conn), out: bufio.NewWriterSize(conn, writeBuffer),
		applied:    make(map[string]string),
		compressor: compress.NewWriter(compress.LevelZero, compress.LZ4),
	}
}

// run serves the client until it leaves or breaks the protocol.
func (c *client) run() {
	err := c.greet()
	for err == nil {
		err = c.packet()
	}
	if c.session != nil {
		c.session.close()
	}
	if errors.Is(err, errProtocol) {
		// The client may still be told why. It may be gone; that is no loss.
		_ = c.sendException(&exception{code: codeUnknownPacket, message: err.Error()})
	}
}

// greet exchanges hellos and opens the session.
func (c *client) greet() error {
	if err := c.conn.SetReadDeadline(time.Now().Add(helloTimeout)); err != nil {
		return err
	}
	h, err := c.in.hello()
	if err != nil {
		return err
	}
	if err := c.conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	c.revision = h.revision
	if !c.server.admits(h.user, h.password) {
		return c.refuse(&exception{code: codeAuthFailed, message: "Authentication failed: password is incorrect, or there is no user with such name."})
	}
	// The tag is how a running statement of this session is found again.
	if c.session, err = c.server.lib.connectSession(append(c.server.args, "--log_comment="+c.tag)...); err != nil {
		return c.refuse(asException(err))
	}
	if h.database != "" {
		if _, err := c.session.exec("USE " + quoteName(h.database)); err != nil {
			return c.refuse(asException(err))
		}
	}
	v := c.server.version
	c.buf.Reset()
	(&proto.ServerHello{
		Name: "ClickHouse", Major: v.major, Minor: v.minor, Patch: v.patch,
		Revision: maxRevision, Timezone: v.timezone, DisplayName: "sendwatch",
	}).EncodeAware(&c.buf, c.revision)
	return c.flush()
}

// admits compares user and password with the configured ones, in a time that
// does not tell how much of them was right.
func (s *Server) admits(user, password string) bool {
	if s.cfg.User == "" {
		return true
	}
	u := subtle.ConstantTimeCompare([]byte(user), []byte(s.cfg.User))
	p := subtle.ConstantTimeCompare([]byte(password), []byte(s.cfg.Password))
	return u&p == 1
}

// packet reads one packet and answers it.
func (c *client) packet() error {
	code, err := c.in.raw.ReadByte()
	if err != nil {
		return err
	}
	switch proto.ClientCode(code) {
	case proto.ClientCodePing:
		c.buf.Reset()
		proto.ServerCodePong.Encode(&c.buf)
		return c.flush()
	case proto.ClientCodeCancel: // It crossed the end of what it wanted to cancel.
		return nil
	case proto.ClientCodeQuery:
		q, err := c.in.query(c.revision)
		if err != nil {
			return err
		}
		c.compressed = q.compressed
		return c.answer(q)
	}
	return protocolError("packet %d", code)
}

// answer runs one query. It returns an error only if the connection is lost;
// what the engine objects to goes to the client as an exception.
func (c *client) answer(q clientQuery) error {
	external, err := c.externalTables()
	if err != nil {
		return err
	}
	if external {
		return c.sendException(&exception{code: codeNotImplemented, message: "External tables are not supported by the embedded ClickHouse."})
	}
	if err := c.apply(q.settings); err != nil {
		return c.sendException(asException(err))
	}
	if st, ok := parseInsert(q.body); ok {
		err = c.insert(st)
	} else {
		err = c.execute(withoutFormat(q.body))
	}
	var refused *exception
	if errors.As(err, &refused) {
		return c.sendException(refused)
	}
	if err != nil {
		return err
	}
	c.buf.Reset()
	proto.ServerCodeEndOfStream.Encode(&c.buf)
	return c.flush()
}

// externalTables reads the blocks that follow every query and end with an
// empty one.
func (c *client) externalTables() (any bool, err error) {
	for {
		code, err := c.in.raw.ReadByte()
		if err != nil {
			return any, err
		}
		if proto.ClientCode(code) != proto.ClientCodeData {
			return any, protocolError("packet %d where the query's data belongs", code)
		}
		_, columns, _, err := c.in.data(nil, c.compressed)
		if err != nil || columns == 0 {
			return any, err
		}
		any = true
	}
}

// settingName is what a setting may be called.
//
//nolint:gochecknoglobals // A constant, compiled once.
var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// apply gives the session the settings of one query. A server forgets a
// query's settings after it, so those of the last one are taken back first.
func (c *client) apply(settings []setting) error {
	want := make(map[string]string, len(settings))
	for _, s := range settings {
		if !settingName.MatchString(s.name) {
			return &exception{code: unknownException, message: "Setting name " + quoteString(s.name) + " is not a name"}
		}
		if s.name != "log_comment" { // It carries the tag.
			want[s.name] = s.value
		}
	}
	for name := range c.applied {
		if _, ok := want[name]; !ok {
			if _, err := c.session.exec("SET " + name + " = DEFAULT"); err != nil {
				return err
			}
			delete(c.applied, name)
		}
	}
	for name, value := range want {
		if had, ok := c.applied[name]; ok && had == value {
			continue
		}
		if _, err := c.session.exec("SET " + name + " = " + quoteString(value)); err != nil {
			return err
		}
		c.applied[name] = value
	}
	return nil
}

// execute runs a statement that takes no blocks, and sends its result.
func (c *client) execute(sql string) error {
	w := c.watch()
	sent, err := c.result(sql, w)
	if werr := w.stop(); werr != nil {
		return werr
	}
	if err == nil && w.cancelled.Load() {
		err = &exception{code: codeQueryCancelled, message: "Query was cancelled."}
	}
	if err == nil && !sent && c.session.readOnly(sql) {
		return c.sendEmpty(sql)
	}
	return err
}

// result streams a statement's blocks to the client.
func (c *client) result(sql string, w *watcher) (sent bool, err error) {
	if !c.session.readOnly(sql) {
		return c.whole(sql)
	}
	st, err := c.session.query(sql)
	if err != nil {
		if notStreamable(err) {
			return c.whole(sql)
		}
		return false, err
	}
	defer st.close()
	for !w.cancelled.Load() {
		more, err := st.next(func(block []byte) error {
			sent = true
			return c.sendBlock(block)
		})
		if err != nil || !more {
			return sent, err
		}
	}
	return sent, nil
}

// notStreamable recognises the engine's refusal to stream what is not a plain
// SELECT: SHOW, DESCRIBE, EXPLAIN.
func notStreamable(err error) bool {
	return strings.Contains(err.Error(), "Streaming query is not supported")
}

// whole runs a statement at once. Its result may be several blocks in a row.
func (c *client) whole(sql string) (sent bool, err error) {
	out, err := c.session.exec(sql)
	if err != nil || len(out) == 0 {
		return false, err
	}
	r := bufio.NewReaderSize(bytes.NewReader(out), readBuffer)
	bl := blockReader{r: r, limit: maxBlockBytes}
	for {
		if _, err := r.Peek(1); err != nil {
			return true, nil //nolint:nilerr // The end of the result.
		}
		bl.out = bl.out[:0]
		if _, _, err := bl.block(); err != nil {
			return true, asException(err)
		}
		if err := c.sendBlock(bl.out); err != nil {
			return true, err
		}
	}
}

// sendEmpty tells the client the columns of a result without rows. The engine
// says nothing about an empty result, so it is asked what the columns are. Of
// a statement that cannot be asked about, the client learns of no columns.
func (c *client) sendEmpty(sql string) error {
	columns, err := c.session.describe("(" + strings.TrimRight(strings.TrimSpace(sql), ";") + "\n)")
	if err != nil {
		columns = nil
	}
	return c.sendBlock(headerBlock(columns))
}

// describe asks for the columns of a table, a table function or a query.
func (s *session) describe(what string) ([]column, error) {
	rows, err := s.strings("DESCRIBE TABLE " + what)
	if err != nil {
		return nil, err
	}
	columns := make([]column, 0, len(rows))
	for _, r := range rows {
		if len(r) < 3 {
			return nil, &exception{code: unknownException, message: "DESCRIBE answers with too few columns"}
		}
		columns = append(columns, column{name: r[0], typ: r[1], kind: r[2]})
	}
	return columns, nil
}

// compressStep is the uncompressed size of a compressed frame.
const compressStep = 1 << 20

// sendBlock sends a data packet.
func (c *client) sendBlock(block []byte) error {
	c.buf.Reset()
	proto.ServerCodeData.Encode(&c.buf)
	c.buf.PutString("") // table name
	if !c.compressed {
		proto.BlockInfo{BucketNum: -1}.Encode(&c.buf)
		if _, err := c.out.Write(c.buf.Buf); err != nil {
			return err
		}
		if _, err := c.out.Write(block); err != nil {
			return err
		}
		return c.out.Flush()
	}
	if _, err := c.out.Write(c.buf.Buf); err != nil {
		return err
	}
	c.buf.Reset()
	proto.BlockInfo{BucketNum: -1}.Encode(&c.buf)
	for piece := c.buf.Buf; ; {
		if err := c.compressor.Compress(piece); err != nil {
			return err
		}
		if _, err := c.out.Write(c.compressor.Data); err != nil {
			return err
		}
		if len(block) == 0 {
			return c.out.Flush()
		}
		n := min(len(block), compressStep)
		piece, block = block[:n], block[n:]
	}
}

// sendException sends an exception. The connection stays usable.
func (c *client) sendException(e *exception) error {
	c.buf.Reset()
	proto.ServerCodeException.Encode(&c.buf)
	(&proto.Exception{Code: proto.Error(e.code), Name: "DB::Exception", Message: "DB::Exception: " + e.message}).EncodeAware(&c.buf, c.revision)
	return c.flush()
}

// refuse sends an exception and ends the connection.
func (c *client) refuse(e *exception) error {
	return errors.Join(c.sendException(e), io.EOF)
}

func (c *client) flush() error {
	if _, err := c.out.Write(c.buf.Buf); err != nil {
		return err
	}
	return c.out.Flush()
}

// asException makes any error one that the protocol can carry.
func asException(err error) *exception {
	var e *exception
	if errors.As(err, &e) {
		return e
	}
	return &exception{code: unknownException, message: err.Error()}
}

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
