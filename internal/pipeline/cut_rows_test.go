package pipeline

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// When retention has cut the rows topic and both roles begin again from nothing, as after a reset of
// their checkpoints, numbers sends its changes again from the first one on, with sequences that are
// behind those of the old records that are left. What was cut must count then; and what has been there
// all the time must still hold.
func TestChangesThatWereCutCountWhenTheyComeAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		events := &fakeLog{topic: "events"}
		begin := time.Now().Add(-6 * time.Hour)
		write := func(i int) { // five numbers at first, then only the last of them, and a limit early on
			at := begin.Add(time.Duration(i) * 5 * time.Minute)
			number := min(i, 4)
			events.append(fmt.Sprintf(`{"id":"e%d","type":"message.sent","time":%d,"number_id":"n%d","portfolio_id":"f","message_id":"m%d","contact":"+4479460000%02d","kind":"text","text":"hello %d"}`,
				i, at.UnixMilli(), number, i, i, i))
			if i == 3 {
				events.append(fmt.Sprintf(`{"id":"l","type":"portfolio.limit","time":%d,"portfolio_id":"f","limit":250}`, at.UnixMilli()))
			}
		}
		rows := &fakeLog{topic: "rows"}
		readEvents := func() { // with a process that has no state
			writer := &fakeWriter{}
			n := NewNumbers(NumbersConfig{
				Flags: "flags", Rows: "rows", DeadLetter: "letters", Writer: writer, Topics: topicsOf(1), Policy: policy.Default(), MaxRows: 10, Logger: slog.New(slog.DiscardHandler),
			})
			whileRunning(t, n.Run, joining(events), func() { elapse(10 * time.Second) })
			for _, m := range writer.topic("rows") {
				rows.append(string(m.Value))
			}
		}
		for i := range 40 {
			write(i)
		}
		readEvents()
		half := int64(len(rows.records)) / 2
		if cut := portfoliosOf(t, rows, half); len(cut) != 1 || numbersOf(&cut[0]) >= 5 {
			t.Fatalf("of half the log: %+v, want fewer numbers", cut)
		}
		write(40) // a minute is evaluated again only once another one comes
		readEvents()
		whole := portfoliosOf(t, rows, 0)
		if len(whole) != 1 || numbersOf(&whole[0]) != 5 || whole[0].Limit != 250 {
			t.Fatalf("of the whole log: %+v, want five numbers and a limit", whole)
		}
		ignoreVersion := func(all []event.PortfolioStatus) []event.PortfolioStatus {
			for i := range all {
				all[i].Version = 0 // the offset of the record that brought it about
			}
			return all
		}
		if d := cmp.Diff(ignoreVersion(whole), ignoreVersion(portfoliosOf(t, rows, half))); d != "" {
			t.Errorf("of half the log, and then all of it again (-whole +cut):\n%s", d)
		}
	})
}

// portfoliosOf returns what a portfolios role makes of a log from an offset on.
func portfoliosOf(t *testing.T, rows *fakeLog, start int64) (all []event.PortfolioStatus) {
	t.Helper()
	rows.set(func() { rows.start = start })
	r := NewPortfolios(PortfoliosConfig{
		Events: "events", Flags: "flags", Rows: "rows", Writer: &fakeWriter{}, Topics: topicsOf(1), Policy: policy.Default(), Logger: slog.New(slog.DiscardHandler),
	})
	whileRunning(t, r.Run, joining(rows), func() {
		elapse(10 * time.Second)
		var err error
		if all, err = r.Portfolios(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return all
}

func numbersOf(s *event.PortfolioStatus) int64 { return s.NumbersHigh + s.NumbersMedium + s.NumbersLow }
