package server

import (
	"context"
	"sync"
	"time"
)

// rankingAge is how long a ranking is served before it is asked for again. Every
// open page asks every two seconds; the partitions answer once for all of them.
const rankingAge = time.Second

// rankingCache keeps the newest ranking.
type rankingCache struct {
	source Numbers
	now    func() time.Time
	turn   chan struct{} // holds a token while nobody asks; a channel, so that waiting heeds the context

	mu    sync.Mutex
	last  Ranking
	asked time.Time
}

func newRankingCache(source Numbers) *rankingCache {
	c := &rankingCache{source: source, now: time.Now, turn: make(chan struct{}, 1)}
	c.turn <- struct{}{}
	return c
}

// fresh returns the kept ranking if it is young enough.
func (c *rankingCache) fresh() (Ranking, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last, !c.asked.IsZero() && c.now().Sub(c.asked) < rankingAge
}

// get returns a ranking of at most MaxLimit numbers, at most rankingAge old. Its
// slices are shared: readers do not write to them.
func (c *rankingCache) get(ctx context.Context) (Ranking, error) {
	if r, ok := c.fresh(); ok {
		return r, nil
	}
	select {
	case <-c.turn:
		defer func() { c.turn <- struct{}{} }()
	case <-ctx.Done():
		return Ranking{}, ctx.Err()
	}
	if r, ok := c.fresh(); ok { // somebody asked while we waited
		return r, nil
	}
	r, err := c.source.Riskiest(ctx, MaxLimit)
	if err != nil {
		return Ranking{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last, c.asked = r, c.now()
	return r, nil
}
