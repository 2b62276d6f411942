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
	t.has("partition", plain(func(r *row) uint32 { return count32(r.Partition) }))
	t.has("pane", plain(func(r *row) uint64 { return count64(r.Pane.Pane) }))
	t.has("version", plain(func(r *row) uint64 { return count64(r.Version) }))
	t.has("portfolio_id", plain(func(r *row) string { return r.PortfolioID }))
	for _, c := range []struct {
		name string
		get  func(*row) uint32
	}{
		{"sent", func(r *row) uint32 { return count32(r.Sent) }},
		{"initiated", func(r *row) uint32 { return count32(r.Initiated) }},
		{"held", func(r *row) uint32 { return count32(r.Held) }},
		{"late", func(r *row) uint32 { return count32(r.Late) }},
		{"delivered", func(r *row) uint32 { return count32(r.Delivered) }},
		{"read", func(r *row) uint32 { return count32(r.Read) }},
		{"received", func(r *row) uint32 { return count32(r.Received) }},
		{"answered", func(r *row) uint32 { return count32(r.Answered) }},
		{"unanswered", func(r *row) uint32 { return count32(r.Unanswered) }},
		{"withdrawn", func(r *row) uint32 { return count32(r.Withdrawn) }},
		{"blocks", func(r *row) uint32 { return count32(r.Blocks) }},
		{"reports", func(r *row) uint32 { return count32(r.Reports) }},
		{"stops", func(r *row) uint32 { return count32(r.Stops) }},
		{"sent_after_stop", func(r *row) uint32 { return count32(r.SentAfterStop) }},
		{"templates_sent", func(r *row) uint32 { return count32(r.TemplatesSent) }},
		{"group_messages", func(r *row) uint32 { return count32(r.GroupMessages) }},
	} {
		t.has(c.name, plain(c.get))
	}
	for class := range event.NumErrorClasses {
		t.has("failed_"+class.String(), plain(func(r *row) uint32 { return count32(r.Failed[class]) }))
	}
	t.has("contacts", lists(func(r *row, to []uint64) []uint64 { return append(to, r.Contacts...) }))
	return t
}
