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
	t.has("partition", plain(func(r *row) uint32 { return count32(r.Partition) }))
	t.has("version", plain(func(r *row) uint64 { return count64(r.Version) }))
	t.has("clock", plain(func(r *row) int64 { return instant(r.Clock) }))
	t.has("waba_id", plain(func(r *row) string { return r.WABAID }))
	t.has("portfolio_id", plain(func(r *row) string { return r.PortfolioID }))
	t.has("score", plain(func(r *row) uint8 { return score8(r.Score) }))
	t.has("band", plain(func(r *row) int8 { return int8(min(r.Band, event.BandLow)) }))
	t.has("top_factors", each(func(c *event.Contribution) string { return c.Factor.String() }))
	t.has("top_keys", each(func(c *event.Contribution) string { return c.Key }))
	t.has("top_points", each(func(c *event.Contribution) float64 { return c.Points }))
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
func silent(r *event.NumberStatus, to []string) []string {
	for f, why := range r.Silences {
		if why != event.SilenceNone {
			to = append(to, event.Factor(f).String()+": "+why.String())
		}
	}
	return to
}

// factColumn reads a fact as its type says.
func factColumn(f event.Fact) values[event.NumberStatus] {
	type row = event.NumberStatus
	switch f.Type() {
	case event.FactRatio:
		return optional(func(r *row) (float64, bool) { return r.Facts[f], !math.IsNaN(r.Facts[f]) })
	case event.FactWord:
		return plain(func(r *row) int8 { return int8(min(fact32(r.Facts[f]), uint32(event.StateReinstated))) })
	case event.FactCapWord:
		return optional(func(r *row) (string, bool) {
			word := event.CapStatus(fact32(r.Facts[f])).String()
			return word, word != ""
		})
	case event.FactTime:
		return optional(func(r *row) (int64, bool) {
			// a double may be beyond an int64
			return instant(int64(min(r.Facts[f], latestTime))), !math.IsNaN(r.Facts[f])
		})
	}
	return plain(func(r *row) uint32 { return fact32(r.Facts[f]) })
}

// each lists what is asked of each contribution.
func each[T any](get func(*event.Contribution) T) *list[event.NumberStatus, T] {
	return lists(func(r *event.NumberStatus, to []T) []T {
		for i := range r.Top {
			to = append(to, get(&r.Top[i]))
		}
		return to
	})
}

// portfolioTable is portfolio_status.
func portfolioTable() *table[event.PortfolioStatus] {
	type row = event.PortfolioStatus
	t := &table[row]{name: "portfolio_status", time: func(r *row) int64 { return r.Minute }}
	t.has("portfolio_id", plain(func(r *row) string { return r.PortfolioID }))
	t.has("minute", plain(func(r *row) int64 { return instant(r.Minute) }))
	t.has("partition", plain(func(r *row) uint32 { return count32(r.Partition) }))
	t.has("version", plain(func(r *row) uint64 { return count64(r.Version) }))
	t.has("clock", plain(func(r *row) int64 { return instant(r.Clock) }))
	t.has("unique_initiated_24h", plain(func(r *row) uint64 { return count64(r.UniqueInitiated) }))
	t.has("limit", optional(func(r *row) (int64, bool) { return r.Limit, r.Limit != 0 }))
	t.has("headroom", optional(func(r *row) (uint64, bool) {
		room, ok := r.Headroom()
		return count64(room), ok
	}))
	t.has("restricted_7d", plain(func(r *row) uint32 { return count32(r.Restricted7d) }))
	t.has("shared_connection", plain(func(r *row) uint32 { return count32(r.SharedConn) }))
	t.has("numbers_high", plain(func(r *row) uint32 { return count32(r.NumbersHigh) }))
	t.has("numbers_medium", plain(func(r *row) uint32 { return count32(r.NumbersMedium) }))
	t.has("numbers_low", plain(func(r *row) uint32 { return count32(r.NumbersLow) }))
	t.has("score", optional(func(r *row) (uint8, bool) { return score8(r.Score), r.Score >= 0 }))
	for f := event.NumNumberFactors; f < event.NumFactors; f++ {
		t.has("level_"+f.String(), plain(func(r *row) int8 { return level(r.Levels[f-event.NumNumberFactors]) }))
	}
	return t
}
