package chdb

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"
)

// Revisions of the native protocol. Above maxRevision, blocks carry a mark of
// custom serialisation for each column, which the engine's own Native format
// does not have; below minRevision, settings come in a binary form.
const (
	minRevision = 54430
	maxRevision = 54453
)

// Limits on what a client may send. A client that goes beyond is refused with
// an error and loses its connection: nothing it says can take the memory.
const (
	maxNameBytes  = 1 << 10  // a name, a version, an address
	maxQueryBytes = 16 << 20 // one statement
	maxSettings   = 1 << 10
	maxTypeBytes  = 64 << 10 // one column's type, Enum values included
	maxColumns    = 4 << 10
	maxRows       = 1 << 28
	maxBlockBytes = 1 << 30
)

// errProtocol marks bytes that are not the native protocol, or beyond a limit.
var errProtocol = errors.New("not the ClickHouse native protocol")

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errProtocol, fmt.Sprintf(format, args...))
}

// wireReader reads what a client sends, never more than a limit allows.
type wireReader struct {
	raw    *bufio.Reader
	frames *bufio.Reader // The same bytes, decompressed frame by frame.
}

const readBuffer = 64 << 10

func newWireReader(r io.Reader) *wireReader {
	raw := bufio.NewReaderSize(r, readBuffer)
	return &wireReader{raw: raw, frames: bufio.NewReaderSize(compress.NewReader(raw), readBuffer)}
}

func (w *wireReader) uvarint() (uint64, error) { return binary.ReadUvarint(w.raw) }

