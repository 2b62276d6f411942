package engine

import "sendwatch/internal/policy"

// SetPolicy makes another policy decide from the next record on. Episodes go
// on: they keep their ids, and the next evaluation moves them. Every number is
// evaluated at the next tick and every portfolio at the next portfolio minute,
// as the contract has it, since any of their levels may differ now.
func (e *Engine) SetPolicy(p *policy.Policy) {
	e.policy = p
	next := floor(e.lastTick, minute) + 1
	for i := range e.numbers.all {
		n := &e.numbers.all[i]
		n.profile = -1
		n.keyedStale = true
		if n.timerAt == never || n.timerAt > next {
			n.timerAt = next
			e.timers.push(timer{next, uint32(i)})
		}
	}
	e.portfolio.setPolicy(p)
}

// SetPolicy makes another policy decide from the next evaluation on.
func (g *Gathering) SetPolicy(p *policy.Policy) { g.portfolios.setPolicy(p) }

func (p *Portfolios) setPolicy(next *policy.Policy) {
	p.policy = next
	for i := range p.all {
		if p.all[i].known {
			p.markDirty(uint32(i + 1))
		}
	}
}
