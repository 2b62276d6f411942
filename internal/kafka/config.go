package kafka

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"sendwatch/internal/tlsfile"
)

// Config says how to reach a cluster. The zero value of every field but Brokers
// is a default that works.
type Config struct {
	Brokers  []string // host:port, at least one; the others are found through it
	ClientID string   // shown in the broker's logs and quotas; default `sendwatch`
	TLS      tlsfile.Files
	SASL     SASL

	MaxWait         time.Duration // longest wait for new records; default 500 ms
	MaxBytes        int           // of a fetch as it comes off the wire; default 1 MiB
	MaxDecompressed int           // of what one Fetch returns, once decompressed; default 32 MiB
	// MaxBatchDecompressed bounds a single batch, which is handed out in portions
	// when it is larger than MaxDecompressed; default 1 GiB. Brokers bound batches
	// by their compressed size only (message.max.bytes), and a producer that fills
	// one of 10 MiB with events that compress well stays below this. Beyond it the
	// rest of the batch counts as unreadable.
	MaxBatchDecompressed int64
	MaxBatch             int   // uncompressed bytes of a batch written; default 512 KiB
	Compression          Codec // of batches written; default LZ4
	// Compressions holds by topic what is written otherwise than by Compression.
	Compressions map[string]Codec
	Session      time.Duration // without a heartbeat for so long a member is dead; default 10 s
	Rebalance    time.Duration // time a group has to gather; default 30 s
	Refresh      time.Duration // which brokers there are is asked again at a random moment within this; default 2 s
	Logger       *slog.Logger  // default slog.Default
	// Retried is told the topic of every write that failed and is tried again.
	Retried func(topic string)
	// Dial replaces the network, for tests.
	Dial DialFunc
}

// SASL is on when Mechanism is not empty: `PLAIN`, `SCRAM-SHA-256` or
// `SCRAM-SHA-512`.
type SASL struct {
	Mechanism, User, Password string
}

// withDefaults fills in what was left zero.
func (c Config) withDefaults() Config {
	c.ClientID = cmp.Or(c.ClientID, "sendwatch")
	c.MaxWait = cmp.Or(c.MaxWait, 500*time.Millisecond)
	c.MaxBytes = cmp.Or(c.MaxBytes, 1<<20)
	c.MaxDecompressed = cmp.Or(c.MaxDecompressed, 32<<20)
	c.MaxBatchDecompressed = cmp.Or(c.MaxBatchDecompressed, 1<<30)
	c.MaxBatch = cmp.Or(c.MaxBatch, 512<<10)
	c.Compression = cmp.Or(c.Compression, LZ4)
	c.Session = cmp.Or(c.Session, 10*time.Second)
	c.Rebalance = cmp.Or(c.Rebalance, 30*time.Second)
	c.Refresh = cmp.Or(c.Refresh, 2*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.Dial == nil {
		c.Dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	return c
}

// validate names everything that is wrong at once.
func (c *Config) validate() error {
	var errs []error
	if len(c.Brokers) == 0 {
		errs = append(errs, errors.New("kafka.brokers: none given; name at least one as host:port"))
	}
	for _, b := range c.Brokers {
		if _, port, err := net.SplitHostPort(b); err != nil || port == "" {
			errs = append(errs, fmt.Errorf("kafka.brokers: %q is no host:port", b))
		}
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		errs = append(errs, errors.New("kafka.tls: a certificate and its key go together; give both or none"))
	}
	return errors.Join(errs...)
}

// mechanism returns kafka-go's form of s; nil without SASL.
func (s SASL) mechanism() (sasl.Mechanism, error) {
	switch strings.ToUpper(s.Mechanism) {
	case "":
		return nil, nil
	case "PLAIN":
		return plain.Mechanism{Username: s.User, Password: s.Password}, nil
	case "SCRAM-SHA-256":
		return scramMechanism(scram.SHA256, s)
	case "SCRAM-SHA-512":
		return scramMechanism(scram.SHA512, s)
	}
	return nil, fmt.Errorf("kafka.sasl.mechanism: %q is not known; PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are", s.Mechanism)
}

func scramMechanism(algorithm scram.Algorithm, s SASL) (sasl.Mechanism, error) {
	m, err := scram.Mechanism(algorithm, s.User, s.Password)
	if err != nil {
		// The library's error may quote what it could not prepare.
		return nil, errors.New("kafka.sasl: the user name or password holds characters that SCRAM does not allow")
	}
	return m, nil
}
