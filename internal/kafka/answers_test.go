package kafka

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kerr"
)

var update = flag.Bool("update", false, "write the table of answers into README.md")

const (
	tableBegins = "<!-- answers: written by `go test ./internal/kafka -run TestTableOfAnswers -update` -->\n"
	tableEnds   = "<!-- end of answers -->\n"
)

// TestTableOfAnswers holds the page to the table in the code, and the table to
// an independent list of Kafka's codes and names.
func TestTableOfAnswers(t *testing.T) {
	seen := map[string]bool{}
	var b strings.Builder
	b.WriteString("\n| request | answer | what we do | why |\n|---|---|---|---|\n")
	for _, a := range append(answers(), anywhere()...) {
		api := "any"
		if a.api >= 0 {
			api = a.api.String()
		}
		key := fmt.Sprint(api, a.code)
		if seen[key] {
			t.Errorf("%s has code %d twice", api, a.code)
		}
		seen[key] = true
		if a.why == "" || a.do == 0 {
			t.Errorf("%s %s: no reaction or no reason", api, a.name)
		}
		name := fmt.Sprintf("%s (%d)", a.name, a.code)
		if a.code == noPartition {
			name = a.name
		} else if known, ok := errors.AsType[*kerr.Error](kerr.ErrorForCode(a.code)); !ok || known.Message != a.name && !renamed[a.name] {
			t.Errorf("%s: code %d is %v for others, %s here", api, a.code, known, a.name)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", api, name, a.do, a.why)
	}
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(page), tableBegins)
	_, tail, ended := strings.Cut(rest, tableEnds)
	if !found || !ended {
		t.Fatal("README.md has no place for the table")
	}
	want := head + tableBegins + b.String() + "\n" + tableEnds + tail
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(page) != want {
		t.Error("the table in README.md is not that of answers.go: run this test with -update")
	}
}

// renamed are names that Kafka itself has changed; ours are those of Kafka 4.
var renamed = map[string]bool{
	"NOT_LEADER_OR_FOLLOWER": true, "COORDINATOR_LOAD_IN_PROGRESS": true, "COORDINATOR_NOT_AVAILABLE": true, "NOT_COORDINATOR": true,
}

// TestReactions checks the kinds that are not rows of the table.
func TestReactions(t *testing.T) {
	client := ours(t, []string{"127.0.0.1:1"})
	for name, test := range map[string]struct {
		err  error
		want reaction
	}{
		"a connection that ended":       {fmt.Errorf("reading: %w", io.EOF), relocate},
		"a connection that was refused": {&net.OpError{Op: "dial", Err: errors.New("refused")}, relocate},
		"a broker behind its name":      {&AdvertisedError{Address: "kafka:9092", Cause: &net.OpError{Op: "dial", Err: errors.New("refused")}}, relocate},
		"wrong password":                {kafkago.SASLAuthenticationFailed, await},
		"a code of a later Kafka":       {client.refusal(protocol.Fetch, 999), await},
		"a broker's own fault":          {client.refusal(protocol.Heartbeat, -1), again},
		"another log":                   {&stopError{&TopicIDError{Topic: "t"}}, stop},
		"a message too large":           {client.refusal(protocol.Produce, 10), stop},
		"a broker that is too old":      {&unsupportedError{api: protocol.Fetch}, await},
	} {
		if got := client.react(test.err); got != test.want {
			t.Errorf("%s: %v, expected %v", name, got, test.want)
		}
		if text := test.err.Error(); strings.Contains(text, "%!") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
