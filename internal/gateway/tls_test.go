package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// certificate makes a certificate for loopback, signed by the parent or by itself.
func certificate(t *testing.T, name string, parent *tls.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	draft := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: parent == nil,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	signer, by := draft, any(key)
	if parent != nil {
		signer, by = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, draft, signer, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// TestClientCertificates takes a body of a client whose certificate is of the right
// authority, and of no other.
func TestClientCertificates(t *testing.T) {
	authority, other := certificate(t, "authority", nil), certificate(t, "other", nil)
	trusted := x509.NewCertPool()
	trusted.AddCert(authority.Leaf)
	w := new(log)
	_, address := start(t, Config{Writer: w, TLS: &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate(t, "server", &authority)},
		ClientCAs: trusted, ClientAuth: tls.RequireAndVerifyClientCert,
	}})
	address = strings.Replace(address, "http:", "https:", 1) + "/v1/webhooks/whapi"
	for _, c := range []struct {
		name string
		own  []tls.Certificate
		want int // 0: no answer
	}{
		{"of the authority", []tls.Certificate{certificate(t, "client", &authority)}, http.StatusOK},
		{"of another", []tls.Certificate{certificate(t, "client", &other)}, 0},
		{"none", nil, 0},
	} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: trusted, Certificates: c.own}}
		client := &http.Client{Transport: transport}
		body := strings.NewReader(`{"statuses":[{"id":"1","status":"read","recipient_id":"447700900123@s.whatsapp.net","timestamp":"1795860000"}],"channel_id":"C"}`)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, body)
		if err != nil {
			t.Fatal(err)
		}
		status := 0
		if answer, err := client.Do(r); err == nil {
			status = answer.StatusCode
			_ = answer.Body.Close()
		}
		transport.CloseIdleConnections()
		if written := len(w.events(t)); status != c.want || (written > 0) != (c.want == http.StatusOK) {
			t.Errorf("a certificate %s: %d, %d events", c.name, status, written)
		}
	}
}
