package engine

import (
	"testing"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/window"
)

// TestOldContactsAreNotKept shows a portfolio a contact of the oldest minute
// that counts and of one a minute older, which no portfolio minute will count.
func TestOldContactsAreNotKept(t *testing.T) {
	const m = 29_333_334 // the portfolio minute that sees them
	for back, want := range map[int64]int64{uniqueMinutes: 1, uniqueMinutes + 1: 0} {
		var ids interner
		p := newPortfolios(policy.Default(), event.Position{}, &ids)
		i := ids.intern([]byte("p"))
		p.apply(change{visible: m * minute, kind: event.ChangeContact, portfolio: i, a: 1, b: m - back})
		if kept := p.contacts.Next(&p.at(i).contacts) != window.Never; kept != (want == 1) {
			t.Errorf("%d minutes before: kept is %v", back, kept)
		}
		var out event.Output
		p.evaluate(m*minute, 0, 0, &out)
		if got := out.PortfolioStatus[0].UniqueInitiated; got != want {
			t.Errorf("%d minutes before: %d contacts, want %d", back, got, want)
		}
	}
}
