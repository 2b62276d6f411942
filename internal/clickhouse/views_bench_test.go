package clickhouse

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/sqlprint"
)

var benchMinutes = flag.Int("minutes", 864_000, "how many rows of number_minutes BenchmarkViews asks")

// minutesANumber is a row every ten minutes of the 30 days before today.
const minutesANumber = 30 * 24 * 6

// viewRows fill the tables: {i} is a row's number within the table, {number} its sender,
// {at} its time. Each has a share of the rows of number_minutes.
var viewRows = []struct {
	table, columns, values string
	oneIn                  int
}{
	{
		"number_minutes", "number_id, minute, version, portfolio_id, sent, initiated, delivered, read, received, answered, contacts",
		"{number}, {at}, {i}, 'portfolio', {i} % 7, {i} % 5, {i} % 6, {i} % 4, {i} % 3, {i} % 2, [cityHash64({i}), 18446744073709551615]", 1,
	},
	{
		"number_status", "number_id, minute, version, clock, portfolio_id, score, sent_24h, reply_ratio_7d",
		"{number}, {at}, {i}, {at}, 'portfolio', {i} % 100, {i} % 500, ({i} % 97) / 97", 10,
	},
	{
		"fingerprint_hours", "number_id, hour, fingerprint, version, template, sent, initiated, answered, unanswered",
		"{number}, toStartOfHour({at}), lower(hex(cityHash64({i} % 50))), {i}, concat('template', toString({i} % 50)), 9, 8, {i} % 3, {i} % 5", 12,
	},
	{
		"contact_outcomes", "number_id, contact, version, unanswered, unanswered_since, last_sent",
		"{number}, cityHash64({i}), {i}, {i} % 4, {i} % 3, {at}", 10,
	},
	{"flags", "number_id, flag_id, event_time, transition, level, factor", "{number}, toString({i}), {at}, 'raised', 'danger', 'velocity_hour'", 432},
	{"account_events", "number_id, time, offset, type, state", "{number}, {at}, {i}, 'account.update', 'restricted'", 2160},
}

// viewQuestions are what analysts and pages ask: of one sender, but for the last.
var viewQuestions = []struct{ name, query string }{
	{"hourly/a day", "SELECT hour, sent, contacts FROM hourly WHERE number_id = '{number}' AND hour >= toDateTime64(today() - 1, 3, 'UTC') ORDER BY hour"},
	{"hourly/30 days", "SELECT * FROM hourly WHERE number_id = '{number}' ORDER BY hour"},
	{"daily", "SELECT * FROM daily WHERE number_id = '{number}' ORDER BY day"},
	{"templates", "SELECT * FROM templates WHERE number_id = '{number}' ORDER BY day, template"},
	{"hygiene", "SELECT * FROM hygiene WHERE number_id = '{number}' ORDER BY unanswered_since DESC LIMIT 100"},
	{"incident", "SELECT incident_at, incident, time, kind, step FROM incident WHERE number_id = '{number}' ORDER BY incident_at DESC, incident, time"},
	{"numbers/one", "SELECT * FROM numbers WHERE number_id = '{number}'"},
	{"numbers/the riskiest", "SELECT number_id, score, band, top_factors, top_points FROM numbers ORDER BY score LIMIT 10"},
}

// BenchmarkViews asks the views questions over many rows (-minutes). The processor time
// is the engine's, which is in this process, and with it that of merges that are still under way.
func BenchmarkViews(b *testing.B) {
	c := migrated(b)
	senders := max(1, *benchMinutes/minutesANumber)
	for _, t := range viewRows {
		const step = 1_000_000
		rows := senders * minutesANumber / t.oneIn
		fill := strings.NewReplacer("{i}", "number", "{number}", fmt.Sprint("concat('1555', toString(intDiv(number * ", t.oneIn, ", ", minutesANumber, ")))"),
			"{at}", fmt.Sprint("(toDateTime64(today() - 30, 3, 'UTC') + toIntervalMinute(number * ", 10*t.oneIn, " % ", 10*minutesANumber, "))")).Replace(t.values)
		for from := 0; from < rows; from += step {
			run(b, c, fmt.Sprintf("INSERT INTO %s.%s (%s) SELECT %s FROM numbers(%d, %d)", c.database, t.table, t.columns, fill, from, min(step, rows-from)))
		}
	}
	for _, q := range viewQuestions {
		b.Run(q.name, func(b *testing.B) {
			var took []time.Duration
			before := spent(b)
			for b.Loop() {
				begun := time.Now()
				query := strings.ReplaceAll(q.query, "{number}", fmt.Sprint("1555", len(took)*7919%senders))
				if n, err := c.Query(b.Context(), query, sqlprint.New(io.Discard, sqlprint.FormatJSON)); err != nil || n == 0 {
					b.Fatalf("%d rows, %v", n, err)
				}
				took = append(took, time.Since(begun))
			}
			cpu := spent(b) - before
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
			b.ReportMetric(float64(cpu.Milliseconds())/float64(len(took)), "cpu-ms/op")
		})
	}
}

// run executes a statement, however long it takes.
func run(b *testing.B, c *Client, statement string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	if err := c.servers[0].conn.Exec(ctx, statement); err != nil {
		b.Fatalf("%s: %v", statement, err)
	}
}
