package clickhouse

import (
	"encoding/json"
	"math"

	"sendwatch/internal/event"
)

// flagTable is flags.
func flagTable() *table[event.Flag] {
	type row = event.Flag
	t := &table[row]{name: "flags", time: func(r *row) int64 { return r.EventTime }, bytes: func(r *row) int {
		return len(r.NumberID) + len(r.PortfolioID) + len(r.WABAID) + len(r.Key) + len(r.Value.Word)
	}}
	t.has("number_id", plain(func(r *row) string { return r.NumberID }))
	t.has("portfolio_id", plain(func(r *row) string { return r.PortfolioID }))
	t.has("flag_id", plain(func(r *row) string { return r.FlagID }))
	t.has("sequence", plain(func(r *row) uint32 { return count32(r.Sequence) }))
	t.has("event_time", plain(func(r *row) int64 { return instant(r.EventTime) }))
	t.has("emitted_at", plain(func(r *row) int64 { return instant(r.EmittedAt) }))
	t.has("transition", plain(func(r *row) int8 { return int8(min(r.Transition, event.TransitionCleared)) }))
	t.has("level", plain(func(r *row) int8 { return level(r.Level) }))
	t.has("subject", plain(func(r *row) string { return r.Subject() }))
	t.has("waba_id", plain(func(r *row) string { return r.WABAID }))
	t.has("factor", plain(func(r *row) string { return r.Factor.String() }))
	t.has("layer", plain(func(r *row) uint8 { return uint8(r.Factor.Layer()) }))
	t.has("key", plain(func(r *row) string { return r.Key }))
	t.has("value", optional(func(r *row) (float64, bool) { return number(&r.Value) }))
	t.has("value_word", plain(func(r *row) string { return word(&r.Value) }))
	t.has("warn", optional(func(r *row) (float64, bool) { return number(&r.Warn) }))
	t.has("warn_word", plain(func(r *row) string { return word(&r.Warn) }))
	t.has("danger", optional(func(r *row) (float64, bool) { return number(&r.Danger) }))
	t.has("danger_word", plain(func(r *row) string { return word(&r.Danger) }))
	t.has("score", optional(func(r *row) (uint8, bool) { return score8(r.Score), r.Score >= 0 }))
	t.has("eta", optional(func(r *row) (uint32, bool) { return count32(r.ETA), r.ETA >= 0 }))
	t.has("evidence", plain(func(r *row) string { return evidence(&r.Evidence) }))
	t.has("advice", plain(func(r *row) string { return r.Advice }))
	t.has("policy_version", plain(func(r *row) string { return r.PolicyVersion }))
	t.has("shadow", plain(func(r *row) bool { return r.Shadow }))
	t.has("topic", plain(func(r *row) string { return r.Position.Topic }))
	t.has("partition", plain(func(r *row) uint32 { return count32(r.Position.Partition) }))
	t.has("offset", plain(func(r *row) uint64 { return count64(r.Position.Offset) }))
	return t
}

// evidence writes the evidence as a JSON object of the same shape as in the
// flags topic: counts by name, and the contents behind them. Flags are rare, so
// it may take its time.
func evidence(e *event.Evidence) string {
	type content struct {
		Fingerprint string `json:"fingerprint"`
		Template    string `json:"template,omitempty"`
		Count       int64  `json:"count"`
	}
	contents := func(all []event.FingerprintCount) []content {
		out := make([]content, len(all))
		for i, c := range all {
			out[i] = content{hex16(c.Fingerprint), c.Template, c.Count}
		}
		return out
	}
	counts := make(map[string]float64, len(e.Counts))
	for _, c := range e.Counts {
		// JSON has no other numbers; what cannot be written is left out.
		if !math.IsNaN(c.Value) && !math.IsInf(c.Value, 0) {
			counts[c.Name] = c.Value
		}
	}
	text, err := json.Marshal(struct {
		Counts       map[string]float64 `json:"counts"`
		Fingerprints []content          `json:"fingerprints,omitempty"`
		Templates    []content          `json:"templates,omitempty"`
	}{counts, contents(e.Fingerprints), contents(e.Templates)})
	if err != nil {
		return "{}" // cannot happen with these types
	}
	return string(text)
}
