package tlsfile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// issue makes a certificate for localhost that signs itself, in PEM with its key.
func issue(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// replace puts data in the place of a file, with a time of its own: a file system
// may count in whole seconds.
func replace(t *testing.T, name string, data []byte, at time.Time) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, at, at); err != nil {
		t.Fatal(err)
	}
}

// handshake connects a client to a server and returns the serial number that the
// client saw.
func handshake(t *testing.T, client, server *tls.Config) (int64, error) {
	t.Helper()
	a, b := net.Pipe()
	served := make(chan error, 1)
	go func() {
		s := tls.Server(b, server)
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("x"))
		}
		served <- err
	}()
	client = client.Clone()
	client.ServerName = "localhost"
	c := tls.Client(a, client)
	err := c.Handshake()
	if err == nil {
		_, err = c.Read(make([]byte, 1))
	}
	_ = a.Close()
	if serveErr := <-served; err == nil {
		err = serveErr
	}
	if err != nil {
		return 0, err
	}
	return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
}

// TestRenewedCertificatesCount replaces authorities, certificate and key in place,
// one after the other, as a renewal does: each new connection works.
func TestRenewedCertificatesCount(t *testing.T) {
	dir := t.TempDir()
	ca, cert, key := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	at := time.Now().Add(-time.Minute)
	oldCert, oldKey := issue(t, 1)
	replace(t, ca, oldCert, at)
	replace(t, cert, oldCert, at)
	replace(t, key, oldKey, at)
	client, err := Client("kafka.tls", Files{Enabled: true, CAFile: ca, CertFile: cert, KeyFile: key})
	if err != nil {
		t.Fatal(err)
	}
	server, err := Server("gateway.tls", cert, key, ca)
	if err != nil {
		t.Fatal(err)
	}
	connects := func(want int64) {
		t.Helper()
		if got, err := handshake(t, client.Config(), server); err != nil || got != want {
			t.Fatalf("serial number %d, %v, want %d", got, err, want)
		}
	}
	connects(1)
	newCert, newKey := issue(t, 2)
	at = at.Add(time.Second)
	replace(t, ca, bytes.Join([][]byte{oldCert, newCert}, nil), at)
	connects(1)
	replace(t, cert, newCert, at) // without its key: half a renewal
	connects(1)
	replace(t, key, newKey, at)
	connects(2)
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	connects(2)
}

// TestClientsWithoutACertificateAreRefused where the server wants one.
func TestClientsWithoutACertificateAreRefused(t *testing.T) {
	dir := t.TempDir()
	cert, key := issue(t, 1)
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	replace(t, certFile, cert, time.Now())
	replace(t, keyFile, key, time.Now())
	server, err := Server("gateway.tls", certFile, keyFile, certFile)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := Client("x", Files{Enabled: true, CAFile: certFile})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := handshake(t, stranger.Config(), server); err == nil {
		t.Error("a client without a certificate was let in")
	}
}

func TestMistakesAreNamedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	replace(t, empty, nil, time.Now())
	for want, f := range map[string]Files{
		"kafka.tls.ca_file: open":                              {Enabled: true, CAFile: filepath.Join(dir, "none")},
		"empty.pem holds no certificate; name a PEM file":      {Enabled: true, CAFile: empty},
		"kafka.tls.cert_file, kafka.tls.key_file: tls: failed": {Enabled: true, CertFile: empty, KeyFile: empty},
	} {
		if _, err := Client("kafka.tls", f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", f, err, want)
		}
	}
	if s, err := Client("kafka.tls", Files{CAFile: "none"}); s != nil || err != nil || s.Config() != nil {
		t.Errorf("TLS that is off: %v, %v", s, err)
	}
}
