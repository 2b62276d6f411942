package clickhouse

import (
	"math"

	"sendwatch/internal/event"
)

// statusTable is number_status.
func statusTable() *table[event.NumberStatus] {
	type row = event.NumberStatus
	t := &table[row]{name: "number_status", time: func(r *row) int64 { return r.Minute }}
	t.has("number_id", plain(func(r *row) string { return r.NumberID }))
	t.has("minute", plain(func(r *row) int64 { return instant(r.Minute) }))
	t.has("partition", plain(func(r *row) uint32 { return count32(int64(r.Partition)) }))
	t.has("version", plain(func(r *row) uint64 { return count64(r.Version) }))
	t.has("clock", plain(func(r *row) int64 { return instant(r.Clock) }))
	t.has("waba_id", plain(func(r *row) string { return r.WABAID }))
	t.has("portfolio_id", plain(func(r *row) string { return r.PortfolioID }))
	t.has("score", plain(func(r *row) uint8 { return score8(r.Score) }))
	t.has("band", plain(func(r *row) int8 { return int8(min(r.Band, event.BandLow)) }))
	t.has("top_factors", lists(func(r *row) []string {
		return each(r.Top, func(c *event.Contribution) string { return c.Factor.String() })
	}))
	t.has("top_keys", lists(func(r *row) []string { return each(r.Top, func(c *event.Contribution) string { return c.Key }) }))
	t.has("top_points", lists(func(r *row) []float64 { return each(r.Top, func(c *event.Contribution) float64 { return c.Points }) }))
	for f := range event.NumFacts {
		t.has(f.String(), factColumn(f))
	}
	for f := range event.NumNumberFactors {
		if f.Flags() {
			t.has("level_"+f.String(), plain(func(r *row) int8 { return level(r.Levels[f]) }))
		}
	}
	t.has("silent", lists(silent))
	t.has("answered_sender", plain(func(r *row) bool { return r.AnsweredSender }))
	return t
}

// silent lists the factors that are silent, each with the reason.
func silent(r *event.NumberStatus) []string {
	var all []string
	for f, why := range r.Silences {
		if why != event.SilenceNone {
			all = append(all, event.Factor(f).String()+": "+why.String())
		}
	}
	return all
}

// factColumn reads a fact as its type says.
func factColumn(f event.Fact) column[event.NumberStatus] {
	type row = event.NumberStatus
	switch f.Type() {
	case event.FactRatio:
		return plain(func(r *row) *float64 {
			if math.IsNaN(r.Facts[f]) {
				return nil
			}
			return &r.Facts[f]
		})
	case event.FactWord:
		return plain(func(r *row) int8 { return int8(min(count32(r.Facts[f]), uint32(event.StateReinstated))) })
	case event.FactCapWord:
		return plain(func(r *row) *string {
			if word := event.CapStatus(count32(r.Facts[f])).String(); word != "" {
				return &word
			}
			return nil
		})
	case event.FactTime:
		return plain(func(r *row) *int64 {
			if math.IsNaN(r.Facts[f]) {
				return nil
			}
			ms := instant(int64(min(r.Facts[f], latestTime))) // a double may be beyond an int64
			return &ms
		})
	}
	return plain(func(r *row) uint32 { return count32(r.Facts[f]) })
}

// each maps a list of contributions.
func each[T any](top []event.Contribution, get func(*event.Contribution) T) []T {
	all := make([]T, len(top))
	for i := range top {
		all[i] = get(&top[i])
	}
	return all
}

// portfolioTable is portfolio_status.
func portfolioTable() *table[event.PortfolioStatus] {
	type row = event.PortfolioStatus
	t := &table[row]{name: "portfolio_status", time: func(r *row) int64 { return r.Minute }}
	t.has("portfolio_id", plain(func(r *row) string { return r.PortfolioID }))
	t.has("minute", plain(func(r *row) int64 { return instant(r.Minute) }))
	t.has("partition", plain(func(r *row) uint32 { return count32(int64(r.Partition)) }))
	t.has("version", plain(func(r *row) uint64 { return count64(r.Version) }))
	t.has("clock", plain(func(r *row) int64 { return instant(r.Clock) }))
	t.has("unique_initiated_24h", plain(func(r *row) uint64 { return count64(r.UniqueInitiated) }))
	t.has("limit", plain(func(r *row) *int64 { return pointer(r.Limit, r.Limit != 0) }))
	t.has("headroom", plain(func(r *row) *uint64 {
		room, ok := r.Headroom()
		return pointer(count64(room), ok)
	}))
	t.has("restricted_7d", plain(func(r *row) uint32 { return count32(r.Restricted7d) }))
	t.has("shared_connection", plain(func(r *row) uint32 { return count32(r.SharedConn) }))
	t.has("numbers_high", plain(func(r *row) uint32 { return count32(r.NumbersHigh) }))
	t.has("numbers_medium", plain(func(r *row) uint32 { return count32(r.NumbersMedium) }))
	t.has("numbers_low", plain(func(r *row) uint32 { return count32(r.NumbersLow) }))
	t.has("score", plain(func(r *row) *uint8 { return pointer(score8(r.Score), r.Score >= 0) }))
	for f := event.NumNumberFactors; f < event.NumFactors; f++ {
		t.has("level_"+f.String(), plain(func(r *row) int8 { return level(r.Levels[f-event.NumNumberFactors]) }))
	}
	return t
}
