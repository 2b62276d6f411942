package pipeline

import (
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// fakePolicies is a Policies that a test changes.
type fakePolicies struct{ first, newest, lost *policy.Policy }

func (s *fakePolicies) First() *policy.Policy  { return s.first }
func (s *fakePolicies) Newest() *policy.Policy { return s.newest }

func (s *fakePolicies) Find(version string) (*policy.Policy, error) {
	for _, p := range []*policy.Policy{s.first, s.newest} {
		if p.Version == version && p != s.lost {
			return p, nil
		}
	}
	return nil, errors.New("policy " + version + " is lost")
}

// strictPolicy flags the first send of a day.
func strictPolicy(t *testing.T) *policy.Policy {
	t.Helper()
	p, err := policy.Load([]byte("name: strict\nextends: default\nprofiles: {community: {factors: {velocity_hour: {warn: \">= 1\"}}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// versions returns the policy version of each flag that was written, in order.
func versions(t *testing.T, writer *fakeWriter) []string {
	t.Helper()
	var list []string
	for _, m := range writer.topic("flags") {
		var flag struct {
			PolicyVersion string `json:"policy_version"`
		}
		if err := json.Unmarshal(m.Value, &flag); err != nil {
			t.Fatal(err)
		}
		list = append(list, flag.PolicyVersion)
	}
	return list
}

// feedBack lets what was written to the events topic come back as records.
func feedBack(writer *fakeWriter, log *fakeLog, had *int) {
	for _, m := range writer.topic("events")[*had:] {
		log.append(string(m.Value))
		*had++
	}
}

// TestNewPolicyWithoutRestart takes a new policy in the middle: one policy event
// is appended, the flags after it are the new policy's, and a role that begins
// again switches at the same record, so that it writes the same flags again.
func TestNewPolicyWithoutRestart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		policies := &fakePolicies{first: policy.Default(), newest: policy.Default()}
		strict := strictPolicy(t)
		log := &fakeLog{topic: "events"}
		writer := &fakeWriter{}
		config := newTestNumbers(writer).config
		config.Policies = policies
		had, next := 0, 0
		work := func(seconds int) {
			for range seconds {
				log.append(send(next, time.Now()))
				next++
				elapse(time.Second)
				feedBack(writer, log, &had)
			}
		}
		n := NewNumbers(config)
		whileRunning(t, n.Run, joining(log), func() {
			work(6)
			policies.newest = strict
			work(10)
		})
		first := versions(t, writer)
		if len(first) < 2 || first[0] != policy.Default().Version || first[len(first)-1] != strict.Version {
			t.Fatalf("flags by %v, want the default's, then those of %s", first, strict.Version)
		}
		if had != 1 {
			t.Errorf("%d policy events were appended, want 1", had)
		}
		again := &fakeWriter{}
		config = newTestNumbers(again).config
		config.Policies = policies
		whileRunning(t, NewNumbers(config).Run, joining(log), func() { elapse(20 * time.Second) })
		second := versions(t, again)
		if strings.Join(second, " ") != strings.Join(first, " ") {
			t.Errorf("a role that begins again writes flags by\n%v, before it was\n%v", second, first)
		}
		if len(again.topic("events")) != 0 {
			t.Error("a policy event was appended though the newest policy decides")
		}
	})
}

// TestLostPolicyStopsThePartition names the policy that cannot be found, and of a
// version that is none no more than a log line can hold.
func TestLostPolicyStopsThePartition(t *testing.T) {
	for _, version := range []string{strictPolicy(t).Version, strings.Repeat("v", 200<<10)} {
		bubble(t, func(t *testing.T) {
			log := &fakeLog{topic: "events"}
			log.append(send(1, time.Now()),
				`{"id":"p","type":"policy","time":`+jsonTime(time.Now())+`,"version":"`+version+`"}`, send(2, time.Now()))
			config := newTestNumbers(&fakeWriter{}).config
			config.Policies = &fakePolicies{first: policy.Default(), newest: policy.Default()}
			n := NewNumbers(config)
			whileRunning(t, n.Run, joining(log), func() {
				elapse(10 * time.Second)
				s := n.Status()[0]
				if named := version[:min(len(version), 256)]; s.State != StateStopped || !strings.Contains(s.Error, named) || len(s.Error) > 1000 {
					t.Errorf("state %v with an error of %d bytes, want one that stopped and names %s", s.State, len(s.Error), named)
				}
			})
		})
	}
}

// TestShadowFlagsReachTheRowsOnly judges by a second policy beside: its flags
// are among the rows, marked, and not in the flags topic.
func TestShadowFlagsReachTheRowsOnly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		strict := strictPolicy(t)
		log := &fakeLog{topic: "events"}
		log.append(send(1, time.Now()))
		writer := &fakeWriter{}
		config := newTestNumbers(writer).config
		config.Policies, config.Shadow = &fakePolicies{first: policy.Default(), newest: policy.Default()}, strict
		whileRunning(t, NewNumbers(config).Run, joining(log), func() { elapse(5 * time.Second) })
		if v := versions(t, writer); len(v) != 0 {
			t.Errorf("%d flags in the topic, want none", len(v))
		}
		shadows := 0
		for _, m := range writer.topic("rows") {
			var rows codec.Rows
			if codec.DecodeRows(m.Value, &rows) != nil {
				continue // not a batch of rows
			}
			for _, f := range rows.Flags {
				if f.Shadow && f.PolicyVersion == strict.Version {
					shadows++
				} else {
					t.Errorf("flag %s by %s is no shadow", f.Factor, f.PolicyVersion)
				}
			}
		}
		if shadows == 0 {
			t.Error("no flag of the shadow policy among the rows")
		}
	})
}

