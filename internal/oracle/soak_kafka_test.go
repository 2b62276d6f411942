package oracle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sendwatch/internal/oracle/randlog"
)

// The soak's own dealings with the broker: an independent client writes the events, does
// what an administrator does, and reads what came of it.

// administrationTime bounds one request of an administrator.
const administrationTime = 20 * time.Second

// client returns a client of the listener without users.
func (s *site) client(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(s.broker.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ClientID("soak"),
		kgo.ProducerLinger(20 * time.Millisecond), kgo.ProducerBatchMaxBytes(2 << 20), kgo.MetadataMinAge(500 * time.Millisecond),
	}, options...)...)
}

// write writes records and returns once they are acknowledged.
func (s *site) write(records ...*kgo.Record) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), administrationTime)
	defer cancel()
	return c.ProduceSync(ctx, records...).FirstErr()
}

// administer sends one request.
func administer[R kmsg.Request](s *site, request R) (kmsg.Response, error) {
	c, err := s.client()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), administrationTime)
	defer cancel()
	return c.Request(ctx, request)
}

// quota bounds what a client may read, in bytes a second; 0 takes the bound away.
func (s *site) quota(clientID string, rate float64) error {
	request := kmsg.NewPtrAlterClientQuotasRequest()
	entry := kmsg.NewAlterClientQuotasRequestEntry()
	entity := kmsg.NewAlterClientQuotasRequestEntryEntity()
	entity.Type, entity.Name = "client-id", &clientID
	op := kmsg.NewAlterClientQuotasRequestEntryOp()
	op.Key, op.Value, op.Remove = "consumer_byte_rate", rate, rate == 0
	entry.Entity, entry.Ops = append(entry.Entity, entity), append(entry.Ops, op)
	request.Entries = append(request.Entries, entry)
	answer, err := administer(s, request)
	if err != nil {
		return err
	}
	for _, e := range answer.(*kmsg.AlterClientQuotasResponse).Entries {
		if err := kerr.ErrorForCode(e.ErrorCode); err != nil {
			return fmt.Errorf("quota: %w", err)
		}
	}
	return nil
}

// deleteRecords deletes what a topic holds, as retention does.
func (s *site) deleteRecords(topic string) error {
	request := kmsg.NewPtrDeleteRecordsRequest()
	request.TimeoutMillis = 10_000
	one := kmsg.NewDeleteRecordsRequestTopic()
	one.Topic = topic
	for p := range int32(soakPartitions) {
		part := kmsg.NewDeleteRecordsRequestTopicPartition()
		part.Partition, part.Offset = p, -1 // to the high watermark
		one.Partitions = append(one.Partitions, part)
	}
	request.Topics = append(request.Topics, one)
	answer, err := administer(s, request)
	if err != nil {
		return err
	}
	for _, t := range answer.(*kmsg.DeleteRecordsResponse).Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("delete records of %s: %w", topic, err)
			}
		}
	}
	return nil
}

// create creates a topic whose records carry the time that kind says.
func (s *site) create(topic, kind string) error {
	request := kmsg.NewPtrCreateTopicsRequest()
	request.TimeoutMillis = 10_000
	one := kmsg.NewCreateTopicsRequestTopic()
	one.Topic, one.NumPartitions, one.ReplicationFactor = topic, soakPartitions, 1
	config := kmsg.NewCreateTopicsRequestTopicConfig()
	config.Name, config.Value = "message.timestamp.type", &kind
	one.Configs = append(one.Configs, config)
	request.Topics = append(request.Topics, one)
	for deadline := time.Now().Add(administrationTime); ; pause(200 * time.Millisecond) {
		answer, err := administer(s, request)
		if err == nil {
			err = kerr.ErrorForCode(answer.(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode)
		}
		if err == nil || time.Now().After(deadline) {
			return err // until then the old one may still be there
		}
	}
}

// recreate deletes a topic and creates it again.
func (s *site) recreate(topic, kind string) error {
	request := kmsg.NewPtrDeleteTopicsRequest()
	request.TimeoutMillis, request.TopicNames = 10_000, []string{topic}
	one := kmsg.NewDeleteTopicsRequestTopic()
	one.Topic = &topic
	request.Topics = append(request.Topics, one)
	if _, err := administer(s, request); err != nil {
		return err
	}
	return s.create(topic, kind)
}

// feed writes to a topic as time passes, until it ends; while it is paused it writes
// nothing.
type feed struct {
	mu      sync.Mutex
	paused  bool
	late    map[int32]int64 // by partition: the time that its events have, instead of now
	last    time.Time       // when it wrote last
	stop    chan struct{}
	ended   chan error
	written int
}

func newFeed() *feed {
	return &feed{late: map[int32]int64{}, stop: make(chan struct{}), ended: make(chan error, 1)}
}

// hold pauses the feed, or lets it go on, and returns when it wrote last.
func (f *feed) hold(paused bool) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.paused = paused
	return f.last
}

