package pipeline

import (
	"encoding/json"
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

func TestNewestFlagsComeNewestFirst(t *testing.T) {
	r := ring{size: 3}
	if got := r.last(5); len(got) != 0 {
		t.Errorf("of none: %s", got)
	}
	for i := range 5 {
		r.add(json.RawMessage(strconv.Itoa(i)))
		want := []string{}
		for k := i; k >= 0 && k > i-2; k-- {
			want = append(want, strconv.Itoa(k))
		}
		if got := fmt.Sprintf("%s", r.last(2)); got != fmt.Sprint(want) {
			t.Errorf("after %d: %s, want %s", i, got, want)
		}
	}
}

// A flag that the flags topic refused is not among the newest: nobody but the API
// would know it.
func TestRefusedFlagsAreNotRemembered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		now := time.Now()
		writer := &paper{}
		numbers := quick(writer)
		events := &tape{topic: "events"}
		for i := range 5 {
			events.append(send(i, now))
		}
		portfolios := NewPortfolios(PortfoliosConfig{
			Events: "events", Flags: "flags", Rows: "rows", Writer: writer, Topics: single{}, Policy: policy.Default(),
			Remember: numbers.Remember, Logger: slog.New(slog.DiscardHandler),
		})
		told := codec.Rows{Topic: "events", PortfolioID: "p", HasProgress: true, Progress: codec.Progress{
			Watermark: now.UnixMilli(), Sequence: 2, CaughtUp: true, Generation: generation(policy.Default().Version), Policy: policy.Default().Version,
		}}
		told.Changes = []event.PortfolioChange{
			{Sequence: 1, Visible: now.UnixMilli(), Kind: event.ChangeLimit, PortfolioID: "p", A: uint64(now.UnixMilli()), B: 1},
			{Sequence: 2, Visible: now.UnixMilli(), Kind: event.ChangeContact, PortfolioID: "p", A: 1, B: now.UnixMilli()/60_000 - 1},
		}
		rows := &tape{topic: "rows"}
		rows.append(string(codec.AppendRows(nil, &told)))

		for _, refuse := range []error{errors.New("refused"), nil} {
			writer.refuse = refuse
			during(t, numbers.Run, joining(events), func() { pass(3 * time.Second) })
			of := len(numbers.Newest(10))
			during(t, portfolios.Run, joining(rows), func() { pass(3 * time.Second) })
			all := len(numbers.Newest(10))
			if refuse != nil && all > 0 || refuse == nil && (of == 0 || all == of) {
				t.Errorf("with the topic's answer %v: %d flags of numbers, %d with those of portfolios", refuse, of, all)
			}
		}
	})
}
