package backtest

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"sendwatch/internal/event"
	"sendwatch/internal/replay"
)

// DangerFigures are about flags at danger alone: how many of the restrictions of
// misbehaving numbers they foresaw, how soon they came once a number misbehaved,
// and whom they came for in vain.
type DangerFigures struct {
	// Foreseeable counts the misbehaving numbers that were restricted.
	Foreseeable int `json:"foreseeable_restrictions"`
	// Recall is the share of these with a flag at danger in force before; Recall6h
	// and Recall24h ask for so many hours before.
	Recall    float64 `json:"recall"`
	Recall6h  float64 `json:"recall_6h"`
	Recall24h float64 `json:"recall_24h"`
	Lead      Lead    `json:"lead"`
	// Delay is the median, over all who misbehave, of the hours from the beginning
	// of that to the first flag at danger before they were restricted; nil if half of
	// them never had one.
	Delay *float64 `json:"delay_median_hours"`
	// HealthyEver is the share of healthy numbers that ever were at danger in vain.
	HealthyEver float64 `json:"healthy_ever"`
	// Precision is the share of numbers at danger that misbehaved.
	Precision float64         `json:"precision"`
	Factors   []FactorDangers `json:"factors"`
	Kinds     []KindFigures   `json:"kinds"`
	// Misses are the foreseeable restrictions without a flag at danger before.
	Misses []Miss `json:"misses"`
}

// Miss is a restriction that no flag at danger foresaw.
type Miss struct {
	Seed  uint64  `json:"seed"`
	ID    string  `json:"number_id"`
	Kind  string  `json:"kind"`
	Hours float64 `json:"hours_from_beginning"` // to the restriction
	// Warned are the factors that were at warn within the 7 days before: what a lower
	// threshold would have found.
	Warned []string `json:"at_warn"`
}

// FactorDangers are the flags at danger of one factor.
type FactorDangers struct {
	Factor string `json:"factor"`
	Warned int    `json:"warned"` // foreseeable restrictions
	First  int    `json:"first"`  // of these it was the first to warn of
	False  int    `json:"false_episodes"`
}

// KindFigures are the figures of one way to send.
type KindFigures struct {
	Kind       string         `json:"kind"`
	Healthy    bool           `json:"healthy"`
	Numbers    int            `json:"numbers"`
	Restricted int            `json:"restricted"`
	Warned     int            `json:"warned"`
	Lead       Lead           `json:"lead"`
	Delay      *float64       `json:"delay_median_hours"`
	Flagged    int            `json:"ever_at_danger"`
	False      int            `json:"false_danger_episodes"`
	ByFactor   map[string]int `json:"false_by_factor,omitempty"`
}

// dangerTally gathers DangerFigures.
type dangerTally struct {
	kinds                       map[string]*kindTally
	leads, delays               []float64
	misbehaving, foreseeable    int
	healthy, healthyEver, right int
	factors                     [event.NumFactors]FactorDangers
	misses                      []Miss
}

type kindTally struct {
	KindFigures
	leads, delays []float64
}

// dangerAt returns when an episode came to danger on its own account, false if it
// never did.
func dangerAt(e *replay.Episode) (int64, bool) {
	return e.Danger, e.Danger != 0 && !PlatformWord(e.Factor)
}

// number counts one number of one log, which was there before the log's end.
func (t *dangerTally) number(seed uint64, l *Label, episodes []*replay.Episode) {
	k := t.kinds[l.Profile]
	if k == nil {
		k = &kindTally{KindFigures: KindFigures{Kind: l.Profile, Healthy: l.Healthy, ByFactor: map[string]int{}}}
		t.kinds[l.Profile] = k
	}
	k.Numbers++
	restricted := never
	if len(l.Restricted) > 0 {
		restricted = l.Restricted[0]
		k.Restricted++
	}
	if l.Healthy {
		t.healthyNumber(k, episodes, restricted)
		return
	}
	t.misbehaving++
	began := max(l.Began, l.Turns)
	// The first to come once it misbehaved. Later than a restriction is too late:
	// the restriction itself sinks the score.
	first := never
	for _, e := range episodes {
		at, ok := dangerAt(e)
		if at = max(at, began); ok && at < restricted && (e.Cleared == 0 || e.Cleared > began) {
			first = min(first, at)
		}
	}
	delay := math.Inf(1)
	if first != never {
		delay = float64(first-began) / float64(hour)
		k.Flagged++
		t.right++
	}
	t.delays, k.delays = append(t.delays, delay), append(k.delays, delay)
	if len(l.Restricted) > 0 {
		if !t.restricted(k, episodes, restricted) {
			t.misses = append(t.misses, missed(seed, l, episodes, began))
		}
	}
}

