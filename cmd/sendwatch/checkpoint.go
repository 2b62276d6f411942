package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"sendwatch/internal/checkpoint"
	"sendwatch/internal/checkpoint/clouds"
	"sendwatch/internal/config"
	"sendwatch/internal/telemetry"
)

// checkpointCmd looks into a store of checkpoints.
type checkpointCmd struct {
	LS     checkpointLS     `cmd:"" name:"ls" help:"List the objects of a store."`
	Show   checkpointShow   `cmd:"" help:"Show what a checkpoint says of itself."`
	Verify checkpointVerify `cmd:"" help:"Read everything and name what is damaged."`
	Rewind checkpointRewind `cmd:"" help:"Let a partition go on from an older checkpoint."`
	Reset  checkpointReset  `cmd:"" help:"Let partitions begin again without a checkpoint."`
}

// storeArg is where the checkpoints are.
type storeArg struct {
	Config string `default:"sendwatch.yaml" type:"path" placeholder:"FILE" help:"Configuration whose checkpoints.store is meant; by default sendwatch.yaml."`
	Store  string `placeholder:"URL" help:"The store, if there is no configuration, as in file:///var/lib/sendwatch, s3://bucket?region=eu-west-1, gs://bucket or azblob://container."`
}

// keyArg is one of them.
type keyArg struct {
	Key string `arg:"" help:"Key of a checkpoint, as ls lists it."`
}

// with opens the store for as long as use takes.
func (a *storeArg) with(ctx context.Context, use func(*checkpoint.Store) error) error {
	address, log := a.Store, config.Log{}
	if address == "" {
		cfg, err := config.Load(a.Config)
		if err != nil {
			return fmt.Errorf("%w (or name the store with --store URL)", err)
		}
		if address = cfg.Checkpoints.Store; address == "" {
			return fmt.Errorf("%s has no checkpoints.store: no checkpoints are kept", a.Config)
		}
		log = cfg.Log
	}
	if err := checkpoint.Exists(address); err != nil {
		return err
	}
	store, err := openStore(ctx, address, log)
	if err != nil {
		return err
	}
	return errors.Join(use(store), store.Close())
}

// openStore opens a store of checkpoints for a command. What its library says goes to the standard error as log lines of ours.
func openStore(ctx context.Context, address string, log config.Log) (*checkpoint.Store, error) {
	logger, err := telemetry.NewLogger(os.Stderr, telemetry.Log{Level: log.Level, Format: log.Format})
	if err != nil {
		return nil, err
	}
	return clouds.Open(ctx, address, logger)
}

// checkpointLS lists a store.
type checkpointLS struct{ storeArg }

// Run prints the objects in the order of their keys.
func (c *checkpointLS) Run(ctx context.Context) error {
	return c.with(ctx, func(s *checkpoint.Store) error { return listCheckpoints(ctx, os.Stdout, s) })
}

func listCheckpoints(ctx context.Context, out io.Writer, s *checkpoint.Store) error {
	objects, err := s.All(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tKIND\tBYTES\tWRITTEN")
	for i := range objects {
		o := &objects[i]
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", o.Key, o.Kind(), o.Size, o.Written.UTC().Format(time.RFC3339))
	}
	return w.Flush()
}

// checkpointShow shows one object.
type checkpointShow struct {
	storeArg
	keyArg
}

// Run prints the header and the table of sections, which are read and checked
// without the sections.
func (c *checkpointShow) Run(ctx context.Context) error {
	return c.with(ctx, func(s *checkpoint.Store) error { return showCheckpoint(ctx, os.Stdout, s, c.Key) })
}

func showCheckpoint(ctx context.Context, out io.Writer, s *checkpoint.Store, key string) error {
	o, err := findCheckpoint(ctx, s, key)
	if err != nil {
		return err
	}
	h, table, err := s.Head(ctx, o)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name string, value any) { fmt.Fprintf(w, "%s\t%v\n", name, value) }
	row("kind", h.Kind)
	row("topic", h.Topic)
	row("topic id", fmt.Sprintf("%x", h.TopicID))
	row("partition", fmt.Sprintf("%d of %d", h.Partition.Partition, h.Partitions))
	row("epoch-generation", h.Position)
	switch h.Kind {
	case checkpoint.KindBeginning:
		row("goes on from", h.Base)
	case checkpoint.KindState:
		row("next offset", h.Offset)
		row("policy", h.PolicyVersion)
		row("layout", fmt.Sprintf("%016x", h.Layout))
	}
	row("written", time.UnixMilli(h.Written).UTC().Format(time.RFC3339Nano))
	for _, e := range table {
		row("section "+e.Name, fmt.Sprintf("%d bytes stored, CRC-32C %08x", e.Size, e.Sum))
	}
	return w.Flush()
}

