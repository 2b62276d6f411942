package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"sendwatch/internal/retry"
)

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

// report collects problems.
type report struct{ problems []Problem }

func (r *report) add(warning bool, subject, format string, args ...any) {
	r.problems = append(r.problems, Problem{Warning: warning, Subject: subject, Text: fmt.Sprintf(format, args...)})
}

// Check looks at the cluster, the topics and the rights on topics and groups,
// and changes nothing. It returns everything that would fail at start, or go
// wrong later, at once.
func (c *Client) Check(ctx context.Context, topics []Topic, groups []string) []Problem {
	var r report
	if !c.checkBrokers(ctx, &r) {
		return r.problems // everything else would only fail for the same reason
	}
	infos, err := c.topicInfos(ctx, names(topics))
	if err != nil {
		r.add(false, fmt.Sprintf("kafka.brokers %v", c.config.Brokers), "cannot be asked for their topics: %v", err)
		return r.problems
	}
	for _, t := range topics {
		info, found := infos[t.Name]
		c.checkTopic(ctx, t, info, found, &r)
	}
	for _, group := range groups {
		c.checkGroup(ctx, group, &r)
	}
	return r.problems
}

// checkBrokers looks for every broker of the cluster at the address that the
// cluster gives for it, and reports whether all were there.
func (c *Client) checkBrokers(ctx context.Context, r *report) bool {
	var pause retry.Backoff
	answer, err := c.metadata(ctx, nil)
	for err != nil && ctx.Err() == nil && c.retriable(err) && pause.Tries() < 4 && pause.Wait(ctx) == nil {
		answer, err = c.metadata(ctx, nil)
	}
	if err != nil {
		r.add(false, fmt.Sprintf("kafka.brokers %v", c.config.Brokers), "cannot be asked for their topics: %v; check the addresses, kafka.tls and kafka.sasl", err)
		return false
	}
	all := true
	for _, b := range answer.brokers {
		bounded, cancel := context.WithTimeout(ctx, requestTimeout)
		err := c.do(bounded, c.control, &call{
			key: protocol.Metadata, versions: []int16{8}, broker: b.id,
			encode: func(w *wireWriter, _ int16) {
				w.array(0) // no topics
				for range 3 {
					w.bool(false)
				}
			},
			decode: func(*wire, int16) {},
		})
		cancel()
		if err != nil {
			all = false
			r.add(false, fmt.Sprintf("broker %d", b.id), "does not answer at %s, where the cluster says it is: %v", b.address, err)
		}
	}
	return all
}

// checkTopic compares a topic, the rights on it and its settings with what is
// wanted.
func (c *Client) checkTopic(ctx context.Context, t Topic, info topicInfo, found bool, r *report) {
	subject := "topic " + t.Name
	switch {
	case !found:
		r.add(false, subject, "does not exist; `sendwatch migrate` creates it, unless the name is wrong: correct it at %s", t.Key)
		return
	case info.err != nil:
		r.add(false, subject, "cannot be looked at: %v; the user needs the right to describe it", info.err)
		return
	}
	if t.Partitions != 0 && int(info.partitions) != t.Partitions {
		r.add(true, subject, "its number of partitions is %d, the configuration says %d; set kafka.create.partitions to what it is, or copy the topic with `sendwatch rekey`: one that grows moves numbers between partitions", info.partitions, t.Partitions)
	}
	for _, right := range []struct {
		wanted        bool
		bit           int32
		name, passive string
	}{{t.Read, operationRead, "read", "read"}, {t.Write, operationWrite, "write", "written"}} {
		if right.wanted && info.operations != operationsUnknown && info.operations&(1<<right.bit) == 0 {
			r.add(false, subject, "may not be %s by this user; grant it the right to %s", right.passive, right.name)
		}
	}
	c.checkConfig(ctx, t, info, r)
}

// What topics are held against. Messages of the roles have up to largestMessage
// bytes. mostAhead is how far before the event the contract lets a producer's
// clock be: a record further ahead moves the time of all numbers.
const (
	defaultMessageBytes = 1_048_588
	largestMessage      = 1_000_000
	mostAhead           = 5 * time.Minute
)

