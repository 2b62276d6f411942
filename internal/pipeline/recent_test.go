package pipeline

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

func TestRecentFlagsComeNewestFirst(t *testing.T) {
	r := NewRecentFlags(3)
	if got := r.Recent(5, "", ""); len(got) != 0 {
		t.Errorf("of none: %s", got)
	}
	for i := range 5 {
		r.add(&event.Flag{}, []byte(strconv.Itoa(i)))
		want := []string{}
		for k := i; k >= 0 && k > i-2; k-- {
			want = append(want, strconv.Itoa(k))
		}
		if got := fmt.Sprintf("%s", r.Recent(2, "", "")); got != fmt.Sprint(want) {
			t.Errorf("after %d: %s, want %s", i, got, want)
		}
	}
}

func TestRecentFlagsAreFoundBySubject(t *testing.T) {
	r := NewRecentFlags(10)
	r.add(&event.Flag{NumberID: "n1", PortfolioID: "p1"}, []byte("1"))
	r.add(&event.Flag{NumberID: "n2", PortfolioID: "p1"}, []byte("2"))
	r.add(&event.Flag{PortfolioID: "p1"}, []byte("3"))
	r.add(&event.Flag{NumberID: "n3", PortfolioID: "p2"}, []byte("4"))
	for _, c := range []struct {
		limit             int
		number, portfolio string
		want              string
	}{
		{10, "n1", "", "[1]"},
		{10, "", "p1", "[3 2 1]"},
		{2, "", "p1", "[3 2]"},
		{10, "n3", "p1", "[]"},
		{10, "", "", "[4 3 2 1]"},
	} {
		if got := fmt.Sprintf("%s", r.Recent(c.limit, c.number, c.portfolio)); got != c.want {
			t.Errorf("%d of number %q and portfolio %q: %s, want %s", c.limit, c.number, c.portfolio, got, c.want)
		}
	}
}

// TestNewestFlags cuts by number and by bytes.
func TestNewestFlags(t *testing.T) {
	values := [][]byte{make([]byte, maxRecentBytes), make([]byte, maxRecentBytes/2), make([]byte, maxRecentBytes/2), {}}
	for limit, want := range map[int]int{0: 0, 1: 1, 2: 2, 3: 3, 4: 3, 9: 3} {
		if got := NewestFlags(values, limit); len(got) != want {
			t.Errorf("of at most %d flags %d are kept, want %d", limit, len(got), want)
		}
	}
	if got := NewestFlags(values[1:], 9); len(got) != 3 {
		t.Errorf("%d of 3 flags are kept", len(got))
	}
}

// TestRecallStandsBeforeTheRest is a process that continues from a checkpoint: it has written two
// flags, one of which the process before it wrote too, when it gets to know of those before.
func TestRecallStandsBeforeTheRest(t *testing.T) {
	flag := func(id string, sequence int) []byte {
		return fmt.Appendf(nil, `{"flag_id":%q,"sequence":%d,"number_id":"n-%s","portfolio_id":"p"}`, id, sequence, id)
	}
	add := func(r *RecentFlags, id string, sequence int) {
		r.add(&event.Flag{FlagID: id, Sequence: int64(sequence), NumberID: "n-" + id, PortfolioID: "p"}, flag(id, sequence))
	}
	r := NewRecentFlags(5)
	add(r, "c", 1)
	add(r, "d", 1)
	r.Recall([][]byte{flag("old", 1), flag("a", 1), []byte("no flag"), flag("a", 2), flag("a", 2), flag("b", 1), flag("c", 1)})
	want := fmt.Sprintf("%s", [][]byte{flag("d", 1), flag("c", 1), flag("b", 1), flag("a", 2), flag("a", 1)})
	if got := fmt.Sprintf("%s", r.Recent(9, "", "")); got != want {
		t.Errorf("the newest are %s, want %s", got, want)
	}
	add(r, "b", 1) // once more: it is the newest now, and there once
	if got := fmt.Sprintf("%s", r.Recent(9, "n-b", "p")); got != fmt.Sprintf("%s", [][]byte{flag("b", 1)}) {
		t.Errorf("of the flag that was written again there is %s", got)
	}
	if got := fmt.Sprintf("%s", r.Recent(1, "", "")); got != fmt.Sprintf("%s", [][]byte{flag("b", 1)}) {
		t.Errorf("the newest is %s", got)
	}
}

// A flag that the flags topic refused is not remembered: nobody but the
// API would know it.
func TestRefusedFlagsAreNotRemembered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		now := time.Now()
		writer := &fakeWriter{}
		numbers := newTestNumbers(writer)
		events := &fakeLog{topic: "events"}
		for i := range 5 {
			events.append(send(i, now))
		}
		portfolios := NewPortfolios(PortfoliosConfig{
			Events: "events", Flags: "flags", Rows: "rows", Writer: writer, Topics: topicsOf(1), Policy: policy.Default(),
			Recent: numbers.config.Recent, Logger: slog.New(slog.DiscardHandler),
		})
		written := codec.Rows{Topic: "events", PortfolioID: "p", HasProgress: true, Progress: codec.Progress{
			Watermark: now.UnixMilli(), Sequence: 2, CaughtUp: true, Generation: generation(policy.Default().Version, ""), Policy: policy.Default().Version,
		}}
		written.Changes = []event.PortfolioChange{
			{Sequence: 1, Visible: now.UnixMilli(), Kind: event.ChangeLimit, PortfolioID: "p", A: uint64(now.UnixMilli()), B: 1},
			{Sequence: 2, Visible: now.UnixMilli(), Kind: event.ChangeContact, PortfolioID: "p", A: 1, B: now.UnixMilli()/60_000 - 1},
		}
		rows := &fakeLog{topic: "rows"}
		rows.append(string(codec.AppendRows(nil, &written)))

		for _, refuse := range []error{errors.New("refused"), nil} {
			writer.refuse = refuse
			whileRunning(t, numbers.Run, joining(events), func() { elapse(3 * time.Second) })
			of := len(numbers.config.Recent.Recent(10, "", ""))
			whileRunning(t, portfolios.Run, joining(rows), func() { elapse(3 * time.Second) })
			all := len(numbers.config.Recent.Recent(10, "", ""))
			if refuse != nil && all > 0 || refuse == nil && (of == 0 || all == of) {
				t.Errorf("with the topic's answer %v: %d flags of numbers, %d with those of portfolios", refuse, of, all)
			}
		}
	})
}
