package engine

import "sendwatch/internal/flat"

// What the state of an engine is, for checkpoints. Between two records that is
// everything but the configuration, the policy and scratch.

// Copy hands the state to c, to be written after a Flush that left nothing, or to be
// read into an engine of the same configuration that has seen nothing yet. The policy
// is not part of it: the reader's must be that of the writer.
func (e *Engine) Copy(c *flat.Copier) {
	copyEpisodes(c, &e.episodeTracker)
	flat.Value(c, &e.watermark)
	flat.Value(c, &e.lastTick)
	flat.Value(c, &e.begun)
	e.dedup.copy(c)
	e.numbers.ids.copy(c)
	e.numbers.all.Copy(c)
	e.numbers.told.Copy(c)
	e.numbers.lost.Copy(c)
	e.numbers.busy.Copy(c)
	e.wabas.copy(c)
	e.portfolioIDs.copy(c)
	e.templates.copy(c)
	e.replies.Copy(c)
	e.links.Copy(c)
	e.held.Copy(c)
	e.ages.Copy(c)
	e.logs.seconds.Copy(c)
	e.logs.minutes.Copy(c)
	e.logs.hours.Copy(c)
	for _, k := range e.logs.keyed() {
		k.Copy(c)
	}
	flat.Slice(c, &e.timers.heap)
	e.levels.Copy(c)
	e.restarts.Copy(c)
	e.pane.copy(c)
	flat.Slice(c, &e.changed)
	e.statuses.copy(c)
	flat.Value(c, &e.changelog.visible)
	flat.Value(c, &e.changelog.sequence)
	flat.Slice(c, &e.changelog.list)
	flat.Slice(c, &e.strikes)
	e.portfolio.copy(c)
	if c.Reading() {
		e.changelog.offset = e.position.Offset
		e.progress.offset = e.position.Offset // time that passes before the next record belongs to the last one's
	}
}

// copyEpisodes hands the open episodes to c, and the record that was the last.
func copyEpisodes(c *flat.Copier, w *episodeTracker) {
	flat.Value(c, &w.position.Offset)
	flat.Value(c, &w.originOffset)
	w.episodes.Copy(c)
	flat.Value(c, &w.stats)
}

func (d *dedup) copy(c *flat.Copier) {
	flat.Value(c, &d.clock)
	flat.Value(c, &d.generation)
	d.seen.Copy(c)
}

// copy hands the strings to c.
func (t *interner) copy(c *flat.Copier) {
	flat.Each(c, &t.pieces, flat.String)
	flat.Each(c, &t.longs, flat.String)
	t.index.Copy(c)
}

func (t *templates) copy(c *flat.Copier) {
	t.names.copy(c)
	t.byName.Copy(c)
	flat.Slice(c, &t.states)
	t.byWABA.Copy(c)
	t.status.copy(c)
	flat.Value(c, &t.categories)
}

// copy hands the rows of the open pane to c: they are absolute, and grow until the pane
// is full.
func (p *pane) copy(c *flat.Copier) {
	flat.Value(c, &p.current)
	flat.Value(c, &p.last)
	p.minutes.Copy(c)
	p.byMinute.Copy(c)
	p.fingerprints.Copy(c)
	p.byHour.Copy(c)
	p.contacts.Copy(c)
	p.byContact.Copy(c)
	p.seen.Copy(c)
	p.hashes.Copy(c)
	for t := range p.dirty {
		flat.Slice(c, &p.dirty[t])
	}
}

func (b *statusBook) copy(c *flat.Copier) {
	flat.Slice(c, &b.shown)
	flat.Slice(c, &b.urgent)
	for k := range b.overdue {
		flat.Slice(c, &b.overdue[k])
	}
}

// copy hands the portfolios to c; their names lie with their owner.
func (p *Portfolios) copy(c *flat.Copier) {
	copyEpisodes(c, &p.episodeTracker)
	p.all.Copy(c)
	p.members.Copy(c)
	p.contacts.Copy(c)
	p.shared.Copy(c)
	p.byIP.Copy(c)
	p.ipCounts.Copy(c)
	flat.Slice(c, &p.strikes)
	p.history.Copy(c)
	flat.Slice(c, &p.dirty)
	flat.Slice(c, &p.timers.heap)
	flat.Value(c, &p.minute)
}

// Copy hands the state to c, to be written between two evaluations, or to be read into
// an engine that has taken nothing yet. The policy is not part of it.
func (g *PortfolioEngine) Copy(c *flat.Copier) {
	g.ids.copy(c)
	g.numbers.copy(c)
	g.portfolios.copy(c)
	flat.Each(c, &g.sources, func(c *flat.Copier, s *source) {
		flat.Value(c, &s.taken)
		flat.Slice(c, &s.wait)
		flat.Value(c, &s.head)
	})
	flat.Slice(c, &g.limits)
}
