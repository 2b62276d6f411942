package pipeline

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/flat"
)

// portfolioState is the state of a partition of the portfolios role in bytes. Its memory
// is used again for each checkpoint.
type portfolioState struct {
	own        []byte // of the task itself, but for places
	places     []byte
	portfolios []byte
	shadow     []byte // empty without a shadow policy
}

func (s *portfolioState) sections() []namedBytes {
	return []namedBytes{{"task", &s.own}, {"places", &s.places}, {"portfolios", &s.portfolios}, {"shadow", &s.shadow}}
}

// copy hands what the task remembers beside the portfolios to c.
func (t *portfolioTask) copy(c *flat.Copier) {
	flat.Value(c, &t.generation)
	shadow := ""
	if t.config.Shadow != nil {
		shadow = t.config.Shadow.Version
	}
	flat.String(c, &shadow)
	t.shadowed = t.config.Shadow != nil && shadow == t.config.Shadow.Version
	flat.Value(c, &t.first)
	flat.Value(c, &t.minute)
	flat.Each(c, &t.sources, copySource)
	t.broadcast.copy(c)
}

func copySource(c *flat.Copier, s *source) {
	flat.Value(c, &s.seen)
	copyProgress(c, &s.progress)
	flat.String(c, &s.policy)
	flat.Each(c, &s.buffer, copyChange)
	flat.Value(c, &s.missing)
}

func copyProgress(c *flat.Copier, p *codec.Progress) {
	flat.Value(c, &p.Watermark)
	flat.Value(c, &p.Sequence)
	flat.Value(c, &p.CaughtUp)
	flat.Value(c, &p.Idle)
	flat.Value(c, &p.Generation)
	flat.String(c, &p.Policy)
}

func copyChange(c *flat.Copier, v *event.PortfolioChange) {
	flat.Value(c, &v.Partition)
	flat.Value(c, &v.Sequence)
	flat.Value(c, &v.Visible)
	flat.Value(c, &v.Kind)
	flat.String(c, &v.PortfolioID)
	flat.String(c, &v.NumberID)
	flat.Value(c, &v.A)
	flat.Value(c, &v.B)
}

// keptShared is a shared event as it lies in a checkpoint.
type keptShared struct {
	id          uint64
	since       int64 // ms
	done        []bool
	open        bool
	value       []byte
	contentType string
}

// copy hands the shared events to c, oldest first.
func (b *broadcast) copy(c *flat.Copier) {
	kept := make([]keptShared, 0, len(b.order))
	for _, id := range b.order {
		s := b.byID[id]
		kept = append(kept, keptShared{id, s.since.UnixMilli(), s.done, b.open[id] != nil, s.value, s.contentType})
	}
	flat.Each(c, &kept, func(c *flat.Copier, k *keptShared) {
		flat.Value(c, &k.id)
		flat.Value(c, &k.since)
		flat.Slice(c, &k.done)
		flat.Value(c, &k.open)
		flat.Slice(c, &k.value)
		flat.String(c, &k.contentType)
	})
	flat.Value(c, &b.copied)
	if !c.Reading() {
		return
	}
	copied := b.copied
	*b = newBroadcast()
	b.copied = copied
	for i := range kept {
		b.remember(&kept[i])
	}
}

// remember takes in a shared event of a checkpoint.
func (b *broadcast) remember(k *keptShared) {
	s := &sharedEvent{since: time.UnixMilli(k.since), done: k.done, value: k.value, contentType: k.contentType}
	for _, done := range k.done {
		if !done {
			s.left++
		}
	}
	b.byID[k.id] = s
	b.order = append(b.order, k.id)
	if k.open {
		b.open[k.id] = s
		b.bytes += len(s.value)
	}
}

func (t *portfolioTask) snapshot(dst *checkpoint.State) (finish func()) {
	s := &t.state
	s.own = flat.Append(s.own[:0], t.copy)
	s.shadow = s.shadow[:0]
	held := []*flat.Snapshot{hold(&s.places, t.places.copy), hold(&s.portfolios, t.portfolios.Copy)}
	if t.shadow != nil {
		held = append(held, hold(&s.shadow, t.shadow.Copy))
	}
	fillSections(dst, t.policy, s.sections())
	return func() {
		for _, h := range held {
			h.Finish()
		}
	}
}

// hold begins a snapshot in the memory of dst.
func hold(dst *[]byte, visit func(*flat.Copier)) *flat.Snapshot {
	h := flat.Begin(*dst, visit)
	*dst = h.Bytes()
	return h
}

func (t *portfolioTask) restore(ctx context.Context, c *checkpoint.Checkpoint) error {
	var s portfolioState
	if err := readSections(c, s.sections()); err != nil {
		return err
	}
	by, err := t.config.Policies.Find(c.PolicyVersion)
	if err != nil {
		return err
	}
	if err := flat.ReadUntil(endOf(ctx), s.own, t.copy); err != nil {
		return err
	}
	t.places = places{} // a state may be there that is given up
	if err := flat.ReadUntil(endOf(ctx), s.places, t.places.copy); err != nil {
		return err
	}
	t.policy = by.Version
	t.portfolios = engine.NewPortfolioEngine(t.claim.Topic, t.claim.Partition, by)
	if err := flat.ReadUntil(endOf(ctx), s.portfolios, t.portfolios.Copy); err != nil {
		return err
	}
	t.out.Reset()
	if t.shadow == nil {
		return nil
	}
	t.shadow = engine.NewPortfolioEngine(t.claim.Topic, t.claim.Partition, t.config.Shadow)
	if !t.shadowed {
		t.warnShadow()
		return nil
	}
	return flat.ReadUntil(endOf(ctx), s.shadow, t.shadow.Copy)
}

var portfoliosLayout = sync.OnceValues(func() (uint64, error) {
	t := portfolioTask{config: &PortfoliosConfig{}, broadcast: newBroadcast()}
	return checkpoint.Layout(slices.Concat(flat.Types(t.copy), flat.Types(t.places.copy), flat.Types(engine.NewPortfolioEngine("", 0, nil).Copy))...)
})

func (*portfolioTask) layout() (uint64, error) { return portfoliosLayout() }

// namedBytes is a section of a checkpoint and where its bytes lie.
type namedBytes struct {
	name string
	data *[]byte
}

// fillSections makes a state of sections.
func fillSections(dst *checkpoint.State, policy string, sections []namedBytes) {
	dst.PolicyVersion, dst.Sections = policy, dst.Sections[:0]
	for _, s := range sections {
		dst.Sections = append(dst.Sections, checkpoint.Section{Name: s.name, Data: *s.data})
	}
}

// readSections finds the sections of a checkpoint.
func readSections(c *checkpoint.Checkpoint, sections []namedBytes) error {
	for _, s := range sections {
		var ok bool
		if *s.data, ok = c.Section(s.name); !ok {
			return fmt.Errorf("it has no section %q", s.name)
		}
	}
	return nil
}

// warnShadow says that the shadow policy begins without a history.
func (p *partitionProgress) warnShadow() {
	p.logger.Warn("the checkpoint has no state of this shadow policy: its flags begin with an empty history; `sendwatch checkpoint reset` of the events and the rows topic has both logs read again",
		"role", p.name, "partition", p.claim.String())
}
