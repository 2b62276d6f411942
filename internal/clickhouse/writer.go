package clickhouse

import (
	"context"

	"sendwatch/internal/event"
)

// Writer inserts rows and flags. It is for one goroutine.
type Writer struct {
	client *Client

	minutes      *table[event.NumberMinute]
	fingerprints *table[event.FingerprintHour]
	statuses     *table[event.NumberStatus]
	portfolios   *table[event.PortfolioStatus]
	contacts     *table[event.ContactOutcome]
	accounts     *table[event.AccountEvent]
	flags        *table[event.Flag]

	inserts, rows int64
}

// NewWriter gives a writer of its own to the caller.
func (c *Client) NewWriter() *Writer {
	return &Writer{
		client:       c,
		minutes:      minuteTable(),
		fingerprints: fingerprintTable(),
		statuses:     statusTable(),
		portfolios:   portfolioTable(),
		contacts:     contactTable(),
		accounts:     accountTable(),
		flags:        flagTable(),
	}
}

// Write inserts all rows and flags of out and returns nil once the server has
// stored them. After an error any part of them may be stored: the caller keeps
// out and calls Write with it again (Retryable tells whether that can help),
// which changes nothing that was stored already. Nothing of out is kept.
func (w *Writer) Write(ctx context.Context, out *event.Output) error {
	// Flags first: they are few, and what people wait for.
	if err := insert(ctx, w, w.flags, out.Flags); err != nil {
		return err
	}
	if err := insert(ctx, w, w.statuses, out.NumberStatuses); err != nil {
		return err
	}
	if err := insert(ctx, w, w.portfolios, out.PortfolioStatus); err != nil {
		return err
	}
	if err := insert(ctx, w, w.accounts, out.AccountEvents); err != nil {
		return err
	}
	if err := insert(ctx, w, w.minutes, out.NumberMinutes); err != nil {
		return err
	}
	if err := insert(ctx, w, w.fingerprints, out.FingerprintHours); err != nil {
		return err
	}
	return insert(ctx, w, w.contacts, out.ContactOutcomes)
}

// Written counts the inserts that succeeded and their rows.
func (w *Writer) Written() (inserts, rows int64) { return w.inserts, w.rows }
