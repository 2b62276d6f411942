package clickhouse

import "sendwatch/internal/event"

// fingerprintTable is fingerprint_hours.
func fingerprintTable() *blockTable {
	t := newBlockTable(event.TableFingerprintHours)
	t.has(words, "number_id")
	t.has(instants, "hour")
	t.has(digits, "fingerprint")
	t.has(counts, "partition")
	t.has(offsets, "pane", "version")
	t.has(words, "portfolio_id", "template")
	t.has(counts, "sent", "initiated", "answered", "unanswered", "withdrawn")
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
