package engine

import (
	"github.com/cespare/xxhash/v2"

	"sendwatch/internal/window"
)

// dedup remembers the ids of applied events for at least the horizon and at
// most twice it, on the record clock: two generations, each one horizon long,
// aligned to its multiples. An id is held as 126 bits of hash: among the 10^9
// ids of an hour at 280,000 events/s the chance of one false duplicate is
// below 10^-19 (birthday bound).
type dedup struct {
	horizon    int64
	clock      int64 // running maximum of the records' timestamps, ms; 0 before the first
	generation int64 // clock / horizon
	seen       window.Seen
}

// second half's seed: any other than the first's, which is 0.
const idSeed = 0x5e4d3a7c91b20f68

// noRecordTime is the time before which a record's timestamp is none: 2009-01-01.
const noRecordTime = 1_230_768_000_000

// advance moves the record clock to a record's timestamp, if it has one.
func (d *dedup) advance(recordTime int64) {
	if recordTime <= d.clock || recordTime < noRecordTime {
		return
	}
	d.clock = recordTime
	if g := floor(d.clock, d.horizon); g != d.generation {
		d.generation = g
		d.seen.Begin(g)
	}
}

// idHash is an id as it is remembered.
type idHash struct{ a, b uint64 }

func hashID(id []byte) idHash {
	h := xxhash.NewWithSeed(idSeed)
	_, _ = h.Write(id) // a hash never fails to write
	return idHash{xxhash.Sum64(id), h.Sum64()}
}

// add remembers an id; false if it is remembered already.
func (d *dedup) add(id idHash) bool { return d.seen.Add(id.a, id.b) }