// checkConfig compares a topic's settings with what is wanted.
func (c *Client) checkConfig(ctx context.Context, t Topic, info topicInfo, r *report) {
	if t.MinRetention == 0 && !t.BrokerTime && !t.Write {
		return
	}
	subject := "topic " + t.Name
	settings, err := c.topicSettings(ctx, t.Name)
	if err != nil {
		r.add(true, subject, "its settings cannot be read: %v; the user may lack the right to describe them", err)
		return
	}
	number := func(name string) (int64, bool) {
		n, err := strconv.ParseInt(settings[name], 10, 64)
		return n, err == nil
	}
	alter := func(setting string) string {
		return fmt.Sprintf("kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config %s", c.config.Brokers[0], t.Name, setting)
	}
	if ms, ok := number("retention.ms"); ok && ms >= 0 && ms < 1<<40 && time.Duration(ms)*time.Millisecond < t.MinRetention {
		r.add(false, subject, "keeps records for %v, and %v are needed; raise its retention.ms to %d",
			time.Duration(ms)*time.Millisecond, t.MinRetention, t.MinRetention.Milliseconds())
	}
	if n, ok := number("retention.bytes"); ok && n >= 0 && t.MinRetention > 0 {
		r.add(true, subject, "is cut at %d bytes a partition (retention.bytes), however young its records are; records that are deleted before they are read are lost: %s",
			n, alter("retention.bytes=-1"))
	}
	switch policy := settings["cleanup.policy"]; {
	case t.Compacted && policy != "compact" && policy != "":
		r.add(false, subject, "is cut by age (cleanup.policy=%s), and the last record of each key is needed however old it is: %s", policy, alter("cleanup.policy=compact"))
	case !t.Compacted && strings.Contains(policy, "compact"):
		r.add(false, subject, "is compacted (cleanup.policy=%s): of the records of a key only the last is kept, and each one counts: %s", policy, alter("cleanup.policy=delete"))
	}
	if n, ok := number("max.message.bytes"); ok && t.Write && n < defaultMessageBytes {
		r.add(n >= largestMessage, subject, "takes messages of at most %d bytes, and one that is larger would stop a partition; set its max.message.bytes to %d, "+
			"the default of Kafka, or more", n, defaultMessageBytes)
	}
	if n, ok := number("min.insync.replicas"); ok && t.Write && info.replicas > 0 && n > int64(info.replicas) {
		r.add(false, subject, "wants %d replicas in sync (min.insync.replicas) and has %d, so that no write is ever acknowledged: %s",
			n, info.replicas, alter(fmt.Sprintf("min.insync.replicas=%d", max(1, info.replicas-1))))
	}
	if t.BrokerTime && settings["message.timestamp.type"] == "CreateTime" {
		c.checkProducerTime(subject, settings, alter, r)
	}
}

// checkProducerTime judges a topic whose records carry their producers' time. A
// clock that is ahead moves the time of every number on the partition for good,
// and Kafka 4 lets it be an hour ahead unless told otherwise.
func (c *Client) checkProducerTime(subject string, settings map[string]string, alter func(string) string, r *report) {
	ahead, err := strconv.ParseInt(settings["message.timestamp.after.max.ms"], 10, 64)
	if err == nil && ahead <= mostAhead.Milliseconds() {
		r.add(true, subject, "carries its producers' time (message.timestamp.type=CreateTime), so that a wrong clock there can make good events `future`: %s",
			alter("message.timestamp.type=LogAppendTime"))
		return
	}
	r.add(false, subject, "carries its producers' time (message.timestamp.type=CreateTime) and takes records further ahead than %v, "+
		"so that one wrong clock moves the time of all numbers: %s; or bound it: %s", mostAhead,
		alter("message.timestamp.type=LogAppendTime"), alter(fmt.Sprintf("message.timestamp.after.max.ms=%d", mostAhead.Milliseconds())))
}

// topicSettings returns a topic's settings, those that are its brokers' included.
func (c *Client) topicSettings(ctx context.Context, topic string) (map[string]string, error) {
	bounded, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := c.api.DescribeConfigs(bounded, &kafkago.DescribeConfigsRequest{
		Resources: []kafkago.DescribeConfigRequestResource{{ResourceType: kafkago.ResourceTypeTopic, ResourceName: topic}},
	})
	if err == nil && len(answer.Resources) > 0 {
		err = answer.Resources[0].Error
	}
	if err != nil {
		return nil, err
	}
	settings := map[string]string{}
	for _, r := range answer.Resources {
		for _, e := range r.ConfigEntries {
			settings[e.ConfigName] = e.ConfigValue
		}
	}
	return settings, nil
}

// checkGroup asks for a group's offsets, which takes the right to read it, and
// looks for another application in it. The coordinator may still be coming up.
func (c *Client) checkGroup(ctx context.Context, group string, r *report) {
	subject := "group " + group
	var pause retry.Backoff
	for {
		coordinator, err := c.findCoordinator(ctx, group)
		if err == nil {
			_, err = c.committedOffsets(ctx, coordinator, group, "", nil)
		}
		if err == nil {
			if foreign := c.foreigners(ctx, coordinator, group); foreign != nil {
				r.add(false, subject, "is not ours alone: %v", foreign)
			}
			return
		}
		reaction := c.react(err)
		if reaction != again && reaction != relocate || pause.Tries() > 8 || pause.Wait(ctx) != nil {
			if errors.Is(err, kafkago.GroupAuthorizationFailed) {
				r.add(false, subject, "cannot be used: %v; the user needs the right to read the group", err)
			} else {
				r.add(false, subject, "cannot be used: %v", err)
			}
			return
		}
	}
}
