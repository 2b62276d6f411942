package oracle

import (
	"fmt"
	"math"
	"slices"

	"sendwatch/internal/event"
)

// NumberMinutes gives the table number_minutes by number and minute.
func (o *Oracle) NumberMinutes() []Row {
	rows := map[string]Row{}
	for _, n := range o.numbers {
		add := func(column string, t int64) {
			t -= t % minute
			bump(rows, fmt.Sprintf("%s %d", n.id, t), column, Row{"number_id": n.id, "minute": t})
		}
		for column, marks := range n.marks {
			for _, k := range marks {
				if column != "added" && column != "spam" {
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

// FingerprintHours gives the table fingerprint_hours by number, fingerprint and hour.
func (o *Oracle) FingerprintHours() []Row {
	rows := map[string]Row{}
	for _, n := range o.numbers {
		for _, s := range n.sends {
			t, f := s.at-s.at%hour, fmt.Sprintf("%016x", s.fingerprint)
			for column, counts := range map[string]bool{"sent": true, "initiated": s.initiated, s.fate: slices.Contains([]string{"answered", "unanswered", "withdrawn"}, s.fate)} {
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

// ContactOutcomes gives the table contact_outcomes of the whole log.
func (o *Oracle) ContactOutcomes() []Row {
	rows := map[string]Row{}
	for _, n := range o.numbers {
		for contact, c := range n.talks {
			r := Row{"number_id": n.id, "last_received": nil, "last_sent": nil}
			if c.newest != never {
				r["last_received"] = c.newest
			}
			for _, s := range n.sends {
				if s.contact != contact {
					continue
				}
				if last, _ := r["last_sent"].(int64); s.at > last {
					r["last_sent"] = s.at
				}
				if s.fate == "answered" || s.fate == "unanswered" {
					count, _ := r[s.fate].(int)
					r[s.fate] = count + 1
				}
			}
			if len(r) > 3 || r["last_sent"] != nil || r["last_received"] != nil {
				rows[fmt.Sprintf("%s %016x", n.id, contact)] = r
			}
		}
	}
	return inOrder(rows)
}

// NumberStatus gives every known number as of its last evaluation.
func (o *Oracle) NumberStatus() []Row {
	var all []Row
	for _, n := range inOrder(o.numbers) {
		all = append(all, n.status())
	}
	return all
}

func (n *number) status() Row {
	r := Row{"number_id": n.id, "clock": n.clock, "score": n.score, "band": event.BandOf(n.score).String()}
	for f := range event.NumFacts {
		if v := n.facts[f.String()]; !math.IsNaN(v) {
			r[f.String()] = v
		} else {
			r[f.String()] = nil
		}
	}
	r["restriction"] = event.State(n.facts["restriction"]).String()
	for f := range event.NumNumberFactors {
		if f.Flags() {
			r["level_"+f.String()] = n.level(f).String()
		}
	}
	return r
}

// PortfolioStatus gives every portfolio as of its last evaluation.
func (o *Oracle) PortfolioStatus() []Row {
	var all []Row
	for _, p := range inOrder(o.portfolios) {
		if p.facts != nil {
			all = append(all, p.facts)
		}
	}
	return all
}
