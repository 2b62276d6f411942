package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"time"

	"sendwatch/internal/tlsfile"
)

// dialTimeout bounds connecting, the TLS handshake included.
const dialTimeout = 5 * time.Second

// dialer opens connections to brokers. It does TLS itself, so that certificates
// that were renewed in place count from the next connection on: kafka-go would
// keep those of the start.
type dialer struct {
	open    DialFunc
	brokers []string
	tls     *tlsfile.Source
}

func newDialer(config *Config) (*dialer, error) {
	files, err := tlsfile.Client("kafka.tls", config.TLS)
	if err != nil {
		return nil, err
	}
	return &dialer{open: config.Dial, brokers: config.Brokers, tls: files}, nil
}

// AdvertisedError says that a broker that answered named another that cannot be
// reached: the commonest mistake with brokers in containers.
type AdvertisedError struct {
	Address string
	Cause   error
}

// Error names the address and the setting behind it.
func (e *AdvertisedError) Error() string {
	return fmt.Sprintf("the cluster names a broker at %s, and that address cannot be reached from here: %v; "+
		"look at advertised.listeners of the broker, it has to be an address that this machine reaches", e.Address, e.Cause)
}

// Unwrap returns why the address could not be reached.
func (e *AdvertisedError) Unwrap() error { return e.Cause }

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := d.open(ctx, network, address)
	if err != nil {
		if !slices.Contains(d.brokers, address) {
			return nil, &AdvertisedError{Address: address, Cause: err}
		}
		return nil, err
	}
	if config := d.tls.Config(); config != nil {
		config = config.Clone()
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(address)
		}
		secure := tls.Client(conn, config)
		if err = secure.HandshakeContext(ctx); err == nil {
			return secure, nil
		}
		_ = conn.Close()
		return nil, fmt.Errorf("TLS with %s: %w", address, err)
	}
	return conn, nil
}
