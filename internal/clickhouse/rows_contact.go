package clickhouse

import "sendwatch/internal/event"

// contactTable is contact_outcomes. It has no partitions: a row's times may
// change between its versions, and its versions must meet in one partition.
func contactTable() *blockTable {
	t := newBlockTable(event.TableContactOutcomes)
	t.has(words, "number_id")
	t.has(hashes64, "contact")
	t.has(counts, "partition")
	t.has(offsets, "pane", "version")
	t.has(words, "portfolio_id")
	t.has(counts, "answered", "unanswered", "unanswered_since")
	t.has(instants, "last_sent", "last_received")
	return t
}

// accountTable is account_events.
func accountTable() *table[event.AccountEvent] {
	type row = event.AccountEvent
	t := &table[row]{name: "account_events", time: func(r *row) int64 { return r.Time }, bytes: func(r *row) int {
		n := len(r.NumberID) + len(r.ID) + len(r.WABAID) + len(r.PortfolioID) + len(r.State) + len(r.Quality) + len(r.Template) + len(r.Reason)
		for _, s := range r.Restrict {
			n += len(s)
		}
		return n
	}}
	t.has("number_id", plain(func(r *row) string { return r.NumberID }))
	t.has("time", plain(func(r *row) int64 { return instant(r.Time) }))
	t.has("partition", plain(func(r *row) uint32 { return count32(r.Partition) }))
	t.has("offset", plain(func(r *row) uint64 { return count64(r.Offset) }))
	t.has("topic", plain(func(r *row) string { return r.Topic }))
	t.has("type", plain(func(r *row) string { return r.Type.String() }))
	t.has("id", plain(func(r *row) string { return r.ID }))
	t.has("waba_id", plain(func(r *row) string { return r.WABAID }))
	t.has("portfolio_id", plain(func(r *row) string { return r.PortfolioID }))
	t.has("scope", plain(func(r *row) string { return r.Scope }))
	t.has("state", plain(func(r *row) string { return r.State }))
	t.has("quality", plain(func(r *row) string { return r.Quality }))
	t.has("template", plain(func(r *row) string { return r.Template }))
	t.has("limit", optional(func(r *row) (int64, bool) { return r.Limit, r.Type == event.TypeLimit }))
	t.has("expires_at", optional(func(r *row) (int64, bool) { return instant(r.ExpiresAt), r.ExpiresAt != 0 }))
	t.has("restrictions", lists(func(r *row, to []string) []string { return append(to, r.Restrict...) }))
	t.has("reason", plain(func(r *row) string { return r.Reason }))
	return t
}
