package pipeline

import (
	"context"
	"sync"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/flat"
	"sendwatch/internal/processor"
)

// numbersState is the state of a partition of the numbers role in bytes. Its memory is
// used again for each checkpoint.
type numbersState struct {
	own       []byte // of ownState
	processor processor.Snapshot
}

func (s *numbersState) sections() []namedBytes {
	return []namedBytes{
		{"task", &s.own}, {"processor", &s.processor.Head}, {"engine", &s.processor.Engine}, {"shadow", &s.processor.Shadow},
	}
}

// ownState is what the task remembers beside the processor.
type ownState struct {
	generation uint64 // of changes: a reader drops those of another
	sequence   int64  // of the last change that was written
}

func (s *ownState) copy(c *flat.Copier) {
	flat.Value(c, &s.generation)
	flat.Value(c, &s.sequence)
}

func (t *numbersTask) snapshot(dst *checkpoint.State) (finish func()) {
	own := ownState{generation: t.generation, sequence: t.processor.Engine().LastChange()}
	t.state.own = flat.Append(t.state.own[:0], own.copy)
	t.processor.Snapshot(&t.state.processor)
	fillSections(dst, t.state.processor.Policy, t.state.sections())
	return t.state.processor.Finish
}

func (t *numbersTask) restore(ctx context.Context, c *checkpoint.Checkpoint) error {
	s := numbersState{processor: processor.Snapshot{Policy: c.PolicyVersion}}
	if err := readSections(c, s.sections()); err != nil {
		return err
	}
	var own ownState
	if err := flat.Read(s.own, own.copy); err != nil {
		return err
	}
	shadowed, err := t.processor.Restore(&s.processor, endOf(ctx))
	if err != nil {
		return err
	}
	if !shadowed {
		t.warnShadow()
	}
	t.generation, t.sent.sequence = own.generation, own.sequence
	t.reported = t.processor.Engine().Stats()
	t.knownNumbers = t.processor.Engine().NumberCount()
	t.out.Reset()
	t.sentFlags, t.newNumbers, t.deadLetters, t.rejected = 0, nil, nil, nil
	return nil
}

// numbersLayout is found out once: it takes a millisecond, and each claim needs it.
var numbersLayout = sync.OnceValues(func() (uint64, error) {
	var own ownState
	return checkpoint.Layout(append(flat.Types(own.copy), processor.StateTypes()...)...)
})

func (*numbersTask) layout() (uint64, error) { return numbersLayout() }
