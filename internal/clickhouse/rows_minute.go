package clickhouse

import "sendwatch/internal/event"

// minuteTable is number_minutes.
func minuteTable() *blockTable {
	t := newBlockTable(event.TableNumberMinutes)
	t.has(words, "number_id")
	t.has(instants, "minute")
	t.has(counts, "partition")
	t.has(offsets, "pane", "version")
	t.has(words, "portfolio_id")
	t.has(counts, "sent", "initiated", "held", "late", "delivered", "read", "received", "answered", "unanswered", "withdrawn",
		"blocks", "reports", "stops", "sent_after_stop", "templates_sent", "group_messages")
	for class := range event.NumErrorClasses {
		t.has(counts, "failed_"+class.String())
	}
	t.has(contactLists, "contacts")
	return t
}
