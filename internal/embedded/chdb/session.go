package chdb

import (
	"errors"
	"runtime"
	"unsafe"
)

// session is one connection to the engine: a current database, settings and at
// most one running statement. It is used by one goroutine at a time.
type session struct {
	lib    *library
	handle unsafe.Pointer // What connect returned; close takes this one.
	conn   unsafe.Pointer // What the handle points to; all else takes this one.
}

// connectSession opens a session with the engine's own command line arguments.
// The first session of a process boots the engine with its data path.
func (l *library) connectSession(args ...string) (*session, error) {
	argv := make([]*byte, len(args)+1)
	for i, a := range append([]string{"clickhouse"}, args...) {
		argv[i] = unsafe.StringData(a + "\x00")
	}
	handle := l.connect(int32(len(argv)), unsafe.Pointer(unsafe.SliceData(argv)))
	runtime.KeepAlive(argv)
	if handle == nil {
		return nil, errors.New("the ClickHouse engine refused to start; " +
			"one process can hold one data folder at a time, and one data folder can belong to one process")
	}
	return &session{lib: l, handle: handle, conn: *(*unsafe.Pointer)(handle)}, nil
}

// close ends the session. Closing the last one shuts the engine down.
func (s *session) close() { s.lib.closeConn(s.handle) }

const nativeFormat = "Native"

// exec runs one statement to its end and returns its whole result in the
// Native format, copied out of the engine's memory.
func (s *session) exec(sql string) ([]byte, error) { return s.execFormat(sql, nativeFormat) }

// execFormat is exec in another of the engine's formats.
func (s *session) execFormat(sql, format string) ([]byte, error) {
	r := s.lib.query(s.conn, unsafe.Pointer(unsafe.StringData(sql)), uintptr(len(sql)),
		unsafe.Pointer(unsafe.StringData(format)), uintptr(len(format)))
	runtime.KeepAlive(sql)
	runtime.KeepAlive(format)
	defer s.lib.destroyResult(r)
	if err := s.lib.resultErr(r); err != nil {
		return nil, err
	}
	return append([]byte(nil), s.lib.resultBytes(r)...), nil
}

// stream is a running statement whose result is taken block by block.
type stream struct {
	s      *session
	handle unsafe.Pointer
	ended  bool
}

// query starts a statement. The stream must be closed.
func (s *session) query(sql string) (*stream, error) {
	h := s.lib.streamQuery(s.conn, unsafe.Pointer(unsafe.StringData(sql)), uintptr(len(sql)),
		unsafe.Pointer(unsafe.StringData(nativeFormat)), uintptr(len(nativeFormat)))
	runtime.KeepAlive(sql)
	if err := s.lib.resultErr(h); err != nil {
		s.lib.destroyResult(h)
		return nil, err
	}
	return &stream{s: s, handle: h}, nil
}

// next hands the next block in the Native format to use, or returns false at
// the end. The bytes are the engine's and are gone when use returns.
func (st *stream) next(use func(block []byte) error) (bool, error) {
	if st.ended {
		return false, nil
	}
	lib := st.s.lib
	r := lib.streamFetch(st.s.conn, st.handle)
	defer lib.destroyResult(r)
	if err := lib.resultErr(r); err != nil {
		st.ended = true
		return false, err
	}
	b := lib.resultBytes(r)
	if len(b) == 0 {
		st.ended = true
		return false, nil
	}
	return true, use(b)
}

// close ends the statement if it still runs and frees it.
func (st *stream) close() {
	if !st.ended {
		st.s.lib.streamCancel(st.s.conn, st.handle)
	}
	st.s.lib.destroyResult(st.handle)
}

// insertion is a running INSERT that takes blocks in the Native format.
type insertion struct {
	s      *session
	handle unsafe.Pointer
}

// insert starts an INSERT, given without FORMAT or data. It must be closed.
func (s *session) insert(sql string) (*insertion, error) {
	h := s.lib.streamInsert(s.conn, unsafe.Pointer(unsafe.StringData(sql)), uintptr(len(sql)),
		unsafe.Pointer(unsafe.StringData(nativeFormat)), uintptr(len(nativeFormat)))
	runtime.KeepAlive(sql)
	in := &insertion{s: s, handle: h}
	if err := in.err(); err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

// append hands over one block. The engine copies it.
func (in *insertion) append(block []byte) error {
	if len(block) == 0 {
		return nil
	}
	state := in.s.lib.streamAppend(in.handle, unsafe.Pointer(unsafe.SliceData(block)), uintptr(len(block)))
	runtime.KeepAlive(block)
	if state == 0 {
		return nil
	}
	if err := in.err(); err != nil {
		return err
	}
	return errors.New("the engine refused a block and gave no reason")
}

// commit ends the INSERT and returns once its rows are stored.
func (in *insertion) commit() error {
	r := in.s.lib.streamDone(in.handle)
	defer in.s.lib.destroyResult(r)
	return in.s.lib.resultErr(r)
}

// close frees the INSERT, and drops it if it was not committed.
func (in *insertion) close() { in.s.lib.destroyInsertStream(in.handle) }

func (in *insertion) err() error {
	return exceptionOf(in.s.lib.streamInsertError(in.handle))
}

// Statement classes as the engine reports them.
const classReadOnly = 0

// readOnly reports whether the engine's parser takes sql for one statement
// that leaves no trace (SELECT, SHOW, DESCRIBE ...).
func (s *session) readOnly(sql string) bool {
	var a struct{ size, count, flags, class uint32 }
	a.size = uint32(unsafe.Sizeof(a))
	state := s.lib.classify(s.conn, unsafe.Pointer(unsafe.StringData(sql)), uintptr(len(sql)), nil, 0, unsafe.Pointer(&a))
	runtime.KeepAlive(sql)
	return state == 0 && a.count == 1 && a.class == classReadOnly
}
