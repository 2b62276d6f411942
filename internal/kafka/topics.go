package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"sendwatch/internal/retry"
)

// Topic says how a topic is created and what is expected of one that exists.
type Topic struct {
	Name        string
	Partitions  int           // at creation; a check wants the same number, 0 any
	Replication int           // at creation; 0 is the brokers' default
	Retention   time.Duration // at creation; 0 is the brokers' default
	// MinRetention is what a check wants the topic to keep; 0 is anything.
	MinRetention time.Duration
	// BrokerTime asks for timestamps set by the broker
	// (message.timestamp.type=LogAppendTime).
	BrokerTime bool
	// Read and Write are the rights that a check looks for.
	Read, Write bool
}

// Problem is something that a check found.
type Problem struct {
	// Warning: it runs, but not as well as it should.
	Warning bool
	Subject string // the topic, group or broker
	Text    string // what is wrong and what to do
}

// String returns one line for a terminal.
func (p Problem) String() string {
	kind := "error"
	if p.Warning {
		kind = "warning"
	}
	return kind + ": " + p.Subject + ": " + p.Text
}

// CreateMissing creates the topics that do not exist and returns their names. It
// never changes one that does. All records are deleted by age, none compacted:
// every transition of a flag and every row version matters.
func (c *Client) CreateMissing(ctx context.Context, topics []Topic) (created []string, err error) {
	all, err := c.unrestricted()
	if err != nil {
		return nil, err
	}
	defer all.Close()
	existing, err := all.topicInfos(ctx, names(topics))
	if err != nil {
		return nil, fmt.Errorf("looking for topics at %v: %w", c.config.Brokers, err)
	}
	var errs []error
	for _, t := range topics {
		if _, found := existing[t.Name]; found {
			continue
		}
		switch err := all.create(ctx, t); {
		case err == nil:
			created = append(created, t.Name)
		case errors.Is(err, kafkago.TopicAlreadyExists): // by another migrate just now
		default:
			errs = append(errs, fmt.Errorf("creating topic %s: %w", t.Name, err))
		}
	}
	return created, errors.Join(errs...)
}