// findCheckpoint returns the object of a key.
func findCheckpoint(ctx context.Context, s *checkpoint.Store, key string) (*checkpoint.Object, error) {
	objects, err := s.All(ctx)
	if err != nil {
		return nil, err
	}
	for i := range objects {
		if objects[i].Key == key {
			return &objects[i], nil
		}
	}
	return nil, fmt.Errorf("the store has no checkpoint %q: `sendwatch checkpoint ls` lists them", key)
}

// checkpointVerify reads a whole store.
type checkpointVerify struct{ storeArg }

// Run names what is damaged, and fails if anything is.
func (c *checkpointVerify) Run(ctx context.Context) error {
	return c.with(ctx, func(s *checkpoint.Store) error { return verifyCheckpoints(ctx, os.Stdout, s) })
}

func verifyCheckpoints(ctx context.Context, out io.Writer, s *checkpoint.Store) error {
	objects, err := s.All(ctx)
	if err != nil {
		return err
	}
	bad := 0
	for i := range objects {
		if _, err := s.Read(ctx, &objects[i]); err != nil {
			bad++
			fmt.Fprintln(out, err)
		}
	}
	fmt.Fprintf(out, "%d checkpoints, %d of them cannot be read\n", len(objects), bad)
	if bad > 0 {
		return errors.New("not all checkpoints can be read: a restart takes the newest that can, if it is one of the two newest of its partition")
	}
	return nil
}

// checkpointRewind goes back to an older state.
type checkpointRewind struct {
	storeArg
	keyArg
}

// Run claims the partition for the state, so that its owner, present or next, goes
// on from there. Flags that came after it come again, byte for byte.
func (c *checkpointRewind) Run(ctx context.Context) error {
	return c.with(ctx, func(s *checkpoint.Store) error {
		o, err := findCheckpoint(ctx, s, c.Key)
		if err != nil {
			return err
		}
		if err := s.Rewind(ctx, o); err != nil {
			return err
		}
		fmt.Printf("partition %d of %s goes on from %s\n", o.Partition, o.Topic, o.Key)
		return nil
	})
}

// checkpointReset drops what is kept of partitions.
type checkpointReset struct {
	storeArg
	Topic     string `arg:"" help:"The topic, as ls shows it: the part of a key before the first slash."`
	Partition *int32 `arg:"" optional:"" help:"One of its partitions; all that the store knows if it is left out."`
}

// Run claims each partition without a state, so that its owner, present or next, reads its
// log from the beginning.
func (c *checkpointReset) Run(ctx context.Context) error {
	return c.with(ctx, func(s *checkpoint.Store) error { return resetCheckpoints(ctx, os.Stdout, s, c.Topic, c.Partition) })
}

func resetCheckpoints(ctx context.Context, out io.Writer, s *checkpoint.Store, topic string, only *int32) error {
	objects, err := s.All(ctx)
	if err != nil {
		return err
	}
	partitions, topics := map[int32]bool{}, map[string]bool{}
	for i := range objects {
		topics[objects[i].Topic] = true
		if objects[i].Topic == topic && (only == nil || *only == objects[i].Partition) {
			partitions[objects[i].Partition] = true
		}
	}
	if len(partitions) == 0 {
		return fmt.Errorf("the store has no such checkpoints; it has some of the topics %s", strings.Join(slices.Sorted(maps.Keys(topics)), ", "))
	}
	for _, partition := range slices.Sorted(maps.Keys(partitions)) {
		if err := s.Reset(ctx, topic, partition); err != nil {
			return err
		}
		fmt.Fprintf(out, "partition %d of %s begins again without a checkpoint\n", partition, topic)
	}
	return nil
}
