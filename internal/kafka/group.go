package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/failpoint"
	"sendwatch/internal/retry"
)

// GroupConfig says what a Group reads and how.
type GroupConfig struct {
	ID    string
	Topic string
	// FixedPartitions makes a change of the topic's partition count or id an error
	// of every claim, in all generations of this process: keys have moved, or the
	// log is another one, and state that goes by them is wrong.
	FixedPartitions bool
	// Share, if it is set, is what this process reads, without joining the group: its
	// offsets are committed, and nothing is rebalanced.
	Share Share
	// Joined, if not nil, is called for every generation that this member joins.
	Joined func()
	// Failing, if not nil, is called with why the group cannot be joined, or what is
	// wrong in it, and with nil when that is over.
	Failing func(error)
}

// Group is a member of a consumer group on one topic.
type Group struct {
	client *Client
	config GroupConfig

	mu     sync.Mutex
	pinned topicInfo // the topic at the first claim, if it is fixed
}

// NewGroup returns a member that has not joined yet.
func (c *Client) NewGroup(config GroupConfig) *Group {
	return &Group{client: c, config: config}
}

// DrainTime is how long a claim may go on after its context has ended: a third
// of what the group has to gather. Heartbeats go on meanwhile.
func (c *Client) DrainTime() time.Duration { return c.config.Rebalance / 3 }

// Claim is one partition held for one generation of the group. It belongs to
// the goroutine that serve was called in, apart from Waiting.
type Claim struct {
	Topic      string
	TopicID    TopicID // zero with brokers older than Kafka 3.1
	Partition  int32
	Partitions int32 // of the topic
	Generation int32
	// Committed is the group's offset when the generation began, -1 without one.
	Committed int64
	// CommittedTime is when the newest record before Committed was written, in ms; 0 if the
	// group does not know.
	CommittedTime int64
	// Identity names which log the topic is and how many partitions it has.
	Identity string

	group   *Group
	member  *member
	id      string      // of the member in this generation
	end     func(error) // ends the generation
	topic   topicInfo
	fetcher *Fetcher
	times   readTimes
}

// Renew says that the role is ready for another log: from the next generation on the
// topic is what it is then. It ends this generation.
func (c *Claim) Renew() {
	c.group.client.forgetTopic(c.Topic)
	c.group.mu.Lock()
	c.group.pinned = topicInfo{}
	c.group.mu.Unlock()
	c.end(errGenerationEnded)
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
	c.fetcher = c.group.client.newFetcher(c.Topic, c.Partition, offset, c.topic)
	c.fetcher.loose = !c.group.config.FixedPartitions
	return offset, nil
}

// logStart asks for the first offset that the log holds.
func (c *Claim) logStart(ctx context.Context) (int64, error) {
	var pause retry.Backoff
	for {
		first, err := c.group.client.offset(ctx, c.Topic, c.Partition, logStart)
		if err == nil {
			return first, nil
		}
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		if !c.group.client.retriable(err) {
			return 0, err
		}
		if err := pause.Wait(ctx); err != nil {
			return 0, err
		}
	}
}

// Fetch is Fetcher.Fetch; Open comes first.
func (c *Claim) Fetch(ctx context.Context) (*event.Batch, error) {
	batch, err := c.fetcher.Fetch(ctx)
	c.times.note(batch)
	return batch, err
}

// Waiting is Fetcher.Waiting; Open comes first.
func (c *Claim) Waiting() string { return c.fetcher.Waiting() }

// commitTime bounds a commit. One that does not succeed is made good by the next.
const commitTime = 5 * time.Second

// Commit tells the group that everything before offset is done. It goes out
// under the claim's own generation, so an owner that has been replaced is refused
// by the broker instead of moving the offset back; that ends the claim's context.
// After any other error the offset may be the group's or not; one that is a
// context.DeadlineExceeded the next commit makes good, and nothing is lost until then.
func (c *Claim) Commit(offset int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), commitTime)
	defer cancel()
	client := c.group.client
	upTo := committedTo{offset, c.times.before(offset)}
	if upTo.time == 0 && offset == c.Committed {
		upTo.time = c.CommittedTime
	}
	var pause retry.Backoff
	for {
		err := c.member.locate(ctx)
		if err == nil {
			err = c.member.commitOffset(ctx, c.id, c.Generation, c.Partition, upTo)
		}
		if err == nil {
			return nil
		}
		switch client.react(err) {
		case rejoin:
			if c.group.config.Share.fixed() {
				return fmt.Errorf("committing %s partition %d at %d: the group has members, so another process runs without kafka.static: %w", c.Topic, c.Partition, offset, err)
			}
			c.end(errGenerationEnded)
			return fmt.Errorf("committing %s partition %d at %d: %w: %w", c.Topic, c.Partition, offset, errGenerationEnded, err)
		case stop:
			return fmt.Errorf("committing %s partition %d at %d: %w", c.Topic, c.Partition, offset, err)
		case relocate:
			if pause.Tries() > 0 {
				c.member.setCoordinator(-1)
			}
		}
		if pause.Wait(ctx) != nil {
			return fmt.Errorf("committing %s partition %d at %d, within %v: %w: %w", c.Topic, c.Partition, offset, commitTime, context.DeadlineExceeded, err)
		}
	}
}

