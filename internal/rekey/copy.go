package rekey

import (
	"bytes"
	"cmp"
	"context"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
)

// Log is one partition of the topic that is read, from its start on.
type Log interface {
	// Fetch waits for the next records; it may return none. A batch is valid until the
	// next call.
	Fetch(ctx context.Context) (*event.Batch, error)
}

// Writer appends to the new topic.
type Writer interface {
	// Produce returns once all messages are written, those of a partition in their order.
	Produce(ctx context.Context, topic string, messages []event.Message) error
}

// The most that is written at a time: large enough that a copy is not bound by the way to
// the broker and back, small beside what is fetched.
const (
	writeRecords = 2_000
	writeBytes   = 4 << 20
)

// noTime is the time of a record that has none, which a writer keeps; 0 it takes for now.
const noTime = -1

// Counts is what a copy has come to.
type Counts struct {
	Copied     int64 // records of numbers and of what numbers share
	Moved      int64 // of them, those that have another key now
	Unreadable int64 // copied as they are: no event can be read from them
	Clock      int64 // left out
	Policies   int64 // changes of the policy, each written to every partition
	// Damaged and Lost are offsets that could not be read: broken batches, and records that
	// retention deleted meanwhile.
	Damaged, Lost int64
}

// Copier copies one topic. It belongs to one goroutine.
type Copier struct {
	Counts

	to         string
	partitions int32
	writer     Writer
	decoder    *codec.Decoder
	sources    []*source
	policy     string // the newest that was written
	pending    []event.Message
	bytes      int
}

// source is a partition and what was fetched of it and not yet copied.
type source struct {
	log     Log
	records []event.Record
	next    int64 // of the log
	end     int64 // how far it is to be copied
}

// New returns a copier that writes to a topic of so many partitions. Framing is how the
// values of the records are framed.
func New(to string, partitions int32, writer Writer, framing codec.Framing) *Copier {
	return &Copier{to: to, partitions: partitions, writer: writer, decoder: codec.NewDecoder(codec.Config{Framing: framing})}
}

// Add names one partition to be read, whose first record is at an offset.
func (c *Copier) Add(log Log, first int64) {
	c.sources = append(c.sources, &source{log: log, next: first})
}

// Run copies what lies before ends, the offset behind the last record of each partition
// in the order in which they were added. It may be called again with later ones.
func (c *Copier) Run(ctx context.Context, ends []int64) error {
	for i, s := range c.sources {
		s.end = ends[i]
	}
	for {
		s, err := c.oldest(ctx)
		if err != nil {
			return err
		}
		if s == nil {
			return c.write(ctx)
		}
		c.take(&s.records[0])
		s.records = s.records[1:]
		if len(c.pending) >= writeRecords || c.bytes >= writeBytes {
			if err := c.write(ctx); err != nil {
				return err
			}
		}
	}
}

// oldest returns the partition whose next record was written first, nil if all are
// copied. Of records of one time that of the first partition comes first.
func (c *Copier) oldest(ctx context.Context) (*source, error) {
	var first *source
	for _, s := range c.sources {
		if err := c.fill(ctx, s); err != nil {
			return nil, err
		}
		if len(s.records) > 0 && (first == nil || s.records[0].Timestamp < first.records[0].Timestamp) {
			first = s
		}
	}
	return first, nil
}

// fill fetches until a record is there or the end is reached.
func (c *Copier) fill(ctx context.Context, s *source) error {
	for len(s.records) == 0 && s.next < s.end {
		batch, err := s.log.Fetch(ctx)
		if err != nil {
			return err
		}
		for _, u := range batch.Unreadable {
			c.Damaged += u.Last - u.First + 1
		}
		c.Lost += batch.Lost.Count()
		s.records, s.next = batch.Records, batch.Next
	}
	return nil
}

// take puts a record where it belongs.
func (c *Copier) take(r *event.Record) {
	var ev event.Event
	err := c.decoder.Decode(&ev, r.Value, codec.ParseContentType(r.Header(codec.ContentTypeHeader)), r.Timestamp)
	m := event.Message{Timestamp: cmp.Or(r.Timestamp, noTime), Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value)}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, event.Header{Key: bytes.Clone(h.Key), Value: bytes.Clone(h.Value)})
	}
	switch {
	case err != nil:
		c.Unreadable++
	case ev.Type == event.TypeClock:
		c.Clock++
		return
	case ev.Type == event.TypePolicy:
		c.takePolicy(&ev, m)
		return
	case len(ev.NumberID) > 0:
		c.Copied++
		if !bytes.Equal(r.Key, ev.NumberID) {
			c.Moved++
			m.Key = bytes.Clone(ev.NumberID)
		}
	default: // what numbers share: portfolios copies it to where it is missing
		c.Copied++
	}
	c.add(m)
}

// takePolicy has every partition take a policy once: numbers wrote it to each of the
// partitions that there were.
func (c *Copier) takePolicy(ev *event.Event, m event.Message) {
	if version := string(ev.PolicyVersion); version != c.policy {
		c.policy = version
		c.Policies++
		for p := range c.partitions {
			m.Partition, m.PartitionSet = p, true
			c.add(m)
		}
	}
}

func (c *Copier) add(m event.Message) {
	c.pending = append(c.pending, m)
	c.bytes += len(m.Key) + len(m.Value)
}

func (c *Copier) write(ctx context.Context) error {
	err := c.writer.Produce(ctx, c.to, c.pending)
	clear(c.pending)
	c.pending, c.bytes = c.pending[:0], 0
	return err
}
