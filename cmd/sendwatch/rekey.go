package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"sendwatch/internal/config"
	"sendwatch/internal/kafka"
	"sendwatch/internal/rekey"
	"sendwatch/internal/wording"
)

// rekeyCmd copies a topic of events so that each lies on its number's partition.
type rekeyCmd struct {
	Config     string `default:"sendwatch.yaml" type:"path" placeholder:"FILE" help:"Configuration file; by default sendwatch.yaml."`
	From       string `placeholder:"TOPIC" help:"The topic that is read; by default kafka.topics.events."`
	To         string `required:"" placeholder:"TOPIC" help:"The topic that is written: created if it is missing, else it has to be empty."`
	Partitions int    `placeholder:"N" help:"Partitions of the created topic; by default as many as the old one has."`
}

// Run copies all that is in the topic, and what comes while it does so. Nothing of the old
// topic is changed.
func (c *rekeyCmd) Run(ctx context.Context) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	return c.run(ctx, os.Stdout, cfg)
}

func (c *rekeyCmd) run(ctx context.Context, out io.Writer, cfg config.Config) error {
	if c.From == "" {
		c.From = cfg.Kafka.Topics.Events
	}
	if c.To == c.From {
		return fmt.Errorf("--to: %s is the topic that is read: name another", c.To)
	}
	client, err := kafka.New(kafkaConfig(cfg.Kafka, slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	defer client.Close()
	first, ends, err := client.Offsets(ctx, c.From)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	partitions, err := c.target(ctx, out, client, cfg, len(ends))
	if err != nil {
		return err
	}
	producer := client.NewProducer()
	copier := rekey.New(c.To, partitions, producer, framing(&cfg))
	for i := range first {
		copier.Add(client.NewFetcher(c.From, int32(i), first[i], int32(len(first))), first[i]) //nolint:gosec // a partition
	}
	for range rekeyRounds {
		if err := copier.Run(ctx, ends); err != nil {
			return fmt.Errorf("copy %s to %s: %w; what was written stays: delete %s before the next try", c.From, c.To, err, c.To)
		}
		_, later, err := client.Offsets(ctx, c.From)
		if err != nil {
			return err
		}
		if slices.Equal(later, ends) {
			c.report(out, &copier.Counts, partitions)
			return nil
		}
		ends = later
	}
	c.report(out, &copier.Counts, partitions)
	return fmt.Errorf("%s still grows: what came last is not in %s; stop its producers, delete %s and copy again", c.From, c.To, c.To)
}

// rekeyRounds is how often what has come meanwhile is copied as well.
const rekeyRounds = 10

// target makes sure that the new topic is there and empty, and returns how many partitions
// it has.
func (c *rekeyCmd) target(ctx context.Context, out io.Writer, client *kafka.Client, cfg config.Config, had int) (int32, error) {
	if c.Partitions == 0 {
		c.Partitions = had
	}
	// The times of the records are kept, by which late and future events are told: those of
	// the broker would all be of today.
	created, err := client.CreateMissing(ctx, []kafka.Topic{{
		Name: c.To, Partitions: c.Partitions, Replication: cfg.Kafka.Create.ReplicationFactor, Retention: cfg.Kafka.Create.EventsRetention,
	}})
	if err != nil {
		return 0, fmt.Errorf("--to: %w", err)
	}
	first, ends, err := client.Offsets(ctx, c.To)
	switch {
	case err != nil:
		return 0, fmt.Errorf("--to: %w", err)
	case !slices.Equal(first, ends):
		return 0, fmt.Errorf("--to: %s has records: delete it first, or name another", c.To)
	case len(created) > 0:
		fmt.Fprintf(out, "created topic %s of %s\n", c.To, wording.Count(len(ends), "partition"))
	}
	return int32(len(ends)), nil //nolint:gosec // partitions
}

// report says what was copied, and what comes next.
func (c *rekeyCmd) report(out io.Writer, n *rekey.Counts, partitions int32) {
	fmt.Fprintf(out, "copied %s of %s to %s, of %s\n", wording.Count(n.Copied, "event"), c.From, c.To, wording.Count(int64(partitions), "partition"))
	for _, line := range []struct {
		n    int64
		what string
	}{
		{n.Moved, "had no key or another than their number_id, and have it now"},
		{n.Policies, "changes of the policy are on every partition"},
		{n.Clock, "clock events are left out: numbers makes new ones"},
		{n.Unreadable, "cannot be read as events and were copied as they are"},
		{n.Damaged, "offsets are of broken batches and were passed over"},
		{n.Lost, "offsets were deleted by retention before they were read"},
	} {
		if line.n > 0 {
			fmt.Fprintf(out, "%9s %s\n", wording.Thousands(line.n), line.what)
		}
	}
	fmt.Fprintf(out, `next: point producers and kafka.topics.events to %s, with kafka.topics.rows a new topic as well, since rows of two logs do not mix;
without checkpoints of the old ones, `+"`sendwatch migrate`"+` and start. Flags of before come again under the new log.
When producers write there, give it broker time: kafka-configs.sh --alter --topic %s --add-config message.timestamp.type=LogAppendTime
`, c.To, c.To)
}
