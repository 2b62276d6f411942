package clickhouse

import "sendwatch/internal/event"

// fingerprintTable is fingerprint_hours.
func fingerprintTable() *table[event.FingerprintHour] {
	type row = event.FingerprintHour
	t := &table[row]{name: "fingerprint_hours", time: func(r *row) int64 { return r.Hour }}
	t.has("number_id", plain(func(r *row) string { return r.NumberID }))
	t.has("hour", plain(func(r *row) int64 { return instant(r.Hour) }))
	t.has("fingerprint", &digits[row]{get: func(r *row) uint64 { return r.Fingerprint }})
	t.has("partition", plain(func(r *row) uint32 { return count32(r.Partition) }))
	t.has("pane", plain(func(r *row) uint64 { return count64(r.Pane.Pane) }))
	t.has("version", plain(func(r *row) uint64 { return count64(r.Version) }))
	t.has("portfolio_id", plain(func(r *row) string { return r.PortfolioID }))
	t.has("template", plain(func(r *row) string { return r.Template }))
	t.has("sent", plain(func(r *row) uint32 { return count32(r.Sent) }))
	t.has("initiated", plain(func(r *row) uint32 { return count32(r.Initiated) }))
	t.has("answered", plain(func(r *row) uint32 { return count32(r.Answered) }))
	t.has("unanswered", plain(func(r *row) uint32 { return count32(r.Unanswered) }))
	t.has("withdrawn", plain(func(r *row) uint32 { return count32(r.Withdrawn) }))
	return t
}

// hex16 writes a fingerprint as people see it everywhere: 16 hexadecimal
// digits, lower case.
func hex16(v uint64) string { return string(appendHex16(nil, v)) }

func appendHex16(to []byte, v uint64) []byte {
	const digits = "0123456789abcdef"
	var b [16]byte
	for i := range b {
		b[i] = digits[v>>(60-4*i)&15]
	}
	return append(to, b[:]...)
}