// TestShadowJudgesPortfoliosToo: a portfolio that uses a fifth of its limit is
// fine by the live policy, and the shadow's flag is among the rows alone.
func TestShadowJudgesPortfoliosToo(t *testing.T) {
	strict, err := policy.Load([]byte("name: strict\nextends: default\nprofiles: {community: {factors: {limit_usage: {warn: \">= 0.1\"}}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	bubble(t, func(t *testing.T) {
		live, minute := policy.Default(), time.Now().UnixMilli()
		written := codec.Rows{
			Topic: "events", PortfolioID: "f", HasProgress: true,
			Progress: codec.Progress{Watermark: minute, Sequence: 3, CaughtUp: true, Generation: generation(live.Version, ""), Policy: live.Version},
		}
		written.Changes = []event.PortfolioChange{
			{Sequence: 1, Visible: minute, Kind: event.ChangeLimit, PortfolioID: "f", A: uint64(minute), B: 10},
			{Sequence: 2, Visible: minute, Kind: event.ChangeContact, PortfolioID: "f", A: 1, B: minute/60_000 - 1},
			{Sequence: 3, Visible: minute, Kind: event.ChangeContact, PortfolioID: "f", A: 2, B: minute/60_000 - 1},
		}
		log, writer := &fakeLog{topic: "rows"}, &fakeWriter{}
		log.append(string(codec.AppendRows(nil, &written)))
		r := NewPortfolios(PortfoliosConfig{
			Events: "events", Flags: "flags", Rows: "rows", Writer: writer, Topics: topicsOf(1), Policy: live, Shadow: strict,
			Logger: slog.New(slog.DiscardHandler),
		})
		whileRunning(t, r.Run, joining(log), func() { elapse(2 * time.Second) })
		if n := len(writer.topic("flags")); n != 0 {
			t.Errorf("%d flags in the topic, want none", n)
		}
		var flags, statuses int
		for _, m := range writer.topic("rows") {
			var rows codec.Rows
			if err := codec.DecodeRows(m.Value, &rows); err != nil {
				t.Fatal(err)
			}
			statuses += len(rows.PortfolioStatus)
			for _, f := range rows.Flags {
				if flags++; !f.Shadow || f.Factor != event.FactorLimitUsage || f.PolicyVersion != strict.Version {
					t.Errorf("flag of %s by %s, shadow %t", f.Factor, f.PolicyVersion, f.Shadow)
				}
			}
		}
		if flags != 1 || statuses != 1 {
			t.Errorf("%d flags and %d rows of status, want one each", flags, statuses)
		}
	})
}

// TestShadowListensToItsOwnWords: a word of opt-out that only the shadow policy
// knows is a stop to it alone.
func TestShadowListensToItsOwnWords(t *testing.T) {
	shadow, err := policy.Load([]byte("name: polite\nextends: default\nopt_out: {stop: [basta]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]map[bool]bool{"basta": {true: true}, "STOP": {false: true}} {
		bubble(t, func(t *testing.T) {
			log := &fakeLog{topic: "events"}
			now := time.Now()
			log.append(
				send(1, now),
				`{"id":"r","type":"message.received","time":`+jsonTime(now.Add(time.Second))+`,"number_id":"n1","message_id":"r","contact":"c1","kind":"text","text":"`+word+`"}`,
				strings.Replace(send(2, now.Add(2*time.Second)), `"contact":"c2","kind":"text"`, `"contact":"c1","template":{"name":"offer","language":"en","category":"marketing"},"kind":"template"`, 1),
			)
			writer := &fakeWriter{}
			config := newTestNumbers(writer).config
			config.Shadow = shadow
			whileRunning(t, NewNumbers(config).Run, joining(log), func() { elapse(5 * time.Second) })
			got := map[bool]bool{} // whether a flag of opt_out is the shadow's
			for _, m := range writer.topic("rows") {
				var rows codec.Rows
				if err := codec.DecodeRows(m.Value, &rows); err != nil {
					t.Fatal(err)
				}
				for _, f := range rows.Flags {
					if f.Factor == event.FactorOptOut {
						got[f.Shadow] = true
					}
				}
			}
			if !maps.Equal(got, want) {
				t.Errorf("%s: flags of opt_out, by whether they are the shadow's: %v, want %v", word, got, want)
			}
		})
	}
}

// jsonTime writes a time as an event has it.
func jsonTime(at time.Time) string {
	b, err := json.Marshal(at.UnixMilli())
	if err != nil {
		panic(err) // a number
	}
	return string(b)
}
