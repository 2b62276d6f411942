package oracle

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"sendwatch/internal/event"
)

// This file reads the tables of section 7 off the model's lists.

// uncounted is what the model counts and number_minutes has no column for.
var uncounted = []string{"groups", "spam_errors", "reachout_errors", "delays", "unlinked", "strikes", "country", "foreign", "opt_in_given", "no_opt_in", "identical", "media_repeat", "link_repeat"}

// NumberMinutes returns the table number_minutes by number and minute.
func (o *Oracle) NumberMinutes() []Row {
	rows := map[string]Row{}
	for _, n := range o.numbers {
		add := func(column string, t int64) {
			t -= t % minute
			bump(rows, fmt.Sprintf("%s %d", n.id, t), column, Row{"number_id": n.id, "minute": t})
		}
		for column, marks := range n.marks {
			for _, k := range marks {
				if !slices.Contains(uncounted, column) {
					add(column, k.at)
				}
			}
		}
		seen := map[[2]uint64]bool{}
		for _, s := range n.sends {
			if pair := [2]uint64{uint64(s.at / minute), s.contact}; s.initiated && !seen[pair] {
				seen[pair] = true
				add("contacts", s.at)
			}
		}
	}
	return inOrder(rows)
}

// FingerprintHours returns the table fingerprint_hours by number, fingerprint and hour.
func (o *Oracle) FingerprintHours() []Row {
	rows := map[string]Row{}
	for _, n := range o.numbers {
		for _, s := range n.sends {
			t, f := s.at-s.at%hour, fmt.Sprintf("%016x", s.fingerprint)
			for column, counts := range map[string]bool{"sent": true, "initiated": s.initiated, s.outcome: slices.Contains([]string{"answered", "unanswered", "withdrawn"}, s.outcome)} {
				if counts {
					bump(rows, fmt.Sprintf("%s %s %d", n.id, f, t), column, Row{"number_id": n.id, "fingerprint": f, "hour": t, "template": s.template})
				}
			}
		}
	}
	return inOrder(rows)
}

// bump adds one to a column of a row, which begins as given.
func bump(rows map[string]Row, key, column string, begin Row) {
	if rows[key] == nil {
		rows[key] = begin
	}
	count, _ := rows[key][column].(int)
	rows[key][column] = count + 1
}

// ContactOutcomes returns the table contact_outcomes of the whole log.
func (o *Oracle) ContactOutcomes() []Row {
	rows := map[string]Row{}
	for _, n := range o.numbers {
		for contact, c := range n.talks {
			r := Row{"number_id": n.id, "last_received": nil, "last_sent": nil}
			if c.newest != 0 {
				r["last_received"] = c.newest
			}
			for _, s := range n.sends {
				if last, _ := r["last_sent"].(int64); s.contact == contact && s.at > last {
					r["last_sent"] = s.at
				}
				if s.name == contact && (s.outcome == "answered" || s.outcome == "unanswered") {
					count, _ := r[s.outcome].(int)
					r[s.outcome] = count + 1
				}
			}
			if len(r) > 3 || r["last_sent"] != nil || r["last_received"] != nil {
				rows[fmt.Sprintf("%s %016x", n.id, contact)] = r
			}
		}
	}
	return inOrder(rows)
}

// NumberStatus returns every known number as of its last evaluation.
func (o *Oracle) NumberStatus() []Row {
	var all []Row
	for _, n := range inOrder(o.numbers) {
		all = append(all, n.row())
	}
	return all
}

// PortfolioStatus returns every portfolio as of its last evaluation.
func (o *Oracle) PortfolioStatus() []Row {
	var all []Row
	for _, p := range inOrder(o.portfolios) {
		if p.facts != nil {
			all = append(all, p.row())
		}
	}
	return all
}

// row returns a subject's row of its status table.
func (s *subject) row() Row {
	r := Row{s.kind + "_id": s.id, "clock": s.clock}
	put := func(column string) {
		if r[column] = s.facts[column]; math.IsNaN(s.facts[column]) {
			r[column] = nil
		}
	}
	put("score")
	if s.kind == "portfolio" {
		for column := range strings.FieldsSeq("unique_initiated_24h limit headroom restricted_7d shared_connection numbers_high numbers_medium numbers_low") {
			put(column)
		}
		return r
	}
	for f := range event.NumFacts {
		put(f.String())
	}
	for _, column := range []string{"restriction", "cap"} {
		if r[column] = s.words[column]; r[column] == "" {
			r[column] = nil
		}
	}
	r["band"] = event.BandOf(int(s.facts["score"])).String()
	for f := range event.NumNumberFactors {
		if f.Flags() {
			r["level_"+f.String()] = s.level(f).String()
		}
	}
	return r
}

// level returns a factor's flag level, of several keys the largest.
func (s *subject) level(f event.Factor) event.Level {
	highest := event.LevelNone
	for t, e := range s.episodes {
		if t[0] == f.String() {
			highest = max(highest, e.level)
		}
	}
	return highest
}
