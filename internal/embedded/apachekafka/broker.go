package apachekafka

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"sendwatch/internal/embedded/fetch"
	"sendwatch/internal/embedded/scratch"
)

// Broker is a running Apache Kafka, or one that was stopped and can be
// restarted. Its methods must not be called at the same time.
type Broker struct {
	cfg      Config
	jars     string
	folder   *scratch.Dir
	files    files
	at       listeners
	identity *identity
	process  *process // process is nil while the broker is stopped.
}

// startAttempts is how often ports are chosen: another process may take one
// between choosing and listening.
const startAttempts = 3

// Start fetches the jars if needed, prepares a temporary folder, and starts a
// broker. It returns once the broker answers, or with its log in the error.
func Start(ctx context.Context, cfg Config) (*Broker, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.HeapMB <= 0 {
		cfg.HeapMB = 512
	}
	if cfg.Report == nil {
		cfg.Report = fetch.Silent
	}
	if err := checkJava(ctx); err != nil {
		return nil, err
	}
	dir, err := jars(ctx, cfg.Report)
	if err != nil {
		return nil, err
	}
	folder, err := scratch.New("sendwatch-kafka")
	if err != nil {
		return nil, err
	}
	b := &Broker{cfg: cfg, jars: dir, folder: folder, files: filesIn(folder.Path())}
	if err := b.prepare(ctx); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	for attempt := 1; ; attempt++ {
		err := b.Restart(ctx)
		if err == nil {
			return b, nil
		}
		if attempt == startAttempts || !errors.Is(err, errPortTaken) {
			return nil, errors.Join(err, b.Close())
		}
		if err := b.choosePorts(); err != nil {
			return nil, errors.Join(err, b.Close())
		}
	}
}

// prepare writes the broker's files and formats its data folder.
func (b *Broker) prepare(ctx context.Context) (err error) {
	if b.cfg.TLS {
		if b.identity, err = newIdentity(); err != nil {
			return err
		}
	}
	if err := os.WriteFile(b.files.logConfig, []byte(logConfig), 0o644); err != nil {
		return err
	}
	if err := b.choosePorts(); err != nil {
		return err
	}
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	args := []string{
		"kafka.tools.StorageTool", "format", "--standalone", "-c", b.files.properties,
		"-t", clusterID(id),
	}
	for _, u := range b.cfg.Users {
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			args = append(args, "--add-scram", mechanism+"=[name="+u.Name+",password="+u.Password+"]")
		}
	}
	out, err := exec.CommandContext(ctx, "java", b.javaArgs(args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("format the data folder of Apache Kafka: %w\n%s", err, tail(string(out)))
	}
	return nil
}

// clusterID writes an id as Kafka has it, base64 for URLs. One that began with a
// dash would be taken for an option, so the first six bits are made a letter's.
func clusterID(id [16]byte) string {
	id[0] &= 0x1f << 2 // 0 to 31: A to Z, a to f
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// choosePorts takes new ports and writes them into the properties.
func (b *Broker) choosePorts() (err error) {
	if b.at, err = pickListeners(b.cfg); err != nil {
		return err
	}
	return writeProperties(b.files.properties, properties(b.cfg, b.at, b.files.data, b.identity))
}

// javaArgs is a command line for one of Kafka's programs. The quick compiler
// and the simple collector start fastest, which is what tests feel most.
func (b *Broker) javaArgs(program ...string) []string {
	return append([]string{
		"-Xmx" + strconv.Itoa(b.cfg.HeapMB) + "m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
		"-Djava.awt.headless=true",
		"-Dlog4j2.configurationFile=" + b.files.logConfig, "-Dsendwatch.log=" + b.files.log,
		"-cp", filepath.Join(b.jars, "*"),
	}, program...)
}

// Addr is the plaintext listener, "host:port".
func (b *Broker) Addr() string { return b.at[plainListener] }

// SASLAddr is the listener that asks for a user, "" without Config.Users.
func (b *Broker) SASLAddr() string { return b.at[saslListener] }

// TLSAddr is the listener with TLS, "" without Config.TLS.
func (b *Broker) TLSAddr() string { return b.at[tlsListener] }

// SASLTLSAddr is the listener with TLS that asks for a user, "" without both.
func (b *Broker) SASLTLSAddr() string { return b.at[saslTLSListener] }

// ClientTLS is the TLS configuration of a client that trusts this broker, nil
// without Config.TLS.
func (b *Broker) ClientTLS() *tls.Config {
	if b.identity == nil {
		return nil
	}
	return b.identity.clientTLS()
}

// ClientCA is the certificate that a client has to trust, in PEM, "" without
// Config.TLS.
func (b *Broker) ClientCA() string {
	if b.identity == nil {
		return ""
	}
	return b.identity.certificatePEM
}

// LogFile is the path of the broker's log, for a failed test to show.
func (b *Broker) LogFile() string { return b.files.log }

// Close ends the broker, if it runs, and removes its data. It does not ask the
// broker to end tidily: nothing is kept anyway.
func (b *Broker) Close() error {
	var err error
	if b.process != nil {
		err = b.Kill()
	}
	return errors.Join(err, b.folder.Remove())
}

// tailBytes is how much of a log an error shows.
const tailBytes = 3 << 10

func tail(s string) string {
	s = strings.TrimSpace(s)
	return s[max(0, len(s)-tailBytes):]
}
