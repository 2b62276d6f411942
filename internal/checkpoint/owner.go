package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"gocloud.dev/gcerrors"

	"sendwatch/internal/failpoint"
)

// ErrFenced is the error of an owner whose partition was claimed by another: it
// must give the partition up, and nothing that it saved from then on counts.
var ErrFenced = errors.New("checkpoint: the partition has a newer owner")

// MismatchError is the error of a checkpoint that was written for something else:
// the topic was created again or has grown, or the state lies otherwise.
type MismatchError struct {
	Key        string
	What       string // topic id, number of partitions, layout of the state
	Have, Want string
	Do         string
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("checkpoint: %s was written for another %s: %s, now %s: %s", e.Key, e.What, e.Have, e.Want, e.Do)
}

// Owner writes the checkpoints of one partition until another claims it.
type Owner struct {
	store  *Store
	of     Partition
	layout uint64
	at     Position // of what was written last, or tried
	packer packer
}

// Claimed is what a claim found.
type Claimed struct {
	Owner *Owner
	// Newest is the state to go on from, nil if the partition never had one.
	Newest *Checkpoint
	// Damaged are the objects that were passed over. There should be none: tell
	// the operator.
	Damaged []error
}

// tries bounds how often a claim that others were faster than is tried.
const tries = 16

// Claim makes the caller the owner of a partition and returns the newest state
// that counts. Earlier owners are fenced from then on. The error is a
// *MismatchError or a *VersionError if the newest state cannot be gone on from,
// and ErrDamaged if the two newest are damaged.
func (s *Store) Claim(ctx context.Context, of Partition, layout uint64) (*Claimed, error) {
	o := &Owner{store: s, of: of, layout: layout}
	if err := o.claim(ctx); err != nil {
		return nil, err
	}
	if err := failpoint.Here(failpoint.Claimed); err != nil {
		return nil, err
	}
	objects, err := s.Objects(ctx, of.Topic, of.Partition)
	if err != nil {
		return nil, err
	}
	states, damaged, err := s.chain(ctx, objects, len(objects))
	if err != nil {
		return nil, err
	}
	c := &Claimed{Owner: o, Damaged: damaged}
	for i := range states[:min(len(states), 2)] {
		c.Newest, err = s.Read(ctx, &states[i])
		if err == nil {
			break
		}
		if !errors.Is(err, ErrDamaged) {
			return nil, err
		}
		c.Damaged = append(c.Damaged, err)
	}
	if c.Newest == nil && len(states) > 0 {
		return nil, fmt.Errorf("%w: `sendwatch checkpoint rewind` to an older one, or %s", errors.Join(c.Damaged...), ReadAgain)
	}
	var base Position
	if c.Newest != nil {
		if err := c.Newest.matches(key(of.Topic, of.Partition, c.Newest.Position), of, layout); err != nil {
			return nil, err
		}
		base = c.Newest.Position
	}
	if err := o.begin(ctx, base); err != nil {
		return nil, err
	}
	return c, failpoint.Here(failpoint.Begun)
}

// claim writes the claim of an epoch that nobody has.
func (o *Owner) claim(ctx context.Context) error {
	for range tries {
		objects, err := o.store.Objects(ctx, o.of.Topic, o.of.Partition)
		if err != nil {
			return err
		}
		o.at = Position{Epoch: 1}
		if len(objects) > 0 {
			o.at.Epoch = objects[len(objects)-1].Epoch + 1
		}
		switch err := o.store.write(ctx, &Header{Kind: KindClaim, Partition: o.of, Position: o.at}, nil); {
		case err == nil:
			return nil
		case !errors.Is(err, errExists):
			return fmt.Errorf("checkpoint: claim partition %d of %s: %w", o.of.Partition, o.of.Topic, err)
		}
	}
	return errClaimed
}

// begin says from where the epoch goes on.
func (o *Owner) begin(ctx context.Context, base Position) error {
	o.at.Generation = beginning
	if err := o.store.write(ctx, &Header{Kind: KindBeginning, Partition: o.of, Position: o.at, Base: base}, nil); err != nil {
		return fmt.Errorf("checkpoint: begin epoch %d of partition %d of %s: %w", o.at.Epoch, o.of.Partition, o.of.Topic, err)
	}
	return nil
}

// ReadAgain is what to do where no checkpoint can be gone on from. The state of one role
// follows from the log of the other: what is left of one alone would be wrong.
const ReadAgain = "run `sendwatch checkpoint reset` for the events and the rows topic, then `sendwatch acknowledge`, and both logs are read again from their beginning"

// matches compares what a state was written for with what is there now.
func (c *Checkpoint) matches(key string, of Partition, layout uint64) error {
	switch {
	case c.TopicID != of.TopicID:
		return &MismatchError{key, "topic id", fmt.Sprintf("%x", c.TopicID), fmt.Sprintf("%x", of.TopicID), "the topic was created again: " + ReadAgain}
	case c.Partitions != of.Partitions:
		return &MismatchError{key, "number of partitions", strconv.Itoa(int(c.Partitions)), strconv.Itoa(int(of.Partitions)), "numbers have moved between partitions: copy the topic with `sendwatch rekey` and read the copy, or " + ReadAgain}
	case c.Layout != layout:
		return &MismatchError{key, "layout of the state", fmt.Sprintf("%016x", c.Layout), fmt.Sprintf("%016x", layout), "run the build that wrote it, or " + ReadAgain}
	}
	return nil
}

