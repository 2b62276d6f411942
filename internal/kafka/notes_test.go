package kafka

import (
	"errors"
	"strings"
	"testing"

	kafkago "github.com/segmentio/kafka-go"

	"sendwatch/internal/event"
	"sendwatch/internal/retry"
)

// keepsNotes writes and reads notes of two partitions, as another process would.
func keepsNotes(t *testing.T, brokers []string, topic string) {
	client := ours(t, brokers)
	create(t, client, topic, 2)
	notes := client.NewNotes(topic)
	want := map[int32]event.Note{1: {Offset: 7, Text: `{"lost":` + strings.Repeat("x", 3_000) + `}`}}
	var pause retry.Backoff
	for { // the coordinator of a new group may still be on its way
		err := notes.Save(bounded(t), topic, 1, want[1])
		if err == nil {
			break
		}
		if !errors.Is(err, kafkago.GroupCoordinatorNotAvailable) && !errors.Is(err, kafkago.NotCoordinatorForGroup) && !errors.Is(err, kafkago.GroupLoadInProgress) {
			t.Fatal(err)
		}
		if err := pause.Wait(bounded(t)); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []event.Note{want[1], {Offset: 9}} {
		if err := notes.Save(bounded(t), topic, 1, step); err != nil {
			t.Fatal(err)
		}
		got, err := ours(t, brokers).NewNotes(topic).Load(bounded(t), topic)
		if err != nil || len(got) != 2 || got[0] != (event.Note{}) || got[1] != step {
			t.Fatalf("kept are %v: %v, want %v of partition 1", got, err, step)
		}
	}
}
