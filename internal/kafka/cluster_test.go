package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/event"
)

// TestFollowsLeadersAndCoordinators moves a partition's leader and the groups'
// coordinators over three brokers under a writer and a member: all is read, once and
// in order, in one generation, and no move costs seconds.
func TestFollowsLeadersAndCoordinators(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(1, "in"), kfake.GroupMinSessionTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client := ours(t, cluster.ListenAddrs(), func(c *Config) { c.Session, c.Rebalance = 6*time.Second, 6*time.Second })
	ctx, stop := context.WithCancel(bounded(t))
	var joined, next atomic.Int64
	done := make(chan error, 1)
	go func() {
		done <- client.NewGroup(GroupConfig{ID: "g", Topic: "in", Joined: func() { joined.Add(1) }}).Run(ctx, func(ctx context.Context, c *Claim) error {
			at, err := c.Open(ctx, -1)
			for err == nil && ctx.Err() == nil {
				var b *event.Batch
				if b, err = c.Fetch(ctx); err != nil {
					break
				}
				for _, r := range b.Records {
					if r.Offset != at || string(r.Value) != strconv.FormatInt(at, 10) {
						return fmt.Errorf("record %d holds %s where %d is next", r.Offset, r.Value, at)
					}
					at++
				}
				next.Store(at)
				err = c.Commit(at)
			}
			return endOf(ctx, err)
		})
	}()
	producer := client.NewProducer()
	for i := range int64(30) {
		if i%3 == 0 {
			if err := cluster.MoveTopicPartition("in", 0, int32(i/3%3)); err != nil {
				t.Fatal(err)
			}
			cluster.RehashCoordinators()
		}
		if err := producer.Produce(ctx, "in", []event.Message{{Value: fmt.Append(nil, i)}}); err != nil {
			t.Fatal(err)
		}
		embeddedtest.Eventually(t, 3*time.Second, "the record is read", func() bool { return next.Load() > i })
	}
	if joined.Load() != 1 {
		t.Errorf("joined %d times", joined.Load())
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestOlderBrokers reads, writes and shares a group with brokers that lack what later
// ones have: topic ids, flexible versions.
func TestOlderBrokers(t *testing.T) {
	t.Parallel()
	for name, versions := range map[string]*kversion.Versions{"2.4": kversion.V2_4_0(), "2.8": kversion.V2_8_0(), "3.6": kversion.V3_6_0()} {
		t.Run(name, func(t *testing.T) {
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.MaxVersions(versions), kfake.GroupMinSessionTimeout(time.Second))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cluster.Close)
			brokers := cluster.ListenAddrs()
			client := ours(t, brokers)
			create(t, client, "in", 2)
			knowsTheEndsOfTheLog(t, brokers, "ends")
			sharesPartitions(t, brokers, "shared")
			neitherDoublesNorReorders(t, brokers, "once")
			createsAndChecks(t, brokers, "checked")
		})
	}
}

// TestReadsOnWhileMetadataFails cuts every question about topics: what was known goes
// on to count, and the log is read and written on.
func TestReadsOnWhileMetadataFails(t *testing.T) {
	cluster, client, _ := fake(t, 1)
	producer, f := client.NewProducer(), client.NewFetcher("in", 0, 0, 1)
	write := func(value string) {
		t.Helper()
		if err := producer.Produce(bounded(t), "in", []event.Message{{Value: []byte(value)}}); err != nil {
			t.Fatal(err)
		}
		if got, _ := drain(t, f, 1); string(got[0].Value) != value {
			t.Fatalf("read %s where %s was written", got[0].Value, value)
		}
	}
	write("before")
	var cut atomic.Int32
	cluster.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		cut.Add(1)
		return nil, errors.New("cut"), true
	})
	for start := time.Now(); time.Since(start) < 2*metadataAge; {
		write("meanwhile")
	}
	if cut.Load() == 0 {
		t.Error("no question about topics was cut; the test proves nothing")
	}
}
