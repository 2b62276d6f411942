package processor

import (
	"fmt"
	"slices"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// Policies finds a policy by its version.
type Policies interface {
	Find(version string) (*policy.Policy, error)
}

// Config says what a Processor is for and how it decides.
type Config struct {
	// Engine names the partition, the limits and, as Policy, the policy that
	// decides from the beginning of the log.
	Engine engine.Config
	// Secret is the key of the contact hashes.
	Secret codec.Secret
	// Content is how records without a content-type header are encoded;
	// codec.ContentUnknown leaves it to their first byte.
	Content codec.ContentType
	// Framing is whose frame may stand in front of an event.
	Framing codec.Framing
	// Policies finds the policies that `policy` events name. Nil lets the first
	// policy decide throughout, as a replay does.
	Policies Policies
	// Shadow, if not nil, decides beside the policy in force. Only its flags are
	// computed; they are appended to the output with Shadow set.
	Shadow *policy.Policy
}

// Processor is the state of one partition. Make it with New.
type Processor struct {
	cfg      Config
	policy   *policy.Policy // in force
	decoder  *codec.Decoder
	engine   *engine.Engine
	event    *event.Event // of the record in progress
	own      event.Event  // what event points to if the record was not foreseen
	memory   codec.Memory // and what it aliases
	naming   bool         // it names the policy that decides once it is done
	rejected event.DeadLetter
	shadow   *shadow // nil without a shadow policy

	foresight foresight
}

// New returns the processor of a partition whose log is at its beginning.
func New(cfg Config) *Processor {
	p := &Processor{cfg: cfg, policy: cfg.Engine.Policy, engine: engine.New(cfg.Engine)}
	p.event, p.decoder = &p.own, p.newDecoder(p.policy)
	if cfg.Shadow != nil {
		p.shadow = newShadow(p)
	}
	return p
}

// newDecoder returns a decoder that recognises a policy's words of opting out.
func (p *Processor) newDecoder(by *policy.Policy) *codec.Decoder {
	return codec.NewDecoder(codec.Config{Secret: p.cfg.Secret, StopWords: by.StopWords, ResumeWords: by.ResumeWords, Framing: p.cfg.Framing})
}

// Apply decodes a record, applies it, appends to out what comes of it, and
// returns the record's class. While more is true the record is not done: call
// Continue, until it returns false, before the next record; the record's bytes
// must stay as they are until then. An error stops the partition.
func (p *Processor) Apply(r *event.Record, out *event.Output) (class event.Class, more bool, err error) {
	ev, content, err := p.decode(r)
	p.event = ev
	if err != nil {
		at := event.Position{Topic: p.cfg.Engine.Topic, Partition: p.cfg.Engine.Partition, Offset: r.Offset}
		p.rejected = codec.NewDeadLetter(at, r.Timestamp, r.Key, r.Value, err)
		if p.shadow != nil {
			p.shadow.skip(r)
		}
		return event.ClassRejected, p.engine.Skip(event.ClassRejected, r.Offset, r.Timestamp, out), nil
	}
	if p.shadow != nil {
		p.shadow.apply(ev, r, content, out)
	}
	class, more = p.engine.Apply(ev, r.Offset, r.Timestamp, out)
	p.naming = class == event.ClassApplied && ev.Type == event.TypePolicy && p.cfg.Policies != nil
	if more {
		return class, true, nil
	}
	return class, false, p.finish()
}

// Continue goes on with the record that Apply left unfinished, or with the time
// that AdvanceTo did.
func (p *Processor) Continue(out *event.Output) (more bool, err error) {
	if p.engine.Continue(out) {
		return true, nil
	}
	return false, p.finish()
}

// ApplyAll is Apply and then Continue until the record is done, for a caller that
// takes no rows away in between.
func (p *Processor) ApplyAll(r *event.Record, out *event.Output) (event.Class, error) {
	class, more, err := p.Apply(r, out)
	return class, p.continueAll(more, err, out)
}

// AdvanceAll is AdvanceTo and then Continue until time has arrived.
func (p *Processor) AdvanceAll(t int64, out *event.Output) error {
	return p.continueAll(p.AdvanceTo(t, out), nil, out)
}

func (p *Processor) continueAll(more bool, err error, out *event.Output) error {
	for more && err == nil {
		more, err = p.Continue(out)
	}
	return err
}

// finish ends a record that is done.
func (p *Processor) finish() error {
	if !p.naming {
		return nil
	}
	p.naming = false
	return p.switchPolicy(string(p.event.PolicyVersion))
}

// maxVersion is how much of an unknown version an error shows, in bytes: far more
// than a version of ours has.
const maxVersion = 256

// switchPolicy makes the policy of a version decide from the next record on.
func (p *Processor) switchPolicy(version string) error {
	next, err := p.cfg.Policies.Find(version[:min(len(version), maxVersion)])
	if err != nil {
		return fmt.Errorf("apply a policy event: %w", err)
	}
	if next.Version == p.policy.Version {
		return nil
	}
	p.policy = next
	p.engine.SetPolicy(next)
	p.decoder = p.newDecoder(next)
	if p.shadow != nil {
		p.shadow.listen(p)
	}
	return nil
}

// Event returns the event of the record that was applied last. It aliases the
// record and the decoder's memory, and holds until the next Apply. Of a rejected
// record it holds nothing of use.
func (p *Processor) Event() *event.Event { return p.event }

// DeadLetter returns the dead letter of the record that was rejected last. It
// aliases the record.
func (p *Processor) DeadLetter() event.DeadLetter { return p.rejected }

// Policy returns the policy in force: the one that the next record is decided by.
func (p *Processor) Policy() *policy.Policy { return p.policy }

// AdvanceTo moves the watermark to t (ms), with the ticks that this brings, as a
// clock event would. While more is true call Continue.
func (p *Processor) AdvanceTo(t int64, out *event.Output) (more bool) {
	return p.engine.AdvanceTo(t, out)
}

// Flush appends the rows that changed since they were last written to out. While
// more is true call it again.
func (p *Processor) Flush(out *event.Output) (more bool) {
	return p.engine.Flush(out)
}

// FlushSome appends some of what Flush would, about as many as most. Records may be applied
// before the next call; it must not be called in the middle of a Flush.
func (p *Processor) FlushSome(most int, out *event.Output) { p.engine.FlushSome(most, out) }

// Engine returns the engine, for questions about its state. Its methods that
// change state are for the processor alone.
func (p *Processor) Engine() *engine.Engine { return p.engine }

// shadow decides the same events by another policy, for its flags alone.
type shadow struct {
	policy *policy.Policy
	engine *engine.Engine
	// decoder recognises the shadow policy's words of opting out, and event is
	// what it decodes into; nil while the words are those of the policy in force.
	decoder *codec.Decoder
	event   event.Event
	out     event.Output
}

func newShadow(p *Processor) *shadow {
	c := &p.cfg.Engine
	s := &shadow{policy: p.cfg.Shadow, engine: engine.New(engine.Config{
		Topic: c.Topic, Partition: c.Partition, Policy: p.cfg.Shadow, DedupHorizon: c.DedupHorizon,
		PaneBits: c.PaneBits, MaxKeys: c.MaxKeys, MaxLinks: c.MaxLinks, FlagsOnly: true,
	})}
	s.listen(p)
	return s
}

// listen hands the shadow a decoder of its own where its words of opting out
// differ from those of the policy in force.
func (s *shadow) listen(p *Processor) {
	s.decoder = nil
	if !slices.Equal(s.policy.StopWords, p.policy.StopWords) || !slices.Equal(s.policy.ResumeWords, p.policy.ResumeWords) {
		s.decoder = p.newDecoder(s.policy)
	}
}

// skip takes a record that was rejected.
func (s *shadow) skip(r *event.Record) {
	s.engine.Skip(event.ClassRejected, r.Offset, r.Timestamp, &s.out)
}

// apply takes a decoded record and appends the shadow policy's flags to out.
func (s *shadow) apply(ev *event.Event, r *event.Record, content codec.ContentType, out *event.Output) {
	if s.decoder != nil && ev.Type == event.TypeReceived {
		// It was decoded once: what it is rejected for does not depend on words.
		if s.decoder.Decode(&s.event, r.Value, content, r.Timestamp) == nil {
			ev = &s.event
		}
	}
	s.engine.Apply(ev, r.Offset, r.Timestamp, &s.out)
	for i := range s.out.Flags {
		s.out.Flags[i].Shadow = true
	}
	out.Flags = append(out.Flags, s.out.Flags...)
	s.out.Reset()
}
