package tlsfile

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"
)

// Files says how a client encrypts its connections. Without a CAFile the system's
// authorities count; CertFile and KeyFile, given together, are shown to the server.
type Files struct {
	Enabled    bool
	CAFile     string // PEM
	CertFile   string // PEM, with KeyFile
	KeyFile    string
	ServerName string // empty: the host of the address
}

// Source is a configuration that follows its files. A nil *Source is no TLS.
type Source struct {
	names []string // of the files, empty ones left out
	load  func() (*tls.Config, error)

	mu     sync.Mutex
	loaded *tls.Config
	stamps []stamp
}

// stamp is what changes when a file is replaced. Kubernetes renames a link above
// the file, which os.Stat follows.
type stamp struct {
	modified time.Time
	size     int64
}

// Client reads the files of a client, nil if TLS is off. key is the part of the
// configuration that errors name, such as "kafka.tls".
func Client(key string, f Files) (*Source, error) {
	if !f.Enabled {
		return nil, nil //nolint:nilnil // no TLS is a valid answer
	}
	return open([]string{f.CAFile, f.CertFile, f.KeyFile}, func() (*tls.Config, error) {
		c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.ServerName}
		var err error
		if c.RootCAs, err = authorities(key+".ca_file", f.CAFile); err != nil {
			return nil, err
		}
		return c, present(key, f.CertFile, f.KeyFile, c)
	})
}

// Server reads the certificate of a server and, unless clientCAFile is empty, whose
// certificates clients must show; nil without a certificate. The result follows the
// files by itself.
func Server(key, certFile, keyFile, clientCAFile string) (*tls.Config, error) {
	if certFile == "" {
		return nil, nil //nolint:nilnil // no TLS is a valid answer
	}
	s, err := open([]string{certFile, keyFile, clientCAFile}, func() (*tls.Config, error) {
		c := &tls.Config{MinVersion: tls.VersionTLS12}
		var err error
		if c.ClientCAs, err = authorities(key+".client_ca_file", clientCAFile); err != nil {
			return nil, err
		}
		if c.ClientCAs != nil {
			c.ClientAuth = tls.RequireAndVerifyClientCert
		}
		return c, present(key, certFile, keyFile, c)
	})
	if err != nil {
		return nil, err
	}
	outer := s.Config().Clone()
	outer.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.Config(), nil }
	return outer, nil
}

func open(names []string, load func() (*tls.Config, error)) (*Source, error) {
	s := &Source{load: load}
	for _, name := range names {
		if name != "" {
			s.names = append(s.names, name)
		}
	}
	s.stamps = s.look() // before reading: a change in between is noticed
	var err error
	s.loaded, err = load()
	return s, err
}

// look returns the stamps of the files.
func (s *Source) look() []stamp {
	stamps := make([]stamp, len(s.names))
	for i, name := range s.names {
		if info, err := os.Stat(name); err == nil {
			stamps[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return stamps
}

// Config returns the configuration to connect with now, nil for no TLS. The caller
// does not change it.
func (s *Source) Config() *tls.Config {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.look()
	changed := false
	for i := range now {
		changed = changed || now[i] != s.stamps[i]
	}
	if !changed {
		return s.loaded
	}
	// While a renewal is half done the stamps stay, so that it is tried again.
	if loaded, err := s.load(); err == nil {
		s.loaded, s.stamps = loaded, now
	}
	return s.loaded
}

// authorities reads certificates of authorities, nil for no file.
func authorities(key, file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // the system's authorities then
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; name a PEM file of certificate authorities", key, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: %s holds no certificate; name a PEM file of certificate authorities", key, file)
	}
	return pool, nil
}

// present adds a certificate and its key to a configuration, if they are named.
func present(key, certFile, keyFile string, c *tls.Config) error {
	if certFile == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return fmt.Errorf("%s.cert_file, %s.key_file: %w; name a certificate and its key, both PEM", key, key, err)
	}
	c.Certificates = []tls.Certificate{pair}
	return nil
}
