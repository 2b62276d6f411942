package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
)

// everything asks for all that a reader can see.
func everything(t *testing.T, c *Client) map[string]string {
	t.Helper()
	seen := make(map[string]string)
	for _, view := range []string{"numbers", "hourly", "daily", "templates", "portfolios", "hygiene", "incident"} {
		seen[view] = ask(t, c, "SELECT * FROM "+view+" ORDER BY ALL")
		if seen[view] == "" {
			t.Errorf("%s is empty", view)
		}
	}
	for _, table := range []string{"flags", "account_events", "number_status", "portfolio_status"} {
		seen[table] = ask(t, c, "SELECT * FROM "+table+" FINAL ORDER BY ALL")
	}
	return seen
}

// TestWritesMayBeRepeatedReorderedAndSplit is the invariant that repeats
// are harmless: whatever the way the rows come in, readers see what one clean write shows.
func TestWritesMayBeRepeatedReorderedAndSplit(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			out := made(r)
			clean, messy := migrated(t), migrated(t)
			ctx := within(t)
			if err := clean.NewWriter().Write(ctx, out); err != nil {
				t.Fatal(err)
			}
			all := append(pieces(r, out), pieces(r, partial(r, out))...)
			all = append(all, pieces(r, partial(r, out))...)
			all = append(all, all[r.IntN(len(all))], all[r.IntN(len(all))], out)
			w := messy.NewWriter()
			for _, i := range r.Perm(len(all)) {
				if err := w.Write(ctx, all[i]); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(everything(t, clean), everything(t, messy)); diff != "" {
				t.Errorf("seed %d: clean (-), messy (+):\n%s", seed, diff)
			}
			// The server merges parts whenever it likes.
			for table := range columnsOf(t, messy) {
				if (strings.Contains(table, "_") || table == "flags") && table != "number_latest_feed" {
					if err := messy.servers[0].conn.Exec(ctx, "OPTIMIZE TABLE "+messy.database+"."+table+" FINAL"); err != nil {
						t.Fatal(err)
					}
				}
			}
			if diff := cmp.Diff(everything(t, clean), everything(t, messy)); diff != "" {
				t.Errorf("seed %d after merges: clean (-), messy (+):\n%s", seed, diff)
			}
		})
	}
}

// TestHourlySums holds the view against sums made by hand.
func TestHourlySums(t *testing.T) {
	out := made(rand.New(rand.NewPCG(99, 0)))
	c := migrated(t)
	if err := c.NewWriter().Write(within(t), out); err != nil {
		t.Fatal(err)
	}
	type key struct {
		number string
		hour   int64
	}
	type sums struct {
		sent, failed, answered, unanswered int64
		contacts                           map[uint64]bool
	}
	want := make(map[key]*sums)
	for _, m := range out.NumberMinutes {
		k := key{m.NumberID, m.Minute / msHour * msHour}
		if want[k] == nil {
			want[k] = &sums{contacts: make(map[uint64]bool)}
		}
		s := want[k]
		s.sent, s.answered, s.unanswered = s.sent+m.Sent, s.answered+m.Answered, s.unanswered+m.Unanswered
		for _, n := range m.Failed {
			s.failed += n
		}
		for _, h := range m.Contacts {
			s.contacts[h] = true
		}
	}
	var lines []string
	for k, s := range want {
		ratio := "NULL"
		if n := s.answered + s.unanswered; n > 0 {
			ratio = fmt.Sprintf("%.6f", float64(s.answered)/float64(n))
		}
		lines = append(lines, fmt.Sprintf(`{"l":"%s %d %d %d %d %s"}`, k.number, k.hour, s.sent, s.failed, len(s.contacts), ratio))
	}
	got := ask(t, c, `SELECT concat(number_id, ' ', toString(toUnixTimestamp64Milli(hour)), ' ', toString(sent), ' ', toString(failed), ' ', toString(contacts), ' ',
		if(isNull(reply_ratio), 'NULL', printf('%.6f', assumeNotNull(reply_ratio)))) AS l FROM hourly`)
	gotLines := strings.Split(strings.TrimSpace(got), "\n")
	if diff := cmp.Diff(sorted(lines), sorted(gotLines)); diff != "" {
		t.Errorf("by hand (-), view (+):\n%s", diff)
	}
}