// missed says what was at warn before a restriction that nothing else foresaw.
func missed(seed uint64, l *Label, episodes []*replay.Episode, began int64) Miss {
	m := Miss{Seed: seed, ID: l.ID, Kind: l.Profile, Hours: round(float64(l.Restricted[0]-began)/float64(hour), 100)}
	for _, e := range episodes {
		name := e.Factor.String()
		if !PlatformWord(e.Factor) && before(e, e.Raised, l.Restricted[0]) && !slices.Contains(m.Warned, name) {
			m.Warned = append(m.Warned, name)
		}
	}
	return m
}

func (t *dangerTally) healthyNumber(k *kindTally, episodes []*replay.Episode, restricted int64) {
	t.healthy++
	ever := false
	for _, e := range episodes {
		at, ok := dangerAt(e)
		if !ok || at >= restricted || before(e, at, restricted) {
			continue
		}
		ever = true
		k.False++
		k.ByFactor[e.Factor.String()]++
		t.factors[e.Factor].False++
	}
	if ever {
		k.Flagged++
		t.healthyEver++
	}
}

// restricted counts the first restriction of a misbehaving number and reports
// whether it was foreseen.
func (t *dangerTally) restricted(k *kindTally, episodes []*replay.Episode, restricted int64) bool {
	t.foreseeable++
	earliest, by := never, event.NumFactors
	var warned [event.NumFactors]bool
	for _, e := range episodes {
		at, ok := dangerAt(e)
		if !ok || !before(e, at, restricted) {
			continue
		}
		warned[e.Factor] = true
		if at < earliest {
			earliest, by = at, e.Factor
		}
	}
	for f := range event.NumFactors {
		if warned[f] {
			t.factors[f].Warned++
		}
	}
	if by == event.NumFactors {
		return false
	}
	t.factors[by].First++
	lead := float64(min(restricted-earliest, Horizon)) / float64(hour)
	t.leads, k.leads = append(t.leads, lead), append(k.leads, lead)
	k.Warned++
	return true
}

func (t *dangerTally) figures() DangerFigures {
	longer := func(hours float64) int {
		n := 0
		for _, l := range t.leads {
			if l >= hours {
				n++
			}
		}
		return n
	}
	f := DangerFigures{
		Misses: t.misses, Foreseeable: t.foreseeable, Lead: lead(t.leads), Delay: median(t.delays),
		Recall: share(len(t.leads), t.foreseeable), Recall6h: share(longer(6), t.foreseeable), Recall24h: share(longer(24), t.foreseeable),
		HealthyEver: share(t.healthyEver, max(t.healthy, 1)), Precision: share(t.right, t.right+t.healthyEver),
	}
	for factor := range event.NumFactors {
		if x := t.factors[factor]; x.Warned > 0 || x.False > 0 {
			x.Factor = factor.String()
			f.Factors = append(f.Factors, x)
		}
	}
	slices.SortStableFunc(f.Factors, func(a, b FactorDangers) int { return cmp.Compare(b.First, a.First) })
	for _, name := range slices.Sorted(maps.Keys(t.kinds)) {
		k := t.kinds[name]
		k.Lead, k.Delay = lead(k.leads), median(k.delays)
		f.Kinds = append(f.Kinds, k.KindFigures)
	}
	slices.SortStableFunc(f.Kinds, func(a, b KindFigures) int {
		switch {
		case a.Healthy == b.Healthy:
			return 0
		case a.Healthy:
			return 1
		}
		return -1
	})
	return f
}

// median returns the median of hours, some of them infinite; nil if it is, or if
// there are none.
func median(hours []float64) *float64 {
	if len(hours) == 0 {
		return nil
	}
	m := slices.Sorted(slices.Values(hours))[(len(hours)+1)/2-1]
	if math.IsInf(m, 1) {
		return nil
	}
	m = round(m, 100)
	return &m
}
