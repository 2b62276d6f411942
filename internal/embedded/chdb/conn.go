package chdb

import (
	"bufio"
	"crypto/subtle"
	"errors"
	"net"
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
// does not say how much of them was right.
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
	if refused, ok := errors.AsType[*exception](err); ok {
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
func (c *client) externalTables() (found bool, err error) {
	for {
		code, err := c.in.raw.ReadByte()
		if err != nil {
			return found, err
		}
		if proto.ClientCode(code) != proto.ClientCodeData {
			return found, protocolError("packet %d where the query's data belongs", code)
		}
		_, columns, _, err := c.in.data(nil, c.compressed)
		if err != nil || columns == 0 {
			return found, err
		}
		found = true
	}
}
