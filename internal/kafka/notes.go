package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"

	"sendwatch/internal/event"
	"sendwatch/internal/retry"
)

// Notes keeps a short text and an offset for each partition of a topic, durably, as the
// committed offsets of a consumer group that never has members. A broker drops what has
// not been written again for offsets.retention.minutes, a week by default.
type Notes struct {
	client *Client
	group  string
}

// NewNotes returns the notes that are kept beside a group: as offsets of the group whose
// id is this one's with ".incidents" behind it. It dials nothing.
func (c *Client) NewNotes(beside string) *Notes {
	return &Notes{client: c, group: beside + ".incidents"}
}

// Load returns the notes of a topic's partitions; of one without, the zero Note.
func (n *Notes) Load(ctx context.Context, topic string) (map[int32]event.Note, error) {
	info, err := n.client.topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	partitions := make([]int, info.partitions)
	for p := range partitions {
		partitions[p] = p
	}
	var answer *kafkago.OffsetFetchResponse
	err = n.ask(ctx, func() (err error) {
		answer, err = n.client.api.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: n.group, Topics: map[string][]int{topic: partitions}})
		if err != nil {
			return err
		}
		return passing(answer.Error)
	})
	if err != nil {
		return nil, fmt.Errorf("offsets of group %s: %w", n.group, err)
	}
	if errors.Is(answer.Error, kafkago.GroupIdNotFound) {
		return map[int32]event.Note{}, nil // some brokers say so of a group without offsets
	}
	if answer.Error != nil {
		return nil, fmt.Errorf("offsets of group %s: %w", n.group, answer.Error)
	}
	notes := map[int32]event.Note{}
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("offset of group %s, %s partition %d: %w", n.group, topic, p.Partition, p.Error)
		}
		notes[int32(p.Partition)] = event.Note{Offset: max(0, p.CommittedOffset), Text: p.Metadata}
	}
	return notes, nil
}

// Save replaces the note of a partition. Brokers take 4,096 bytes of text by default
// (offset.metadata.max.bytes).
func (n *Notes) Save(ctx context.Context, topic string, partition int32, note event.Note) error {
	var answer *kafkago.OffsetCommitResponse
	err := n.ask(ctx, func() (err error) {
		answer, err = n.client.api.OffsetCommit(ctx, &kafkago.OffsetCommitRequest{
			GroupID: n.group, GenerationID: -1, // of no member
			Topics: map[string][]kafkago.OffsetCommit{topic: {{Partition: int(partition), Offset: note.Offset, Metadata: note.Text}}},
		})
		if err != nil {
			return err
		}
		for _, p := range answer.Topics[topic] {
			err = cmp.Or(err, passing(p.Error))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("commit an offset of group %s: %w", n.group, err)
	}
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return fmt.Errorf("commit an offset of group %s, %s partition %d: %w", n.group, topic, partition, p.Error)
		}
	}
	return nil
}

// noteTries is how often a request for notes is made while its failure is one that
// passes: brokers end connections for reasons of their own (a SASL session's end,
// KIP-368), and coordinators move.
const noteTries = 4

// ask makes a request, and again for as long as it may succeed then.
func (n *Notes) ask(ctx context.Context, request func() error) error {
	var pause retry.Backoff
	for {
		err := request()
		if err == nil || pause.Tries()+1 >= noteTries {
			return err
		}
		if do := n.client.react(err); do != again && do != relocate {
			return err
		}
		if pause.Wait(ctx) != nil {
			return err
		}
	}
}

// passing returns an error of an answer that may be gone at the next try, else nil.
func passing(err error) error {
	if code, ok := errors.AsType[kafkago.Error](err); ok && code.Temporary() {
		return err
	}
	return nil
}
