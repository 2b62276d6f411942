package apachekafka_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"sendwatch/internal/embedded/apachekafka"
	"sendwatch/internal/embedded/embeddedtest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// metadata asks a listener for the cluster, which needs a login where there is
// one.
func metadata(t *testing.T, addr string, login sasl.Mechanism, trust *tls.Config) error {
	t.Helper()
	transport := &kafka.Transport{SASL: login, TLS: trust, DialTimeout: 5 * time.Second}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(addr), Transport: transport}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	resp, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err == nil && len(resp.Brokers) != 1 {
		return errors.New("the cluster has no broker")
	}
	return err
}

func TestListeners(t *testing.T) {
	b := embeddedtest.ApacheKafka(t)
	u := embeddedtest.KafkaUser()
	login := plain.Mechanism{Username: u.Name, Password: u.Password}
	scramLogin, err := scram.Mechanism(scram.SHA512, u.Name, u.Password)
	if err != nil {
		t.Fatal(err)
	}
	wrong := plain.Mechanism{Username: u.Name, Password: "guessed"}
	for _, c := range []struct {
		name, addr string
		login      sasl.Mechanism
		trust      *tls.Config
		fails      bool
	}{
		{"plaintext", b.Addr(), nil, nil, false},
		{"plain login", b.SASLAddr(), login, nil, false},
		{"scram login", b.SASLAddr(), scramLogin, nil, false},
		{"wrong password", b.SASLAddr(), wrong, nil, true},
		{"no login", b.SASLAddr(), nil, nil, true},
		{"tls", b.TLSAddr(), nil, b.ClientTLS(), false},
		{"tls, not trusted", b.TLSAddr(), nil, &tls.Config{}, true},
		{"tls and login", b.SASLTLSAddr(), login, b.ClientTLS(), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := metadata(t, c.addr, c.login, c.trust); (err != nil) != c.fails {
				t.Errorf("error %v, expected one: %t", err, c.fails)
			}
		})
	}
}

// TestFaults kills, restarts, pauses and stops one broker.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a broker three times")
	}
	embeddedtest.ApacheKafka(t) // Skips where Kafka cannot run.
	b, err := apachekafka.Start(t.Context(), apachekafka.Config{Properties: map[string]string{"num.partitions": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	defer func() {
		if !closed {
			_ = b.Close()
		}
	}()
	folder := filepath.Dir(b.LogFile())

	write := func(value string) error {
		w := &kafka.Writer{
			Addr: kafka.TCP(b.Addr()), Topic: "t", RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
			Transport: &kafka.Transport{},
		}
		return errors.Join(w.WriteMessages(t.Context(), kafka.Message{Value: []byte(value)}), w.Close())
	}
	created, err := (&kafka.Client{Addr: kafka.TCP(b.Addr())}).CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: "t", NumPartitions: -1, ReplicationFactor: -1}},
	})
	if err := errors.Join(err, created.Errors["t"]); err != nil {
		t.Fatal(err)
	}
	if err := write("before"); err != nil {
		t.Fatal(err)
	}
	if err := b.Kill(); err != nil {
		t.Fatal(err)
	}
	if conn, err := net.Dial("tcp", b.Addr()); err == nil {
		_ = conn.Close()
		t.Error("a killed broker accepts connections")
	}
	if err := b.Kill(); err == nil {
		t.Error("a broker was killed twice")
	}
	if err := b.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Restart(t.Context()); err == nil {
		t.Error("a running broker was started")
	}

	if err := b.Pause(); err != nil {
		t.Fatal(err)
	}
	impatient, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	conn, err := kafka.DialContext(impatient, "tcp", b.Addr())
	if err == nil {
		deadline, _ := impatient.Deadline()
		if err = conn.SetDeadline(deadline); err == nil {
			_, err = conn.ReadPartitions("t")
		}
		_ = conn.Close()
	}
	cancel()
	if err == nil {
		t.Error("a paused broker answered")
	}
	if err := b.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := write("after"); err != nil {
		t.Fatal(err)
	}

	r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{b.Addr()}, Topic: "t", MaxWait: 10 * time.Millisecond})
	for _, want := range []string{"before", "after"} {
		m, err := r.ReadMessage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if string(m.Value) != want {
			t.Errorf("read %q, expected %q", m.Value, want)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}

	if err := b.Stop(); err != nil {
		t.Error(err)
	}
	closed = true
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the broker's folder is still there: %v", err)
	}
}

func TestUsersAreChecked(t *testing.T) {
	for _, u := range []apachekafka.User{{}, {Name: "a b"}, {Name: "a", Password: "x,y"}} {
		if b, err := apachekafka.Start(t.Context(), apachekafka.Config{Users: []apachekafka.User{u}}); err == nil {
			_ = b.Close()
			t.Errorf("user %q was accepted", u.Name)
		}
	}
}
