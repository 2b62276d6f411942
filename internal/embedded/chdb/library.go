package chdb

import (
	"strings"
	"unsafe"
)

// library is the loaded shared library: one field for each C function that is
// used. All of them may be called from any goroutine; a handle that a function
// takes may be used by one goroutine at a time.
type library struct {
	setSignalHandlersEnabled func(enabled int32)
	connect                  func(argc int32, argv unsafe.Pointer) unsafe.Pointer
	closeConn                func(conn unsafe.Pointer)
	query                    func(conn, sql unsafe.Pointer, n uintptr, format unsafe.Pointer, fn uintptr) unsafe.Pointer
	streamQuery              func(conn, sql unsafe.Pointer, n uintptr, format unsafe.Pointer, fn uintptr) unsafe.Pointer
	streamFetch              func(conn, stream unsafe.Pointer) unsafe.Pointer
	streamCancel             func(conn, stream unsafe.Pointer)
	streamInsert             func(conn, sql unsafe.Pointer, n uintptr, format unsafe.Pointer, fn uintptr) unsafe.Pointer
	streamAppend             func(stream, data unsafe.Pointer, n uintptr) int32
	streamDone               func(stream unsafe.Pointer) unsafe.Pointer
	streamInsertError        func(stream unsafe.Pointer) unsafe.Pointer
	destroyInsertStream      func(stream unsafe.Pointer)
	resultBuffer             func(result unsafe.Pointer) unsafe.Pointer
	resultLength             func(result unsafe.Pointer) uintptr
	resultError              func(result unsafe.Pointer) unsafe.Pointer
	destroyResult            func(result unsafe.Pointer)
	classify                 func(conn, sql unsafe.Pointer, n uintptr, target unsafe.Pointer, tn uintptr, out unsafe.Pointer) int32
}

// resultErr is the exception a result carries, or nil.
func (l *library) resultErr(r unsafe.Pointer) error {
	return exceptionOf(l.resultError(r))
}

// resultBytes is the engine's own memory, valid until the result is destroyed.
func (l *library) resultBytes(r unsafe.Pointer) []byte {
	return unsafe.Slice((*byte)(l.resultBuffer(r)), l.resultLength(r))
}

// exceptionOf copies a C string into an exception; nil stays nil.
func exceptionOf(text unsafe.Pointer) error {
	if text == nil {
		return nil
	}
	n := 0
	for *(*byte)(unsafe.Add(text, n)) != 0 {
		n++
	}
	return parseException(strings.ToValidUTF8(string(unsafe.Slice((*byte)(text), n)), "?"))
}
