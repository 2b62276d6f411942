package engine

import "sendwatch/internal/window"

// SampleContactsAbove lets a test of a few contacts see what a portfolio of
// millions would.
func (e *Engine) SampleContactsAbove(exact int) { e.portfolio.sampleContactsAbove(exact) }

// SampleContactsAbove does the same for the portfolios role.
func (g *PortfolioEngine) SampleContactsAbove(exact int) { g.portfolios.sampleContactsAbove(exact) }

func (p *Portfolios) sampleContactsAbove(exact int) {
	p.contacts = window.NewUniques(uniqueMinutes, exact)
}
