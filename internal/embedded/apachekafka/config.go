package apachekafka

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sendwatch/internal/embedded/fetch"
)

// User is one who may log in on the listeners with SASL, with PLAIN,
// SCRAM-SHA-256 or SCRAM-SHA-512.
type User struct {
	Name, Password string
}

// Config says what to start. The zero value is a broker without users and TLS,
// with its data in a temporary folder.
type Config struct {
	Users []User // Users adds the listeners with SASL.
	TLS   bool   // TLS adds the listeners with TLS.
	// Properties adds to and overrides the broker's properties, by their names
	// in Kafka's documentation: "log.retention.ms", "message.max.bytes" ...
	Properties map[string]string
	// AdvertiseSASL, if not nil, is given the address of the listener with users and
	// returns where clients are sent in its place: to a proxy before it.
	AdvertiseSASL func(address string) string
	// HeapMB bounds Java's heap. Default 512.
	HeapMB int
	// Report is told how fetching the jars goes. Default: nobody.
	Report fetch.Report
}

// Names of the listeners in the broker's properties.
const (
	plainListener   = "CLIENT"
	saslListener    = "SASL"
	tlsListener     = "TLS"
	saslTLSListener = "SASLTLS"
	controller      = "CONTROLLER"
)

// listeners is the address of each listener, by name.
type listeners map[string]string

// pickListeners chooses free ports. Another process may take one before the
// broker does; Start then chooses again.
func pickListeners(cfg Config) (listeners, error) {
	names := []string{plainListener, controller}
	if len(cfg.Users) > 0 {
		names = append(names, saslListener)
	}
	if cfg.TLS {
		names = append(names, tlsListener)
	}
	if cfg.TLS && len(cfg.Users) > 0 {
		names = append(names, saslTLSListener)
	}
	picked := make(listeners, len(names))
	var errs []error
	for _, name := range names {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		picked[name] = l.Addr().String()
		defer func() { errs = append(errs, l.Close()) }() // All are held until all are chosen: no port twice.
	}
	return picked, errors.Join(errs...)
}

// protocol is the security protocol of a listener.
func protocol(listener string) string {
	switch listener {
	case saslListener:
		return "SASL_PLAINTEXT"
	case tlsListener:
		return "SSL"
	case saslTLSListener:
		return "SASL_SSL"
	}
	return "PLAINTEXT"
}

// properties is the broker's whole configuration.
func properties(cfg Config, at listeners, dataDir string, id *identity) map[string]string {
	var listen, advertised, security []string
	for _, name := range slices.Sorted(maps.Keys(at)) {
		listen = append(listen, name+"://"+at[name])
		security = append(security, name+":"+protocol(name))
		where := at[name]
		if name == saslListener && cfg.AdvertiseSASL != nil {
			where = cfg.AdvertiseSASL(where)
		}
		if name != controller {
			advertised = append(advertised, name+"://"+where)
		}
	}
	p := map[string]string{
		"process.roles":                       "broker,controller",
		"node.id":                             "1",
		"listeners":                           strings.Join(listen, ","),
		"advertised.listeners":                strings.Join(advertised, ","),
		"listener.security.protocol.map":      strings.Join(security, ","),
		"inter.broker.listener.name":          plainListener,
		"controller.listener.names":           controller,
		"controller.quorum.bootstrap.servers": at[controller],
		"log.dirs":                            dataDir,
		// One node has to be enough for the internal topics, and a group need
		// not wait for members that might still come.
		"offsets.topic.replication.factor":                 "1",
		"offsets.topic.num.partitions":                     "4",
		"transaction.state.log.replication.factor":         "1",
		"transaction.state.log.min.isr":                    "1",
		"transaction.state.log.num.partitions":             "4",
		"share.coordinator.state.topic.replication.factor": "1",
		"share.coordinator.state.topic.min.isr":            "1",
		"group.initial.rebalance.delay.ms":                 "0",
		"auto.create.topics.enable":                        "false",
		// A broker that was killed is forgotten, and comes back, quickly.
		"broker.session.timeout.ms": "3000",
		// Members may be noticed as dead within a test's patience.
		"group.min.session.timeout.ms": "500",
	}
	if len(cfg.Users) > 0 {
		p["sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
		for _, name := range []string{saslListener, saslTLSListener} {
			prefix := "listener.name." + strings.ToLower(name) + "."
			p[prefix+"plain.sasl.jaas.config"] = plainLogin(cfg.Users)
			for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
				p[prefix+mechanism+".sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
			}
		}
	}
	if id != nil {
		p["ssl.keystore.type"] = "PEM"
		p["ssl.keystore.certificate.chain"] = id.certificatePEM
		p["ssl.keystore.key"] = id.keyPEM
	}
	maps.Copy(p, cfg.Properties)
	return p
}

// plainLogin lists the users of the PLAIN mechanism in Java's own language.
func plainLogin(users []User) string {
	var b strings.Builder
	b.WriteString("org.apache.kafka.common.security.plain.PlainLoginModule required")
	for _, u := range users {
		fmt.Fprintf(&b, " user_%s=%s", u.Name, quoteJava(u.Password))
	}
	b.WriteString(";")
	return b.String()
}

func quoteJava(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// writeProperties writes a Java properties file that only its owner may read:
// it has passwords and a key.
func writeProperties(path string, p map[string]string) error {
	var b strings.Builder
	escape := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`)
	for _, k := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&b, "%s=%s\n", k, escape.Replace(p[k]))
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

// logConfig makes the broker write its log to a file beside its data.
const logConfig = `<Configuration status="ERROR">
  <Appenders>
    <File name="file" fileName="${sys:sendwatch.log}">
      <PatternLayout pattern="%d{ISO8601} %-5p %c{1} %m%n"/>
    </File>
  </Appenders>
  <Loggers>
    <Root level="INFO"><AppenderRef ref="file"/></Root>
  </Loggers>
</Configuration>
`

// check refuses what the broker's files could not carry.
func (c Config) check() error {
	for _, u := range c.Users {
		if u.Name == "" || strings.ContainsAny(u.Name, " =;\"'\n,[]") || strings.ContainsAny(u.Password, "\n,[]") {
			return fmt.Errorf("user %q: accepted are names without space or punctuation, and passwords without commas and brackets", u.Name)
		}
	}
	return nil
}

// files are the broker's files in its folder.
type files struct {
	root, data, properties, logConfig, log, output string
}

func filesIn(root string) files {
	return files{
		root:       root,
		data:       filepath.Join(root, "data"),
		properties: filepath.Join(root, "server.properties"),
		logConfig:  filepath.Join(root, "log4j2.xml"),
		log:        filepath.Join(root, "broker.log"),
		output:     filepath.Join(root, "output.log"),
	}
}
