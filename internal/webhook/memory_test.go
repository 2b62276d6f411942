package webhook

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

func TestMemoryIsBounded(t *testing.T) {
	var m Memory
	for i := range 3 * maxFacts {
		m.Learn(Fact{Kind: FactNumber, Key: strconv.Itoa(i), Value: "n"})
	}
	if n := len(m.young[FactNumber]) + len(m.old[FactNumber]); n > 2*maxFacts {
		t.Errorf("%d facts", n)
	}
	if got := m.Known(FactNumber, strconv.Itoa(3*maxFacts-1)); got != "n" {
		t.Errorf("the newest is %q", got)
	}
	if m.Learn(Fact{Kind: FactNumber, Key: "x", Value: strings.Repeat("y", maxFact)}) {
		t.Error("a long fact was learnt")
	}
	if !m.Learn(Fact{Kind: FactPortfolio, Key: "1", Value: "2"}) || m.Learn(Fact{Kind: FactPortfolio, Key: "1", Value: "2"}) {
		t.Error("what is new is not told from what is known")
	}
	m.Forget(Fact{Kind: FactPortfolio, Key: "1"})
	if m.Known(FactPortfolio, "1") != "" {
		t.Error("not forgotten")
	}
}

// TestHeldSendsCountOnceTheyAreLetGo tells a held send and then its statuses.
func TestHeldSendsCountOnceTheyAreLetGo(t *testing.T) {
	p, err := New("meta")
	if err != nil {
		t.Fatal(err)
	}
	memory := new(Memory)
	s := Source{ReceivedAt: received, NumberID: "100", Directory: memory}
	read := func(f func([]byte, Source) Result, body string) []string {
		r := f([]byte(body), s)
		for _, fact := range r.Facts {
			memory.Learn(fact)
		}
		var list []string
		for _, e := range r.Events() {
			list = append(list, fmt.Sprint(e.Id, " ", e.GetTime(), " ", e.GetHeld(), " ", e.GetTemplate().GetName()))
		}
		return list
	}
	status := func(word string) string {
		return `{"entry":[{"id":"200","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"100"},"statuses":[{"id":"wamid.1","status":"` + word + `","timestamp":"1795860009","recipient_id":"447700900123"}]}}]}]}`
	}
	webhooks := func(body []byte, s Source) Result { return p.Read(body, jsonType, s) }
	got := read(p.Sends, `{"request":{"to":"447700900123","type":"template","template":{"name":"welcome","language":{"code":"en"}}},"response":{"messages":[{"id":"wamid.1","message_status":"held_for_quality_assessment"}]}}`)
	got = append(got, read(webhooks, status("sent"))...)
	got = append(got, read(webhooks, status("delivered"))...)
	want := []string{
		"out:wamid.1 1795860000000 true welcome",
		"out:wamid.1:released 1795860009000 false welcome", "st:wamid.1:sent 1795860009000 false ",
		"st:wamid.1:delivered 1795860009000 false ",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}
