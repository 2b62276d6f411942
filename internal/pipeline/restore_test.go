package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// TestRestoreOverAnotherState restores small and large states of portfolios over one that the task has already, as a partition
// that comes back at another offset does: what it is then is the state that was restored, and nothing of the one before.
func TestRestoreOverAnotherState(t *testing.T) {
	task := func(numbers int) *portfolioTask {
		r := NewPortfolios(PortfoliosConfig{
			Events: "events", Flags: "flags", Rows: "rows", Writer: &discard{}, Topics: topicsOf(1), Policy: policy.Default(), Logger: slog.New(slog.DiscardHandler),
		})
		p := newPortfolioTask(r, Claim{Topic: "rows", Committed: FromStart})
		for i := range numbers {
			id := fmt.Sprintf("number-%d-%d", numbers, i)
			p.notePlace(&event.PortfolioChange{Kind: event.ChangePlace, NumberID: id, B: 12}, int64(i))
			p.portfolios.Take(&event.PortfolioChange{
				Sequence: int64(i + 1), Visible: portfolioMinute, Kind: event.ChangeScore, PortfolioID: fmt.Sprintf("portfolio-%d", i/10), NumberID: id, A: uint64(i % 100),
			})
		}
		var out event.Output
		p.portfolios.Evaluate(2*portfolioMinute, int64(numbers), &out)
		return p
	}
	stateOf := func(p *portfolioTask) []checkpoint.Section {
		var s checkpoint.State
		p.snapshot(&s)()
		sections := slices.Clone(s.Sections)
		for i := range sections {
			sections[i].Data = slices.Clone(sections[i].Data)
		}
		return sections
	}
	for _, c := range [][2]int{{0, 3}, {3, 0}, {1, 5}, {5, 1}, {20_000, 7}, {7, 20_000}} {
		p := task(c[0])
		want := stateOf(task(c[1]))
		if err := p.restore(t.Context(), &checkpoint.Checkpoint{Header: checkpoint.Header{PolicyVersion: policy.Default().Version}, Sections: want}); err != nil {
			t.Fatalf("%d numbers over %d: %v", c[1], c[0], err)
		}
		if n := p.places.at.Len(); n != c[1] {
			t.Errorf("%d numbers over %d: the places of %d are known", c[1], c[0], n)
		}
		got := stateOf(p)
		for i := range want {
			if !slices.Equal(got[i].Data, want[i].Data) {
				t.Errorf("%d numbers over %d: section %s is another one", c[1], c[0], want[i].Name)
			}
		}
		p.notePlace(&event.PortfolioChange{Kind: event.ChangePlace, NumberID: "another", B: 12}, 1)
		if n := p.places.at.Len(); n != c[1]+1 {
			t.Errorf("%d numbers over %d: one more makes %d", c[1], c[0], n)
		}
	}
}

// TestEndOfAClaimWhileItsStateIsRead has claims end while a checkpoint is being read: they end at once, and what there is of the
// state is not kept for the next one.
func TestEndOfAClaimWhileItsStateIsRead(t *testing.T) {
	r := NewPortfolios(PortfoliosConfig{
		Events: "events", Flags: "flags", Rows: "rows", Writer: &discard{}, Topics: topicsOf(1), Policy: policy.Default(), Logger: slog.New(slog.DiscardHandler),
	})
	p := newPortfolioTask(r, Claim{Topic: "rows", Committed: FromStart})
	var s checkpoint.State
	p.snapshot(&s)()
	ctx, end := context.WithCancel(t.Context())
	end()
	k := &stateKeeper{progress: &p.partitionProgress, task: p}
	err := k.goOn(ctx, &checkpoint.Checkpoint{Header: checkpoint.Header{Offset: 5, PolicyVersion: policy.Default().Version}, Sections: s.Sections}, time.Now())
	if !errors.Is(err, errHalfRead) || p.next == 5 {
		t.Errorf("next is %d, error %v", p.next, err)
	}
	l := loop{partitionProgress: &p.partitionProgress, task: p, prepare: func(context.Context) error { return err }}
	if got := l.read(ctx, nil); !errors.Is(got, errHalfRead) {
		t.Errorf("the claim ends with %v: its state would be used again", got)
	}
}
