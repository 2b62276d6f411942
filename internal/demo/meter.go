package demo

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/pipeline"
)

const (
	// rateOver is the span over which events a second are averaged; live events
	// are few, often none in so short a time.
	rateOver     = 3 * time.Second
	rateLiveOver = 30 * time.Second
)

// meter is how far the pipeline is, as last sampled. full is asked by the feed;
// all else belongs to the goroutine that shows.
type meter struct {
	read    atomic.Int64 // records of the events topic that were read
	unseen  atomic.Int64 // records of the rows topic that the sink has not fetched
	begun   time.Time
	lag     int64 // records of the events topic that were not read
	storing bool  // an insert is under way
	records map[string]int64
	late    int64
	busy    time.Time     // when something was last under way
	arrived time.Time     // when the history had been read
	history time.Duration // how long the history took; 0 while it plays
	live    time.Time     // when live mode began

	points []ratePoint
}

type ratePoint struct {
	at   time.Time
	read int64
}

const (
	// readAhead is how many records the feed may be ahead of the numbers role.
	// Less would let it wait; more would only fill memory.
	readAhead = 200_000
	// storeAhead is how many batches of rows ClickHouse may be behind.
	storeAhead = 500
	// quiet is how long after the last event its rows have been written for
	// sure: longer than the time between two barriers of the numbers role.
	quiet = 1500 * time.Millisecond
)

func (m *meter) start(now time.Time) { m.begun, m.busy = now, now }

// done reports whether what was read by arrived is stored.
func (m *meter) done(now time.Time) bool {
	return now.Sub(m.arrived) >= quiet && m.unseen.Load() == 0 && !m.storing
}

// full reports whether the feed should wait, so that memory stays bounded.
func (m *meter) full(produced int64) bool {
	return produced-m.read.Load() > readAhead || m.unseen.Load() > storeAhead
}

// rate returns the events a second of the last few seconds.
func (m *meter) rate() float64 {
	if len(m.points) < 2 {
		return 0
	}
	a, b := m.points[0], m.points[len(m.points)-1]
	return float64(b.read-a.read) / max(b.at.Sub(a.at).Seconds(), .001)
}

// sample asks the pipeline how far it is. A partition that has stopped is an
// error: what it would have flagged stays unknown.
func (d *demo) sample(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	status, err := d.sources.Pipeline.Status(ctx)
	if err != nil {
		return err
	}
	m, now := &d.meter, d.now()
	var read, fetched int64
	m.storing = false
	for _, p := range status.Partitions {
		if p.Error != "" {
			return fmt.Errorf("%s partition %d of %s has stopped: %s", p.Role, p.Partition, p.Topic, p.Error)
		}
		switch p.Role {
		case event.RoleSink:
			fetched += p.NextOffset
			m.storing = m.storing || p.State == string(pipeline.StateWaiting)
		case event.RoleNumbers:
			read += p.NextOffset
		}
	}
	written, err := d.written(ctx, d.settings.Kafka.Topics.Events)
	if err != nil {
		return err
	}
	m.read.Store(read)
	m.lag = max(written-read, 0)
	if d.tables != nil {
		if written, err = d.written(ctx, d.settings.Kafka.Topics.Rows); err != nil {
			return err
		}
		m.unseen.Store(max(written-fetched, 0))
	}
	m.records, m.late = status.Records, status.Late
	m.points = append(m.points, ratePoint{now, read})
	over := rateOver
	if !m.live.IsZero() {
		over = rateLiveOver
	}
	for len(m.points) > 2 && now.Sub(m.points[0].at) > over {
		m.points = m.points[1:]
	}
	if m.lag > 0 || m.unseen.Load() > 0 || m.storing {
		m.busy = now
	}
	if m.arrived.IsZero() && d.played() && read >= d.feed.history.Load() {
		m.arrived = now
	}
	if m.history == 0 && !m.arrived.IsZero() && m.done(now) {
		m.history, m.live = m.busy.Sub(m.begun), now
	}
	return nil
}

// played reports whether the history has been written.
func (d *demo) played() bool {
	select {
	case <-d.feed.live:
		return true
	default:
		return false
	}
}

// written counts the records of a topic.
func (d *demo) written(ctx context.Context, topic string) (int64, error) {
	_, ends, err := d.client.Offsets(ctx, topic)
	var n int64
	for _, end := range ends {
		n += end
	}
	return n, err
}
