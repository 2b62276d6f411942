package gateway

import (
	"sync"

	"sendwatch/internal/webhook"
)

// directory is the context that bodies need: what they said about each other,
// which inputs of a number were seen, and what the configuration knows. It is
// bounded, and safe for concurrent use.
type directory struct {
	mu      sync.Mutex
	memory  webhook.Memory
	senders map[string]sender // by number_id
	numbers map[string]Number // of the configuration, by digits
	fixed   map[string]bool   // the WABAs whose portfolio the configuration names
}

func newDirectory(portfolios map[string]string, numbers map[string]Number) *directory {
	d := &directory{numbers: numbers, senders: map[string]sender{}, fixed: map[string]bool{}}
	for waba, portfolio := range portfolios {
		d.memory.Learn(webhook.Fact{Kind: webhook.FactPortfolio, Key: waba, Value: portfolio})
		d.fixed[waba] = true
	}
	for digits, n := range numbers {
		if n.ID != "" {
			d.memory.Learn(webhook.Fact{Kind: webhook.FactNumber, Key: digits, Value: n.ID})
			d.senders[n.ID] = sender{Digits: digits}
		}
	}
	return d
}

// Known returns what is known of a key.
func (d *directory) Known(kind webhook.FactKind, key string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.memory.Known(kind, key)
}

// learn remembers facts and returns those that are new. What the configuration
// says stays.
func (d *directory) learn(facts []webhook.Fact) []webhook.Fact {
	if len(facts) == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var fresh []webhook.Fact
	for _, f := range facts {
		if f.Kind == webhook.FactPortfolio && d.fixed[f.Key] {
			continue
		}
		if d.memory.Learn(f) {
			fresh = append(fresh, f)
		}
	}
	return fresh
}

// forget takes back what was learnt of a body that could not be written, so that
// it is reported when the body comes again.
func (d *directory) forget(fresh []webhook.Fact, changed, before map[string]sender) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range fresh {
		d.memory.Forget(f)
	}
	for number := range changed {
		d.senders[number] = before[number]
	}
}