// CommittedNow returns the group's offset of the partition as it is now, -1 without one: another process may
// have been given the partition, and this one not know it yet. It tries on for as long as a failure may pass.
func (c *Claim) CommittedNow(ctx context.Context) (int64, error) {
	client := c.group.client
	var pause retry.Backoff
	for {
		err := c.member.locate(ctx)
		if err == nil {
			var offsets map[int32]committedTo
			if offsets, err = client.committedOffsets(ctx, c.member.at(), c.group.config.ID, c.Topic, []int32{c.Partition}); err == nil {
				return offsets[c.Partition].offset, nil
			}
		}
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		if !client.retriable(err) {
			return 0, fmt.Errorf("asking for the group's offset of %s partition %d: %w", c.Topic, c.Partition, err)
		}
		if client.react(err) == relocate {
			c.member.setCoordinator(-1)
		}
		if err := pause.Wait(ctx); err != nil {
			return 0, err
		}
	}
}

// Run joins the group and calls serve for each partition it is given, each call
// in a goroutine of its own. serve's context ends when the partition must be
// given back or ctx ends; serve then has DrainTime to finish and to commit. A
// serve that returns nil early keeps the partition, unread, until then: others
// must not be disturbed by it. Whatever keeps the member from joining is tried
// again for as long as ctx lasts, and reported to Failing. Run returns when ctx ends,
// or with the first error of a serve whose context had not ended; by then every serve
// has returned and the member has left. What a serve returns once its context has
// ended is no failure: whatever it called was cut off.
func (g *Group) Run(ctx context.Context, serve func(context.Context, *Claim) error) error {
	m := &member{client: g.client, group: g.config.ID, topic: g.config.Topic, coordinator: -1, owned: ownership{generation: -1}}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var pause retry.Backoff
	for ctx.Err() == nil {
		next, err := g.next(ctx, m)
		if err != nil {
			if ctx.Err() == nil {
				g.awaitJoin(ctx, &pause, err)
			}
			continue
		}
		pause.Reset()
		_ = failpoint.Here(failpoint.Joined)
		g.began(ctx, m, next)
		g.serveAll(ctx, m, next, serve, cancel)
	}
	_ = failpoint.Here(failpoint.Drained)
	m.leave(ctx)
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// next waits for the group's next generation; with a share there is but one, until the
// topic is another one.
func (g *Group) next(ctx context.Context, m *member) (*assigned, error) {
	if g.config.Share.fixed() {
		return m.takeShare(ctx, g.config.Share)
	}
	return m.join(ctx)
}

// began reports a generation, and members of another application in it.
func (g *Group) began(ctx context.Context, m *member, next *assigned) {
	g.mu.Lock()
	if g.config.FixedPartitions && g.pinned.partitions == 0 {
		g.pinned = next.topic
	}
	g.mu.Unlock()
	g.client.config.Logger.Info("partitions assigned", "group", g.config.ID, "topic", g.config.Topic,
		"generation", next.generation, "partitions", len(next.partitions))
	if g.config.Joined != nil {
		g.config.Joined()
	}
	foreign := g.client.foreigners(ctx, m.at(), g.config.ID)
	if named, ok := errors.AsType[*ForeignMembersError](foreign); ok && named.Protocol == "" {
		foreign = nil // the group is gathering again already, and has no protocol until then, of its own members either
	}
	if g.config.Share.fixed() {
		foreign = g.client.anyMembers(ctx, m.at(), g.config.ID)
	}
	if foreign != nil {
		g.client.config.Logger.Error("sharing the consumer group with another application: partitions that it was given are not read", "group", g.config.ID, "error", foreign)
	}
	if g.config.Failing != nil {
		g.config.Failing(foreign)
	}
}

// awaitJoin says why the group is not joined and pauses.
func (g *Group) awaitJoin(ctx context.Context, pause *retry.Backoff, err error) {
	reaction := g.client.react(err)
	level := slog.LevelDebug // a rebalance is no failure, nor is a broker that restarts
	if tries := pause.Tries(); reaction != rejoin && tries%20 == noisyAfter || reaction == await && tries == 0 {
		level = slog.LevelWarn
	}
	refused, ok := errors.AsType[*answerError](err)
	if ok && refused.code == codeUnknownTopic {
		g.client.config.Logger.Log(ctx, level, "waiting for a topic that does not exist: create it with `sendwatch migrate`",
			"group", g.config.ID, "topic", g.config.Topic)
	} else {
		g.client.config.Logger.Log(ctx, level, "retrying to join the consumer group", "group", g.config.ID, "tries", pause.Tries(), "error", err)
	}
	if g.config.Failing != nil && (level == slog.LevelWarn || pause.Tries() > noisyAfter) {
		g.config.Failing(err)
	}
	if reaction != rejoin || pause.Tries() > 0 {
		_ = pause.Wait(ctx) // its end is seen by the caller
	}
}

// serveAll calls serve for every partition of a generation, keeps the membership
// alive, and returns when the generation is over and every serve has returned.
func (g *Group) serveAll(ctx context.Context, m *member, next *assigned, serve func(context.Context, *Claim) error, fail context.CancelCauseFunc) {
	serving, end := context.WithCancelCause(ctx)
	defer end(nil)
	topic := next.topic
	if g.config.FixedPartitions {
		g.mu.Lock()
		topic = g.pinned
		g.mu.Unlock()
	}
	var claims sync.WaitGroup
	for _, partition := range next.partitions {
		claim := &Claim{
			Topic: g.config.Topic, TopicID: topic.id, Partition: partition, Partitions: topic.partitions, Generation: next.generation, Committed: next.committed[partition].offset, CommittedTime: next.committed[partition].time, Identity: topic.identity(),
			group: g, member: m, id: m.id, end: func(why error) { end(why) }, topic: topic,
		}
		claims.Go(func() {
			err := serve(serving, claim)
			switch {
			case err == nil:
			case serving.Err() != nil: // what it was doing was cut off: its next owner does it again
				g.client.config.Logger.Debug("serving a claim that ended", "group", g.config.ID, "partition", claim.Partition, "error", err)
			default:
				fail(fmt.Errorf("group %s, %s partition %d: %w", g.config.ID, claim.Topic, claim.Partition, err))
			}
		})
	}
	drained := make(chan struct{})
	go func() {
		claims.Wait()
		close(drained)
	}()

	ticker := time.NewTicker(g.client.config.Session / 5)
	defer ticker.Stop()
	lastBeat := time.Now()
	for serving.Err() == nil {
		select {
		case <-serving.Done():
		case <-ticker.C:
			if why := g.keepAlive(ctx, m, next, &lastBeat); why != nil {
				end(why)
			}
		}
	}
	g.drain(ctx, m, next, drained, ticker.C)
}

// drain sends heartbeats until every serve has returned: without them the group
// would give the partitions away while their owner still writes.
func (g *Group) drain(ctx context.Context, m *member, next *assigned, drained <-chan struct{}, tick <-chan time.Time) {
	for {
		select {
		case <-drained:
			return
		case <-tick:
			if !g.config.Share.fixed() {
				_ = m.beat(context.WithoutCancel(ctx), next.generation) // that a rebalance waits for us is known
			}
		}
	}
}

// keepAlive sends a heartbeat and looks at the topic. It returns why the
// generation is over.
func (g *Group) keepAlive(ctx context.Context, m *member, next *assigned, lastBeat *time.Time) error {
	if !g.config.Share.fixed() {
		if err := g.beat(ctx, m, next, lastBeat); err != nil {
			return err
		}
	}
	if !next.leader {
		return nil
	}
	return g.lookAtTopic(ctx, next)
}

// beat sends a heartbeat. It returns why the generation is over.
func (g *Group) beat(ctx context.Context, m *member, next *assigned, lastBeat *time.Time) error {
	err := m.beat(ctx, next.generation)
	switch {
	case err == nil || g.client.react(err) == accept:
		*lastBeat = time.Now()
	case g.client.react(err) == rejoin:
		m.failed(err)
		return errGenerationEnded
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case time.Since(*lastBeat) > g.client.config.Session:
		g.client.config.Logger.Warn("giving partitions back: the group's coordinator was not reached for a session, so they may have been given to others",
			"group", g.config.ID, "session", g.client.config.Session.String(), "error", err)
		m.setCoordinator(-1)
		return errGenerationEnded
	default:
		g.client.config.Logger.Debug("retrying a heartbeat", "group", g.config.ID, "error", err)
	}
	return nil
}

// lookAtTopic returns that the generation is over if the topic is another one.
func (g *Group) lookAtTopic(ctx context.Context, next *assigned) error {
	info, err := g.client.topic(ctx, g.config.Topic)
	if refused, ok := errors.AsType[*answerError](err); ok && refused.code == codeUnknownTopic && !next.missing {
		next.missing = true
		g.client.config.Logger.Warn("waiting for a topic that was deleted and does not exist: create it with `sendwatch migrate`",
			"group", g.config.ID, "topic", g.config.Topic)
		if g.config.Failing != nil {
			g.config.Failing(err)
		}
	}
	if err != nil || (info.partitions == next.topic.partitions && !info.id.differs(next.topic.id)) {
		return nil
	}
	g.client.config.Logger.Warn("rebalancing: the topic has changed", "group", g.config.ID, "topic", g.config.Topic,
		"partitions", info.partitions, "had", next.topic.partitions, "id", info.id.String(), "had_id", next.topic.id.String())
	return errGenerationEnded
}

// errGenerationEnded is the cause of a claim's end when the group rebalances.
var errGenerationEnded = errors.New("the partition was given back to the group")
