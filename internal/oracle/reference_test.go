package oracle

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"sendwatch/internal/event"
)

// reference is a log and what the model makes of it.
type reference struct {
	*Oracle
	records  []record
	classes  map[event.Class]int
	said     []Row          // what the platform said: which record, when and of what type
	statuses map[string]Row // of every subject and minute the last
	reached  *coverage      // noted if there is one
}

// newReference takes a log, of which nothing has been read yet.
func newReference(lines []string) *reference {
	w := &reference{Oracle: New(hour), records: readLog([]byte(strings.Join(lines, "\n"))), classes: map[event.Class]int{}, statuses: map[string]Row{}}
	w.watch = func(s *subject) {
		w.statuses[fmt.Sprintf("%s %s %013d", s.kind, s.id, s.clock/minute*minute)] = s.row()
		if w.reached != nil && s.kind == "number" {
			w.reached.reachVerdicts(w.numbers[s.id])
		}
	}
	return w
}

// read takes record i and returns its class.
func (w *reference) read(i int) event.Class {
	rec, offset, class := w.records[i], int64(i), event.ClassRejected
	if rec.err != nil {
		w.Skip(offset, rec.time)
	} else {
		var was before
		if n := w.numbers[string(rec.ev.NumberID)]; n != nil && w.reached != nil {
			was = n.snapshot()
		}
		class = w.Apply(rec.ev, offset, rec.time)
		if n := w.numbers[string(rec.ev.NumberID)]; class == event.ClassApplied && w.reached != nil {
			w.reached.reachRecord(rec)
			if n != nil {
				w.reached.reachEvent(w.Oracle, n, rec.ev, was)
			}
		}
	}
	w.classes[class]++
	if w.reached != nil {
		w.reached.note("class ", class)
	}
	if kept := []event.Type{event.TypeAccount, event.TypeQuality, event.TypeTemplate, event.TypeLimit}; class == event.ClassApplied && slices.Contains(kept, rec.ev.Type) {
		w.said = append(w.said, Row{"offset": offset, "time": rec.ev.Time, "type": rec.ev.Type.String(), "id": string(rec.ev.ID)})
	}
	return class
}

// runReference runs a log through the model.
func runReference(lines []string) *reference {
	w := newReference(lines)
	for i := range w.records {
		w.read(i)
	}
	return w
}

// late counts the late sends.
func (w *reference) late() (all int) {
	for _, n := range w.numbers {
		all += len(n.marks["late"])
	}
	return all
}

// outcomes returns contact_outcomes as they are written, with zeros.
func (w *reference) outcomes() []Row {
	rows := w.ContactOutcomes()
	for _, r := range rows {
		for _, column := range []string{"answered", "unanswered"} {
			if r[column] == nil {
				r[column] = 0
			}
		}
	}
	return byText(rows)
}

// letters returns the records that were rejected.
func (w *reference) letters() []Row {
	var all []Row
	for i, rec := range w.records {
		if rec.err != nil {
			all = append(all, Row{"offset": i, "value": base64.StdEncoding.EncodeToString([]byte(rec.line))})
		}
	}
	return all
}

// accountEvents returns what the platform said, with the columns that the event
// itself has. To which WABA and portfolio a number's event belongs is left out:
// it says so only sometimes.
func (w *reference) accountEvents() []Row {
	var all []Row
	for _, row := range w.said {
		r, ev := maps.Clone(row), w.records[row["offset"].(int64)].ev
		put := func(column string, value any) {
			if value != "" && value != int64(0) {
				r[column] = value
			}
		}
		if ev.Shared() {
			put("waba_id", string(ev.WABAID))
			put("portfolio_id", string(ev.PortfolioID))
		}
		put("number_id", string(ev.NumberID))
		switch ev.Type {
		case event.TypeQuality:
			put("state", ev.Rating.String())
		case event.TypeAccount:
			put("scope", ev.Scope.String())
			put("state", ev.State.String())
			put("expires_at", ev.ExpiresAt)
			put("reason", string(ev.Reason))
			var restrictions []any
			for _, text := range ev.Restrictions {
				restrictions = append(restrictions, string(text))
			}
			if restrictions != nil {
				r["restrictions"] = restrictions
			}
		case event.TypeTemplate:
			put("template", ev.Template.Key())
			put("state", string(ev.TemplateStatus))
			put("quality", ev.TemplateQuality.String())
		case event.TypeLimit:
			put("limit", ev.Limit)
		}
		all = append(all, r)
	}
	return all
}

// topDiffers compares what a status says lowered the score with the model's
// points: of several keys of a factor the largest count.
func (n *number) topDiffers(top []any) string {
	points := map[string]float64{}
	for _, v := range n.verdicts {
		if v.points > 0 {
			points[v.factor.String()] = max(points[v.factor.String()], v.points)
		}
	}
	largest := slices.Sorted(maps.Values(points))
	slices.Reverse(largest)
	if want := min(event.TopFactors, len(largest)); len(top) != want {
		return fmt.Sprintf("top of %s has %d factors, want %d", n.id, len(top), want)
	}
	for i, c := range top {
		named, _ := c.(map[string]any)
		of := points[fmt.Sprint(named["factor"])]
		p, ok := named["points"].(float64)
		if !ok || math.Abs(p-largest[i]) > 1e-9*largest[i] || math.Abs(p-of) > 1e-9*of {
			return fmt.Sprintf("top of %s has %v at %d, want %v of it, and %v there", n.id, c, i, of, largest[i])
		}
	}
	return ""
}

// flagReader takes flags as they are written. Flag ids are compared by giving
// each the model's name of the episode that it first stood for, so that ids that
// are shared or change show.
type flagReader struct {
	policy string
	topic  func(subject string) string
	names  map[string]string
}

// row returns a flag as the model has it, and what is wrong with the rest of it.
func (f *flagReader) row(written, model Row) (Row, error) {
	id, _ := written["flag_id"].(string)
	subject, _ := written["subject"].(string)
	name := fmt.Sprint(subject, " ", written[subject+"_id"], " ")
	if model != nil && f.names[id] == "" {
		f.names[id] = name + model["episode"].(string)
	}
	r := maps.Clone(written)
	r["id"], r["episode"] = written[subject+"_id"], strings.TrimPrefix(f.names[id], name)
	if r["key"] == nil {
		r["key"] = ""
	}
	position, _ := written["position"].(map[string]any)
	r["offset"] = position["offset"]
	factor, _ := event.ParseFactor(fmt.Sprint(written["factor"]))
	switch advice, _ := written["advice"].(string); {
	case position["topic"] != f.topic(subject):
		return nil, fmt.Errorf("flags: the position of %v names %v", name, position)
	case written["policy_version"] != f.policy:
		return nil, fmt.Errorf("flags: the policy of %v is %v, want %v", name, written["policy_version"], f.policy)
	case !equal(written["layer"], int(factor.Layer())):
		return nil, fmt.Errorf("flags: the layer of %v is %v, want %v", factor, written["layer"], factor.Layer())
	case advice == "":
		return nil, fmt.Errorf("flags: no advice for %v", factor)
	case written["evidence"] == nil:
		return nil, fmt.Errorf("flags: no evidence for %v", factor)
	}
	// Where a number was and what its thresholds are, the model does not keep.
	for _, column := range []string{"flag_id", "policy_version", "layer", "advice", "evidence", "position", "warn", "danger", "number_id", "portfolio_id", "emitted_at"} {
		delete(r, column)
	}
	return r, nil
}
