package embeddedtest

import (
	"testing"

	"sendwatch/internal/embedded/memkafka"
)

// Kafka starts an in-process broker for this test alone, with these topics.
// It is closed when the test ends.
func Kafka(t testing.TB, topics ...memkafka.Topic) *memkafka.Broker {
	t.Helper()
	b, err := memkafka.Start(memkafka.Config{Topics: topics})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}
