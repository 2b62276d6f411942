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
	Seed     uint64
	Labels   []Label
	Episodes []replay.Episode // of numbers, in order of their beginning
	End      int64            // ms
	Records  int64
}

// progressEvery is how many records go by between two reports of progress.
const progressEvery = 1 << 16

// Observe replays a log from its beginning through the decoder and the engine,
// as one partition. progress is called now and then with the share that is done.
func Observe(ctx context.Context, l *Log, p *policy.Policy, progress func(share float64)) (*Observed, error) {
	flags, records, err := play(ctx, l, p, progress)
	if err != nil {
		return nil, err
	}
	return &Observed{Labels: l.Labels(), Episodes: replay.Episodes(flags), End: l.End(), Records: records}, nil
}

// play returns the flags of numbers that a policy raises over a log, without
// their words, and how many records it has.
func play(ctx context.Context, l *Log, p *policy.Policy, progress func(share float64)) (flags []event.Flag, records int64, err error) {
	e := processor.New(processor.Config{Engine: engine.Config{
		Topic: replay.Topic, Policy: p, PaneBits: 16, FlagsOnly: true,
	}})
	var (
		r      traffic.Record
		record event.Record
		out    event.Output
	)
	for ; l.Next(&r); records++ {
		if records%progressEvery == 0 {
			if err := ctx.Err(); err != nil {
				return nil, 0, err
			}
			progress(float64(r.Time-l.Start()) / float64(l.End()-l.Start()))
		}
		record.Offset, record.Timestamp, record.Value, record.Headers = records, r.Time, r.Value, record.Headers[:0]
		for _, h := range r.Headers {
			record.Headers = append(record.Headers, event.Header{Key: []byte(h.Key), Value: h.Value})
		}
		if _, err := e.ApplyAll(&record, &out); err != nil {
			return nil, 0, err
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
	return flags, records, nil
}

// Config says what to test.
type Config struct {
	Seeds   []uint64
	Numbers int
	Days    int
	Cast    traffic.Cast
	Policy  *policy.Policy
	// Flags returns the flags that another run made of the log of a seed; nil for
	// those of the engine by Policy.
	Flags func(seed uint64) ([]event.Flag, error)
}

// NewLog makes the labelled log of a seed.
func (c *Config) NewLog(seed uint64) (*Log, error) {
	return NewLog(LogConfig{
		Seed: seed, Numbers: c.Numbers, Days: c.Days, Cast: c.Cast,
		StopWords: c.Policy.StopWords, ResumeWords: c.Policy.ResumeWords,
	})
}

// Run observes a policy on the labelled logs of all seeds. progress is
// called with the seed in progress and the share of it that is done; it may be nil.
func Run(ctx context.Context, c Config, progress func(seed uint64, share float64)) (*Figures, error) {
	var all []*Observed
	for _, seed := range c.Seeds {
		l, err := c.NewLog(seed)
		if err != nil {
			return nil, err
		}
		if c.Flags != nil {
			flags, err := c.Flags(seed)
			if err != nil {
				return nil, err
			}
			o := ObserveFlags(l, flags)
			o.Seed = seed
			all = append(all, o)
			continue
		}
		o, err := Observe(ctx, l, c.Policy, func(share float64) {
			if progress != nil {
				progress(seed, share)
			}
		})
		if err != nil {
			return nil, err
		}
		o.Seed = seed
		all = append(all, o)
	}
	f := Measure(all)
	f.Seeds, f.Numbers, f.Days, f.PolicyVersion = c.Seeds, c.Numbers, c.Days, c.Policy.Version
	if c.Flags != nil {
		f.PolicyVersion = "of the flags given"
	}
	return f, nil
}
