// Package sqltext reads SQL as far as a client must: where a token ends, and
// where a statement does. The `sql` command and the embedded server share it.
//
// It promises that quoted text and comments, closed or not, end no statement and
// hide no keyword, as ClickHouse reads them: ”, "" and “ quote, a backslash or
// a doubled quote escapes within them, comments begin with --, #! or "# " and end
// with the line, or stand between /* and */. It refuses to understand more: what
// a statement means is the server's. It owns no goroutine.
package sqltext
