package kafka

import (
	"context"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"
)

// Notes keeps a short text and an offset for each partition of a topic, durably, as the
// committed offsets of a consumer group that never has members. A broker drops what has
// not been written again for offsets.retention.minutes, a week by default.
type Notes struct {
	client *Client
	group  string
}

// Note is what is kept of one partition. Brokers take 4,096 bytes of text by default
// (offset.metadata.max.bytes).
type Note struct {
	Offset int64 // at least 0
	Text   string
}

// NewNotes returns the notes that are kept under a group id. It dials nothing.
func (c *Client) NewNotes(group string) *Notes { return &Notes{client: c, group: group} }

// Load returns the notes of a topic's partitions; of one without, the zero Note.
func (n *Notes) Load(ctx context.Context, topic string) (map[int32]Note, error) {
	info, err := n.client.topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	partitions := make([]int, info.partitions)
	for p := range partitions {
		partitions[p] = p
	}
	answer, err := n.client.api.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: n.group, Topics: map[string][]int{topic: partitions}})
	if err != nil {
		return nil, fmt.Errorf("offsets of group %s: %w", n.group, err)
	}
	if answer.Error != nil {
		return nil, fmt.Errorf("offsets of group %s: %w", n.group, answer.Error)
	}
	notes := map[int32]Note{}
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("offset of group %s, %s partition %d: %w", n.group, topic, p.Partition, p.Error)
		}
		notes[int32(p.Partition)] = Note{Offset: max(0, p.CommittedOffset), Text: p.Metadata}
	}
	return notes, nil
}

// Save replaces the note of a partition.
func (n *Notes) Save(ctx context.Context, topic string, partition int32, note Note) error {
	answer, err := n.client.api.OffsetCommit(ctx, &kafkago.OffsetCommitRequest{
		GroupID: n.group, GenerationID: -1, // of no member
		Topics: map[string][]kafkago.OffsetCommit{topic: {{Partition: int(partition), Offset: note.Offset, Metadata: note.Text}}},
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
