package replay

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/processor"
)

// Topic is the topic that a replay's positions name.
const Topic = "replay"

// Config says what to replay and how.
type Config struct {
	Files        []string  // "-" is Stdin; .gz and .zst are decompressed
	Stdin        io.Reader // read where a file is "-"
	Policy       *policy.Policy
	Secret       codec.Secret // key of the contact hashes
	DedupHorizon int64        // ms, the engine's default if 0
	Until        int64        // ms: moves the watermark there at the end; 0 leaves it
	Merge        bool         // read the runs of the input side by side in the order of time
}

// Summary is what summary.json says of a run.
type Summary struct {
	Applied   int64 `json:"applied"`
	Duplicate int64 `json:"duplicate"`
	Ignored   int64 `json:"ignored"`
	Rejected  int64 `json:"rejected"`
	Late      int64 `json:"late"`

	// Anomalies are the applied events that contradict what is known, by kind.
	Anomalies map[string]int64 `json:"anomalies"`

	Records       int64   `json:"records"`
	Numbers       int     `json:"numbers"`
	Flags         int     `json:"flags"`
	Watermark     int64   `json:"watermark"` // ms
	PolicyVersion string  `json:"policy_version"`
	Seconds       float64 `json:"seconds"` // reading, decoding and applying
	PerSecond     float64 `json:"events_per_second"`
	PeakMemory    int64   `json:"peak_memory_bytes,omitempty"`
}

// Result is what a replay computed. Rows holds all but the rows of minutes, hours
// and contacts, which are many: the engine keeps them until they are written.
type Result struct {
	Summary     Summary
	Rows        event.Output
	DeadLetters []event.DeadLetter
	// Jumps are where time goes back and stays there: the log is of several
	// partitions one after another, and most of it counted as late.
	Jumps []Jump

	engine *engine.Engine
}

// rowsAtOnce is how many rows EachRow hands on at a time.
const rowsAtOnce = 4096

// EachRow calls visit with the rows of minutes, hours and contacts, sorted by
// key, a few thousand at a time. It passes each row once.
func (r *Result) EachRow(visit func(rows *event.Output) error) error {
	var rows event.Output
	for more := true; more; {
		more = r.engine.Flush(&rows)
		if err := visit(&rows); err != nil {
			return err
		}
		rows.Reset()
	}
	return nil
}

// input returns what reads the records one by one, io.EOF after the last, and what
// to call once that is over.
func input(cfg *Config) (next func() (record, error), end func(), err error) {
	in := &source{files: cfg.Files, stdin: cfg.Stdin, times: codec.NewLineReader()}
	if !cfg.Merge {
		return in.next, in.close, nil
	}
	m, err := merge(in)
	if err != nil {
		in.close()
		return nil, nil, err
	}
	return m.next, func() { _ = m.close() }, nil // temporary files that stay cost nothing but room
}

// Run replays the files.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	p := processor.New(processor.Config{
		Engine: engine.Config{
			Topic: Topic, Policy: cfg.Policy, DedupHorizon: cfg.DedupHorizon,
			PaneBits: engine.WholeLog, FinalStatusOnly: true, Portfolios: true, Budget: rowsAtOnce,
		},
		Secret: cfg.Secret, Content: codec.ContentJSON,
	})
	res := &Result{}
	started := time.Now()
	in, end, err := input(&cfg)
	if err != nil {
		return nil, err
	}
	defer end()
	ahead := ahead{next: in}
	for more := true; more; {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if more, err = ahead.read(res); err != nil {
			return nil, err
		}
		p.Foresee(ahead.records)
		for i := range ahead.records {
			if err := res.apply(p, &ahead.records[i]); err != nil {
				return nil, err
			}
		}
	}
	if cfg.Until != 0 {
		if err := p.AdvanceAll(cfg.Until, &res.Rows); err != nil {
			return nil, fmt.Errorf("advance time to the end: %w", err)
		}
		res.Rows.PortfolioStatus = res.Rows.PortfolioStatus[:0]
	}
	e := p.Engine()
	res.engine = e
	e.Statuses(&res.Rows)
	e.PortfolioStatuses(&res.Rows)
	res.finish(e.Stats(), cfg.Policy, time.Since(started))
	return res, nil
}

// apply applies one record.
func (r *Result) apply(p *processor.Processor, rec *event.Record) error {
	class, err := p.ApplyAll(rec, &r.Rows)
	if err != nil {
		return fmt.Errorf("apply record %d: %w", rec.Offset, err)
	}
	if class == event.ClassRejected {
		l := p.DeadLetter()
		l.Value = slices.Clone(l.Value)
		r.DeadLetters = append(r.DeadLetters, l)
	}
	r.Rows.PortfolioStatus = r.Rows.PortfolioStatus[:0] // only the last of each is wanted
	return nil
}

// finish fills in the summary.
func (r *Result) finish(s engine.Stats, p *policy.Policy, took time.Duration) {
	sum, rows := &r.Summary, &r.Rows
	sum.Applied, sum.Duplicate = s.Records[event.ClassApplied], s.Records[event.ClassDuplicate]
	sum.Ignored, sum.Rejected = s.Records[event.ClassIgnored], s.Records[event.ClassRejected]
	sum.Late, sum.Numbers, sum.Flags = s.Late, s.Numbers, len(rows.Flags)
	sum.Watermark, sum.PolicyVersion = s.Watermark, p.Version
	sum.Anomalies = map[string]int64{}
	for o := range engine.NumAnomalies {
		sum.Anomalies[o.String()] = s.Anomalies[o]
	}
	sum.Seconds = took.Seconds()
	if sum.Seconds > 0 {
		sum.PerSecond = float64(sum.Records) / sum.Seconds
	}
	for i := range rows.Flags {
		rows.Flags[i].EmittedAt = rows.Flags[i].EventTime // a replay has no wall clock
	}
	sum.PeakMemory = PeakMemory()
}
