package kafka

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sendwatch/internal/embedded/embeddedtest"
)

// recreate deletes a topic and creates it again with n records.
func recreate(t *testing.T, client *Client, writer *kgo.Client, topic string, n int) {
	t.Helper()
	had, err := client.topic(bounded(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TopicNames, req.TimeoutMillis = []string{topic}, 5_000
	one := kmsg.NewDeleteTopicsRequestTopic()
	one.Topic = new(topic)
	req.Topics = append(req.Topics, one)
	if _, err := req.RequestWith(bounded(t), writer); err != nil {
		t.Fatal(err)
	}
	embeddedtest.Eventually(t, 20*time.Second, "the topic is another one", func() bool {
		create(t, client, topic, 1) // which the old one may still answer
		client.forgetTopic(topic)
		info, err := client.topic(bounded(t), topic)
		return err == nil && info.id != had.id
	})
	again := theirs(t, client.config.Brokers) // the other one may remember the id
	seed(t, again, topic, 0, n)
}

// stopsOnAnotherLog: the new log is longer than the position in the old one, so
// that only the topic's id tells them apart.
func stopsOnAnotherLog(t *testing.T, brokers []string, topic string) {
	client, writer := ours(t, brokers), theirs(t, brokers)
	create(t, client, topic, 1)
	seed(t, writer, topic, 0, 5)
	f := client.NewFetcher(topic, 0, 0, 1)
	drain(t, f, 5)
	had := f.pinned.id
	recreate(t, ours(t, brokers), writer, topic, 12)
	ctx := bounded(t)
	for {
		b, err := f.Fetch(ctx)
		if err == nil && len(b.Records) == 0 {
			continue // the old log was still there
		}
		want := new(TopicIDError)
		if !errors.As(err, &want) || want.Had != had || want.Have == had || want.Have == (TopicID{}) {
			t.Fatalf("on another log: %+v, %v", b, err)
		}
		break
	}
}

// beginsAnotherLog: a role without state is assigned the new log and reads it from
// its beginning.
func beginsAnotherLog(t *testing.T, brokers []string, topic string) {
	client := ours(t, brokers, func(c *Config) { c.Session, c.Rebalance = 6*time.Second, 6*time.Second })
	writer := theirs(t, brokers)
	create(t, client, topic, 1)
	seed(t, writer, topic, 0, 5)
	ctx, stop := context.WithCancel(bounded(t))
	type seen struct {
		id    TopicID
		first int64
		n     int
	}
	reads, done := make(chan seen, 100), make(chan error, 1)
	go func() {
		done <- client.NewGroup(GroupConfig{ID: topic, Topic: topic}).Run(ctx, func(ctx context.Context, c *Claim) error {
			next, err := c.Open(ctx, c.Committed)
			for first := next; err == nil && ctx.Err() == nil; {
				b, fetched := c.Fetch(ctx)
				if fetched != nil {
					return endOf(ctx, fetched)
				}
				if len(b.Records) > 0 {
					reads <- seen{c.TopicID, first, len(b.Records)}
					err = c.Commit(b.Next)
				}
			}
			return endOf(ctx, err)
		})
	}()
	old := <-reads
	if old.first != 0 || old.n != 5 {
		t.Errorf("the old log: %+v", old)
	}
	recreate(t, ours(t, brokers), writer, topic, 12)
	for n := 0; n < 12; {
		one := <-reads
		if one.first != 0 || one.id == old.id {
			t.Fatalf("the new log is read as %+v; the old one was %+v", one, old)
		}
		n += one.n
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// saysWhatIsHeldBack leaves a transaction open in front of good records.
func saysWhatIsHeldBack(t *testing.T, brokers []string, topic string) {
	client, writer := ours(t, brokers), theirs(t, brokers)
	create(t, client, topic, 1)
	seed(t, writer, topic, 0, 3)
	hanging := theirs(t, brokers, kgo.TransactionalID(topic))
	if err := hanging.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := hanging.ProduceSync(bounded(t), &kgo.Record{Topic: topic, Value: []byte("open")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	seed(t, writer, topic, 0, 4)
	f := client.NewFetcher(topic, 0, 0, 1)
	drain(t, f, 3)
	b, err := f.Fetch(bounded(t))
	if err != nil || len(b.Records) != 0 || b.Next != 3 || b.End != 3 || b.HighWatermark != 8 {
		t.Errorf("behind an open transaction: %+v, %v; expected to stand at 3 of 8", b, err)
	}
	if err := hanging.EndTransaction(bounded(t), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	drain(t, f, 5)
}
