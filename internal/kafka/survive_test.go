package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sendwatch/internal/event"
)

// TestEveryAnswerIsReactedTo lets a broker give each answer of the table, twice,
// to a member that writes, joins, reads and commits. What passes must pass: all
// records are read, once, in order, and the commit is there. What stops must stop
// with the answer's name.
func TestEveryAnswerIsReactedTo(t *testing.T) {
	for _, a := range answers() {
		if a.code == noPartition || a.api == protocol.LeaveGroup || a.api == protocol.CreateTopics {
			continue // noPartition: TestReadsOnUnderAQuota
		}
		if a.name == "DUPLICATE_SEQUENCE_NUMBER" {
			continue // the broker below would not have written it; TestRetriesNeitherDoubleNorReorder
		}
		t.Run(fmt.Sprint(a.api, " ", a.name), func(t *testing.T) {
			t.Parallel()
			cluster, client, _ := fake(t, 1, func(c *Config) {
				c.Session, c.Rebalance = 1500*time.Millisecond, 3*time.Second
			})
			named, _ := errors.AsType[*kerr.Error](kerr.ErrorForCode(a.code))
			fault := cluster.Fault(kfake.Fault{
				Keys: []kmsg.Key{kmsg.Key(a.api)}, Err: named, Count: 2, TopLevel: topLevel[a.api],
			})
			err := writeJoinReadCommit(t, client)
			if fault.Hits() == 0 {
				t.Fatal("the request was never made")
			}
			if a.do == stop {
				if err == nil || !strings.Contains(err.Error(), a.name) {
					t.Errorf("got %v, expected an end that names %s", err, a.name)
				}
				return
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// topLevel are the requests whose answer has one code for all of it.
var topLevel = map[protocol.ApiKey]bool{
	protocol.FindCoordinator: true, protocol.JoinGroup: true, protocol.SyncGroup: true, protocol.Heartbeat: true,
	protocol.OffsetFetch: true, protocol.InitProducerId: true,
}

// writeJoinReadCommit takes 20 records from a producer to a committed offset.
func writeJoinReadCommit(t *testing.T, client *Client) error {
	t.Helper()
	const n = 20
	ctx := bounded(t)
	producer := client.NewProducer()
	for i := range n {
		if err := producer.Produce(ctx, "in", []event.Message{{Value: fmt.Appendf(nil, "%d", i)}}); err != nil {
			return err
		}
	}
	ctx, done := context.WithCancelCause(ctx)
	defer done(nil)
	finished := errors.New("all was read and committed")
	err := client.NewGroup(GroupConfig{ID: "g", Topic: "in"}).Run(ctx, func(ctx context.Context, c *Claim) error {
		next, err := c.Open(ctx, -1)
		if err != nil {
			return endOf(ctx, err)
		}
		for next < n {
			b, err := c.Fetch(ctx)
			if err != nil {
				return endOf(ctx, err)
			}
			for _, r := range b.Records {
				if r.Offset != next || string(r.Value) != strconv.FormatInt(next, 10) {
					return fmt.Errorf("record %d holds %s where %d is next", r.Offset, r.Value, next)
				}
				next++
			}
			if b.Lost.Count() > 0 || len(b.Unreadable) > 0 {
				return fmt.Errorf("lost %v, unreadable %v", b.Lost, b.Unreadable)
			}
		}
		// Long enough for the heartbeats to meet what they must.
		if err := wait(ctx, 700*time.Millisecond); err != nil {
			return nil
		}
		if err := c.Commit(next); err != nil {
			return endOf(ctx, err)
		}
		done(finished)
		return nil
	})
	if errors.Is(err, finished) {
		for range 3 { // the fault may be waiting for this request
			if offsets, err := client.committedOffsets(t.Context(), 0, "g", "in", []int32{0}); err == nil && offsets[0].offset == n {
				return nil
			}
		}
		return errors.New("the offset was not committed")
	}
	return err
}

// endOf turns an error into nil if the claim has ended meanwhile.
func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// TestReadsOnUnderAQuota answers as a broker whose quota for the client is used up
// (KIP-219): at once, with a throttle time and without any topic. Before the log's
// end is known the fetch waits; afterwards it returns empty batches that say so.
func TestReadsOnUnderAQuota(t *testing.T) {
	cluster, client, writer := fake(t, 1)
	seed(t, writer, "in", 0, 10)
	throttled := 0
	cluster.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if throttled++; throttled == 3 || throttled > 5 {
			return nil, nil, false
		}
		answer := req.ResponseKind().(*kmsg.FetchResponse)
		answer.ThrottleMillis = 120
		return answer, nil, true
	})
	f := client.NewFetcher("in", 0, 0, 1)
	start := time.Now()
	b, err := f.Fetch(bounded(t))
	if err != nil || len(b.Records) != 10 || b.Next != 10 || b.End != 10 {
		t.Fatalf("after two throttled answers: %+v, %v", b, err)
	}
	if passed := time.Since(start); passed < 240*time.Millisecond {
		t.Errorf("read on after %v; the broker had asked to wait 2 x 120 ms", passed)
	}
	seed(t, writer, "in", 0, 5)
	empty := 0
	for {
		b, err := f.Fetch(bounded(t))
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Records) == 5 {
			break
		}
		if b.Throttled <= 0 || len(b.Records) != 0 || b.Next != 10 {
			t.Fatalf("a throttled fetch gave %+v", b)
		}
		empty++
	}
	if empty < 2 {
		t.Errorf("%d empty batches while the quota was used up", empty)
	}
}

// TestAQuotaIsOfTheClient: what a broker says of its quota in the answer for one partition
// holds for the others that it leads. A request for them would wait without a word.
func TestAQuotaIsOfTheClient(t *testing.T) {
	cluster, client, writer := fake(t, 2)
	var fetchers []*Fetcher
	for p := range int32(2) {
		seed(t, writer, "in", p, 3)
		f := client.NewFetcher("in", p, 0, 2)
		drain(t, f, 3)
		fetchers = append(fetchers, f)
	}
	var asked atomic.Int32
	cluster.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if asked.Add(1) > 1 {
			return nil, nil, false
		}
		answer := req.ResponseKind().(*kmsg.FetchResponse)
		answer.ThrottleMillis = 400
		return answer, nil, true
	})
	start := time.Now()
	for i, f := range []*Fetcher{fetchers[0], fetchers[1], fetchers[1], fetchers[0]} {
		b, err := f.Fetch(bounded(t))
		if err != nil || b.Throttled <= 0 || !strings.Contains(f.Waiting(), "quota") {
			t.Fatalf("fetch %d: %+v, %v, waiting for %q", i, b, err, f.Waiting())
		}
		if asked.Load() != 1 {
			t.Fatalf("the broker was asked for another partition %v after it had wanted 400 ms of silence", time.Since(start))
		}
	}
}
