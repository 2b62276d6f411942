package clickhouse

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"sendwatch/internal/tlsfile"
)

// DefaultDatabase is where the tables are unless the configuration says otherwise.
const DefaultDatabase = "sendwatch"

const (
	defaultInsertTimeout = 30 * time.Second
	defaultMaxConns      = 8
	dialTimeout          = 10 * time.Second
)

// Config says how to reach ClickHouse. The zero value of a field is its default.
type Config struct {
	// Addresses are the servers' native protocol ports as host:port, at least one.
	// Rows go to the first while it answers, and to another only if that holds the
	// same tables (see Check).
	Addresses []string
	// Database holds the tables and views, "sendwatch" by default: letters,
	// digits and underscores, beginning with no digit, at most 63.
	Database string
	// User is "default" by default.
	User     string
	Password string
	// TLS encrypts the connections. Files that were renewed count from the next one on.
	TLS tlsfile.Files
	// MaxConns bounds the open connections of each of the two pools (one for
	// writing, one for queries), 8 by default.
	MaxConns int
	// InsertTimeout bounds one insert, 30 s by default.
	InsertTimeout time.Duration
	// NoCompression sends blocks as they are instead of packed by LZ4.
	NoCompression bool
	// Logger receives what the client library says, with everything taken out
	// that could hold a value; nil keeps it silent.
	Logger *slog.Logger
}

// identifier is what a database may be called. It needs no escaping in any
// place of a statement.
var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// checkDatabase returns why name cannot be the name of the database, nil if it can.
func checkDatabase(name string) error {
	if !identifier.MatchString(name) {
		return fmt.Errorf("the database name %q is not accepted: use letters, digits and underscores, not beginning with a digit, at most 63", name)
	}
	return nil
}

// Client is one ClickHouse, under one or several addresses. It may be used by
// several goroutines at once.
type Client struct {
	servers       []*server // in the order of the addresses
	database      string
	insertTimeout time.Duration
	logger        *slog.Logger // nil: silent
	now           func() time.Time

	mu      sync.Mutex
	current int // the server that rows went to last
}

// Open prepares a client without connecting. Close releases it.
func Open(c Config) (*Client, error) {
	if c.Database == "" {
		c.Database = DefaultDatabase
	}
	if err := checkDatabase(c.Database); err != nil {
		return nil, err
	}
	if len(c.Addresses) == 0 {
		return nil, errors.New("no ClickHouse address: give at least one host:port of a server's native protocol port, usually 9000 or, with TLS, 9440")
	}
	if c.User == "" {
		c.User = "default"
	}
	if c.MaxConns <= 0 {
		c.MaxConns = defaultMaxConns
	}
	if c.InsertTimeout <= 0 {
		c.InsertTimeout = defaultInsertTimeout
	}
	files, err := tlsfile.Client("clickhouse.tls", c.TLS)
	if err != nil {
		return nil, err
	}
	options := &ch.Options{
		Auth:         ch.Auth{Username: c.User, Password: c.Password},
		DialContext:  dialer(files),
		DialTimeout:  dialTimeout,
		MaxOpenConns: c.MaxConns,
		MaxIdleConns: c.MaxConns,
	}
	options.ClientInfo.Products = append(options.ClientInfo.Products, struct{ Name, Version string }{"sendwatch", "1"})
	if !c.NoCompression {
		options.Compression = &ch.Compression{Method: ch.CompressionLZ4}
	}
	if c.Logger != nil {
		options.Logger = slog.New(redacting{c.Logger.Handler()})
	}
	client := &Client{database: c.Database, insertTimeout: c.InsertTimeout, logger: c.Logger, now: time.Now}
	for _, address := range c.Addresses {
		s, err := openServer(address, c.Database, *options)
		if err != nil {
			return nil, errors.Join(err, client.Close())
		}
		client.servers = append(client.servers, s)
	}
	return client, nil
}

// Database returns the name of the database.
func (c *Client) Database() string { return c.database }

// Close closes all connections.
func (c *Client) Close() error {
	var errs []error
	for _, s := range c.servers {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}
