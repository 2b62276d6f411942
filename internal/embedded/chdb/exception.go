package chdb

import (
	"errors"
	"strconv"
	"strings"
)

// exception is an error of the engine, as the wire protocol carries it.
type exception struct {
	code    int32
	message string
}

// unknownException is the code of ClickHouse for errors without one.
const unknownException = 1002

// Codes of ClickHouse that this server itself answers with.
const (
	codeUnknownPacket  = 99  // UNKNOWN_PACKET_FROM_CLIENT
	codeQueryCancelled = 394 // QUERY_WAS_CANCELLED
	codeAuthFailed     = 516 // AUTHENTICATION_FAILED
	codeNotImplemented = 48  // NOT_IMPLEMENTED
)

// Error is the message.
func (e *exception) Error() string { return e.message }

// parseException reads "Code: 60. DB::Exception: Unknown table ... (UNKNOWN_TABLE)".
// Text before the code, which the engine adds at times, is dropped.
func parseException(text string) *exception {
	text = strings.TrimSpace(text)
	const mark = "Code: "
	at := strings.Index(text, mark)
	if at < 0 {
		return &exception{code: unknownException, message: text}
	}
	rest := text[at+len(mark):]
	digits := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if digits <= 0 {
		return &exception{code: unknownException, message: text}
	}
	code, err := strconv.ParseInt(rest[:digits], 10, 32)
	if err != nil {
		return &exception{code: unknownException, message: text}
	}
	message := strings.TrimPrefix(rest[digits:], ". ")
	return &exception{code: int32(code), message: strings.TrimPrefix(message, "DB::Exception: ")}
}

// asException makes any error one that the protocol can carry.
func asException(err error) *exception {
	if e, ok := errors.AsType[*exception](err); ok {
		return e
	}
	return &exception{code: unknownException, message: err.Error()}
}
