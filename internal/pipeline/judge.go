package pipeline

import (
	"context"
	"fmt"
	"slices"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/telemetry"
	eventsv1 "sendwatch/schemas/events/v1"
)

// Policies are the policies of a deployment. Which of them decides is said by
// the log: First until its first `policy` event, then the one that this names.
type Policies interface {
	First() *policy.Policy
	Newest() *policy.Policy // what should decide from now on
	Find(version string) (*policy.Policy, error)
}

// onePolicy never changes.
type onePolicy struct{ policy *policy.Policy }

func (o onePolicy) First() *policy.Policy  { return o.policy }
func (o onePolicy) Newest() *policy.Policy { return o.policy }

func (o onePolicy) Find(version string) (*policy.Policy, error) {
	if version == o.policy.Version {
		return o.policy, nil
	}
	return nil, fmt.Errorf("policy %q is not known to this process", version)
}

// judge is what a partition decides by.
type judge struct {
	policy *policy.Policy
	asked  string // the version of the policy event that was appended last

	// shadow judges the same events by another policy; nil without one. Only
	// its flags are wanted. words reads them by its words of opt-out; nil while
	// these are the live policy's.
	shadow *engine.Engine
	words  *codec.Decoder
	heard  event.Event // by words, used again and again
	aside  event.Output
}

// newJudge begins with the policy that decides at the beginning of a log.
func newJudge(c *NumbersConfig, claim Claim) judge {
	j := judge{policy: c.Policies.First()}
	if c.Shadow != nil {
		j.shadow = engine.New(engine.Config{
			Topic: claim.Topic, Partition: claim.Partition, Policy: c.Shadow, DedupHorizon: c.DedupHorizon,
			PaneBits: c.PaneBits, MaxKeys: c.MaxKeys, NoContacts: true, FinalStatusOnly: true,
		})
		j.listen(c)
	}
	return j
}

// listen gives the shadow a decoder of its own where its words of opt-out differ
// from those of the policy that decides now.
func (j *judge) listen(c *NumbersConfig) {
	j.words = nil
	if !slices.Equal(c.Shadow.StopWords, j.policy.StopWords) || !slices.Equal(c.Shadow.ResumeWords, j.policy.ResumeWords) {
		j.words = decoder(c, c.Shadow)
	}
}

// decoder reads records by a policy's words of opt-out.
func decoder(c *NumbersConfig, p *policy.Policy) *codec.Decoder {
	return codec.NewDecoder(codec.Config{Secret: c.Secret, StopWords: p.StopWords, ResumeWords: p.ResumeWords})
}

// shade lets the shadow policy see a record that was decoded, or was rejected if
// ev is nil.
func (p *partition) shade(ev *event.Event, r *event.Record, content codec.ContentType) {
	if p.judge.shadow == nil {
		return
	}
	out := &p.judge.aside
	if words := p.judge.words; words != nil && ev != nil && ev.Type == event.TypeReceived {
		if words.Decode(&p.judge.heard, r.Value, content, r.Timestamp) == nil { // as it was decoded before
			ev = &p.judge.heard
		}
	}
	if ev == nil {
		p.judge.shadow.Skip(event.ClassRejected, r.Offset, r.Timestamp, out)
	} else {
		p.judge.shadow.Apply(ev, r.Offset, r.Timestamp, out)
	}
	flags := out.Flags
	out.Reset()
	out.Flags = flags // the rows are those of the live policy, which writes them
}

// shadowFlags moves the flags of the shadow policy among the rows of a barrier:
// past emit, so that they reach the rows topic only.
func (p *partition) shadowFlags() {
	now := p.now().UnixMilli()
	for _, f := range p.judge.aside.Flags {
		f.Shadow, f.EmittedAt = true, now
		p.out.Flags = append(p.out.Flags, f)
	}
	p.judge.aside.Flags = p.judge.aside.Flags[:0]
}

// maxVersion is far more than a version has.
const maxVersion = 256

// turn makes the policy that a `policy` event names decide from the next record
// on. One that cannot be found stops the partition: to judge by another would
// be to write other flags under the same log.
func (p *partition) turn(ev *event.Event, r *event.Record) error {
	version := string(ev.PolicyVersion)
	if len(version) > maxVersion { // it is none of ours, and would fill a log line
		version = version[:maxVersion]
	}
	next, err := p.role.config.Policies.Find(version)
	if err != nil {
		return fmt.Errorf("%s stops at offset %d: %w", p.claim.String(), r.Offset, err)
	}
	if next.Version == p.judge.policy.Version {
		return nil
	}
	p.role.config.Logger.Info("another policy decides from here on", "partition", p.claim.String(),
		"offset", r.Offset, "policy", next.Version, "before", p.judge.policy.Version)
	p.metrics.Add(telemetry.PolicyChanges, 1, p.label, "applied")
	p.judge.policy = next
	p.engine.SetPolicy(next)
	p.decoder = decoder(&p.role.config, next)
	if p.judge.shadow != nil {
		p.judge.listen(&p.role.config)
	}
	return nil
}

// announce appends a `policy` event to a partition that is read to its end and
// is not judged by the newest policy yet. A partition without any event has no
// time that the event could carry, and nothing to judge: it waits for its first.
func (p *partition) announce(ctx context.Context, batch *event.Batch) error {
	newest := p.role.config.Policies.Newest()
	if p.next < batch.End || newest.Version == p.judge.policy.Version || newest.Version == p.judge.asked {
		return nil
	}
	watermark := p.engine.Stats().Watermark
	if watermark == 0 {
		return nil
	}
	p.judge.asked = newest.Version
	// The watermark as its time: it moves none.
	return p.appendOwn(ctx, &eventsv1.Event{Type: event.TypePolicy.String(), Time: &watermark, Version: newest.Version}, p.now())
}
