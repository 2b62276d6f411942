package pipeline

import (
	"math"

	"sendwatch/internal/event"
)

// Changes may be missing: where retention has cut the rows topic before this role has read it, or before
// it began to. Progress records that are left vouch for them all the same, and so a change that comes
// again is passed over as known. It does come again where the numbers role begins again, from nothing or from an older
// state; after a reset of both roles' checkpoints that is what the operator waits for.
//
// So each source knows before which sequence changes may be missing. Once one of these comes, its source
// is taken again from there on, with all that follows: to take in only what was missing would bring old scores back
// that others had replaced. Portfolios show the past of those numbers until that has been read.

// unknownSequence is the place of a gap until a progress record tells where it ends.
const unknownSequence = math.MaxInt64

// noteMissing records that records have gone unread before the next.
func (t *portfolioTask) noteMissing() {
	for i := range t.sources {
		t.sources[i].missing = unknownSequence
	}
}

// takeAgain begins again with a source, at a change that was missing.
func (t *portfolioTask) takeAgain(s *source, c *event.PortfolioChange) {
	if s.missing != unknownSequence {
		t.logger.Info("taking changes again that retention had cut", "role", t.name, "partition", t.claim.String(),
			"events_partition", c.Partition, "from", c.Sequence, "known_to", s.progress.Sequence)
	}
	s.missing, s.progress.Sequence = c.Sequence, c.Sequence-1
	t.portfolios.TakeAgain(c.Partition, c.Sequence)
	if t.shadow != nil {
		t.shadow.TakeAgain(c.Partition, c.Sequence)
	}
}