// Position returns the position of what the owner wrote last, or tried to.
func (o *Owner) Position() Position { return o.at }

// State is what Save writes.
type State struct {
	Offset        int64 // the next to be read
	PolicyVersion string
	Sections      []Section
	Stored        int64 // bytes of the sections as Save has written them
}

// Size returns the bytes of all sections.
func (s *State) Size() int64 { return sizeOf(s.Sections) }

func sizeOf(sections []Section) int64 {
	n := int64(0)
	for i := range sections {
		n += int64(len(sections[i].Data))
	}
	return n
}

// Save writes a state durably. It returns ErrFenced once another owns the
// partition. After any other error the state may exist or not; both are right, and
// the next Save may be tried.
func (o *Owner) Save(ctx context.Context, state *State) error {
	o.at.Generation++
	h := &Header{
		Kind: KindState, Partition: o.of, Position: o.at, Offset: state.Offset, Layout: o.layout, PolicyVersion: state.PolicyVersion,
	}
	packed, err := o.packer.pack(ctx, state.Sections)
	if err != nil {
		return fmt.Errorf("checkpoint: compress %s of partition %d of %s: %w", o.at, o.of.Partition, o.of.Topic, err)
	}
	state.Stored = sizeOf(packed)
	if err := o.store.write(ctx, h, packed); err != nil {
		return fmt.Errorf("checkpoint: save %s of partition %d of %s: %w", o.at, o.of.Partition, o.of.Topic, err)
	}
	if err := o.Owns(ctx); errors.Is(err, ErrFenced) {
		return errors.Join(ErrFenced, o.store.remove(ctx, key(o.of.Topic, o.of.Partition, o.at)))
	} else if err != nil {
		return err
	}
	return nil
}

// Owns returns ErrFenced if another has claimed the partition since, nil if nobody has.
func (o *Owner) Owns(ctx context.Context) error {
	objects, err := o.store.Objects(ctx, o.of.Topic, o.of.Partition)
	if err != nil {
		return err
	}
	if len(objects) > 0 && objects[len(objects)-1].Epoch > o.at.Epoch {
		return ErrFenced
	}
	return nil
}

// leftFor is for how long an unfinished write may still be going on.
const leftFor = 24 * time.Hour

// Clean removes states beyond the newest keep, at least 2, and what lies before
// them. To be called after a Save; its errors are no reason to stop.
func (o *Owner) Clean(ctx context.Context, keep int) error {
	objects, err := o.store.Objects(ctx, o.of.Topic, o.of.Partition)
	if err != nil {
		return err
	}
	if len(objects) == 0 || objects[len(objects)-1].Epoch > o.at.Epoch {
		return ErrFenced
	}
	states, _, err := o.store.chain(ctx, objects, max(keep, 2))
	if err != nil || len(states) == 0 {
		return err
	}
	oldest := states[len(states)-1]
	var problems []error
	for _, old := range objects {
		kept := slices.ContainsFunc(states, func(s Object) bool { return s.Key == old.Key })
		if old.Kind() != KindState {
			kept = old.Epoch >= oldest.Epoch
		}
		if !kept && old.Less(o.at) {
			problems = append(problems, o.store.remove(ctx, old.Key), failpoint.Here(failpoint.Cleaning))
		}
	}
	return errors.Join(append(problems, o.store.sweep(o.store.now().Add(-leftFor)))...)
}

// remove deletes an object that may be gone already.
func (s *Store) remove(ctx context.Context, key string) error {
	err := s.step(StepRemove, key, func() error { return s.bucket.Delete(ctx, key) })
	if err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("checkpoint: remove %s: %w", key, err)
	}
	return nil
}

// Rewind lets a partition go on from an older state: it claims an epoch that
// begins there. The partition's owner finds itself fenced at its next Save.
func (s *Store) Rewind(ctx context.Context, to *Object) error {
	c, err := s.Read(ctx, to)
	if err != nil {
		return err
	}
	if c.Kind != KindState {
		return fmt.Errorf("checkpoint: %s is a %s: name a state", to.Key, c.Kind)
	}
	o := &Owner{store: s, of: c.Partition}
	if err := o.claim(ctx); err != nil {
		return err
	}
	return o.begin(ctx, to.Position)
}

// Reset lets a partition begin again without any state: it claims an epoch that begins
// with nothing. The partition's owner finds itself fenced at its next Save. The objects
// stay until new states take their place.
func (s *Store) Reset(ctx context.Context, topic string, partition int32) error {
	objects, err := s.Objects(ctx, topic, partition)
	if err != nil {
		return err
	}
	if len(objects) == 0 {
		return fmt.Errorf("checkpoint: partition %d of %s has no checkpoints", partition, topic)
	}
	o := &Owner{store: s, of: Partition{Topic: topic, Partition: partition}}
	if err := o.claim(ctx); err != nil {
		return err
	}
	return o.begin(ctx, Position{})
}
