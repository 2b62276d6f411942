package clickhouse

import "sendwatch/internal/event"

// minuteTable is number_minutes.
func minuteTable() *table[event.NumberMinute] {
	type row = event.NumberMinute
	t := &table[row]{
		name:  "number_minutes",
		time:  func(r *row) int64 { return r.Minute },
		bytes: func(r *row) int { return 8 * len(r.Contacts) },
	}
	t.has("number_id", plain(func(r *row) string { return r.NumberID }))
	t.has("minute", plain(func(r *row) int64 { return instant(r.Minute) }))
	t.has("partition", plain(func(r *row) uint32 { return count32(int64(r.Partition)) }))
	t.has("pane", plain(func(r *row) uint64 { return count64(r.Pane.Pane) }))
	t.has("version", plain(func(r *row) uint64 { return count64(r.Version) }))
	t.has("portfolio_id", plain(func(r *row) string { return r.PortfolioID }))
	for _, c := range []struct {
		name string
		get  func(*event.Counts) int64
	}{
		{"sent", func(c *event.Counts) int64 { return c.Sent }},
		{"initiated", func(c *event.Counts) int64 { return c.Initiated }},
		{"held", func(c *event.Counts) int64 { return c.Held }},
		{"late", func(c *event.Counts) int64 { return c.Late }},
		{"delivered", func(c *event.Counts) int64 { return c.Delivered }},
		{"read", func(c *event.Counts) int64 { return c.Read }},
		{"received", func(c *event.Counts) int64 { return c.Received }},
		{"answered", func(c *event.Counts) int64 { return c.Answered }},
		{"unanswered", func(c *event.Counts) int64 { return c.Unanswered }},
		{"withdrawn", func(c *event.Counts) int64 { return c.Withdrawn }},
		{"blocks", func(c *event.Counts) int64 { return c.Blocks }},
		{"reports", func(c *event.Counts) int64 { return c.Reports }},
		{"stops", func(c *event.Counts) int64 { return c.Stops }},
		{"sent_after_stop", func(c *event.Counts) int64 { return c.SentAfterStop }},
		{"templates_sent", func(c *event.Counts) int64 { return c.TemplatesSent }},
		{"group_messages", func(c *event.Counts) int64 { return c.GroupMessages }},
	} {
		t.has(c.name, plain(func(r *row) uint32 { return count32(c.get(&r.Counts)) }))
	}
	for class := range event.NumErrorClasses {
		t.has("failed_"+class.String(), plain(func(r *row) uint32 { return count32(r.Failed[class]) }))
	}
	t.has("contacts", lists(func(r *row) []uint64 { return r.Contacts }))
	return t
}
