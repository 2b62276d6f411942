package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Problem is something that would fail at start, and what to do about it.
type Problem struct {
	What string
	Do   string
}

// String returns both as one line.
func (p Problem) String() string { return p.What + ": " + p.Do }

// Check says what would keep a pipeline from writing here: an unreachable
// server, a refused user, a missing or unknown schema, missing rights. It
// changes nothing. No problem means that writing can begin.
func (c *Client) Check(ctx context.Context) []Problem {
	if err := c.conn.Ping(ctx); err != nil {
		return []Problem{c.unanswered(ctx, err)}
	}
	ours, err := shipped()
	if err != nil {
		return []Problem{{"the schema of this program", err.Error()}}
	}
	theirs, err := c.applied(ctx)
	if err != nil {
		return []Problem{c.unreadable(err)}
	}
	missing, err := compare(ours, theirs)
	if err != nil {
		return []Problem{{"unknown schema version", err.Error()}}
	}
	var problems []Problem
	if len(missing) > 0 {
		names := make([]string, len(missing))
		for i := range missing {
			names[i] = fmt.Sprintf("%04d_%s", missing[i].version, missing[i].name)
		}
		problems = append(problems, Problem{
			fmt.Sprintf("%d statements of the schema are not applied (%s)", len(missing), strings.Join(names, ", ")),
			"run `sendwatch migrate`",
		})
	}
	return append(problems, c.rights(ctx)...)
}

// unanswered explains a failed ping.
func (c *Client) unanswered(ctx context.Context, err error) Problem {
	why := err.Error()
	if e, ok := errors.AsType[*Error](fail(ctx, "connect", err)); ok {
		why = e.detail
		switch e.Code {
		case codeAuthFailed, codeWrongPassword, codeUnknownUser, codeRequiredPassword:
			return Problem{
				fmt.Sprintf("ClickHouse at %s refuses the user %q", strings.Join(c.addresses, ", "), c.user),
				"check the user name and the password",
			}
		}
	}
	return Problem{
		fmt.Sprintf("ClickHouse at %s does not answer (%s)", strings.Join(c.addresses, ", "), why),
		"check the addresses (native protocol, usually port 9000 or, with TLS, 9440), TLS and the network",
	}
}

// unreadable explains why schema_migrations could not be read.
func (c *Client) unreadable(err error) Problem {
	if e, ok := errors.AsType[*Error](err); ok {
		switch e.Code {
		case codeUnknownDatabase, codeUnknownTable:
			return Problem{fmt.Sprintf("the database %s has no schema", c.database), "run `sendwatch migrate`"}
		case codeAccessDenied:
			return Problem{
				fmt.Sprintf("the user %q may not read the database %s", c.user, c.database),
				fmt.Sprintf("GRANT SELECT, INSERT ON %s.* TO the user", c.database),
			}
		}
	}
	return Problem{"the schema cannot be read (" + err.Error() + ")", "see the server's log"}
}

// rights asks the server whether the user may do what the pipeline does.
func (c *Client) rights(ctx context.Context) []Problem {
	var problems []Problem
	for _, right := range []string{"SELECT", "INSERT"} {
		var granted uint8
		err := c.conn.QueryRow(ctx, "CHECK GRANT "+right+" ON "+c.database+".*").Scan(&granted)
		err = fail(ctx, "check the rights", err)
		var e *Error
		switch {
		case errors.As(err, &e) && e.Code == codeSyntaxError:
			return problems // a server before 24.10 cannot be asked
		case err != nil:
			problems = append(problems, Problem{"the rights cannot be read (" + err.Error() + ")", "see the server's log"})
		case granted == 0:
			problems = append(problems, Problem{
				fmt.Sprintf("the user %q has no right to %s in the database %s", c.user, right, c.database),
				fmt.Sprintf("GRANT %s ON %s.* TO the user", right, c.database),
			})
		}
	}
	return problems
}
