package memkafka

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Topic is a topic that exists from the start.
type Topic struct {
	Name       string
	Partitions int32             // Partitions is at least 1.
	Config     map[string]string // Config is as for a real topic: "retention.ms", "cleanup.policy" ...
}

// User is one who may log in when the broker asks for SASL.
type User struct {
	Mechanism string // Mechanism is PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
	Name      string
	Password  string
}

// Config says what to start. The zero value is a broker without topics on a
// free loopback port.
type Config struct {
	Topics []Topic
	Listen string            // Listen is "host:port", default "127.0.0.1:0": a free port.
	Users  []User            // Users, if any, makes the broker ask for SASL.
	TLS    *tls.Config       // TLS, if set, is the server's side of TLS.
	Broker map[string]string // Broker adds broker settings by their Kafka names.
	// AutoCreate lets a client's metadata request make a missing topic, as
	// most real brokers do. It is off, so that a misspelt name is noticed.
	AutoCreate bool
	// Options go to kfake as they are, after all the others.
	Options []kfake.Opt
}

// Broker is a running broker.
type Broker struct {
	cluster *kfake.Cluster
	close   sync.Once
}

// keepForever switches retention off: the demo plays weeks of history whose
// record times are the events' own, and a broker deletes such records at once.
const keepForever = "-1"

// Start starts a broker that listens and has all its topics when it returns.
func Start(cfg Config) (*Broker, error) {
	listen := cfg.Listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	host, port, err := splitListen(listen)
	if err != nil {
		return nil, err
	}
	settings := map[string]string{"log.retention.ms": keepForever}
	maps.Copy(settings, cfg.Broker)
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.Ports(port),
		kfake.BrokerConfigs(settings),
	}
	// kfake always listens on loopback; the host of Listen replaces that.
	opts = append(opts, kfake.ListenFn(func(network, address string) (net.Listener, error) {
		_, p, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return net.Listen(network, net.JoinHostPort(host, p))
	}))
	if cfg.TLS != nil {
		opts = append(opts, kfake.TLS(cfg.TLS))
	}
	if cfg.AutoCreate {
		opts = append(opts, kfake.AllowAutoTopicCreation())
	}
	if len(cfg.Users) > 0 {
		opts = append(opts, kfake.EnableSASL())
		for _, u := range cfg.Users {
			opts = append(opts, kfake.Superuser(u.Mechanism, u.Name, u.Password))
		}
	}
	cluster, err := kfake.NewCluster(append(opts, cfg.Options...)...)
	if err != nil {
		return nil, fmt.Errorf("start the in-process Kafka broker on %s: %w", listen, err)
	}
	b := &Broker{cluster: cluster}
	for _, t := range cfg.Topics {
		if err := b.CreateTopic(t); err != nil {
			b.Close()
			return nil, err
		}
	}
	return b, nil
}

// Addrs is the addresses to give to a client, as "host:port".
func (b *Broker) Addrs() []string { return b.cluster.ListenAddrs() }

// Cluster is the broker itself, for tests that inject faults or look inside.
func (b *Broker) Cluster() *kfake.Cluster { return b.cluster }

// CreateTopic makes a topic in a running broker.
func (b *Broker) CreateTopic(t Topic) error {
	if t.Name == "" || t.Partitions < 1 {
		return fmt.Errorf("topic %q with %d partitions: a topic has a name and at least one partition", t.Name, t.Partitions)
	}
	if err := b.cluster.CreateTopic(t.Name, t.Partitions, t.Config); err != nil {
		return fmt.Errorf("create topic %q: %w", t.Name, err)
	}
	return nil
}

// Close stops the broker and drops its records. More calls do nothing.
func (b *Broker) Close() { b.close.Do(b.cluster.Close) }

func splitListen(listen string) (host string, port int, err error) {
	host, p, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, fmt.Errorf("listen %q: %w; accepted is host:port", listen, err)
	}
	port, err = strconv.Atoi(p)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, errors.New("listen " + strconv.Quote(listen) + ": the port is a number from 0 (a free one) to 65535")
	}
	return host, port, nil
}