// delay makes the time of a partition's events stand still at an instant; 0 ends that.
func (f *feed) delay(partition int32, at int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.late[partition] = at
}

// end ends the feed and returns what went wrong in it.
func (f *feed) end() error {
	close(f.stop)
	return <-f.ended
}

// turn waits for a moment and reports whether the feed goes on then.
func (f *feed) turn(at time.Time) bool {
	for {
		f.mu.Lock()
		paused := f.paused
		f.mu.Unlock()
		wait := time.Until(at)
		if paused {
			wait = 50 * time.Millisecond
		} else if wait <= 0 {
			return true
		}
		select {
		case <-f.stop:
			return false
		case <-time.After(wait):
		}
	}
}

// noteWritten counts a record.
func (f *feed) noteWritten() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last, f.written = time.Now(), f.written+1
}

// play writes a live log to a partition of a topic, each line at its time, and the last
// acknowledged before it ends.
func (f *feed) play(s *site, topic string, partition int32, lines []randlog.Line) {
	c, err := s.client(kgo.RecordRetries(1 << 30))
	if err != nil {
		f.ended <- err
		return
	}
	defer c.Close()
	var mu sync.Mutex
	var failed error
	for _, line := range lines {
		if !f.turn(time.UnixMilli(line.At)) {
			break
		}
		c.Produce(context.Background(), eventRecord(topic, partition, line.Text), func(_ *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
		})
		f.noteWritten()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = c.Flush(ctx)
	mu.Lock()
	defer mu.Unlock()
	f.ended <- errors.Join(failed, err)
}

// murmur writes events of a few numbers to both partitions of a topic, several a second,
// of which some may get lost: nobody compares what comes of them.
func (f *feed) murmur(s *site, topic string) {
	var c *kgo.Client
	defer func() {
		if c != nil {
			c.Close()
		}
		f.ended <- nil
	}()
	for n := 0; f.turn(time.Now().Add(120 * time.Millisecond)); n++ {
		if c == nil {
			var err error
			if c, err = s.client(); err != nil {
				f.ended <- err
				return
			}
		}
		var records []*kgo.Record
		for p := range int32(soakPartitions) {
			at := time.Now().UnixMilli()
			f.mu.Lock()
			if late := f.late[p]; late != 0 {
				at = late
			}
			f.mu.Unlock()
			number := fmt.Sprintf("side-%d-%d", p, n%5)
			records = append(records, eventRecord(topic, p, sendLine(fmt.Sprintf("side-%d-%d-%d", p, n, time.Now().UnixNano()), number, at)))
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		err := c.ProduceSync(ctx, records...).FirstErr()
		cancel()
		if err != nil { // of a broker that is away, or of a topic that is another one now
			c.Close()
			c = nil
			continue
		}
		f.noteWritten()
	}
}

// eventRecord is an event with the key that it should have.
func eventRecord(topic string, partition int32, line string) *kgo.Record {
	var named struct {
		NumberID string `json:"number_id"`
	}
	_ = json.Unmarshal([]byte(line), &named) // a line that is no event has no number
	r := &kgo.Record{Topic: topic, Partition: partition, Value: []byte(line)}
	if named.NumberID != "" {
		r.Key = []byte(named.NumberID)
	}
	return r
}

// sendLine is one send of a number, at a time in ms.
func sendLine(id, number string, at int64) string {
	return fmt.Sprintf(`{"id":%q,"type":"message.sent","time":%d,"number_id":%q,"message_id":%q,"contact":"4915112%06d","kind":"text","text":"hello"}`,
		id, at, number, id, at%1_000_000)
}

// outside are sends of a number that is not part of the live log, half a minute apart or
// less, so old that no time of the partition passes sooner than the live log's.
func outside(topic string, partition int32, number string, n int) []*kgo.Record {
	at := time.Now().Add(-90 * time.Second).UnixMilli()
	var records []*kgo.Record
	for i := range n {
		records = append(records, eventRecord(topic, partition, sendLine(fmt.Sprintf("%s-%d-%d-%d", number, partition, i, at), number, at)))
	}
	return records
}

// records reads all of a topic that is committed, by partition.
func (s *site) records(topic string) ([][]*kgo.Record, error) {
	// A record of a transaction marks the end of each partition.
	ends, err := s.ends(topic)
	if err != nil {
		return nil, err
	}
	from := map[int32]kgo.Offset{}
	left := 0
	for p, end := range ends {
		if end > 0 {
			from[int32(p)] = kgo.NewOffset().AtStart()
			left++
		}
	}
	all := make([][]*kgo.Record, len(ends))
	if left == 0 {
		return all, nil
	}
	c, err := s.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	for left > 0 {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("reading %s: %w", topic, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset+1 == ends[r.Partition] {
				left--
			}
			if !r.Attrs.IsControl() {
				all[r.Partition] = append(all[r.Partition], r)
			}
		})
	}
	return all, nil
}

// ends asks where the partitions of a topic end.
func (s *site) ends(topic string) ([]int64, error) {
	request := kmsg.NewPtrListOffsetsRequest()
	request.ReplicaID = -1
	one := kmsg.NewListOffsetsRequestTopic()
	one.Topic = topic
	for p := range int32(soakPartitions) {
		part := kmsg.NewListOffsetsRequestTopicPartition()
		part.Partition, part.Timestamp = p, -1
		one.Partitions = append(one.Partitions, part)
	}
	request.Topics = append(request.Topics, one)
	answer, err := administer(s, request)
	if err != nil {
		return nil, err
	}
	ends := make([]int64, soakPartitions)
	for _, p := range answer.(*kmsg.ListOffsetsResponse).Topics[0].Partitions {
		if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
			return nil, err
		}
		ends[p.Partition] = p.Offset
	}
	return ends, nil
}

