// Package clickhouse is Sendwatch's side of ClickHouse: it applies the schema,
// writes rows and flags, and answers questions. It is the only package that
// knows the client library.
//
// It promises that
//   - everything it writes may be written again, in any order and any split,
//     without changing what a query sees: rows are absolute, keyed by pane and
//     carry a version, and every view reads the largest version of a key only.
//     So an insert whose outcome is unknown is simply repeated;
//   - a Writer keeps no rows of its own. The caller keeps them until Write has
//     returned nil;
//   - every call ends with its context, and every insert after its own timeout;
//   - errors say whether repeating can help (Retryable) and name the table and
//     the server's code, but never a value of a row;
//   - the name of the database is checked against a strict pattern, and nothing
//     else that comes from outside ever becomes part of a statement.
//
// It refuses to write into a schema that it does not know: Check and Migrate
// name what is missing, changed or newer than this program.
//
// It starts no goroutine. Open is inert: nothing is dialled before the first
// call.
package clickhouse
