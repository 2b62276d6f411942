package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// Error is what went wrong with a statement of ours. Its text never holds a
// value of a row.
type Error struct {
	// Doing says what was tried, as in "insert into flags".
	Doing string
	// Code is the server's error code, 0 if the server did not answer.
	Code int32
	// Retryable reports whether the same call can succeed later on without
	// anyone changing the schema, the rights or this program.
	Retryable bool

	detail string
	cause  error
}

// Error names what was tried, the server's code and, where it cannot hold a
// value, the server's message.
func (e *Error) Error() string {
	return "ClickHouse, " + e.Doing + ": " + e.detail
}

// Unwrap returns the client library's error.
func (e *Error) Unwrap() error { return e.cause }

// Retryable reports whether repeating the call that gave err can help. What is
// not an Error of this package is not retryable.
func Retryable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Retryable
}

// Server error codes that are spoken of by name here (ClickHouse,
// src/Common/ErrorCodes.cpp).
const (
	codeUnknownTable     = 60
	codeSyntaxError      = 62
	codeUnknownDatabase  = 81
	codeWrongPassword    = 193
	codeUnknownUser      = 192
	codeAccessDenied     = 497
	codeAuthFailed       = 516
	codeRequiredPassword = 194
)

// passing are the codes of states that pass: too much at once, a full disk or
// memory, a replica or keeper that is away.
var passing = map[int32]string{
	3: "unexpected end of file", 32: "unexpected end of data", 74: "cannot read from a file", 75: "cannot write to a file",
	95: "cannot read from a socket", 96: "cannot write to a socket",
	101: "unexpected packet", 159: "timeout", 160: "estimated to be too slow", 198: "name not found", 201: "quota exceeded", 202: "too many queries at once",
	203: "no free connection", 209: "socket timeout", 210: "network error", 225: "no keeper", 236: "aborted", 241: "memory limit exceeded",
	242: "the table is read-only at present", 243: "not enough space on the disk", 252: "too many parts: inserts come faster than the server merges them",
	254: "no active replicas", 265: "no connection to a shard", 279: "no server answers", 285: "too few live replicas",
	286: "quorum not reached", 289: "all replicas are stale", 319: "the outcome of the insert is unknown", 341: "unfinished",
	369: "all replicas are lost", 373: "the session is locked", 394: "the query was cancelled", 425: "error of the operating system",
	439: "no thread to be had", 473: "deadlock avoided", 499: "the object store failed", 574: "the distributed queue is too long", 668: "not initialised",
	722: "still loading", 745: "server overloaded", 999: "keeper error", 1000: "error of a library of the server",
}

// lasting are codes whose message speaks of the schema and the rights alone,
// so that it may be shown in full.
var lasting = map[int32]bool{
	8: true, 10: true, 16: true, 20: true, 36: true, 44: true, 46: true, 47: true, 48: true, codeUnknownTable: true, codeUnknownDatabase: true, 115: true, 164: true,
	codeUnknownUser: true, codeWrongPassword: true, codeRequiredPassword: true, codeAccessDenied: true, codeAuthFailed: true,
}

// fail wraps what the client library gave for a statement of ours. Where ctx
// has ended, that is why, whatever the library noticed first.
func fail(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = errors.Join(ctx.Err(), err)
	}
	e := &Error{Doing: doing, cause: err}
	var exception *ch.Exception
	switch {
	case errors.As(err, &exception):
		e.Code = exception.Code
		text, passes := passing[exception.Code]
		e.Retryable = passes
		switch {
		case passes:
			e.detail = fmt.Sprintf("code %d: %s", exception.Code, text)
		case lasting[exception.Code]:
			e.detail = fmt.Sprintf("code %d: %s", exception.Code, exception.Message)
		default:
			e.detail = fmt.Sprintf("code %d; the server's log has its message", exception.Code)
		}
	case errors.Is(err, context.Canceled):
		e.detail = "cancelled"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		e.Retryable, e.detail = true, "no answer in time"
	case unreachable(err):
		e.Retryable, e.detail = true, network(err)
	default:
		e.detail = "the client library refused: " + firstLine(err.Error())
	}
	return e
}

// unreachable reports whether err speaks of the connection and not of what was
// sent over it.
func unreachable(err error) bool {
	var op net.Error
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ECONNREFUSED) ||
		errors.Is(err, ch.ErrAcquireConnTimeout) || errors.Is(err, ch.ErrConnectionClosed) ||
		errors.Is(err, ch.ErrServerUnexpectedData)
}

// network says what is wrong with the connection: none could be made, or the one
// there was broke, which a restart of the server or something on the way does.
func network(err error) string {
	var op *net.OpError
	switch {
	case errors.As(err, &op) && op.Op == "dial":
		return "not reachable: " + firstLine(op.Error())
	case errors.As(err, &op):
		return "the connection broke: " + firstLine(op.Error())
	case errors.Is(err, ch.ErrAcquireConnTimeout):
		return "no connection came about in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the server closed the connection"
	}
	return "the connection broke: " + firstLine(err.Error())
}

func firstLine(s string) string {
	for i := range len(s) {
		if s[i] == '\n' || s[i] == '\r' {
			return s[:i]
		}
	}
	return s
}
