package backtest

import (
	"context"

	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/processor"
	"sendwatch/internal/replay"
	"sendwatch/internal/traffic"
)

// Observed is what a policy made of one labelled log.
type Observed struct {
	Labels   []Label
	Episodes []replay.Episode // of numbers, in order of their beginning
	End      int64            // ms
	Records  int64
}

// progressEvery is how many records go by between two reports of progress.
const progressEvery = 1 << 16

// Observe replays a log from its beginning through the decoder and the engine,
// as one partition. progress hears now and then which share is done.
func Observe(ctx context.Context, l *Log, p *policy.Policy, progress func(share float64)) (*Observed, error) {
	e := processor.New(processor.Config{Engine: engine.Config{
		Topic: replay.Topic, Policy: p, PaneBits: 16, FlagsOnly: true,
	}})
	var (
		r      traffic.Record
		record event.Record
		out    event.Output
		flags  []event.Flag
		o      = &Observed{End: l.End()}
	)
	for ; l.Next(&r); o.Records++ {
		if o.Records%progressEvery == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			progress(float64(r.Time-l.Start()) / float64(l.End()-l.Start()))
		}
		record.Offset, record.Timestamp, record.Value, record.Headers = o.Records, r.Time, r.Value, record.Headers[:0]
		for _, h := range r.Headers {
			record.Headers = append(record.Headers, event.Header{Key: []byte(h.Key), Value: h.Value})
		}
		if _, _, err := e.Apply(&record, &out); err != nil {
			return nil, err
		}
		for i := range out.Flags {
			f := &out.Flags[i]
			if f.NumberID == "" {
				continue
			}
			flags = append(flags, event.Flag{
				FlagID: f.FlagID, NumberID: f.NumberID, Factor: f.Factor, Key: f.Key,
				Level: f.Level, Transition: f.Transition, EventTime: f.EventTime,
			})
		}
		out.Reset()
	}
	progress(1)
	o.Labels, o.Episodes = l.Labels(), replay.Episodes(flags)
	return o, nil
}

// Config says what to test.
type Config struct {
	Seeds   []uint64
	Numbers int
	Days    int
	Policy  *policy.Policy
}

// Run observes a policy on the labelled logs of all seeds. progress hears
// which seed it is at and which share of it is done; it may be nil.
func Run(ctx context.Context, c Config, progress func(seed uint64, share float64)) (*Figures, error) {
	var all []*Observed
	for _, seed := range c.Seeds {
		l, err := NewLog(LogConfig{
			Seed: seed, Numbers: c.Numbers, Days: c.Days,
			StopWords: c.Policy.StopWords, ResumeWords: c.Policy.ResumeWords,
		})
		if err != nil {
			return nil, err
		}
		o, err := Observe(ctx, l, c.Policy, func(share float64) {
			if progress != nil {
				progress(seed, share)
			}
		})
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	f := Measure(all)
	f.Seeds, f.Numbers, f.Days, f.PolicyVersion = c.Seeds, c.Numbers, c.Days, c.Policy.Version
	return f, nil
}
