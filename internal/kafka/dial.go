package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// dialTimeout bounds connecting, the TLS handshake included.
const dialTimeout = 5 * time.Second

// dialer opens connections to brokers. It does TLS itself, so that certificates
// that were renewed in place count from the next connection on: kafka-go would
// keep those of the start.
type dialer struct {
	open    DialFunc
	brokers []string
	files   tlsFiles
}

func newDialer(config *Config) (*dialer, error) {
	d := &dialer{open: config.Dial, brokers: config.Brokers, files: tlsFiles{config: config.TLS}}
	if _, err := d.files.current(); err != nil {
		return nil, err // at the start a mistake in the configuration is worth ending for
	}
	return d, nil
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
	config, err := d.files.current()
	if err == nil && config != nil {
		config = config.Clone()
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(address)
		}
		secure := tls.Client(conn, config)
		if err = secure.HandshakeContext(ctx); err == nil {
			return secure, nil
		}
		err = fmt.Errorf("TLS with %s: %w", address, err)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// tlsFiles loads the files that a TLS configuration names and does so again when
// one has changed. While a renewal is half done (a new certificate beside the old
// key) what was loaded before stays. It is safe for concurrent use.
type tlsFiles struct {
	config TLS
	mu     sync.Mutex
	loaded *tls.Config
	stamps [3]fileStamp
}

// fileStamp is what changes when a file is replaced. Kubernetes renames a link
// above the file, which os.Stat follows.
type fileStamp struct {
	modified time.Time
	size     int64
}

// current returns the configuration to connect with, nil without TLS.
func (f *tlsFiles) current() (*tls.Config, error) {
	if !f.config.Enabled {
		return nil, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var stamps [3]fileStamp
	for i, name := range []string{f.config.CAFile, f.config.CertFile, f.config.KeyFile} {
		if name == "" {
			continue
		}
		if info, err := os.Stat(name); err == nil {
			stamps[i] = fileStamp{info.ModTime(), info.Size()}
		}
	}
	if f.loaded != nil && stamps == f.stamps {
		return f.loaded, nil
	}
	loaded, err := f.config.load()
	if err != nil {
		if f.loaded != nil {
			return f.loaded, nil
		}
		return nil, err
	}
	f.loaded, f.stamps = loaded, stamps
	return loaded, nil
}
