package replay

import (
	"bufio"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"sendwatch/internal/event"
)

// Episode is one flag from raised to cleared, of one policy.
type Episode struct {
	Subject, ID string // number or portfolio, and which
	Factor      event.Factor
	Key         string
	Raised      int64 // ms
	Cleared     int64 // ms; 0 if it was open at the end
	Danger      int64 // ms, when it first reached danger; 0 if it never did
	Top         event.Level
}

// Difference is an episode on which two policies disagree. A or B is nil where
// only the other raised it.
type Difference struct {
	A, B *Episode
}

// Kind names the disagreement: only_a, only_b, level, earlier or later (B's
// flag against A's; where both were raised at once, B's step to danger).
func (d *Difference) Kind() string {
	switch {
	case d.B == nil:
		return "only_a"
	case d.A == nil:
		return "only_b"
	case d.A.Top != d.B.Top:
		return "level"
	case cmp.Or(d.Shift(), d.DangerShift()) < 0:
		return "earlier"
	}
	return "later"
}

// Shift returns by how many ms B raised the flag later than A; 0 where only one did.
func (d *Difference) Shift() int64 {
	if d.A == nil || d.B == nil {
		return 0
	}
	return d.B.Raised - d.A.Raised
}

// DangerShift returns by how many ms B's flag came to danger later than A's; 0
// where not both did.
func (d *Difference) DangerShift() int64 {
	if d.A == nil || d.B == nil || d.A.Danger == 0 || d.B.Danger == 0 {
		return 0
	}
	return d.B.Danger - d.A.Danger
}

// of returns the episode that is there.
func (d *Difference) of() *Episode {
	if d.A != nil {
		return d.A
	}
	return d.B
}

// Episodes puts transitions, in order, together to episodes.
func Episodes(flags []event.Flag) []Episode {
	var list []Episode
	open := map[string]int{}
	for i := range flags {
		f := &flags[i]
		id := f.NumberID
		if id == "" {
			id = f.PortfolioID
		}
		at, ok := open[f.FlagID]
		if !ok {
			at = len(list)
			open[f.FlagID] = at
			list = append(list, Episode{Subject: f.Subject(), ID: id, Factor: f.Factor, Key: f.Key, Raised: f.EventTime})
		}
		e := &list[at]
		e.Top = max(e.Top, f.Level)
		if f.Level == event.LevelDanger && e.Danger == 0 {
			e.Danger = f.EventTime
		}
		if f.Transition == event.TransitionCleared {
			e.Cleared = f.EventTime
		}
	}
	return list
}

// Compare finds the episodes on which two policies disagree over the same log.
// Episodes of the same subject, factor and key belong together if they overlap
// in time; one that overlaps several is taken with the first that is free.
func Compare(a, b []event.Flag) []Difference {
	left, right := Episodes(a), Episodes(b)
	name := func(e *Episode) string {
		return strings.Join([]string{e.Subject, e.ID, e.Factor.String(), e.Key}, "\x00")
	}
	byName := map[string][]int{}
	for i := range right {
		byName[name(&right[i])] = append(byName[name(&right[i])], i)
	}
	taken := make([]bool, len(right))
	var list []Difference
	for i := range left {
		l := &left[i]
		d := Difference{A: l}
		for _, k := range byName[name(l)] {
			if r := &right[k]; !taken[k] && l.overlaps(r) {
				taken[k], d.B = true, r
				break
			}
		}
		if d.B == nil || d.B.Raised != l.Raised || d.B.Top != l.Top || d.DangerShift() != 0 {
			list = append(list, d)
		}
	}
	for k := range right {
		if !taken[k] {
			list = append(list, Difference{B: &right[k]})
		}
	}
	slices.SortStableFunc(list, func(x, y Difference) int {
		p, q := x.of(), y.of()
		return cmp.Or(cmp.Compare(p.Factor, q.Factor), cmp.Compare(p.Raised, q.Raised),
			strings.Compare(p.ID, q.ID), strings.Compare(p.Key, q.Key))
	})
	return list
}

// overlaps reports whether two episodes have an instant in common.
func (e *Episode) overlaps(o *Episode) bool {
	return (e.Cleared == 0 || o.Raised <= e.Cleared) && (o.Cleared == 0 || e.Raised <= o.Cleared)
}

// differenceLine is a Difference in differences.ndjson.
type differenceLine struct {
	Difference    string       `json:"difference"`
	Subject       string       `json:"subject"`
	ID            string       `json:"id"`
	Factor        string       `json:"factor"`
	Key           *string      `json:"key"`
	ShiftMS       *int64       `json:"shift_ms"`        // B's raise after A's
	DangerShiftMS *int64       `json:"danger_shift_ms"` // B's step to danger after A's
	A             *episodeLine `json:"a"`
	B             *episodeLine `json:"b"`
}

type episodeLine struct {
	Raised  int64  `json:"raised"`
	Danger  *int64 `json:"danger"`
	Cleared *int64 `json:"cleared"`
	Level   string `json:"level"` // the highest
}

func line(e *Episode) *episodeLine {
	if e == nil {
		return nil
	}
	l := &episodeLine{Raised: e.Raised, Level: e.Top.String()}
	if e.Danger != 0 {
		l.Danger = &e.Danger
	}
	if e.Cleared != 0 {
		l.Cleared = &e.Cleared
	}
	return l
}

// WriteDifferences writes differences.ndjson into a folder.
func WriteDifferences(dir string, list []Difference) error {
	w := writer{dir: dir}
	w.file("differences.ndjson", func(out *bufio.Writer) error {
		e := json.NewEncoder(out)
		for i := range list {
			d := &list[i]
			of := d.of()
			l := differenceLine{
				Difference: d.Kind(), Subject: of.Subject, ID: of.ID, Factor: of.Factor.String(), A: line(d.A), B: line(d.B),
			}
			if of.Key != "" {
				l.Key = &of.Key
			}
			if d.A != nil && d.B != nil {
				shift := d.Shift()
				l.ShiftMS = &shift
				if d.A.Danger != 0 && d.B.Danger != 0 {
					danger := d.DangerShift()
					l.DangerShiftMS = &danger
				}
			}
			if err := e.Encode(l); err != nil {
				return err
			}
		}
		return nil
	})
	return w.err
}
