package server

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
)

// groupSubjects is how many subjects a group names; the others are counted.
const groupSubjects = 5

// flagGroup is what many flags say alike. In a storm a thousand numbers begin the same
// campaign, and a list of a thousand equal lines hides the one that differs.
type flagGroup struct {
	Newest   json.RawMessage `json:"newest"`   // as it is in the flags topic
	Flags    int             `json:"flags"`    // how many there are
	Subjects []string        `json:"subjects"` // numbers or portfolios, the newest first, at most groupSubjects
	More     int             `json:"more"`     // subjects that are not named

	seen map[string]struct{}
}

// flagKey is what flags of one group have in common.
type flagKey struct{ Subject, Factor, Transition, Level string }

// grouped puts flags that say the same of many together. The groups and their subjects
// are in the order of their newest flag by event time: partitions are read side by
// side, so that the order in which flags went out is another.
func grouped(flags []json.RawMessage) []*flagGroup {
	type flag struct {
		flagKey
		EventTime   int64  `json:"event_time"`
		NumberID    string `json:"number_id"`
		PortfolioID string `json:"portfolio_id"`
		raw         json.RawMessage
	}
	all := make([]flag, 0, len(flags))
	for _, raw := range flags {
		f := flag{raw: raw}
		if json.Unmarshal(raw, &f) == nil { // they are ours; one of another build is left out
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b flag) int { return cmp.Compare(b.EventTime, a.EventTime) })
	byKey := map[flagKey]*flagGroup{}
	groups := []*flagGroup{}
	for i := range all {
		f := &all[i]
		g := byKey[f.flagKey]
		if g == nil {
			g = &flagGroup{Newest: f.raw, seen: map[string]struct{}{}}
			byKey[f.flagKey] = g
			groups = append(groups, g)
		}
		g.Flags++
		subject := cmp.Or(f.NumberID, f.PortfolioID)
		if _, known := g.seen[subject]; known {
			continue
		}
		g.seen[subject] = struct{}{}
		if len(g.Subjects) < groupSubjects {
			g.Subjects = append(g.Subjects, subject)
		} else {
			g.More++
		}
	}
	return groups
}

// flagGroups answers with the newest flags, those that say the same of many together.
func (s *Server) flagGroups(w http.ResponseWriter, r *http.Request) {
	query, ok := parameters(w, r, "limit")
	if !ok {
		return
	}
	limit, ok := limitOf(w, query)
	if !ok {
		return
	}
	if s.sources.Flags == nil {
		fail(w, http.StatusNotFound, "", noFlags)
		return
	}
	groups := grouped(s.sources.Flags.Recent(MaxLimit, "", ""))
	reply(w, http.StatusOK, map[string]any{"groups": groups[:min(limit, len(groups))]})
}
