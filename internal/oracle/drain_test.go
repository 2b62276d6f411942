package oracle

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestDrain has ClickHouse refuse everything for a while under a steady load, and measures how
// quickly what has waited is stored then, while the load goes on, against the rate of the load.
func TestDrain(t *testing.T) {
	if testing.Short() || !*crashes {
		t.Skip("it measures for minutes")
	}
	c := newCrashSite(t, nil)
	c.play(4 * time.Hour)
	if err := c.heal(time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := c.both[1].stop(); err != nil { // one process stores all
		t.Fatal(err)
	}
	if err := c.waitOwning(c.both[0]); err != nil {
		t.Fatal(err)
	}
	c.untilStored(t)
	began, first := time.Now(), c.rowRecords(t)
	c.gate.refuse()
	pause(*outageLasts)
	away, last := time.Since(began), c.rowRecords(t)
	waiting := c.waitingRows(t)
	if err := c.gate.listen(); err != nil {
		t.Fatal(err)
	}
	began = time.Now()
	c.untilStored(t)
	took := time.Since(began)
	live := float64(last-first) / away.Seconds()
	drained := float64(waiting)/took.Seconds() + live
	t.Logf("live %.1f records of rows a second; %d waited after %s; stored within %s, which is %.1f a second: %.1f times the live rate",
		live, waiting, away.Round(time.Second), tenths(took), drained, drained/live)
	if float64(waiting) < live*away.Seconds()/2 {
		t.Errorf("%d records waited: nothing was drained", waiting)
	}
	if drained < 5*live {
		t.Errorf("drained at %.1f times the live rate, want 5", drained/live)
	}
	if err := c.heal(time.Minute); err != nil {
		t.Fatal(err)
	}
	c.quiet(t)
	c.verify(t)
}

// waitingRows counts the records of the rows topic that are not stored: the sink commits what is.
// What it has read and holds is no lag by its own status.
func (c *crashSite) waitingRows(t *testing.T) int64 {
	t.Helper()
	request := kmsg.NewPtrOffsetFetchRequest()
	request.Group = "main-sink"
	one := kmsg.NewOffsetFetchRequestTopic()
	one.Topic = "main.rows"
	for p := range int32(soakPartitions) {
		one.Partitions = append(one.Partitions, p)
	}
	request.Topics = append(request.Topics, one)
	n := c.rowRecords(t)
	answer, err := administer(c.site, request)
	if err != nil {
		t.Fatal(err)
	}
	topics := answer.(*kmsg.OffsetFetchResponse).Topics
	if len(topics) != 1 {
		t.Fatalf("the broker says nothing of the sink's offsets: %+v", answer)
	}
	for _, p := range topics[0].Partitions {
		n -= max(0, p.Offset)
	}
	return n
}

// untilStored waits until nearly nothing waits: some always does under a load.
func (c *crashSite) untilStored(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); c.waitingRows(t) > 20; pause(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is not stored within five minutes")
		}
	}
}

// rowRecords returns how many records the rows topic has.
func (c *crashSite) rowRecords(t *testing.T) int64 {
	t.Helper()
	ends, err := c.ends("main.rows")
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for _, end := range ends {
		n += end
	}
	return n
}
