package schemas

import "embed"

// ClickHouse holds the statements of the database, clickhouse/NNNN_*.sql, one
// a file, to be applied in the order of their numbers.
//
//go:embed clickhouse/*.sql
var ClickHouse embed.FS
