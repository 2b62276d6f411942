package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"sendwatch/internal/retry"
)

// Topic says how a topic is created and what is expected of one that exists.
type Topic struct {
	Name        string
	Key         string        // where the configuration names it, as in kafka.topics.events
	Partitions  int           // at creation; a check wants the same number, 0 any
	Replication int           // at creation; 0 is the brokers' default
	Retention   time.Duration // at creation; 0 is the brokers' default
	// MinRetention is what a check wants the topic to keep; 0 is anything.
	MinRetention time.Duration
	// BrokerTime asks for timestamps set by the broker
	// (message.timestamp.type=LogAppendTime).
	BrokerTime bool
	// Compacted keeps the last record of each key instead of those of a time; at creation.
	Compacted bool
	// Read and Write are the rights that a check looks for.
	Read, Write bool
}

// CreateMissing creates the topics that do not exist and returns their names. It
// never changes one that does. All records are deleted by age, none compacted, for
// every transition of a flag and every row version matters; Compacted is for what
// is a state by key.
func (c *Client) CreateMissing(ctx context.Context, topics []Topic) (created []string, err error) {
	var unreachable report
	if !c.checkBrokers(ctx, &unreachable) {
		return nil, errors.New(unreachable.problems[0].String())
	}
	existing, err := c.topicInfos(ctx, names(topics))
	if err != nil {
		return nil, fmt.Errorf("looking for topics at %v: %w", c.config.Brokers, err)
	}
	var errs []error
	for _, t := range topics {
		if _, found := existing[t.Name]; found {
			continue
		}
		switch err := c.create(ctx, t); {
		case err == nil:
			created = append(created, t.Name)
		case errors.Is(err, kafkago.TopicAlreadyExists): // by another migrate just now
		default:
			errs = append(errs, fmt.Errorf("creating topic %s: %w", t.Name, err))
		}
	}
	return created, errors.Join(errs...)
}

// create asks for one topic, again while a broker is not ready for it, and waits
// until the cluster shows it.
func (c *Client) create(ctx context.Context, t Topic) error {
	policy := "delete"
	if t.Compacted {
		policy = "compact"
	}
	settings := [][2]string{{"cleanup.policy", policy}}
	if t.Retention != 0 {
		settings = append(settings, [2]string{"retention.ms", strconv.FormatInt(t.Retention.Milliseconds(), 10)})
	}
	if t.BrokerTime {
		settings = append(settings, [2]string{"message.timestamp.type", "LogAppendTime"})
	}
	var pause retry.Backoff
	for {
		err := c.createTopic(ctx, t, settings)
		if err == nil {
			break
		}
		if !c.retriable(err) || pause.Tries() > 8 {
			return err
		}
		if err := pause.Wait(ctx); err != nil {
			return err
		}
	}
	for pause.Reset(); ; {
		c.forgetTopic(t.Name)
		if info, err := c.topic(ctx, t.Name); err == nil && !slices.Contains(info.leaders, -1) || pause.Tries() > 8 {
			return nil // it is created, whether it is shown yet or not
		}
		if err := pause.Wait(ctx); err != nil {
			return err
		}
	}
}

// createTopic sends one request, to the controller or a broker that hands it on.
func (c *Client) createTopic(ctx context.Context, t Topic, settings [][2]string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	replication := int16(t.Replication)
	if replication == 0 {
		replication = -1 // the brokers' default
	}
	var code int16
	detail := ""
	err := c.do(ctx, c.control, &call{
		key: protocol.CreateTopics, versions: []int16{4}, broker: anyBroker,
		encode: func(w *wireWriter, _ int16) {
			w.array(1)
			w.text(t.Name)
			w.int32(int32(max(1, t.Partitions)))
			w.int16(replication)
			w.array(0) // brokers: as the cluster likes
			w.array(len(settings))
			for _, s := range settings {
				w.text(s[0])
				w.text(s[1])
			}
			w.int32(int32((requestTimeout / 2).Milliseconds()))
			w.bool(false) // not only to see whether it could be
		},
		decode: func(r *wire, _ int16) {
			r.skip(4) // throttle time
			for range r.array() {
				r.text()
				code, detail = r.int16(), r.text()
			}
		},
	})
	if err != nil || code == 0 {
		return err
	}
	return &answerError{answer: c.tables.of(protocol.CreateTopics, code), detail: detail}
}

// Missing names those of the topics that do not exist, in their order. It asks
// again for a few seconds before it says so. A topic that the user may not see is
// not among them: Kafka does not say that it exists, and Check names the right.
// Brokers that make topics by themselves make none here: a caller that asks wants none of
// their defaults.
func (c *Client) Missing(ctx context.Context, topics []Topic) ([]string, error) {
	var pause retry.Backoff
	for {
		wanted := names(topics)
		infos, err := c.topicInfos(ctx, wanted)
		if err != nil {
			return nil, fmt.Errorf("asking %v for their topics: %w", c.config.Brokers, err)
		}
		missing := slices.DeleteFunc(wanted, func(name string) bool { _, found := infos[name]; return found })
		// A broker that has just started knows of no topic for a moment.
		if len(missing) == 0 || pause.Tries() > 5 || pause.Wait(ctx) != nil {
			return missing, nil
		}
	}
}

func names(topics []Topic) []string {
	out := make([]string, 0, len(topics))
	for _, t := range topics {
		if !slices.Contains(out, t.Name) {
			out = append(out, t.Name)
		}
	}
	return out
}
