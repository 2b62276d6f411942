package clickhouse

import (
	"math"

	"sendwatch/internal/event"
)

// What comes in is counted by our own engine and in range. A row that is not,
// from a damaged record perhaps, must still be storable: one row that ClickHouse
// refuses would hold up all behind it. So every conversion here is total.

// count32 returns a count as the column takes it.
func count32[N int64 | int32 | int](n N) uint32 { return uint32(min(max(int64(n), 0), math.MaxUint32)) }

// fact32 returns a fact that is a count as the column takes it.
func fact32(n float64) uint32 {
	if !(n > 0) { // nor of NaN
		return 0
	}
	return uint32(min(n, math.MaxUint32))
}

// count64 returns a count or an offset as the column takes it.
func count64(n int64) uint64 { return uint64(max(n, 0)) }

// score8 returns a score as the column takes it.
func score8(n int) uint8 { return uint8(min(max(n, 0), 100)) }

// latestTime is the last instant that comes back as it was stored,
// 2262-04-11T23:47:16.854Z. A DateTime64(3) holds times up to 2299, but the client
// library (clickhouse-go v2.50 and v2.51, lib/column/datetime64.go) carries each
// through int64 nanoseconds, reading and in its Append, and what does not fit there wraps
// round to the 17th to 19th century: a ban without an end would be long over.
const latestTime = math.MaxInt64 / 1_000_000

// instant returns a time in ms as the column takes it; every time of every table
// goes through here. What lies beyond latestTime is stored as that.
func instant(ms int64) int64 { return min(max(ms, 0), latestTime) }

// number returns a Value's number, if it is one.
func number(v *event.Value) (n float64, there bool) {
	return v.Number, v.Kind == event.ValueNumber
}

// word returns a Value's word, "" if it is none.
func word(v *event.Value) string {
	if v.Kind != event.ValueWord {
		return ""
	}
	return v.Word
}

// level returns a level as the column's Enum8 takes it.
func level(l event.Level) int8 { return int8(min(l, event.LevelDanger)) }
