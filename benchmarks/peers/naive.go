package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// The naive pipeline: what most Go programs look like. kafka-go's Reader in a group,
// encoding/json into a struct, maps of pointers, slices of times.

type naiveEvent struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Time     int64  `json:"time"`
	NumberID string `json:"number_id"`
	Contact  string `json:"contact"`
	Template *struct {
		Name string `json:"name"`
	} `json:"template"`
}

type naiveNumber struct {
	sends            []naiveSend
	byTemplate       map[string]int
	identical        int
	unanswered, open int
	wasSent, wasSame bool
	wasDead          bool
}

type naiveSend struct {
	second   int64
	template string
}

type naiveEnd struct {
	key, number string
	first       int64
}

type naive struct {
	answer
	numbers       map[string]*naiveNumber
	conversations map[string]int64
	ends          []naiveEnd
	flags         *kafkago.Writer
}

// apply counts one event and sends the flags that it raises.
func (p *naive) apply(ctx context.Context, value []byte) error {
	var e naiveEvent
	if err := json.Unmarshal(value, &e); err != nil {
		return err
	}
	if err := p.expire(ctx, e.Time); err != nil {
		return err
	}
	n := p.number(e.NumberID)
	now := e.Time / 1000
	for len(n.sends) > 0 && n.sends[0].second <= now-hour {
		n.drop()
	}
	key := e.NumberID + "|" + e.Contact
	switch e.Type {
	case "message.sent":
		n.sends = append(n.sends, naiveSend{now, e.Template.Name})
		n.byTemplate[e.Template.Name]++
		n.identical = max(n.identical, n.byTemplate[e.Template.Name])
		if _, open := p.conversations[key]; !open {
			p.conversations[key] = e.Time
			p.ends = append(p.ends, naiveEnd{key, e.NumberID, e.Time})
			n.open++
		}
	case "message.received":
		if _, open := p.conversations[key]; open {
			delete(p.conversations, key)
			n.open--
		}
	}
	if err := p.raise(ctx, e.NumberID, n, e.Time); err != nil {
		return err
	}
	p.Events++
	if strings.HasPrefix(e.ID, "end:") {
		p.close(e.NumberID, len(n.sends), n.identical, n.unanswered, n.open)
	}
	return nil
}

func (p *naive) number(id string) *naiveNumber {
	n := p.numbers[id]
	if n == nil {
		n = &naiveNumber{byTemplate: map[string]int{}}
		p.numbers[id] = n
	}
	return n
}

// drop forgets the oldest send; only if its template had the largest count are all counted.
func (n *naiveNumber) drop() {
	gone := n.sends[0].template
	n.sends = n.sends[1:]
	n.byTemplate[gone]--
	if n.byTemplate[gone]+1 == n.identical {
		n.identical = 0
		for _, count := range n.byTemplate {
			n.identical = max(n.identical, count)
		}
	}
	if n.byTemplate[gone] == 0 {
		delete(n.byTemplate, gone)
	}
}

func (p *naive) expire(ctx context.Context, at int64) error {
	for len(p.ends) > 0 && p.ends[0].first+noReply <= at {
		end := p.ends[0]
		p.ends = p.ends[1:]
		if first, open := p.conversations[end.key]; !open || first != end.first {
			continue
		}
		delete(p.conversations, end.key)
		n := p.number(end.number)
		n.open--
		n.unanswered++
		if err := p.raise(ctx, end.number, n, at); err != nil {
			return err
		}
	}
	return nil
}

func (p *naive) raise(ctx context.Context, number string, n *naiveNumber, at int64) error {
	for _, f := range [...]struct {
		fact string
		was  *bool
		is   bool
	}{{"sent_1h", &n.wasSent, len(n.sends) >= manySent}, {"identical_1h", &n.wasSame, n.identical >= manySame}, {"unanswered", &n.wasDead, n.unanswered >= manyDead}} {
		if f.is && !*f.was {
			p.Flags++
			value, err := json.Marshal(map[string]any{"number_id": number, "fact": f.fact, "time": at})
			if err != nil {
				return err
			}
			if err := p.flags.WriteMessages(ctx, kafkago.Message{Key: []byte(number), Value: value}); err != nil {
				return err
			}
		}
		*f.was = f.is
	}
	return nil
}

// runNaive is the process of the naive pipeline.
func runNaive(ctx context.Context, o *options) error {
	p := &naive{
		numbers: map[string]*naiveNumber{}, conversations: map[string]int64{},
		flags: &kafkago.Writer{Addr: kafkago.TCP(o.brokers), Topic: o.flags, Async: true, RequiredAcks: kafkago.RequireAll, Compression: kafkago.Lz4},
	}
	reader := groupReader(o)
	fmt.Println("ready")
	for p.Events < o.events {
		m, err := reader.ReadMessage(ctx)
		if err != nil {
			return err
		}
		if err := p.apply(ctx, m.Value); err != nil {
			return err
		}
		if p.Events == o.events/3 {
			fmt.Println("third")
		}
	}
	fmt.Println("done")
	if err := p.flags.Close(); err != nil {
		return err
	}
	return tell(p.answer)
}

// groupReader is kafka-go's Reader as a group's only member, with the queue that makes it
// quickest and without a commit an event.
func groupReader(o *options) *kafkago.Reader {
	return kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: []string{o.brokers}, Topic: o.topic, GroupID: fmt.Sprint("group-", time.Now().UnixNano()), StartOffset: kafkago.FirstOffset,
		QueueCapacity: 10_000, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 100 * time.Millisecond, CommitInterval: time.Second,
	})
}

// tell prints an answer for the harness.
func tell(a answer) error {
	out, err := json.Marshal(a)
	if err == nil {
		fmt.Println("answer", string(out))
	}
	return err
}
