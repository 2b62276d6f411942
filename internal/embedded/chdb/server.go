package chdb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"sendwatch/internal/embedded/fetch"
	"sendwatch/internal/embedded/scratch"
)

// Config says what to start. The zero value is an engine with its data in a
// temporary folder, on a free loopback port, open to any user.
type Config struct {
	// Dir holds the data and stays. If it is empty the data lives in a
	// temporary folder, which is removed at the end.
	Dir string
	// Listen is "host:port", default "127.0.0.1:0": a free port.
	Listen string
	// User and Password, if User is set, are the only ones accepted.
	User, Password string
	// Grants, if any, are all that users may do, each a GRANT statement without its
	// user ("GRANT SELECT ON *.*"): for tests of what happens to a user with too few
	// rights. The folder then gets the files of that configuration.
	Grants []string
	// MaxMemory bounds what all queries together may use, in bytes. Default
	// DefaultMaxMemory.
	MaxMemory int64
	// MaxThreads bounds the threads of one query. Default DefaultMaxThreads.
	MaxThreads int
	// Report is told how fetching the engine goes. Default: nobody.
	Report fetch.Report
}

// Defaults that keep a demo small on a laptop.
const (
	DefaultMaxMemory  = 2 << 30
	DefaultMaxThreads = 2
)

// Server is the engine and its listener. New makes one.
type Server struct {
	cfg      Config
	listener net.Listener
	lib      *library
	args     []string // args open a session.
	dir      string
	temp     *scratch.Dir // temp is nil if the data stays.
	version  serverVersion

	// base keeps the engine running while no client is connected, and kills
	// the statements of the others. baseMu guards its use.
	baseMu sync.Mutex
	base   *session

	mu      sync.Mutex // mu guards what follows.
	clients map[*client]struct{}
	closing bool
	serial  uint64
	wg      sync.WaitGroup
}

// New returns a server that does nothing yet.
func New(cfg Config) *Server {
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.MaxMemory <= 0 {
		cfg.MaxMemory = DefaultMaxMemory
	}
	if cfg.MaxThreads <= 0 {
		cfg.MaxThreads = DefaultMaxThreads
	}
	if cfg.Report == nil {
		cfg.Report = fetch.Silent
	}
	return &Server{cfg: cfg, clients: make(map[*client]struct{})}
}

// Open fetches the engine if it is not in the cache, starts it and listens.
// Clients may connect from now on; they are served once Run runs. A server
// that was opened must be run or closed.
func (s *Server) Open(ctx context.Context) (err error) {
	if s.listener != nil {
		return nil
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.release())
		}
	}()
	path, err := engineFile(ctx, s.cfg.Report)
	if err != nil {
		return err
	}
	if s.lib, err = loadLibrary(path); err != nil {
		return loadError(path, err)
	}
	if err := s.openFolder(); err != nil {
		return err
	}
	if s.args, err = restrict(s.dir, s.cfg.Grants); err != nil {
		return err
	}
	s.args = append(s.args,
		"--path="+s.dir,
		"--max_server_memory_usage="+strconv.FormatInt(s.cfg.MaxMemory, 10),
		"--max_threads="+strconv.Itoa(s.cfg.MaxThreads),
		"--max_insert_threads=1",
		// The profiler interrupts threads with signals, which are Go's here.
		"--query_profiler_real_time_period_ns=0",
		"--query_profiler_cpu_time_period_ns=0",
		// On a terminal the engine would log there, above all threads that it
		// misses because goroutines move between them; errors reach the client.
		"--logger.console=false",
	)
	if s.base, err = s.lib.connectSession(s.args...); err != nil {
		return err
	}
	if s.version, err = askVersion(s.base); err != nil {
		return err
	}
	if s.listener, err = net.Listen("tcp", s.cfg.Listen); err != nil {
		return fmt.Errorf("embedded ClickHouse: %w", err)
	}
	return nil
}

func (s *Server) openFolder() (err error) {
	if s.dir = s.cfg.Dir; s.dir != "" {
		return os.MkdirAll(s.dir, 0o755)
	}
	if s.temp, err = scratch.New("sendwatch-clickhouse"); err != nil {
		return err
	}
	s.dir = s.temp.Path()
	return nil
}

// Addr is the address clients connect to, "" before Open.
func (s *Server) Addr() string {
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// Run serves clients until ctx ends, then stops running queries, ends the
// connections, shuts the engine down and removes temporary data. It opens the
// server first if that was not done. It returns nil when ctx ended it.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Open(ctx); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.listener.Close() })
	defer stop()
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			if ctx.Err() != nil {
				err = nil
			}
			return errors.Join(err, s.Close())
		}
		s.serve(conn)
	}
}

// Close ends everything: clients, engine, temporary data. Run does it by
// itself; a server that was only opened needs it.
func (s *Server) Close() error {
	if s.listener == nil {
		return nil
	}
	err := s.listener.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	s.mu.Lock()
	s.closing = true
	for c := range s.clients {
		_ = c.conn.Close() // Its goroutine sees that and kills its statement.
	}
	s.mu.Unlock()
	s.wg.Wait()
	return errors.Join(err, s.release())
}

// release frees what Open took, in reverse order.
func (s *Server) release() error {
	s.baseMu.Lock()
	defer s.baseMu.Unlock()
	if s.base != nil {
		s.base.close()
		s.base = nil
	}
	if s.temp == nil {
		return nil
	}
	return s.temp.Remove()
}

// serve starts the goroutine of one client.
func (s *Server) serve(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		_ = conn.Close()
		return
	}
	s.serial++
	c := newClient(s, conn, "sendwatch-"+strconv.FormatUint(s.serial, 10))
	s.clients[c] = struct{}{}
	s.wg.Go(func() {
		c.run()
		_ = conn.Close()
		s.mu.Lock()
		delete(s.clients, c)
		s.mu.Unlock()
	})
}

// kill ends the running statement of the session with this tag. The session's
// own goroutine is inside the engine meanwhile, so another session has to ask.
func (s *Server) kill(tag string) {
	s.baseMu.Lock()
	defer s.baseMu.Unlock()
	if s.base == nil {
		return
	}
	// A statement that ended by itself meanwhile is no error.
	_, _ = s.base.exec("KILL QUERY WHERE Settings['log_comment'] = " + quoteString(tag) + " ASYNC")
}

// serverVersion is what the engine says of itself.
type serverVersion struct {
	major, minor, patch int
	timezone            string
}

func askVersion(s *session) (v serverVersion, err error) {
	rows, err := s.strings("SELECT version(), timezone()")
	if err != nil {
		return v, err
	}
	if len(rows) != 1 || len(rows[0]) != 2 {
		return v, errors.New("the ClickHouse engine does not tell its version")
	}
	v.timezone = rows[0][1]
	parts := strings.Split(rows[0][0], ".")
	for i, p := range []*int{&v.major, &v.minor, &v.patch} {
		if i < len(parts) {
			if *p, err = strconv.Atoi(parts[i]); err != nil {
				return v, fmt.Errorf("version %q of the ClickHouse engine: %w", rows[0][0], err)
			}
		}
	}
	return v, nil
}

// strings runs a small query all of whose columns are strings.
func (s *session) strings(sql string) ([][]string, error) {
	out, err := s.execFormat(sql, "JSONCompactStringsEachRow")
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for line := range bytes.Lines(out) {
		var row []string
		if err := json.Unmarshal(line, &row); err != nil {
			return nil, fmt.Errorf("the engine's answer to %q: %w", sql, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// quoteString writes a string literal.
func quoteString(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// quoteName writes an identifier.
func quoteName(s string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(s) + "`"
}
