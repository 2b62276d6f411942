package clickhouse

import (
	"context"
	"errors"
	"fmt"
)

// Migrate creates the database if it is missing and applies, in order, the
// statements that it lacks, at every address. It returns the names of those
// applied. It may be run again and by several processes at once: every statement
// is idempotent, and a statement is noted only after it took effect. It refuses a
// database of a newer program and one whose applied statements are not ours.
func (c *Client) Migrate(ctx context.Context) ([]string, error) {
	ours, err := shipped()
	if err != nil {
		return nil, err
	}
	return c.migrate(ctx, ours)
}

func (c *Client) migrate(ctx context.Context, ours []migration) ([]string, error) {
	var all []string
	var errs []error
	for _, s := range c.servers {
		done, err := s.migrate(ctx, ours)
		at := ""
		if len(c.servers) > 1 {
			at = " at " + s.address
			if err != nil {
				err = fmt.Errorf("%s: %w", s.address, err)
			}
		}
		for _, name := range done {
			all = append(all, name+at)
		}
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}

func (s *server) migrate(ctx context.Context, ours []migration) ([]string, error) {
	if err := s.conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+s.database); err != nil {
		return nil, fail(ctx, "create the database "+s.database, err)
	}
	// The first statement makes the place where the others are noted, so it
	// runs before anything can be known.
	if err := s.conn.Exec(ctx, ours[0].statement(s.database)); err != nil {
		return nil, fail(ctx, "create "+ours[0].name, err)
	}
	theirs, err := s.applied(ctx)
	if err != nil {
		return nil, err
	}
	missing, err := compare(ours, theirs)
	if err != nil {
		return nil, err
	}
	var done []string
	for i := range missing {
		m := &missing[i]
		name := fmt.Sprintf("%04d_%s", m.version, m.name)
		if err := s.conn.Exec(ctx, m.statement(s.database)); err != nil {
			return done, fail(ctx, "apply "+name, err)
		}
		if err := s.note(ctx, m); err != nil {
			return done, err
		}
		done = append(done, name)
	}
	return done, nil
}

// note records that a statement was applied.
func (s *server) note(ctx context.Context, m *migration) error {
	doing := "note a statement in schema_migrations"
	batch, err := s.conn.PrepareBatch(insertSettings(ctx), "INSERT INTO "+s.database+".schema_migrations (version, name, checksum)")
	if err != nil {
		return fail(ctx, doing, err)
	}
	defer batch.Close() //nolint:errcheck // after a Send it does nothing, before one its error has been given
	if err := batch.Append(m.version, m.name, m.checksum); err != nil {
		return fail(ctx, doing, err)
	}
	return fail(ctx, doing, batch.Send())
}

// applied reads what has been applied.
func (s *server) applied(ctx context.Context) ([]applied, error) {
	doing := "read schema_migrations"
	rows, err := s.conn.Query(ctx, "SELECT version, name, checksum FROM "+s.database+".schema_migrations FINAL ORDER BY version")
	if err != nil {
		return nil, fail(ctx, doing, err)
	}
	defer rows.Close() //nolint:errcheck // Err below reports it
	var all []applied
	for rows.Next() {
		var a applied
		if err := rows.Scan(&a.version, &a.name, &a.checksum); err != nil {
			return nil, fail(ctx, doing, err)
		}
		all = append(all, a)
	}
	return all, fail(ctx, doing, rows.Err())
}
