package replay

import (
	"errors"
	"io"

	"sendwatch/internal/event"
	"sendwatch/internal/processor"
)

// ahead reads as many records as a Processor foresees, and keeps their values: those of a
// source are good until its next one only.
type ahead struct {
	next    func() (record, error)
	records []event.Record
	values  []byte
	offset  int64 // of the next record
	found   runs
}

// read reads the next records, and notes in res how many there were and where time went back;
// more is false once there are no others.
func (a *ahead) read(res *Result) (more bool, err error) {
	a.records, a.values = a.records[:0], a.values[:0]
	for len(a.records) < processor.MostForeseen {
		r, err := a.next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if jump, jumped := a.found.next(&r); jumped {
			res.Jumps = append(res.Jumps, jump)
		}
		res.Summary.Records++
		start := len(a.values)
		a.values = append(a.values, r.value...) // what lay there stays in the memory that it outgrew
		a.records = append(a.records, event.Record{Offset: a.offset, Timestamp: r.time, Value: a.values[start:len(a.values):len(a.values)]})
		a.offset++
	}
	return true, nil
}
