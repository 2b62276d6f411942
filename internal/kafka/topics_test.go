package kafka

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sendwatch/internal/embedded/embeddedtest"
	"sendwatch/internal/embedded/memkafka"
	"sendwatch/internal/tlsfile"
)

func createsAndChecks(t *testing.T, brokers []string, topic string) {
	ctx := bounded(t)
	client := ours(t, brokers)
	wanted := []Topic{
		{Name: topic, Key: "kafka.topics.events", Partitions: 3, Retention: 96 * time.Hour, MinRetention: 72 * time.Hour, BrokerTime: true, Read: true, Write: true},
		{Name: topic + "-out", Partitions: 1, Retention: time.Hour, Write: true},
	}
	missing := client.Check(ctx, wanted, []string{topic})
	if len(missing) != 2 || !strings.Contains(missing[0].Text, "correct it at kafka.topics.events") || missing[0].Warning {
		t.Errorf("before anything exists: %v", missing)
	}
	lacking, err := client.Missing(ctx, wanted)
	if diff := cmp.Diff([]string{topic, topic + "-out"}, lacking); err != nil || diff != "" {
		t.Errorf("missing: %v (-want +got):\n%s", err, diff)
	}
	created, err := client.CreateMissing(ctx, wanted)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{topic, topic + "-out"}, created); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	if lacking, err := client.Missing(ctx, append(wanted, Topic{Name: topic + "-none"})); err != nil || !slices.Equal(lacking, []string{topic + "-none"}) {
		t.Errorf("missing afterwards: %v, %v", lacking, err)
	}
	if again, err := client.CreateMissing(ctx, wanted); err != nil || len(again) != 0 {
		t.Errorf("a second time: %v, %v", again, err)
	}
	if problems := client.Check(ctx, wanted, []string{topic}); len(problems) != 0 {
		t.Errorf("as created: %v", problems)
	}
	// What a check finds on a topic that someone else has made.
	wanted = []Topic{{Name: topic + "-out", Partitions: 5, MinRetention: 72 * time.Hour, BrokerTime: true, Read: true}}
	var got []string
	for _, p := range client.Check(ctx, wanted, nil) {
		got = append(got, p.String())
	}
	slices.Sort(got)
	for i, part := range []string{"message.timestamp.type=CreateTime", "keeps records for 1h0m0s, and 72h0m0s are needed", "its number of partitions is 1, the configuration says 5"} {
		if i >= len(got) || !strings.Contains(got[i], part) {
			t.Fatalf("problem %d of %q, want one with %q", i, got, part)
		}
	}
	if len(got) != 3 {
		t.Errorf("problems: %q", got)
	}
}

func TestCheckNamesAnUnreachableBroker(t *testing.T) {
	client := ours(t, []string{"127.0.0.1:1"})
	problems := client.Check(bounded(t), []Topic{{Name: "in"}}, nil)
	if len(problems) != 1 || problems[0].Warning || !strings.Contains(problems[0].String(), "127.0.0.1:1") {
		t.Errorf("problems: %v", problems)
	}
}

func TestCheckNamesATopicOfSmallMessages(t *testing.T) {
	t.Parallel()
	client := ours(t, embeddedtest.Kafka(t).Addrs())
	ctx := bounded(t)
	_, err := client.api.CreateTopics(ctx, &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{{
		Topic: "small-messages", NumPartitions: 1, ReplicationFactor: 1,
		ConfigEntries: []kafkago.ConfigEntry{{ConfigName: "max.message.bytes", ConfigValue: "100000"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	problems := client.Check(ctx, []Topic{{Name: "small-messages", Write: true}}, nil)
	if len(problems) != 1 || !strings.Contains(problems[0].String(), "error: topic small-messages: takes messages of at most 100000 bytes") {
		t.Errorf("problems: %v", problems)
	}
}

// Settings of a topic by which the pipeline would be wrong, or would not get on, are named
// with the command that mends each.
func TestCheckNamesSettingsThatLoseRecords(t *testing.T) {
	t.Parallel()
	client := ours(t, embeddedtest.Kafka(t).Addrs())
	for _, c := range []struct {
		key, value, text, mend string
		warning                bool
	}{
		{"cleanup.policy", "compact", "is compacted", "cleanup.policy=delete", false},
		{"cleanup.policy", "compact,delete", "is compacted", "cleanup.policy=delete", false},
		{"retention.bytes", "1000000", "is cut at 1000000 bytes", "retention.bytes=-1", true},
		{"min.insync.replicas", "2", "wants 2 replicas in sync", "min.insync.replicas=1", false},
	} {
		name := "settings-" + strings.NewReplacer(",", "-", "=", "-").Replace(c.key+"-"+c.value)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := bounded(t)
			answer, err := client.api.CreateTopics(ctx, &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{{
				Topic: name, NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: []kafkago.ConfigEntry{{ConfigName: c.key, ConfigValue: c.value}},
			}}})
			if err != nil || answer.Errors[name] != nil {
				t.Fatal(err, answer)
			}
			problems := client.Check(ctx, []Topic{{Name: name, Write: true, MinRetention: time.Hour}}, nil)
			if len(problems) != 1 || problems[0].Warning != c.warning || !strings.Contains(problems[0].Text, c.text) || !strings.Contains(problems[0].Text, c.mend) {
				t.Errorf("%s=%s: %v", c.key, c.value, problems)
			}
		})
	}
}

// TestMissingAsksAgain does not take the word of a broker that has just started.
func TestMissingAsksAgain(t *testing.T) {
	cluster, client, _ := fake(t, 1)
	asked := 0
	cluster.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		r := req.(*kmsg.MetadataRequest)
		if len(r.Topics) != 1 || asked >= 2 {
			cluster.KeepControl()
			return nil, nil, false
		}
		asked++
		cluster.KeepControl()
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic, topic.ErrorCode = r.Topics[0].Topic, kerr.UnknownTopicOrPartition.Code
		answer := r.ResponseKind().(*kmsg.MetadataResponse)
		answer.Topics = append(answer.Topics, topic)
		return answer, nil, true
	})
	missing, err := client.Missing(bounded(t), []Topic{{Name: "in"}})
	if err != nil || len(missing) != 0 {
		t.Errorf("missing: %v, %v", missing, err)
	}
	if asked != 2 {
		t.Errorf("the broker was asked %d times before it knew, want 2", asked)
	}
}

