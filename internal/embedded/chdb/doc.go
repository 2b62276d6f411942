// Package chdb is the real ClickHouse engine inside this process, behind
// ClickHouse's native wire protocol on a loopback port. Clients connect to it
// as to a server: clickhouse-go, clickhouse-client.
//
//	s := chdb.New(chdb.Config{Report: fetch.Bar(os.Stderr)})
//	err := s.Open(ctx)     // fetches the engine on first use, starts it, listens
//	addr := s.Addr()       // "127.0.0.1:port", user "default", any password
//	err = s.Run(ctx)       // serves until ctx ends, then closes everything
//
// Why a server in front of a library, instead of the official server started as
// a child process, as apachekafka does: the demo and the tests fetch what they
// need through package registries alone, and no registry carries ClickHouse's
// server binary (Debian's package is of 2018). The npm package of chDB carries
// the whole engine as a library, in the version that is pinned. Where the
// official server can be had, a configuration that names its address needs
// nothing of this package.
//
// The engine is libchdb, which speaks C; it is fetched once into the user's
// cache folder (package fetch) and called without cgo.
//
// It promises what clients of a server rely on: one session a connection, with
// its own database and settings; DDL; INSERT of native blocks; SELECT streamed
// block by block, so that a big result does not fill the memory; exceptions
// with code and message; cancelling; LZ4 and ZSTD blocks. Blocks pass between
// client and engine unchanged. Bytes that are not the protocol end that client's
// connection and nothing else.
//
// It refuses what needs a server's protocol of later years: query parameters
// bound by the server ({name:Type}; clickhouse-go binds "?" and "$1" itself),
// external tables, totals and extremes as packets of their own, progress, and
// the types Variant, Dynamic, JSON and AggregateFunction in inserted blocks.
// It checks a user and password if it is given one, and can give all users the
// same few rights (Config.Grants), but has no TLS and no cluster: it is not for
// production.
//
// One process can hold one data folder at a time, because the engine lives once
// in a process. After Run or Close a new Server may open another folder. On
// macOS the engine's makers advise against doing so many times.
//
// The Server owns one goroutine that accepts, one for each client and one more
// while a client's query runs; all end before Run returns. The engine has
// threads of its own, which end with the last session.
package chdb
