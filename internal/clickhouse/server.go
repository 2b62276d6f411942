package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

const (
	// retryAfter is how long a server that failed is left alone before it is asked
	// again, so that a silent one does not cost every insert its timeout, and rows
	// go back to the first soon after it is back.
	retryAfter = 10 * time.Second
	// verifyTimeout bounds the questions to a server before rows go to it.
	verifyTimeout = 10 * time.Second
)

// server is one address, reached by two pools: one names every table in full and
// works before the database exists, the other has the database as its default, so
// that people need not write its name. A pool has one address: the client library
// would keep connections to whichever server it came to first, for an hour.
type server struct {
	address  string
	user     string
	database string
	conn     driver.Conn
	queries  driver.Conn

	mu       sync.Mutex
	verified bool      // rows may go there; false again after a failure
	holds    tables    // as of when it was last verified
	failure  error     // why it was last left
	retryAt  time.Time // when it may be asked again
}

// tables says what the tables of a server are, so that two servers that hold the
// same rows can be told from two that do not know of each other.
type tables struct {
	uuid   string // of number_minutes; empty if it has none
	engine string
}

// same reports whether a row that goes to one of two servers is on both: they are
// one server, or replicas of a replicated database, which share the tables' ids,
// or their tables are replicated one by one (ReplicatedMergeTree, SharedMergeTree).
func (t tables) same(other tables) bool {
	replicated := func(engine string) bool {
		return strings.HasPrefix(engine, "Replicated") || strings.HasPrefix(engine, "Shared")
	}
	return t.uuid != "" && t.uuid == other.uuid || replicated(t.engine) && replicated(other.engine)
}

// openServer prepares the pools of an address without connecting.
func openServer(address, database string, options ch.Options) (*server, error) {
	options.Addr = []string{address}
	conn, err := ch.Open(&options)
	if err != nil {
		return nil, fail(context.Background(), "open", err)
	}
	named := options
	named.Auth.Database = database
	queries, err := ch.Open(&named)
	if err != nil {
		return nil, errors.Join(fail(context.Background(), "open", err), conn.Close())
	}
	return &server{address: address, user: options.Auth.Username, database: database, conn: conn, queries: queries}, nil
}

func (s *server) close() error { return errors.Join(s.conn.Close(), s.queries.Close()) }

// left returns why the server is left alone at present, nil if it may be asked.
func (s *server) left(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Before(s.retryAt) {
		return s.failure
	}
	return nil
}

// leave keeps rows from going to the server for a while.
func (s *server) leave(now time.Time, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verified, s.failure, s.retryAt = false, why, now.Add(retryAfter)
}

// verify asks the server once, until it fails, whether rows may go to it: it
// answers and has the schema. first is what the tables of the first address are,
// nil for the first itself: rows are never split over servers that do not know of
// each other.
func (s *server) verify(ctx context.Context, first *tables) error {
	s.mu.Lock()
	verified := s.verified
	s.mu.Unlock()
	if verified {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	ours, err := shipped()
	if err != nil {
		return err
	}
	theirs, err := s.applied(ctx)
	if err != nil {
		return err
	}
	if missing, err := compare(ours, theirs); err != nil || len(missing) > 0 {
		return errors.Join(err, errors.New("its schema is not complete; run `sendwatch migrate`"))
	}
	holds, err := s.tables(ctx)
	if err != nil {
		return err
	}
	if first != nil && !holds.same(*first) {
		return errors.New("its tables are not replicated with those of the first address, which rows wait for; replicate them, or take it off clickhouse.addresses")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verified, s.holds = true, holds
	return nil
}

// tables asks what the tables of the server are.
func (s *server) tables(ctx context.Context) (tables, error) {
	var t tables
	const none = "00000000-0000-0000-0000-000000000000" // of a database that gives none
	row := s.conn.QueryRow(ctx, "SELECT replaceOne(toString(uuid), '"+none+"', ''), engine FROM system.tables WHERE database = '"+s.database+"' AND name = 'number_minutes'")
	err := row.Scan(&t.uuid, &t.engine)
	return t, fail(ctx, "read what the tables are", err)
}

// known returns what the server's tables were when it was last asked.
func (s *server) known() tables {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.holds
}

// writable returns the server that rows go to now: the first while it answers,
// another while that holds the same tables. A client of one address asks nothing
// beforehand.
func (c *Client) writable(ctx context.Context) (*server, error) {
	if len(c.servers) == 1 {
		return c.servers[0], nil
	}
	var why []error
	for i, s := range c.servers {
		err := s.left(c.now())
		if err == nil {
			var first *tables
			if i > 0 {
				known := c.servers[0].known()
				first = &known
			}
			if err = s.verify(ctx, first); err == nil {
				c.moved(i)
				return s, nil
			}
			if ctx.Err() != nil {
				return nil, fail(ctx, "choose an address", err)
			}
			s.leave(c.now(), err)
		}
		why = append(why, fmt.Errorf("%s: %w", s.address, err))
	}
	err := errors.Join(why...)
	return nil, &Error{Doing: "choose an address", Retryable: true, cause: err, detail: strings.ReplaceAll(err.Error(), "\n", "; ")}
}

// moved logs once that rows go to another address than before.
func (c *Client) moved(to int) {
	c.mu.Lock()
	before := c.current
	c.current = to
	c.mu.Unlock()
	switch {
	case before == to || c.logger == nil:
	case to == 0:
		c.logger.Info("rows go to the first ClickHouse address again", "address", c.servers[to].address)
	default:
		c.logger.Warn("rows go to another ClickHouse address; they go back once an earlier one answers",
			"address", c.servers[to].address, "failed", c.servers[before].address, "error", c.servers[before].left(c.now()))
	}
}

// failed leaves a server alone for a while if it could not be reached: what else
// goes wrong would go wrong on a replica too.
func (c *Client) failed(s *server, err error) {
	if len(c.servers) > 1 && err != nil && (unreachable(err) || errors.Is(err, context.DeadlineExceeded)) {
		s.leave(c.now(), err)
	}
}

// readable returns the first server that answers.
func (c *Client) readable(ctx context.Context) (*server, error) {
	if len(c.servers) == 1 {
		return c.servers[0], nil
	}
	var why []error
	for _, s := range c.servers {
		err := s.conn.Ping(ctx)
		if err == nil {
			return s, nil
		}
		why = append(why, fmt.Errorf("%s: %w", s.address, fail(ctx, "connect", err)))
	}
	return nil, errors.Join(why...)
}
