package embeddedtest

import (
	"context"
	"os"
	"testing"

	"sendwatch/internal/embedded/apachekafka"
	"sendwatch/internal/embedded/fetch"
)

// KafkaUser is the user of the shared Apache Kafka, on its listeners with SASL.
func KafkaUser() apachekafka.User {
	return apachekafka.User{Name: "tester", Password: "only for tests"}
}

// ApacheKafka returns the shared Apache Kafka of this test binary. It has
// listeners in plaintext, with SASL (KafkaUser), with TLS and with both. A test
// that stops or pauses a broker starts one of its own with apachekafka.Start.
// Topics are shared as well: a test makes its own, named after itself.
func ApacheKafka(t testing.TB) *apachekafka.Broker {
	t.Helper()
	b, err := get(&shared, &shared.kafka, startApacheKafka)
	need(t, "Apache Kafka", err)
	return b
}

func startApacheKafka(ctx context.Context) (*apachekafka.Broker, func() error, error) {
	b, err := apachekafka.Start(ctx, apachekafka.Config{
		Users: []apachekafka.User{KafkaUser()}, TLS: true, Report: fetch.Bar(os.Stderr),
	})
	if err != nil {
		return nil, nil, err
	}
	return b, b.Close, nil
}

// OwnApacheKafka starts a broker that the test may stop, pause and break, and that ends
// with it. Where there can be none, the test is skipped as with ApacheKafka.
func OwnApacheKafka(t testing.TB, cfg apachekafka.Config) *apachekafka.Broker {
	t.Helper()
	cfg.Report = fetch.Bar(os.Stderr)
	b, err := apachekafka.Start(t.Context(), cfg)
	need(t, "Apache Kafka", err)
	t.Cleanup(func() { _ = b.Close() }) // its data is temporary
	return b
}
