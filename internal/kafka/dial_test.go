package kafka

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/embedded/memkafka"
	"sendwatch/internal/event"
	"sendwatch/internal/tlsfile"
)

// TestAnAdvertisedAddressIsNamed: the configured address answers, the one that the
// broker gives for itself does not.
func TestAnAdvertisedAddressIsNamed(t *testing.T) {
	broker := embeddedtest.Kafka(t, memkafka.Topic{Name: "in", Partitions: 1})
	const configured = "bootstrap.example:9092"
	client := ours(t, []string{configured}, func(c *Config) {
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != configured {
				return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
			}
			return new(net.Dialer).DialContext(ctx, network, broker.Addrs()[0])
		}
	})
	problems := client.Check(bounded(t), []Topic{{Name: "in"}}, []string{"group"})
	if len(problems) != 1 || problems[0].Warning {
		t.Fatalf("problems: %v", problems)
	}
	_, err := client.CreateMissing(bounded(t), []Topic{{Name: "out"}})
	if err == nil {
		t.Fatal("topics were created through a broker that cannot be reached")
	}
	for _, text := range []string{problems[0].String(), err.Error()} {
		if !strings.Contains(text, broker.Addrs()[0]) || !strings.Contains(text, "advertised.listeners") {
			t.Errorf("%q names neither the address nor the setting", text)
		}
	}
}

// shortLived is a connection that the other end closes a while after it was made,
// at the next request, as brokers end SASL sessions (connections.max.reauth.ms,
// KIP-368). kafka-go does not authenticate again on a connection.
type shortLived struct {
	net.Conn
	ends time.Time
}

// Write closes the connection if its time is over.
func (s *shortLived) Write(b []byte) (int, error) {
	if time.Now().After(s.ends) {
		_ = s.Close()
		return len(b), nil // a peer's end is only seen by reading
	}
	return s.Conn.Write(b)
}

// Read reports a closed connection as an end.
func (s *shortLived) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if errors.Is(err, net.ErrClosed) {
		err = io.EOF
	}
	return n, err
}

// TestConnectionsThatEndDoNotRebalance ends every connection after half a second: the
// member reads and writes on, in one generation.
func TestConnectionsThatEndDoNotRebalance(t *testing.T) {
	var dials atomic.Int32
	_, client, _ := fake(t, 1, func(c *Config) {
		c.Session, c.Rebalance = 6*time.Second, 6*time.Second
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &shortLived{conn, time.Now().Add(500 * time.Millisecond)}, nil
		}
	})
	ctx, stop := context.WithCancel(bounded(t))
	var joined, read atomic.Int32
	done := make(chan error, 1)
	go func() {
		done <- client.NewGroup(GroupConfig{ID: "g", Topic: "in", Joined: func() { joined.Add(1) }}).Run(ctx, func(ctx context.Context, c *Claim) error {
			_, err := c.Open(ctx, -1)
			for err == nil && ctx.Err() == nil {
				var b *event.Batch
				if b, err = c.Fetch(ctx); err == nil {
					read.Add(int32(len(b.Records)))
					err = c.Commit(b.Next)
				}
			}
			return endOf(ctx, err)
		})
	}()
	producer, before := client.NewProducer(), int32(0)
	written := int32(0)
	for start := time.Now(); time.Since(start) < 6*time.Second; written++ {
		if err := producer.Produce(ctx, "in", []event.Message{{Value: []byte("v")}}); err != nil {
			t.Fatal(err)
		}
		embeddedtest.Eventually(t, 2*time.Second, "the record is read", func() bool { return read.Load() > written })
		if written == 0 {
			before = dials.Load()
		}
	}
	if dials.Load()-before < 8 {
		t.Fatalf("%d connections in six seconds, of half a second each: the test proves nothing", dials.Load()-before)
	}
	if joined.Load() != 1 || read.Load() != written {
		t.Errorf("joined %d times, read %d of %d records", joined.Load(), read.Load(), written)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// authority signs certificates for a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert: cert, key: key, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// issue returns a certificate for 127.0.0.1 and its key, in PEM.
func (a *authority) issue(t *testing.T, name string, serial int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &private.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

// TestCertificatesAreRenewedInPlace replaces a client's certificate and key, one file
// after the other: the next connection shows the new one, and in between, with a
// certificate that does not fit its key, the old one goes on.
func TestCertificatesAreRenewedInPlace(t *testing.T) {
	ca := newAuthority(t)
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	serverCert, serverKey := ca.issue(t, "broker", 2)
	pair, err := tls.X509KeyPair(serverCert, serverKey)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	shown := map[string]int{}
	broker, err := memkafka.Start(memkafka.Config{
		Topics: []memkafka.Topic{{Name: "in", Partitions: 1}},
		TLS: &tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
			VerifyConnection: func(s tls.ConnectionState) error {
				mu.Lock()
				defer mu.Unlock()
				shown[s.PeerCertificates[0].Subject.CommonName]++
				return nil
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	oldCert, oldKey := ca.issue(t, "old", 3)
	newCert, newKey := ca.issue(t, "new and longer", 4) // so that sizes differ whatever the clock of the disk
	config := tlsfile.Files{Enabled: true, CAFile: file("ca.pem", ca.pem), CertFile: file("cert.pem", oldCert), KeyFile: file("key.pem", oldKey)}
	client := ours(t, broker.Addrs(), func(c *Config) { c.TLS = config })
	connect := func() {
		t.Helper()
		client.Close() // the connections, not the client
		if _, err := client.offset(bounded(t), "in", 0, logEnd); err != nil {
			t.Fatal(err)
		}
	}
	count := func(name string) int {
		mu.Lock()
		defer mu.Unlock()
		return shown[name]
	}
	connect()
	file("cert.pem", newCert)
	before := count("old")
	connect()
	if count("old") == before || count("new and longer") != 0 {
		t.Errorf("half renewed: shown were %v", shown)
	}
	file("key.pem", newKey)
	connect()
	if count("new and longer") == 0 {
		t.Errorf("renewed: shown were %v", shown)
	}
}