// TestNumbersShowWhatIsSilent reads from the view what a level of none may hide,
// and the nowcast beside the ratio.
func TestNumbersShowWhatIsSilent(t *testing.T) {
	s := event.NumberStatus{NumberID: "n1", Minute: monthEdge, Clock: monthEdge, Score: 79, Band: event.BandOf(79), AnsweredSender: true}
	for _, f := range []event.Fact{event.FactReplyRatio7d, event.FactWake, event.FactLinked, event.FactCapShare} {
		s.Facts[f] = math.NaN()
	}
	s.Facts[event.FactReplyRatioNowcast], s.Facts[event.FactPending] = .25, 40
	s.Facts[event.FactCap] = float64(event.CapFirstWarning)
	s.Silences[event.FactorDelivery], s.Silences[event.FactorRestriction] = event.SilenceNoStatus24h, event.SilenceAccount
	other := event.NumberStatus{NumberID: "n2", Minute: monthEdge, Clock: monthEdge}
	other.Facts[event.FactCap] = math.NaN()
	c := migrated(t)
	if err := c.NewWriter().Write(within(t), &event.Output{NumberStatuses: []event.NumberStatus{s, other}}); err != nil {
		t.Fatal(err)
	}
	got := ask(t, c, "SELECT band, reply_ratio_7d, reply_ratio_nowcast, pending, cap, linked, silent, answered_sender FROM numbers ORDER BY number_id")
	want := `{"band":"medium","reply_ratio_7d":null,"reply_ratio_nowcast":0.25,"pending":40,"cap":"FIRST_WARNING","linked":null,` +
		`"silent":["delivery: no status came in 24 hours","restriction: the profile says that account updates do not reach the topic"],"answered_sender":true}` + "\n" +
		`{"band":"high","reply_ratio_7d":0,"reply_ratio_nowcast":0,"pending":0,"cap":null,"linked":"1970-01-01T00:00:00Z","silent":[],"answered_sender":false}` + "\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestNumbersShowTheLatest writes statuses of a few numbers in any order, twice, in
// several inserts: the view shows of each the largest minute and within it the largest
// version, as they are in number_status.
func TestNumbersShowTheLatest(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 0))
	c := migrated(t)
	w := c.NewWriter()
	latest := map[string]event.NumberStatus{}
	var all []event.NumberStatus
	for i := range 40 {
		s := event.NumberStatus{NumberID: fmt.Sprint("n", r.IntN(5)), Minute: monthEdge + (r.Int64N(6)-3)*msMinute, Score: i}
		s.Clock, s.Version = s.Minute+r.Int64N(msMinute), int64(r.IntN(4)*1000+i) // no two are equal
		was, known := latest[s.NumberID]
		if !known || s.Minute > was.Minute || s.Minute == was.Minute && s.Version > was.Version {
			latest[s.NumberID] = s
		}
		all = append(all, s)
	}
	for range 2 {
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for some := range slices.Chunk(all, 10) {
			if err := w.Write(within(t), &event.Output{NumberStatuses: some}); err != nil {
				t.Fatal(err)
			}
		}
	}
	var want []string
	for number, s := range latest {
		want = append(want, fmt.Sprintf(`{"number_id":"%s","score":%d,"at":"%d"}`, number, s.Score, s.Clock))
	}
	for range 2 {
		got := strings.TrimSpace(ask(t, c, "SELECT number_id, score, toString(toUnixTimestamp64Milli(clock)) AS at FROM numbers"))
		if diff := cmp.Diff(sorted(want), sorted(strings.Split(got, "\n"))); diff != "" {
			t.Fatalf("the latest (-), view (+):\n%s", diff)
		}
		if err := c.servers[0].conn.Exec(within(t), "OPTIMIZE TABLE "+c.database+".number_latest FINAL"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNumbersShowWhatWasRepeated has the server forget repeated inserts, as replicated tables
// do, and number_latest refuse one that number_status has taken: the repeat must reach both.
func TestNumbersShowWhatWasRepeated(t *testing.T) {
	c := migrated(t)
	exec := func(statement string) {
		t.Helper()
		if err := c.servers[0].conn.Exec(within(t), strings.ReplaceAll(statement, "{database}", c.database)); err != nil {
			t.Fatal(err)
		}
	}
	exec("ALTER TABLE {database}.number_status MODIFY SETTING non_replicated_deduplication_window = 100")
	exec("ALTER TABLE {database}.number_latest ADD CONSTRAINT never CHECK score > 100")
	out := &event.Output{NumberStatuses: []event.NumberStatus{{NumberID: "n", Minute: monthEdge, Clock: monthEdge, Score: 50}}}
	w := c.NewWriter()
	if err := w.Write(within(t), out); err == nil {
		t.Fatal("number_latest took a row that it refuses")
	}
	exec("ALTER TABLE {database}.number_latest DROP CONSTRAINT never")
	if err := w.Write(within(t), out); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, c, "SELECT number_id, score FROM numbers"); got != `{"number_id":"n","score":50}`+"\n" {
		t.Errorf("numbers shows %q; number_status has %s", got, ask(t, c, "SELECT count() AS n FROM number_status"))
	}
}

// TestTimesMayBeOfSeconds writes to tables whose times an operator has made half as long.
func TestTimesMayBeOfSeconds(t *testing.T) {
	c := migrated(t)
	for _, change := range []string{
		"number_status MODIFY COLUMN clock DateTime('UTC')", "number_status MODIFY COLUMN linked Nullable(DateTime('UTC'))", "number_status MODIFY COLUMN wake Nullable(DateTime64(6, 'UTC'))",
		"portfolio_status MODIFY COLUMN clock DateTime", "account_events MODIFY COLUMN expires_at Nullable(DateTime('UTC'))",
	} {
		if err := c.servers[0].conn.Exec(within(t), "ALTER TABLE "+c.database+"."+change); err != nil {
			t.Fatalf("%s: %v", change, err)
		}
	}
	s := event.NumberStatus{NumberID: "n", Minute: monthEdge, Clock: monthEdge + 5_000}
	s.Facts[event.FactLinked], s.Facts[event.FactWake] = monthEdge, math.NaN()
	out := &event.Output{
		NumberStatuses:  []event.NumberStatus{s},
		PortfolioStatus: []event.PortfolioStatus{{PortfolioID: "p", Minute: monthEdge, Clock: monthEdge + 5_000}},
		AccountEvents:   []event.AccountEvent{{NumberID: "n", Time: monthEdge, ExpiresAt: monthEdge + 5_000}, {NumberID: "n", Time: monthEdge + 1, ExpiresAt: math.MaxInt64}},
	}
	if err := c.NewWriter().Write(within(t), out); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"SELECT toUnixTimestamp(clock) AS a, toUnixTimestamp(linked) AS b, wake FROM number_status": `{"a":1793484005,"b":1793484000,"wake":null}`,
		"SELECT toUnixTimestamp(clock) AS a FROM portfolio_status":                                  `{"a":1793484005}`,
		"SELECT toUnixTimestamp(expires_at) AS a FROM account_events ORDER BY time":                 `{"a":1793484005}` + "\n" + `{"a":4294967295}`,
	} {
		if got := ask(t, c, query); got != want+"\n" {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// TestTimesComeBackAsStored writes times at the edges of what the client library
// carries: a ban for ever must not end in the past.
func TestTimesComeBackAsStored(t *testing.T) {
	for name, test := range map[string]struct {
		expires int64
		want    string
	}{
		"never":       {0, `"expires_at":null`},
		"the last":    {9_223_372_036_854, `"expires_at":"2262-04-11T23:47:16.854Z"`},
		"one beyond":  {9_223_372_036_855, `"expires_at":"2262-04-11T23:47:16.854Z"`},
		"year 9999":   {253_402_300_799_999, `"expires_at":"2262-04-11T23:47:16.854Z"`},
		"largest":     {math.MaxInt64, `"expires_at":"2262-04-11T23:47:16.854Z"`},
		"before 1970": {-1, `"expires_at":"1970-01-01T00:00:00Z"`},
	} {
		t.Run(name, func(t *testing.T) {
			c := migrated(t)
			status := event.NumberStatus{NumberID: "n", Minute: monthEdge, Clock: monthEdge}
			status.Facts[event.FactLinked] = float64(test.expires)
			out := &event.Output{
				AccountEvents:  []event.AccountEvent{{NumberID: "n", Time: monthEdge, ExpiresAt: test.expires, Type: event.TypeAccount, State: "banned"}},
				NumberStatuses: []event.NumberStatus{status},
			}
			if err := c.NewWriter().Write(within(t), out); err != nil {
				t.Fatal(err)
			}
			if got := ask(t, c, "SELECT expires_at, expires_at < time AS over FROM account_events"); !strings.Contains(got, test.want) || strings.Contains(got, `"over":1`) != (test.expires < 0) {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if test.expires > 0 {
				if got := ask(t, c, "SELECT linked FROM numbers"); !strings.Contains(got, "2262-04-11T23:47:16.854Z") {
					t.Errorf("linked: %s", got)
				}
			}
		})
	}
}

// TestContactsAreEstimated writes more contacts than a sketch holds.
func TestContactsAreEstimated(t *testing.T) {
	const contacts, sent = 20_000, 3
	r := rand.New(rand.NewPCG(1, 2))
	var out event.Output
	everyone := make([]uint64, contacts)
	for i := range everyone {
		everyone[i] = r.Uint64()
	}
	for m := range int64(sent) { // the same contacts in every minute
		hashes := append([]uint64(nil), everyone...)
		out.NumberMinutes = append(out.NumberMinutes, event.NumberMinute{
			NumberID: "big", Minute: monthEdge + m*msMinute, Counts: event.Counts{Sent: contacts},
			Contacts: sorted(hashes)[:event.SketchSize],
		})
	}
	// A number with many contacts and no full list: exact beyond the sketch.
	for m := range int64(10) {
		out.NumberMinutes = append(out.NumberMinutes, event.NumberMinute{
			NumberID: "exact", Minute: monthEdge + m*msMinute, Counts: event.Counts{Sent: 500},
			Contacts: sorted(append([]uint64(nil), everyone[m*500:(m+1)*500]...)),
		})
	}
	c := migrated(t)
	if err := c.NewWriter().Write(within(t), &out); err != nil {
		t.Fatal(err)
	}
	// 3.1 % standard error; four of them.
	if got := ask(t, c, fmt.Sprintf("SELECT abs(contacts / %d - 1) < 0.125 AS near FROM daily WHERE number_id = 'big'", contacts)); got != "{\"near\":1}\n" {
		t.Errorf("got %s, contacts: %s", got, ask(t, c, "SELECT contacts FROM daily WHERE number_id = 'big'"))
	}
	if got := ask(t, c, "SELECT contacts FROM hourly WHERE number_id = 'exact'"); got != "{\"contacts\":5000}\n" {
		t.Errorf("got %s", got)
	}
}

// TestHygiene has a contact for each case of the definition.
func TestHygiene(t *testing.T) {
	row := func(contact uint64, pane, unanswered, received, since int64) event.ContactOutcome {
		o := event.ContactOutcome{
			Pane: event.Pane{Pane: pane, Version: pane}, NumberID: "n", Contact: contact,
			Unanswered: unanswered, UnansweredSince: since, LastSent: monthEdge,
		}
		if received > 0 {
			o.LastReceived = monthEdge + received
		}
		return o
	}
	out := event.Output{ContactOutcomes: []event.ContactOutcome{
		row(1, 0, 1, 0, 1), row(1, 1, 1, 0, 1), // never wrote: 2
		row(2, 0, 3, 0, 3), row(2, 1, 0, 5, 0), row(2, 2, 1, 0, 1), // wrote after three: 1
		row(3, 0, 3, 5, 1), row(3, 4, 2, 0, 2), // wrote between: 1 + 2
		row(4, 0, 2, 0, 2), row(4, 1, 2, 9, 0), // wrote last: 0
		row(5, 0, 2, 9, 2), row(5, 1, 1, 3, 0), // an older message came late: 2 + 1
	}}
	c := migrated(t)
	if err := c.NewWriter().Write(within(t), &out); err != nil {
		t.Fatal(err)
	}
	want := `{"contact":"0000000000000001","unanswered_since":2,"wrote":0}
{"contact":"0000000000000003","unanswered_since":3,"wrote":1}
{"contact":"0000000000000005","unanswered_since":3,"wrote":1}
`
	got := ask(t, c, "SELECT contact, unanswered_since, isNotNull(last_received) AS wrote FROM hygiene ORDER BY contact")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestIncident(t *testing.T) {
	out := event.Output{
		NumberMinutes: []event.NumberMinute{
			{NumberID: "n1", Minute: monthEdge - 47*msHour, Counts: event.Counts{Sent: 7, Initiated: 5}},
			{NumberID: "n1", Minute: monthEdge - 60*msHour, Counts: event.Counts{Sent: 1}}, // too long ago
			{NumberID: "n2", Minute: monthEdge - msHour, Counts: event.Counts{Sent: 2}},    // of another WABA
		},
		NumberStatuses: []event.NumberStatus{
			{NumberID: "n1", Minute: monthEdge, WABAID: "w1"}, {NumberID: "n2", Minute: monthEdge, WABAID: "w2"},
		},
		Flags: []event.Flag{{
			FlagID: "f", NumberID: "n1", EventTime: monthEdge - msHour, Factor: event.FactorOptOut, Level: event.LevelWarn, Transition: event.TransitionRaised,
		}},
		AccountEvents: []event.AccountEvent{
			// One shared event on two partitions.
			{Position: event.Position{Partition: 0, Offset: 3}, Time: monthEdge, Type: event.TypeAccount, Scope: "waba", WABAID: "w1", State: "banned", ID: "e"},
			{Position: event.Position{Partition: 1, Offset: 8}, Time: monthEdge, Type: event.TypeAccount, Scope: "waba", WABAID: "w1", State: "banned", ID: "e"},
			{Position: event.Position{Offset: 1}, Time: monthEdge - 2*msHour, Type: event.TypeQuality, NumberID: "n1", State: "RED"},
		},
	}
	c := migrated(t)
	if err := c.NewWriter().Write(within(t), &out); err != nil {
		t.Fatal(err)
	}
	want := `{"number_id":"n1","incident":"banned","kind":"hour","step":"sent 7, initiated 5, received 0, answered 0, unanswered 0, failed 0, blocks 0, stops 0"}
{"number_id":"n1","incident":"banned","kind":"account","step":"quality RED"}
{"number_id":"n1","incident":"banned","kind":"flag","step":"opt_out raised to warn"}
{"number_id":"n1","incident":"banned","kind":"account","step":"account banned"}
`
	got := ask(t, c, "SELECT number_id, incident, kind, step FROM incident ORDER BY time")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestDamagedRowsAreStorable writes what no engine of ours should give: a row that
// the server refused would hold up all behind it.
func TestDamagedRowsAreStorable(t *testing.T) {
	out := event.Output{
		NumberMinutes:    []event.NumberMinute{{NumberID: "\xff\x00'", Minute: -5, Counts: event.Counts{Sent: -1, Read: 1 << 40}, Pane: event.Pane{Partition: -1, Pane: -1, Version: -1}}},
		NumberStatuses:   []event.NumberStatus{{NumberID: "x", Minute: 1 << 60, Clock: 1 << 62, Score: 1000, Band: 77, Levels: [event.NumNumberFactors]event.Level{9}}},
		Flags:            []event.Flag{{FlagID: "x", Transition: 50, Level: 50, EventTime: 1 << 60, Score: -7, Value: event.WordValue("\xfe")}},
		AccountEvents:    []event.AccountEvent{{ExpiresAt: 1 << 60, Time: 1}},
		PortfolioStatus:  []event.PortfolioStatus{{Limit: -1, Score: -1, UniqueInitiated: -1}},
		ContactOutcomes:  []event.ContactOutcome{{Contact: 1<<64 - 1, LastSent: -1}},
		FingerprintHours: []event.FingerprintHour{{Fingerprint: 1<<64 - 1}},
	}
	for m := range int64(101) { // more months than one insert may touch
		out.NumberMinutes = append(out.NumberMinutes, event.NumberMinute{NumberID: "old", Minute: 1_230_768_000_000 + m*31*24*msHour})
	}
	c := migrated(t)
	rows := map[string]string{
		"number_minutes": "102", "number_status": "1", "flags": "1", "account_events": "1", "portfolio_status": "1", "contact_outcomes": "1", "fingerprint_hours": "1",
	}
	for table := range rows {
		if table != "contact_outcomes" { // keeps its rows for good; the others forget what is so old
			ask(t, c, "ALTER TABLE "+table+" REMOVE TTL")
		}
	}
	w := c.NewWriter()
	if err := w.Write(within(t), &out); err != nil {
		t.Fatal(err)
	}
	for table, want := range rows {
		if got := ask(t, c, "SELECT count() AS n FROM "+table); got != `{"n":`+want+"}\n" {
			t.Errorf("%s has %s, want %s rows", table, got, want)
		}
	}
}

// TestInsertsAreBoundedByWhatRowsTake has rows that share a long id, which an insert holds as
// often as it has rows.
func TestInsertsAreBoundedByWhatRowsTake(t *testing.T) {
	long := strings.Repeat("p", 250_000)
	most := maxInsertBytes/len(long) + 1

	var out event.Output
	for i := range int64(1000) {
		out.NumberMinutes = append(out.NumberMinutes, event.NumberMinute{NumberID: "n", PortfolioID: long, Minute: monthEdge + i})
		out.PortfolioStatus = append(out.PortfolioStatus, event.PortfolioStatus{PortfolioID: long, Minute: monthEdge + i})
	}
	table := portfolioTable()
	var rows []*event.PortfolioStatus
	for i := range out.PortfolioStatus {
		rows = append(rows, &out.PortfolioStatus[i])
	}
	if n := table.take(rows); n > most || n < most/2 {
		t.Errorf("%d rows of portfolio_status are one insert", n)
	}

	minutes := minuteTable()
	if err := minutes.sort(codec.AppendBlocks(nil, &out)); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, b := range minutes.blocks[:takeBlocks(minutes.blocks)] {
		n += b.Rows
	}
	if n > most || n < most/2 {
		t.Errorf("%d rows of number_minutes are one insert", n)
	}
}

func TestErrorsSayWhetherToRepeat(t *testing.T) {
	t.Run("no schema", func(t *testing.T) {
		c := open(t)
		err := c.NewWriter().Write(within(t), made(rand.New(rand.NewPCG(1, 1))))
		var e *Error
		if !errors.As(err, &e) || e.Retryable || e.Code != codeUnknownTable || !strings.Contains(err.Error(), "insert into flags") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		c, err := Open(Config{Addresses: []string{address}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		err = c.NewWriter().Write(within(t), made(rand.New(rand.NewPCG(1, 1))))
		if !Retryable(err) || !strings.Contains(err.Error(), "not reachable") {
			t.Errorf("got %v", err)
		}
		if problems := c.Check(within(t)); len(problems) != 1 || !strings.Contains(problems[0].What, "does not answer") {
			t.Errorf("got %v", problems)
		}
	})
	t.Run("broken off", func(t *testing.T) { // reachable, and gone in the middle
		for text, err := range map[string]error{
			"the connection broke: read tcp: connection reset by peer": &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET},
			"the server closed the connection":                         io.ErrUnexpectedEOF,
			"no connection came about in time":                         ch.ErrAcquireConnTimeout,
			"not reachable: dial tcp: connection refused":              &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED},
		} {
			if got := fail(t.Context(), "insert into flags", err); !Retryable(got) || got.Error() != "ClickHouse, insert into flags: "+text {
				t.Errorf("got %v, want %s", got, text)
			}
		}
	})
	t.Run("silent", func(t *testing.T) { // accepts and says nothing
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		c, err := Open(Config{Addresses: []string{l.Addr().String()}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		began := time.Now()
		err = c.NewWriter().Write(ctx, made(rand.New(rand.NewPCG(1, 1))))
		if !Retryable(err) || time.Since(began) > dialTimeout/2 {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		c := migrated(t)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := c.NewWriter().Write(ctx, made(rand.New(rand.NewPCG(1, 1)))); err == nil || Retryable(err) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("database", func(t *testing.T) {
		for _, name := range []string{"a-b", "1a", "a b", "a;DROP", "ä", strings.Repeat("a", 64), "`a`"} {
			if _, err := Open(Config{Addresses: []string{"x:1"}, Database: name}); err == nil {
				t.Errorf("%q accepted", name)
			}
		}
	})
}

func sorted[T interface{ ~string | ~uint64 }](s []T) []T {
	slices.Sort(s)
	return s
}
