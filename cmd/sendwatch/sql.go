package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"sendwatch/internal/clickhouse"
	"sendwatch/internal/config"
	"sendwatch/internal/demo"
	"sendwatch/internal/embedded/chdb"
	"sendwatch/internal/embedded/fetch"
	"sendwatch/internal/sqlprint"
	"sendwatch/internal/sqltext"
)

// sqlCmd asks ClickHouse, so that no other client is needed.
type sqlCmd struct {
	Statement string `arg:"" help:"The statement, such as \"SELECT * FROM numbers\"; - reads it from standard input."`
	Format    string `default:"table" enum:"table,vertical,json,csv" help:"How to print rows (${enum}); json is one object a line, integers beyond 2^53 as strings."`
	Config    string `type:"path" placeholder:"FILE" help:"Configuration file that says where ClickHouse is; by default sendwatch.yaml." xor:"where"`
	Data      string `type:"existingdir" placeholder:"DIR" help:"Ask the data folder that a demo with --data DIR left, instead." xor:"where"`
	Address   string `placeholder:"HOST:PORT" help:"Ask this server, such as that of a running demo, instead." xor:"where"`
	Database  string `help:"Database to ask, instead of the configured one (with --data and --address: sendwatch)."`
}

// Run sends the statement and prints what comes back.
func (c *sqlCmd) Run(ctx context.Context) (err error) {
	statement, err := c.statement(os.Stdin)
	if err != nil {
		return err
	}
	settings, stop, err := c.server(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if c.Database != "" {
		settings.Database = c.Database
	}
	client, err := clickhouse.Open(settings)
	if err != nil {
		return err
	}
	defer client.Close() //nolint:errcheck // what was asked has been answered
	_, err = client.Query(ctx, statement, sqlprint.New(os.Stdout, sqlprint.Format(c.Format)))
	return err
}

// statement returns the argument, or all of standard input for -.
func (c *sqlCmd) statement(in io.Reader) (string, error) {
	text := c.Statement
	if text == "-" {
		all, err := io.ReadAll(in)
		if err != nil {
			return "", fmt.Errorf("standard input: %w", err)
		}
		text = string(all)
	}
	statements := sqltext.Statements(text)
	switch len(statements) {
	case 0:
		return "", errors.New("there is no statement; give one, such as \"SELECT * FROM numbers\"")
	case 1:
		return strings.TrimSpace(statements[0]), nil
	}
	return "", errors.New("these are several statements; one is taken at a time, so give each to a `sql` of its own (a ; within quotes is no end)")
}

// server returns the server to ask and what to call when that is done: with
// --data it is an engine of this process' own.
func (c *sqlCmd) server(ctx context.Context) (clickhouse.Config, func() error, error) {
	nothing := func() error { return nil }
	switch {
	case c.Address != "":
		return clickhouse.Config{Addresses: []string{c.Address}}, nothing, nil
	case c.Data != "":
		return embeddedData(ctx, c.Data)
	}
	path := c.Config
	if path == "" {
		path = "sendwatch.yaml"
	}
	cfg, err := config.Load(path)
	if errors.Is(err, os.ErrNotExist) {
		return clickhouse.Config{}, nil, fmt.Errorf("%w, or give --address HOST:PORT of a running demo, or --data DIR of an ended one", err)
	}
	if err != nil {
		return clickhouse.Config{}, nil, err
	}
	return clickHouseConfig(cfg.ClickHouse, nil), nothing, nil
}

// embeddedData starts the embedded engine on the data that a demo left.
func embeddedData(ctx context.Context, dir string) (clickhouse.Config, func() error, error) {
	if inner := filepath.Join(dir, demo.ClickHouseFolder); isFolder(inner) {
		dir = inner
	}
	if !isFolder(filepath.Join(dir, "store")) {
		return clickhouse.Config{}, nil, fmt.Errorf("%s holds no ClickHouse data; give the folder that was given to `sendwatch demo --data`", dir)
	}
	server := chdb.New(chdb.Config{Dir: dir, Report: fetch.Bar(os.Stderr)})
	if err := server.Open(ctx); err != nil {
		return clickhouse.Config{}, nil, err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(serving) }()
	return clickhouse.Config{Addresses: []string{server.Addr()}, NoCompression: true}, func() error {
		stop()
		return <-ended
	}, nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