// stranger joins a consumer group as another application does. It reports what kept it
// out, or that it was given partitions.
type stranger struct {
	client *kgo.Client
	said   chan string
}

func (s *site) stranger(group, topic string, options ...kgo.Opt) (*stranger, error) {
	one := &stranger{said: make(chan string, 100)}
	tell := func(what string) {
		select {
		case one.said <- what:
		default:
		}
	}
	var err error
	one.client, err = s.client(append([]kgo.Opt{
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.ClientID("their-app"), kgo.Balancers(kgo.RangeBalancer()), kgo.WithHooks(groupHook(tell)),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, given map[string][]int32) {
			if len(given) > 0 {
				tell("given partitions")
			}
		}),
	}, options...)...)
	return one, err
}

// hears waits until the stranger was told something with these words.
func (one *stranger) hears(words string) error {
	timeout := time.After(30 * time.Second)
	for {
		select {
		case said := <-one.said:
			if strings.Contains(said, words) {
				return nil
			}
		case <-timeout:
			return fmt.Errorf("the stranger was not told %q", words)
		}
	}
}

func (one *stranger) leave() error {
	one.client.CloseAllowingRebalance()
	return nil
}

// groupHook hears what keeps kgo's member out of a group.
type groupHook func(string)

// OnGroupManageError is kgo's hook.
func (g groupHook) OnGroupManageError(err error) { g(err.Error()) }