func (w *wireReader) str(limit uint64) (string, error) {
	n, err := w.uvarint()
	if err != nil {
		return "", err
	}
	if n > limit {
		return "", protocolError("a string of %d bytes, accepted are %d", n, limit)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(w.raw, b); err != nil {
		return "", err
	}
	return string(b), nil
}

func (w *wireReader) skip(n int) error {
	_, err := w.raw.Discard(n)
	return err
}

// skipStrings skips n strings of the short kind.
func (w *wireReader) skipStrings(n int) error {
	for range n {
		if _, err := w.str(maxNameBytes); err != nil {
			return err
		}
	}
	return nil
}

// skipUvarints skips n variable-length numbers.
func (w *wireReader) skipUvarints(n int) error {
	for range n {
		if _, err := w.uvarint(); err != nil {
			return err
		}
	}
	return nil
}

// clientHello is the first packet of a client.
type clientHello struct {
	revision                 int
	database, user, password string
}

// hello reads the client's hello, packet code included.
func (w *wireReader) hello() (h clientHello, err error) {
	code, err := w.raw.ReadByte()
	if err != nil {
		return h, err
	}
	if proto.ClientCode(code) != proto.ClientCodeHello {
		return h, protocolError("the first byte is %d, a client starts with a hello", code)
	}
	if err := w.skipStrings(1); err != nil { // client name
		return h, err
	}
	if err := w.skipUvarints(2); err != nil { // version
		return h, err
	}
	revision, err := w.uvarint()
	if err != nil {
		return h, err
	}
	if revision < minRevision {
		return h, protocolError("revision %d, accepted is %d or newer", revision, minRevision)
	}
	h.revision = int(min(revision, maxRevision))
	for _, field := range []*string{&h.database, &h.user, &h.password} {
		if *field, err = w.str(maxNameBytes); err != nil {
			return h, err
		}
	}
	return h, nil
}

// setting is one setting of a query, value as text.
type setting struct {
	name, value string
}

// clientQuery is a query packet.
type clientQuery struct {
	settings   []setting
	compressed bool // compressed says that blocks are compressed in both directions.
	body       string
}

// Kinds of interface in a query's client information.
const interfaceTCP = 1

// query reads a query packet without its code.
func (w *wireReader) query(revision int) (q clientQuery, err error) {
	if err := w.skipStrings(1); err != nil { // query id
		return q, err
	}
	if err := w.clientInfo(revision); err != nil {
		return q, err
	}
	for {
		name, err := w.str(maxNameBytes)
		if err != nil {
			return q, err
		}
		if name == "" {
			break
		}
		if len(q.settings) == maxSettings {
			return q, protocolError("more than %d settings", maxSettings)
		}
		if err := w.skipUvarints(1); err != nil { // flags
			return q, err
		}
		value, err := w.str(maxQueryBytes)
		if err != nil {
			return q, err
		}
		q.settings = append(q.settings, setting{name, value})
	}
	if proto.FeatureInterServerSecret.In(revision) {
		if err := w.skipStrings(1); err != nil {
			return q, err
		}
	}
	if err := w.skipUvarints(1); err != nil { // stage
		return q, err
	}
	compression, err := w.uvarint()
	if err != nil {
		return q, err
	}
	q.compressed = compression != 0
	q.body, err = w.str(maxQueryBytes)
	return q, err
}

// clientInfo skips who asks: this server has one user and no query log.
func (w *wireReader) clientInfo(revision int) error {
	kind, err := w.raw.ReadByte()
	if err != nil || kind == 0 {
		return err
	}
	if err := w.skipStrings(3); err != nil { // initial user, query id, address
		return err
	}
	if proto.FeatureQueryStartTime.In(revision) {
		if err := w.skip(8); err != nil {
			return err
		}
	}
	face, err := w.raw.ReadByte()
	if err != nil {
		return err
	}
	if face != interfaceTCP {
		return protocolError("interface %d, accepted is TCP (%d)", face, interfaceTCP)
	}
	if err := w.skipStrings(3); err != nil { // OS user, host, client name
		return err
	}
	if err := w.skipUvarints(3); err != nil { // client version and revision
		return err
	}
	if err := w.skipStrings(1); err != nil { // quota key
		return err
	}
	if proto.FeatureDistributedDepth.In(revision) {
		if err := w.skipUvarints(1); err != nil {
			return err
		}
	}
	if err := w.skipUvarints(1); err != nil { // patch version
		return err
	}
	if proto.FeatureOpenTelemetry.In(revision) {
		if err := w.traceContext(); err != nil {
			return err
		}
	}
	if proto.FeatureParallelReplicas.In(revision) {
		return w.skipUvarints(3)
	}
	return nil
}

// traceContext skips the trace a query belongs to.
func (w *wireReader) traceContext() error {
	has, err := w.raw.ReadByte()
	if err != nil || has == 0 {
		return err
	}
	if err := w.skip(16 + 8); err != nil { // trace and span id
		return err
	}
	if err := w.skipStrings(1); err != nil { // trace state
		return err
	}
	return w.skip(1) // flags
}

// Fields of the information before a block.
const (
	blockInfoEnd       = 0
	blockInfoOverflows = 1
	blockInfoBucket    = 2
)

// data reads a data packet without its code, and appends its block, as the
// Native format has it, to dst. A block without columns ends a series.
func (w *wireReader) data(dst []byte, compressed bool) (block []byte, columns, rows uint64, err error) {
	if err := w.skipStrings(1); err != nil { // table name
		return dst, 0, 0, err
	}
	r := w.raw
	if compressed {
		r = w.frames
	}
	for {
		field, err := binary.ReadUvarint(r)
		if err != nil {
			return dst, 0, 0, err
		}
		size := 0
		switch field {
		case blockInfoEnd:
		case blockInfoOverflows:
			size = 1
		case blockInfoBucket:
			size = 4
		default:
			return dst, 0, 0, protocolError("field %d before a block", field)
		}
		if field == blockInfoEnd {
			break
		}
		if _, err := r.Discard(size); err != nil {
			return dst, 0, 0, err
		}
	}
	bl := blockReader{r: r, out: dst, limit: len(dst) + maxBlockBytes}
	columns, rows, err = bl.block()
	if err == nil && compressed && w.frames.Buffered() > 0 {
		err = protocolError("%d bytes follow a block in its compressed frame", w.frames.Buffered())
	}
	return bl.out, columns, rows, err
}