func TestCheckNamesMissingRights(t *testing.T) {
	broker, err := memkafka.Start(memkafka.Config{
		Topics: []memkafka.Topic{{Name: "in", Partitions: 1}},
		Users:  []memkafka.User{{Mechanism: "PLAIN", Name: "admin", Password: "admin"}},
		Options: []kfake.Opt{kfake.EnableACLs(), kfake.User("PLAIN", "reader", "secret", kfake.ACL{
			Resource: kmsg.ACLResourceTypeTopic, Pattern: kmsg.ACLResourcePatternTypeLiteral, Name: "in",
			Operation: kmsg.ACLOperationDescribe, Allow: true, // may describe the topic, no more
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	client := ours(t, broker.Addrs(), func(c *Config) { c.SASL = SASL{Mechanism: "plain", User: "reader", Password: "secret"} })
	var got []string
	for _, p := range client.Check(bounded(t), []Topic{{Name: "in", Read: true, Write: true}}, []string{"group"}) {
		got = append(got, p.String())
	}
	all := strings.Join(got, "\n")
	for _, part := range []string{"topic in: may not be read", "topic in: may not be written", "group group: cannot be used"} {
		if !strings.Contains(all, part) {
			t.Errorf("no %q in:\n%s", part, all)
		}
	}
}

// Every way to log in that the configuration offers reaches a real broker.
func TestLogsInWithTLSAndSASL(t *testing.T) {
	if testing.Short() {
		t.Skip("a real broker takes seconds to start")
	}
	broker := embeddedtest.ApacheKafka(t)
	user := embeddedtest.KafkaUser()
	ca := writeFile(t, "ca.pem", broker.ClientCA())
	for name, test := range map[string]struct {
		addr      string
		mechanism string
		tls       bool
	}{
		"TLS":                      {broker.TLSAddr(), "", true},
		"PLAIN":                    {broker.SASLAddr(), "plain", false},
		"SCRAM-SHA-256":            {broker.SASLAddr(), "scram-sha-256", false},
		"SCRAM-SHA-512 within TLS": {broker.SASLTLSAddr(), "SCRAM-SHA-512", true},
	} {
		t.Run(name, func(t *testing.T) {
			client := ours(t, []string{test.addr}, func(c *Config) {
				if test.tls {
					c.TLS = tlsfile.Files{Enabled: true, CAFile: ca}
				}
				if test.mechanism != "" {
					c.SASL = SASL{Mechanism: test.mechanism, User: user.Name, Password: user.Password}
				}
			})
			topic := "kafka-login-" + strings.ToLower(strings.ReplaceAll(name, " ", "-"))
			create(t, client, topic, 1)
			roundTrip(t, client, topic)
			m := join(t, []string{test.addr}, topic, topic, func(c *Config) { c.TLS, c.SASL = client.config.TLS, client.config.SASL })
			embeddedtest.Eventually(t, 30*time.Second, "a member has read the record", func() bool { return m.read() == 1 })
			m.leave(t)
		})
	}
	client := ours(t, []string{broker.SASLAddr()}, func(c *Config) { c.SASL = SASL{Mechanism: "plain", User: user.Name, Password: "wrong"} })
	problems := client.Check(bounded(t), []Topic{{Name: "in"}}, nil)
	if len(problems) != 1 || problems[0].Warning || strings.Contains(problems[0].String(), "wrong") {
		t.Errorf("with a wrong password: %v", problems)
	}
}

// TestForgettingATopicWaitsForNobody forgets one while somebody asks for it. The answer on its
// way may be from before what it was forgotten for, so that it does not count either.
func TestForgettingATopicWaitsForNobody(t *testing.T) {
	cluster, client, _ := fake(t, 1)
	var asked atomic.Int64
	cluster.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		asked.Add(1)
		return nil, nil, false
	})
	ask := func() int64 {
		before := asked.Load()
		if _, err := client.topic(bounded(t), "in"); err != nil {
			t.Fatal(err)
		}
		return asked.Load() - before
	}
	if ask() == 0 || ask() != 0 {
		t.Error("what is known a moment ago is asked for again")
	}
	token := client.topics.topics["in"].asking
	token <- struct{}{} // somebody asks a broker that hangs
	client.forgetTopic("in")
	<-token
	if ask() == 0 {
		t.Error("what was forgotten counts")
	}
}
