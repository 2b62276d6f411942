package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Problem is something that would fail at start, and what to do about it.
type Problem struct {
	What    string
	Do      string
	Warning bool // it works, but not as it may be meant
}

// String returns all of it as one line.
func (p Problem) String() string {
	if p.Warning {
		return "warning: " + p.What + ": " + p.Do
	}
	return "error: " + p.What + ": " + p.Do
}

// Check says what would keep a pipeline from writing here, at any of the
// addresses: an unreachable server, a refused user, a missing or unknown schema,
// missing rights, servers that do not know of each other. It changes nothing. No
// problem but warnings means that writing can begin.
func (c *Client) Check(ctx context.Context) []Problem {
	var problems []Problem
	for _, s := range c.servers {
		found := s.check(ctx)
		if len(c.servers) > 1 {
			for i := range found {
				found[i].What = s.address + ": " + found[i].What
			}
		}
		problems = append(problems, found...)
	}
	if len(problems) == 0 {
		problems = c.strangers(ctx)
	}
	return problems
}

// strangers names the addresses whose tables are not those of the first.
func (c *Client) strangers(ctx context.Context) []Problem {
	if len(c.servers) < 2 {
		return nil
	}
	var problems []Problem
	first, err := c.servers[0].tables(ctx)
	for _, s := range c.servers[1:] {
		theirs, theirErr := s.tables(ctx)
		switch {
		case err != nil || theirErr != nil:
			problems = append(problems, Problem{
				What: fmt.Sprintf("%s: it cannot be found out whether its tables are replicated with those of %s (%v)", s.address, c.servers[0].address, errors.Join(err, theirErr)),
				Do:   "GRANT SELECT ON system.tables TO the user",
			})
		case !theirs.same(first):
			problems = append(problems, Problem{
				What:    fmt.Sprintf("%s has tables of its own, which are not replicated with those of %s: rows will not go to it, and wait in Kafka while the first address is away", s.address, c.servers[0].address),
				Do:      "replicate the tables (a database of the engine Replicated), or take it off clickhouse.addresses",
				Warning: true,
			})
		}
	}
	return problems
}

// check says what would keep rows from being written to the server.
func (s *server) check(ctx context.Context) []Problem {
	if err := s.conn.Ping(ctx); err != nil {
		return []Problem{s.unanswered(ctx, err)}
	}
	ours, err := shipped()
	if err != nil {
		return []Problem{{What: "the schema of this program", Do: err.Error()}}
	}
	theirs, err := s.applied(ctx)
	if err != nil {
		return []Problem{s.unreadable(err)}
	}
	missing, err := compare(ours, theirs)
	if err != nil {
		return []Problem{{What: "unknown schema version", Do: err.Error()}}
	}
	if len(missing) > 0 {
		names := make([]string, len(missing))
		for i := range missing {
			names[i] = fmt.Sprintf("%04d_%s", missing[i].version, missing[i].name)
		}
		return []Problem{{
			What: fmt.Sprintf("%d statements of the schema are not applied (%s)", len(missing), strings.Join(names, ", ")),
			Do:   "run `sendwatch migrate`",
		}}
	}
	return s.rights(ctx)
}

// unanswered explains a failed ping.
func (s *server) unanswered(ctx context.Context, err error) Problem {
	why := err.Error()
	if e, ok := errors.AsType[*Error](fail(ctx, "connect", err)); ok {
		why = e.detail
		switch e.Code {
		case codeAuthFailed, codeWrongPassword, codeUnknownUser, codeRequiredPassword:
			return Problem{
				What: fmt.Sprintf("ClickHouse at %s refuses the user %q", s.address, s.user),
				Do:   "check clickhouse.username and its password",
			}
		}
	}
	return Problem{
		What: fmt.Sprintf("ClickHouse at %s does not answer (%s)", s.address, why),
		Do:   "check clickhouse.addresses (native protocol, usually port 9000 or, with TLS, 9440), clickhouse.tls and the network",
	}
}

// unreadable explains why schema_migrations could not be read.
func (s *server) unreadable(err error) Problem {
	if e, ok := errors.AsType[*Error](err); ok {
		switch e.Code {
		case codeUnknownDatabase, codeUnknownTable:
			return Problem{What: fmt.Sprintf("the database %s has no schema", s.database), Do: "run `sendwatch migrate`"}
		case codeAccessDenied:
			return Problem{
				What: fmt.Sprintf("the user %q may not read the database %s", s.user, s.database),
				Do:   fmt.Sprintf("GRANT SELECT, INSERT ON %s.* TO the user", s.database),
			}
		}
	}
	return Problem{What: "the schema cannot be read (" + err.Error() + ")", Do: "see the server's log"}
}

// rights tries for real, table by table, whether the user may do what the pipeline
// does: the server looks at rights and settings when an insert begins, and one
// that is given up before a row is sent stores nothing.
func (s *server) rights(ctx context.Context) []Problem {
	var problems []Problem
	for _, t := range (&Client{database: s.database}).NewWriter().tables {
		batch, err := s.conn.PrepareBatch(insertSettings(ctx), insertStatement(s.database, t.table, t.columns))
		if err == nil {
			err = batch.Abort()
		}
		if err != nil {
			problems = append(problems, Problem{
				What: fmt.Sprintf("the user %q cannot insert into %s (%v)", s.user, t.table, fail(ctx, "begin an insert", err)),
				Do:   fmt.Sprintf("GRANT SELECT, INSERT ON %s.* TO the user, with a profile that is not read-only", s.database),
			})
		}
	}
	return problems
}
