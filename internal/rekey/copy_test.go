package rekey

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
)

// memory is a partition in memory that is handed out in batches of a random size.
type memory struct {
	*rand.Rand
	records []event.Record
	next    int64
}

func (m *memory) add(key, value string, at int64) {
	m.records = append(m.records, event.Record{
		Offset: int64(len(m.records)), Timestamp: at, Key: []byte(key), Value: []byte(value), Headers: []event.Header{{Key: []byte("trace"), Value: []byte("t")}},
	})
}

func (m *memory) Fetch(context.Context) (*event.Batch, error) {
	from := m.next
	m.next = min(from+m.Int64N(4), int64(len(m.records))) // at times none
	return &event.Batch{Records: m.records[from:m.next], Next: m.next, End: int64(len(m.records))}, nil
}

// written is a topic in memory.
type written struct{ messages []event.Message }

func (w *written) Produce(_ context.Context, _ string, messages []event.Message) error {
	w.messages = append(w.messages, slices.Clone(messages)...)
	return nil
}

func sent(number string, n int) string {
	return fmt.Sprintf(`{"id":"%s-%d","type":"message.sent","time":%d,"number_id":"%s","message_id":"m%d","contact":"4915100000%03d","kind":"text","text":"hello"}`, number, n, 1_790_000_000_000+n, number, n, n)
}

// TestEventsOfANumberComeTogetherInOrder spreads the events of numbers over partitions with
// wrong keys and none. Each number's come under its key, in the order of their record's
// time, and those of one partition in their order there whatever their times.
func TestEventsOfANumberComeTogetherInOrder(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		logs := make([]*memory, 1+random.IntN(4))
		for i := range logs {
			logs[i] = &memory{Rand: random}
		}
		want := map[string][]string{}
		for n := range 100 {
			number := fmt.Sprintf("n%d", random.IntN(5))
			value := sent(number, n)
			key := []string{"", number, "another"}[random.IntN(3)]
			logs[random.IntN(len(logs))].add(key, value, int64(1_790_000_000_000+n))
			want[number] = append(want[number], value)
		}
		var w written
		c := New("to", 3, &w, codec.FramingConfluent)
		ends := make([]int64, len(logs))
		for i, log := range logs {
			c.Add(log, 0)
			ends[i] = int64(len(log.records))
		}
		if err := c.Run(t.Context(), ends); err != nil {
			t.Fatal(err)
		}
		got := map[string][]string{}
		for _, m := range w.messages {
			got[string(m.Key)] = append(got[string(m.Key)], string(m.Value))
			if len(m.Headers) != 1 || m.Timestamp < 1_790_000_000_000 || m.PartitionSet {
				t.Fatalf("seed %d: %+v", seed, m)
			}
		}
		for number, values := range want {
			if !slices.Equal(got[number], values) {
				t.Fatalf("seed %d, %s:\n%s\nwant\n%s", seed, number, strings.Join(got[number], "\n"), strings.Join(values, "\n"))
			}
		}
		if len(got) != len(want) || c.Copied != 100 {
			t.Errorf("seed %d: keys %d of %d, copied %d", seed, len(got), len(want), c.Copied)
		}
	}
}

// TestWhatIsNoNumbersEvent tells clock and policy events, shared ones and unreadable records.
func TestWhatIsNoNumbersEvent(t *testing.T) {
	one, two := &memory{Rand: rand.New(rand.NewPCG(1, 1))}, &memory{Rand: rand.New(rand.NewPCG(1, 2))}
	policy := func(version string) string {
		return fmt.Sprintf(`{"id":"p-%s","type":"policy","time":1790000000000,"version":"%s"}`, version, version)
	}
	one.add("k", `{"id":"c1","type":"clock","time":1790000000000}`, 10)
	one.add("", policy("v2"), 20)
	one.add("", policy("v3"), 40)
	one.add("odd", `no event`, 50)
	one.add("waba-1", `{"id":"l1","type":"portfolio.limit","time":1790000000000,"portfolio_id":"p1","limit":250}`, 60)
	two.add("", policy("v2"), 30)
	two.add("n1", sent("n1", 1), 35)
	two.add("", policy("v3"), 45)
	var w written
	c := New("to", 2, &w, codec.FramingConfluent)
	c.Add(one, 0)
	c.Add(two, 0)
	if err := c.Run(t.Context(), []int64{5, 2}); err != nil { // the last has not come yet
		t.Fatal(err)
	}
	if err := c.Run(t.Context(), []int64{5, 3}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range w.messages {
		got = append(got, fmt.Sprintf("%s/%t/%d@%d", m.Key, m.PartitionSet, m.Partition, m.Timestamp))
	}
	want := []string{"/true/0@20", "/true/1@20", "n1/false/0@35", "/true/0@40", "/true/1@40", "odd/false/0@50", "waba-1/false/0@60"}
	if !slices.Equal(got, want) {
		t.Errorf("wrote %q\nwant  %q", got, want)
	}
	if c.Counts != (Counts{Copied: 2, Unreadable: 1, Clock: 1, Policies: 2}) {
		t.Errorf("%+v", c.Counts)
	}
}
