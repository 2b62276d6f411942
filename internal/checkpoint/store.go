package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"sendwatch/internal/failpoint"
)

// Generations with a meaning of their own; states have those above.
const (
	claim     = 0
	beginning = 1
)

var (
	errExists = errors.New("checkpoint: an object of this name exists")
	// errClaimed stops a claim that others were faster than, again and again.
	errClaimed = errors.New("checkpoint: the partition was claimed by others at each try: find out who else runs for this group")
)

// Store is a place for checkpoints.
type Store struct {
	bucket *blob.Bucket
	// create writes an object durably, once: errExists if there is one.
	create func(ctx context.Context, key string, write func(io.Writer) error) error
	// objects lists those of a directory, in the order of their keys.
	objects func(ctx context.Context, directory string) ([]Object, error)
	sweep   func(before time.Time) error // removes what unfinished writes left
	step    Step                         // does what is done beside create
	now     func() time.Time
}

// Step does one step of an operation on a store, which is do, on a path or a key.
type Step func(name, path string, do func() error) error

func doStep(name, _ string, do func() error) error {
	if err := failpoint.Here(pointBefore(name)); err != nil {
		return err
	}
	return do()
}

// pointBefore returns the failpoint before a step, "" where there is none.
func pointBefore(step string) failpoint.Point {
	switch step {
	case StepWrite:
		return failpoint.Saving
	case StepSync:
		return failpoint.Syncing
	case StepLink:
		return failpoint.Linking
	case StepUnlink:
		return failpoint.Unlinking
	case StepSyncFolders:
		return failpoint.SyncingFolders
	}
	return ""
}

// The steps: first those of a write into a directory, in their order.
const (
	StepWrite       = "write"
	StepSync        = "sync"
	StepLink        = "link"
	StepUnlink      = "unlink"
	StepSyncFolders = "sync folders"
	StepRemove      = "remove"
	StepList        = "list"
	StepRead        = "read"
)

// closeTime is for how long Close waits for operations that hang.
const closeTime = time.Second

// Close releases what the store holds. It does not wait for an operation that hangs, since a
// process that ends must not.
func (s *Store) Close() error {
	closed := make(chan error, 1)
	go func() { closed <- s.bucket.Close() }()
	select {
	case err := <-closed:
		return err
	case <-time.After(closeTime):
		return errors.New("checkpoint: the store was closed while an operation on it hung")
	}
}

// put writes an object by the library, whose IfNotExist is atomic for all stores
// but directories.
func (s *Store) put(ctx context.Context, key string, write func(io.Writer) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // a write that was not closed is dropped
	w, err := s.bucket.NewWriter(ctx, key, &blob.WriterOptions{IfNotExist: true, ContentType: "application/octet-stream"})
	if err != nil {
		return err
	}
	if err := write(w); err != nil {
		cancel()
		return errors.Join(err, ignoreCancelled(w.Close()))
	}
	if err := w.Close(); gcerrors.Code(err) == gcerrors.FailedPrecondition {
		return errExists
	} else if err != nil {
		return err
	}
	return nil
}

func ignoreCancelled(err error) error {
	if errors.Is(err, context.Canceled) || gcerrors.Code(err) == gcerrors.Canceled {
		return nil
	}
	return err
}

// Object is an object of a partition as the store lists it.
type Object struct {
	Key       string
	Topic     string
	Partition int32
	Position
	Size    int64
	Written time.Time
}

// Kind returns what the object is for, by its generation.
func (o *Object) Kind() Kind {
	switch o.Generation {
	case claim:
		return KindClaim
	case beginning:
		return KindBeginning
	}
	return KindState
}

var keyForm = regexp.MustCompile(`^([a-zA-Z0-9._-]{1,249})/(\d{1,10})/(\d{10})-(\d{10})$`)

func directory(topic string, partition int32) string { return fmt.Sprintf("%s/%d/", topic, partition) }

func key(topic string, partition int32, p Position) string {
	return fmt.Sprintf("%s%010d-%010d", directory(topic, partition), p.Epoch, p.Generation)
}

// parseKey reads a key; false if it is not one of a checkpoint.
func parseKey(name string) (o Object, ok bool) {
	m := keyForm.FindStringSubmatch(name)
	if m == nil {
		return o, false
	}
	var n [3]uint64
	for i, bits := range []int{31, 32, 32} {
		v, err := strconv.ParseUint(m[2+i], 10, bits)
		if err != nil {
			return o, false
		}
		n[i] = v
	}
	return Object{Key: name, Topic: m[1], Partition: int32(n[0]), Position: Position{uint32(n[1]), uint32(n[2])}}, true
}

// All returns the objects of all partitions, in the order of their keys.
func (s *Store) All(ctx context.Context) ([]Object, error) { return s.list(ctx, "", s.listAll) }

