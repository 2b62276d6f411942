package clickhouse

import (
	"sendwatch/internal/codec"
	"sendwatch/internal/event"
)

// statusTable is number_status.
func statusTable() *blockTable {
	t := newBlockTable(event.TableNumberStatus)
	t.has(words, "number_id")
	t.has(instants, "minute")
	t.has(counts, "partition")
	t.has(offsets, "version")
	t.has(instants, "clock")
	t.has(words, "waba_id", "portfolio_id")
	t.has(small[uint8](100), "score")
	t.has(small[int8](uint8(event.BandLow)), "band")
	t.hasFrom("top", "top_factors", stringLists(func(c codec.Contributions) codec.Texts { return c.Factor }))
	t.hasFrom("top", "top_keys", stringLists(func(c codec.Contributions) codec.Texts { return c.Key }))
	t.hasFrom("top", "top_points", points)
	for f := range event.NumFacts {
		t.has(factColumn(f), f.String())
	}
	for f := range event.NumNumberFactors {
		if f.Flags() {
			t.has(small[int8](uint8(event.LevelDanger)), "level_"+f.String())
		}
	}
	t.hasFrom("silences", "silent", silent)
	t.has(small[bool](1), "answered_sender")
	return t
}

// factColumn reads a fact as its type says.
func factColumn(f event.Fact) func(column int) blockColumn {
	switch f.Type() {
	case event.FactRatio:
		return ratios
	case event.FactWord:
		return small[int8](uint8(event.StateReinstated))
	case event.FactCapWord:
		return capWords
	case event.FactTime:
		return instantsOfDoubles
	case event.FactCount:
	}
	return counts
}

// portfolioTable is portfolio_status.
func portfolioTable() *table[event.PortfolioStatus] {
	type row = event.PortfolioStatus
	t := &table[row]{name: "portfolio_status", time: func(r *row) int64 { return r.Minute }, bytes: func(r *row) int { return len(r.PortfolioID) }}
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