// create asks for one topic, again while a broker is not ready for it.
func (c *Client) create(ctx context.Context, t Topic) error {
	spec := kafkago.TopicConfig{Topic: t.Name, NumPartitions: max(1, t.Partitions), ReplicationFactor: t.Replication}
	if t.Replication == 0 {
		spec.ReplicationFactor = -1
	}
	set := func(name, value string) {
		spec.ConfigEntries = append(spec.ConfigEntries, kafkago.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	set("cleanup.policy", "delete")
	if t.Retention != 0 {
		set("retention.ms", strconv.FormatInt(t.Retention.Milliseconds(), 10))
	}
	if t.BrokerTime {
		set("message.timestamp.type", "LogAppendTime")
	}
	var pause retry.Backoff
	for {
		bounded, cancel := context.WithTimeout(ctx, requestTimeout)
		answer, err := c.api.CreateTopics(bounded, &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{spec}})
		cancel()
		if err == nil {
			err = answer.Errors[t.Name]
		}
		if err == nil || !retriable(err) || pause.Tries() > 8 {
			return err
		}
		if err := pause.Wait(ctx); err != nil {
			return err
		}
	}
}

// Missing names those of the topics that do not exist, in their order. It asks
// again for a few seconds before it says so. A topic that the user may not see is
// not among them: Kafka does not tell whether it exists, and Check names the right.
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

// Check looks at the cluster, the topics and the rights on topics and groups,
// and changes nothing. It returns everything that would fail at start, or go
// wrong later, at once.
func (c *Client) Check(ctx context.Context, topics []Topic, groups []string) []Problem {
	infos, err := c.topicInfos(ctx, names(topics))
	if err != nil {
		return []Problem{{
			Subject: fmt.Sprintf("brokers %v", c.config.Brokers),
			Text:    fmt.Sprintf("cannot be asked for their topics: %v; check the addresses, TLS and SASL", err),
		}}
	}
	var problems []Problem
	add := func(warning bool, subject, format string, args ...any) {
		problems = append(problems, Problem{Warning: warning, Subject: subject, Text: fmt.Sprintf(format, args...)})
	}
	for _, t := range topics {
		subject := "topic " + t.Name
		info, found := infos[t.Name]
		switch {
		case !found:
			add(false, subject, "does not exist; `sendwatch migrate` creates it")
			continue
		case info.err != nil:
			add(false, subject, "cannot be looked at: %v; the user needs the right to describe it", info.err)
			continue
		}
		if t.Partitions != 0 && info.partitions != t.Partitions {
			add(true, subject, "its number of partitions is %d, the configuration says %d; set kafka.create.partitions to what it is", info.partitions, t.Partitions)
		}
		for _, right := range []struct {
			wanted bool
			bit    int32
			name   string
		}{{t.Read, operationRead, "read"}, {t.Write, operationWrite, "write"}} {
			if right.wanted && info.operations != operationsUnknown && info.operations&(1<<right.bit) == 0 {
				add(false, subject, "may not be %s by this user; grant it the right to %s", map[string]string{"read": "read", "write": "written"}[right.name], right.name)
			}
		}
		c.checkConfig(ctx, t, add)
	}
	for _, group := range groups {
		if err := c.checkGroup(ctx, group); err != nil {
			add(false, "group "+group, "cannot be used: %v; the user needs the right to read the group", err)
		}
	}
	return problems
}

// defaultMessageBytes is what a topic takes unless told otherwise. Messages of the
// roles have up to largestMessage bytes.
const (
	defaultMessageBytes = 1_048_588
	largestMessage      = 1_000_000
)

// checkConfig compares a topic's settings with what is wanted.
func (c *Client) checkConfig(ctx context.Context, t Topic, add func(warning bool, subject, format string, args ...any)) {
	if t.MinRetention == 0 && !t.BrokerTime && !t.Write {
		return
	}
	subject := "topic " + t.Name
	bounded, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := c.api.DescribeConfigs(bounded, &kafkago.DescribeConfigsRequest{
		Resources: []kafkago.DescribeConfigRequestResource{{
			ResourceType: kafkago.ResourceTypeTopic, ResourceName: t.Name,
			ConfigNames: []string{"retention.ms", "message.timestamp.type", "max.message.bytes"},
		}},
	})
	if err == nil && len(answer.Resources) > 0 {
		err = answer.Resources[0].Error
	}
	if err != nil {
		add(true, subject, "its settings cannot be read: %v; the user may lack the right to describe them", err)
		return
	}
	for _, r := range answer.Resources {
		for _, e := range r.ConfigEntries {
			switch e.ConfigName {
			case "retention.ms":
				ms, err := strconv.ParseInt(e.ConfigValue, 10, 64)
				if kept := time.Duration(ms) * time.Millisecond; err == nil && ms >= 0 && ms < (1<<40) && kept < t.MinRetention {
					add(false, subject, "keeps records for %v, and %v are needed; raise its retention.ms to %d",
						kept, t.MinRetention, t.MinRetention.Milliseconds())
				}
			case "max.message.bytes":
				if n, err := strconv.Atoi(e.ConfigValue); t.Write && err == nil && n < defaultMessageBytes {
					add(n >= largestMessage, subject, "takes messages of at most %d bytes, and one that is larger would stop a partition; set its max.message.bytes to %d, "+
						"the default of Kafka, or more", n, defaultMessageBytes)
				}
			case "message.timestamp.type":
				if t.BrokerTime && e.ConfigValue != "LogAppendTime" {
					add(true, subject, "carries its producers' time (message.timestamp.type=%s), so that a wrong clock there can make good events "+
						"`future`; set it to LogAppendTime", e.ConfigValue)
				}
			}
		}
	}
}

// checkGroup asks for a group's offsets, which takes the right to read it. The
// coordinator may still be coming up.
func (c *Client) checkGroup(ctx context.Context, group string) error {
	var pause retry.Backoff
	for {
		bounded, cancel := context.WithTimeout(ctx, requestTimeout)
		answer, err := c.api.OffsetFetch(bounded, &kafkago.OffsetFetchRequest{GroupID: group})
		cancel()
		if err == nil {
			err = answer.Error
		}
		if errors.Is(err, kafkago.GroupIdNotFound) {
			return nil // its first member makes it
		}
		if err == nil || !retriable(err) || pause.Tries() > 8 {
			return err
		}
		if err := pause.Wait(ctx); err != nil {
			return err
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
