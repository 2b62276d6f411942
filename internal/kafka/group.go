package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"sendwatch/internal/event"
	"sendwatch/internal/retry"
)

// GroupConfig says what a Group reads and how.
type GroupConfig struct {
	ID    string
	Topic string
	// FixedPartitions makes a change of the topic's partition count an error of
	// every claim: keys have moved, and state that goes by key with them.
	FixedPartitions bool
	// Joined, if not nil, is called for every generation that this member joins.
	Joined func()
}

// Group is a member of a consumer group on one topic.
type Group struct {
	client *Client
	config GroupConfig
	count  int32 // partitions at the first claim, if they are fixed
}

// NewGroup returns a member that has not joined yet.
func (c *Client) NewGroup(config GroupConfig) *Group {
	return &Group{client: c, config: config}
}

// DrainTime is how long a claim may go on after its context has ended: a third
// of what the group has to gather, and half of the session, because the member
// sends no heartbeats while a generation ends.
func (c *Client) DrainTime() time.Duration {
	return min(c.config.Rebalance/3, c.config.Session/2)
}

// Claim is one partition held for one generation of the group. It belongs to
// the goroutine that serve was called in.
type Claim struct {
	Topic      string
	Partition  int32
	Generation int32
	// Committed is the group's offset when the generation began, -1 without one.
	Committed int64

	group      *Group
	generation *kafkago.Generation
	fetcher    *Fetcher
}

// Open makes offset the next one to be fetched, the first of the log if it is
// negative, and returns it. An offset that the log does not hold is found out by
// the first fetch.
func (c *Claim) Open(ctx context.Context, offset int64) (int64, error) {
	if offset < 0 {
		var err error
		if offset, err = c.logStart(ctx); err != nil {
			return 0, err
		}
	}
	c.fetcher = c.group.client.NewFetcher(c.Topic, c.Partition, offset, c.group.count)
	return offset, nil
}

// logStart asks for the first offset that the log holds.
func (c *Claim) logStart(ctx context.Context) (int64, error) {
	var pause retry.Backoff
	for {
		bounded, cancel := context.WithTimeout(ctx, requestTimeout)
		first, _, err := c.group.client.Offsets(bounded, c.Topic)
		cancel()
		if err == nil && int(c.Partition) < len(first) {
			return first[c.Partition], nil
		}
		if err != nil && ctx.Err() == nil && !retriable(err) {
			return 0, err
		}
		if err := pause.Wait(ctx); err != nil {
			return 0, err
		}
	}
}

// Fetch is Fetcher.Fetch; Open comes first.
func (c *Claim) Fetch(ctx context.Context) (*event.Batch, error) { return c.fetcher.Fetch(ctx) }

// Commit tells the group that everything before offset is done. It goes out
// under the claim's own generation, so an owner that has been replaced is
// refused by the broker instead of moving the offset back.
func (c *Claim) Commit(offset int64) error {
	err := c.generation.CommitOffsets(map[string]map[int]int64{c.Topic: {int(c.Partition): offset}})
	if err != nil {
		return fmt.Errorf("committing %s partition %d at %d: %w", c.Topic, c.Partition, offset, err)
	}
	return nil
}

