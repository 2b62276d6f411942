package kafka

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sendwatch/internal/embedded/embeddedtest"
)

// keepsStrangersOut: a consumer with Java's protocols cannot become a member of a
// group of ours, and we read on.
func keepsStrangersOut(t *testing.T, brokers []string, topic string) {
	client, writer := ours(t, brokers), theirs(t, brokers)
	create(t, client, topic, 2)
	m := join(t, brokers, topic, topic)
	embeddedtest.Eventually(t, 30*time.Second, "we hold both partitions", func() bool { return len(m.holds()) == 2 })

	refused := make(chan error, 100)
	stranger, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumerGroup(topic), kgo.ConsumeTopics(topic),
		kgo.Balancers(kgo.RangeBalancer(), kgo.CooperativeStickyBalancer()),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, given map[string][]int32) {
			if len(given) > 0 {
				refused <- errors.New("it was given partitions")
			}
		}),
		kgo.WithHooks(groupErrors(refused)))
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.CloseAllowingRebalance()
	if err := <-refused; !strings.Contains(err.Error(), "INCONSISTENT_GROUP_PROTOCOL") {
		t.Errorf("the stranger met: %v", err)
	}
	seed(t, writer, topic, 1, 10)
	embeddedtest.Eventually(t, 30*time.Second, "we read on", func() bool { return m.read() == 10 })
	if held := m.holds(); len(held) != 2 {
		t.Errorf("we hold %v with a stranger at the door", held)
	}
	m.leave(t)
}

// TestAGroupThatGathersHasNoStrangers lets others join while a generation begins: the group
// has no protocol then, and its members are not another application's for that.
func TestAGroupThatGathersHasNoStrangers(t *testing.T) {
	broker := embeddedtest.Kafka(t)
	create(t, ours(t, broker.Addrs()), "gathers", 1)
	broker.Cluster().ControlKey(int16(kmsg.DescribeGroups), func(request kmsg.Request) (kmsg.Response, error, bool) {
		broker.Cluster().KeepControl()
		answer := request.ResponseKind().(*kmsg.DescribeGroupsResponse)
		answer.Groups = []kmsg.DescribeGroupsResponseGroup{{
			Group: "gathers", State: "PreparingRebalance", ProtocolType: "consumer", Members: make([]kmsg.DescribeGroupsResponseGroupMember, 2),
		}}
		return answer, nil, true
	})
	failing, joined, stop := watched(t, broker.Addrs(), "gathers")
	defer stop()
	<-joined
	if err := <-failing; err != nil {
		t.Errorf("a group that gathers again: %v", err)
	}
}

// groupErrors receives what keeps kgo's member out of a group.
type groupErrors chan error

// OnGroupManageError is kgo's hook.
func (g groupErrors) OnGroupManageError(err error) {
	select {
	case g <- err:
	default:
	}
}

// watched runs a member that only reports: Failing's errors, "" for nil.
func watched(t *testing.T, brokers []string, topic string) (failing <-chan error, joined <-chan struct{}, stop func()) {
	t.Helper()
	client := ours(t, brokers, func(c *Config) { c.Session, c.Rebalance = 6*time.Second, 6*time.Second })
	f, j := make(chan error, 1000), make(chan struct{}, 1000)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- client.NewGroup(GroupConfig{
			ID: topic, Topic: topic, Failing: func(err error) { f <- err }, Joined: func() { j <- struct{}{} },
		}).Run(ctx, func(ctx context.Context, _ *Claim) error { <-ctx.Done(); return nil })
	}()
	return f, j, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// reasonGiven takes errors until one is of the kind.
func reasonGiven[E error](t *testing.T, failing <-chan error) E {
	t.Helper()
	ctx := bounded(t)
	for {
		select {
		case err := <-failing:
			if found, ok := errors.AsType[E](err); ok {
				return found
			}
		case <-ctx.Done():
			t.Fatal("the reason was not given")
		}
	}
}

// waitsForStrangers: another application was first; we name it, wait, and join when
// it has left.
func waitsForStrangers(t *testing.T, brokers []string, topic string) {
	client := ours(t, brokers)
	create(t, client, topic, 2)
	assigned := make(chan struct{}, 10)
	stranger := theirs(t, brokers, kgo.ConsumerGroup(topic), kgo.ConsumeTopics(topic), kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.ClientID("their-app"),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { assigned <- struct{}{} }))
	<-assigned
	failing, joined, stop := watched(t, brokers, topic)
	defer stop()
	err := reasonGiven[*ForeignMembersError](t, failing)
	if text := err.Error(); err.Protocol != "cooperative-sticky" || !strings.Contains(text, "their-app") || !strings.Contains(text, topic) || err.Reason() != "group_shared" {
		t.Errorf("named as %q", text)
	}
	problems := client.Check(bounded(t), nil, []string{topic})
	if len(problems) != 1 || problems[0].Warning || !strings.Contains(problems[0].Text, "their-app") {
		t.Errorf("check says %v", problems)
	}
	select {
	case <-joined:
		t.Error("joined a group of another application")
	default:
	}
	stranger.CloseAllowingRebalance()
	<-joined
	for err := range failing {
		if err == nil {
			break
		}
	}
}

// TestRebalanceIsNoStranger: between two generations a group has members and no protocol.
func TestRebalanceIsNoStranger(t *testing.T) {
	ours := []string{"sendwatch at one", "sendwatch at another"}
	for protocol, foreign := range map[string]bool{"": false, protocolName: false, "range": true} {
		if d := (described{state: "PreparingRebalance", protocol: protocol, clients: ours}); d.foreign() != foreign {
			t.Errorf("members of the protocol %q are foreign: %t", protocol, d.foreign())
		}
	}
	if d := (described{state: "Empty", protocol: "range"}); d.foreign() {
		t.Error("nobody is foreign")
	}
}

// namesTheOtherProtocol: a member of Kafka 4's protocol `consumer` is in the group.
func namesTheOtherProtocol(t *testing.T, brokers []string, topic string) {
	client := ours(t, brokers)
	create(t, client, topic, 2)
	assigned := make(chan struct{}, 10)
	stranger := theirs(t, brokers, kgo.ConsumerGroup(topic), kgo.ConsumeTopics(topic), kgo.ServerSideBalancer(), kgo.Balancers(kgo.RangeBalancer()),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, given map[string][]int32) {
			if len(given) > 0 {
				assigned <- struct{}{}
			}
		}))
	<-assigned
	problems := client.Check(bounded(t), nil, []string{topic})
	if len(problems) != 1 || problems[0].Warning || !strings.Contains(problems[0].Text, "group.protocol=consumer") {
		t.Errorf("check says %v", problems)
	}
	failing, joined, stop := watched(t, brokers, topic)
	defer stop()
	if err := reasonGiven[*GroupProtocolError](t, failing); err.Group != topic || len(err.Clients) != 1 || err.Reason() != "group_shared" {
		t.Errorf("named as %v", err)
	}
	stranger.CloseAllowingRebalance()
	// The broker takes the last of them out, and the group is ours.
	ctx := bounded(t)
	for {
		select {
		case err := <-failing:
			if err == nil {
				return
			}
		case <-joined:
		case <-ctx.Done():
			t.Fatal("the group was not joined after the others had left")
		}
	}
}