// Objects returns the objects of one partition, oldest first.
func (s *Store) Objects(ctx context.Context, topic string, partition int32) ([]Object, error) {
	return s.list(ctx, directory(topic, partition), s.objects)
}

func (s *Store) list(ctx context.Context, prefix string, by func(context.Context, string) ([]Object, error)) (all []Object, err error) {
	err = s.step(StepList, prefix, func() error {
		all, err = by(ctx, prefix)
		return err
	})
	return all, err
}

func (s *Store) listAll(ctx context.Context, prefix string) ([]Object, error) {
	var all []Object
	for it := s.bucket.List(&blob.ListOptions{Prefix: prefix}); ; {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			slices.SortFunc(all, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("checkpoint: list %s: %w", prefix, err)
		}
		if object, ok := parseKey(o.Key); ok {
			object.Size, object.Written = o.Size, o.ModTime
			all = append(all, object)
		}
	}
}

// Checkpoint is a state that was read.
type Checkpoint struct {
	Header
	Sections []Section
}

// Section returns the data of a section, false if the checkpoint has none of this name.
func (c *Checkpoint) Section(name string) ([]byte, bool) {
	for _, s := range c.Sections {
		if s.Name == name {
			return s.Data, true
		}
	}
	return nil, false
}

// Read reads a whole object. It must be what its key says.
func (s *Store) Read(ctx context.Context, o *Object) (c *Checkpoint, err error) {
	err = s.step(StepRead, o.Key, func() error {
		c, err = s.read(ctx, o)
		return err
	})
	return c, err
}

func (s *Store) read(ctx context.Context, o *Object) (*Checkpoint, error) {
	r, err := s.bucket.NewReader(ctx, o.Key, nil)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", o.Key, err)
	}
	defer r.Close() //nolint:errcheck // it was read, and its sums are right
	h, sections, err := Decode(endingReader{ctx, r}, r.Size())
	if err == nil {
		err = h.fits(o)
	}
	if err == nil {
		err = unpackAll(ctx, h.Format, sections)
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", o.Key, err)
	}
	return &Checkpoint{*h, sections}, nil
}

// endingReader reads until ctx ends: a folder's files know of none.
type endingReader struct {
	ctx context.Context
	r   io.Reader
}

// Read reads as r does.
func (e endingReader) Read(p []byte) (int, error) {
	if e.ctx.Err() != nil {
		return 0, context.Cause(e.ctx)
	}
	return e.r.Read(p[:min(len(p), chunkBytes)])
}

// Head reads what an object says of itself, and its table of sections.
func (s *Store) Head(ctx context.Context, o *Object) (*Header, []Entry, error) {
	r, err := s.bucket.NewReader(ctx, o.Key, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("checkpoint: %s: %w", o.Key, err)
	}
	defer r.Close() //nolint:errcheck // it was read, and its sums are right
	h, table, err := DecodeHead(r, r.Size())
	if err == nil {
		err = h.fits(o)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("checkpoint: %s: %w", o.Key, err)
	}
	return h, table, nil
}

// fits makes sure that an object lies under its own name.
func (h *Header) fits(o *Object) error {
	if h.Topic != o.Topic || h.Partition.Partition != o.Partition || h.Position != o.Position || h.Kind != o.Kind() {
		return fmt.Errorf("%w: it is the %s %s of partition %d of topic %s", ErrDamaged, h.Kind, h.Position, h.Partition.Partition, h.Topic)
	}
	return nil
}

// write writes an object of the header's partition and position.
func (s *Store) write(ctx context.Context, h *Header, sections []Section) error {
	h.Written = s.now().UnixMilli()
	return s.create(ctx, key(h.Topic, h.Partition.Partition, h.Position), func(w io.Writer) error { return Encode(w, h, sections) })
}

// chain returns the newest states that count, most at most, newest first (README.md, "A partition's
// objects"), and the beginnings on the way to them that could not be read.
func (s *Store) chain(ctx context.Context, objects []Object, most int) (states []Object, damaged []error, err error) {
	limit := Position{^uint32(0), ^uint32(0)}
	for _, o := range slices.Backward(objects) {
		if len(states) == most {
			break
		}
		if limit.Less(o.Position) {
			continue
		}
		switch o.Kind() {
		case KindState:
			states = append(states, o)
		case KindBeginning:
			h, _, err := s.Head(ctx, &o)
			switch {
			case errors.Is(err, ErrDamaged):
				damaged = append(damaged, err)
			case err != nil:
				return nil, nil, err
			case h.Base == Position{}:
				return states, damaged, nil
			default:
				limit = h.Base
			}
		}
	}
	return states, damaged, nil
}