// Run joins the group and calls serve for each partition it is given, each call
// in a goroutine of its own. serve's context ends when the partition must be
// given back or ctx ends; serve then has DrainTime to finish and to commit. A
// serve that returns nil early keeps the partition, unread, until then: others
// must not be disturbed by it. Run returns when ctx ends, or with the first
// error of a serve or of the group that does not pass; by then every serve has
// returned and the member has left. A topic that does not exist is waited for.
func (g *Group) Run(ctx context.Context, serve func(context.Context, *Claim) error) error {
	config := &g.client.config
	g.waitForTopic(ctx)
	group, err := kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{
		ID: g.config.ID, Topics: []string{g.config.Topic}, Brokers: config.Brokers, Dialer: g.client.dialer,
		GroupBalancers:        []kafkago.GroupBalancer{kafkago.RangeGroupBalancer{}},
		HeartbeatInterval:     config.Session / 5,
		SessionTimeout:        config.Session,
		RebalanceTimeout:      config.Rebalance,
		JoinGroupBackoff:      500 * time.Millisecond,
		WatchPartitionChanges: true,
		StartOffset:           kafkago.FirstOffset,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	var serving sync.WaitGroup
	failures := 0           // since a generation was last joined
	var joined time.Time    // when the generation before began
	var pause retry.Backoff // of generations without partitions
	for {
		generation, err := group.Next(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			if !retriable(err) && !errors.Is(err, kafkago.RebalanceInProgress) && !errors.Is(err, kafkago.UnknownMemberId) &&
				!errors.Is(err, kafkago.IllegalGeneration) && !errors.Is(err, kafkago.ErrGenerationEnded) {
				cancel(fmt.Errorf("group %s: %w", g.config.ID, err))
				break
			}
			level := slog.LevelDebug // a rebalance is no failure
			if retriable(err) && failures%20 == 0 {
				level = slog.LevelWarn
			}
			failures++
			config.Logger.Log(ctx, level, "retrying to join the consumer group", "group", g.config.ID, "error", err)
			continue
		}
		failures = 0
		claims := g.claims(ctx, generation)
		config.Logger.Info("partitions assigned", "group", g.config.ID, "topic", g.config.Topic,
			"generation", generation.ID, "partitions", len(claims))
		if g.config.Joined != nil {
			g.config.Joined()
		}
		serving.Add(1)
		generation.Start(func(ended context.Context) {
			g.serveAll(ctx, ended, claims, serve, cancel)
			serving.Done()
			// Returning ends the generation for every member, and before Close
			// it would make this one join again.
			<-ended.Done()
		})
		if len(claims) == 0 {
			g.waitForTopic(ctx)
			// Cached metadata may hold a topic for seconds after it was deleted.
			if time.Since(joined) < time.Second {
				_ = pause.Wait(ctx)
			} else {
				pause.Reset()
			}
		}
		joined = time.Now()
	}
	// The heartbeats go on until every claim has drained; only then do we leave.
	serving.Wait()
	_ = group.Close()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// waitForTopic waits while the topic does not exist. kafka-go ends a generation
// at once whose topic it cannot look at, so that a member of a group on a
// missing topic would join again and again without a pause. Other failures are
// left to the joining.
func (g *Group) waitForTopic(ctx context.Context) {
	var pause retry.Backoff
	for {
		bounded, cancel := context.WithTimeout(ctx, requestTimeout)
		_, err := g.client.partitions(bounded, g.config.Topic)
		cancel()
		if !errors.Is(err, kafkago.UnknownTopicOrPartition) {
			return
		}
		if pause.Tries()%10 == 0 {
			g.client.config.Logger.Warn("waiting for a topic that does not exist: create it with `sendwatch migrate`",
				"group", g.config.ID, "topic", g.config.Topic)
		}
		if pause.Wait(ctx) != nil {
			return
		}
	}
}

// claims turns a generation's assignments into claims.
func (g *Group) claims(ctx context.Context, generation *kafkago.Generation) []*Claim {
	if g.config.FixedPartitions && g.count == 0 {
		if n, err := g.client.partitions(ctx, g.config.Topic); err == nil {
			g.count = n
		}
	}
	var claims []*Claim
	for _, a := range generation.Assignments[g.config.Topic] {
		claims = append(claims, &Claim{
			Topic: g.config.Topic, Partition: int32(a.ID), Generation: generation.ID, Committed: max(-1, a.Offset),
			group: g, generation: generation,
		})
	}
	return claims
}

// serveAll calls serve for every claim and waits for all of them. The calls'
// context ends with the generation or with ctx, whichever is first.
func (g *Group) serveAll(ctx, ended context.Context, claims []*Claim, serve func(context.Context, *Claim) error, fail context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ended, func() { cancel(errGenerationEnded) })()
	var wg sync.WaitGroup
	for _, claim := range claims {
		wg.Go(func() {
			if err := serve(ctx, claim); err != nil {
				fail(fmt.Errorf("group %s, %s partition %d: %w", g.config.ID, claim.Topic, claim.Partition, err))
			}
		})
	}
	wg.Wait()
}

// errGenerationEnded is the cause of a claim's end when the group rebalances.
var errGenerationEnded = errors.New("the partition was given back to the group")
