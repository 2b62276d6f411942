package oracle

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"testing"

	"sendwatch/internal/event"
)

// model runs a log through the oracle.
func model(log []byte) *Oracle {
	o := New(int64(hour))
	for offset, r := range readLog(log) {
		if r.err != nil {
			o.Skip(event.ClassRejected, r.time)
			continue
		}
		o.Apply(r.ev, int64(offset), r.time)
	}
	return o
}

// TestExamples holds the model against logs whose results an independent
// program computed.
func TestExamples(t *testing.T) {
	for _, name := range []string{"tiny", "one", "many", "long"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("testdata", "examples", name)
			log, err := os.ReadFile(filepath.Join(dir, "events.ndjson"))
			if err != nil {
				t.Fatal(err)
			}
			o := model(log)
			for file, rows := range map[string][]row{
				"number_minutes.ndjson": o.minuteRows(), "fingerprint_hours.ndjson": o.hourRows(),
				"number_status.ndjson": o.statusRows(), "portfolio_status.ndjson": o.portfolioRows(),
				"flags.ndjson": o.flagRows(), "summary.json": {o.summary()},
			} {
				want := readRows(t, filepath.Join(dir, "expected", file))
				compareRows(t, file, want, rows)
			}
		})
	}
}

// row is a line of an expected file.
type row map[string]any

func readRows(t *testing.T, path string) []row {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []row
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		var r row
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, r)
	}
	return all
}

// compareRows compares the columns that the expected rows have.
func compareRows(t *testing.T, file string, want, got []row) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%s: %d rows, want %d", file, len(got), len(want))
	}
	shown := 0
	for i := range min(len(want), len(got)) {
		var g row
		data, err := json.Marshal(got[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &g); err != nil {
			t.Fatal(err)
		}
		for k, w := range want[i] {
			if k == "value" && want[i]["factor"] == "template_quality" {
				continue // section 8 gives these a value, the examples have none
			}
			if !same(w, g[k]) && shown < 10 {
				t.Errorf("%s: row %d: %s is %v, want %v in\n got %v\nwant %v", file, i, k, g[k], w, g, want[i])
				shown++
			}
		}
		for k := range g {
			if _, ok := want[i][k]; !ok && shown < 10 {
				t.Errorf("%s: row %d: unexpected %s in %v, want %v", file, i, k, g, want[i])
				shown++
			}
		}
	}
}

func same(a, b any) bool {
	x, ok := a.(float64)
	y, both := b.(float64)
	if ok && both {
		return x == y || math.Abs(x-y) <= 1e-12*math.Max(math.Abs(x), math.Abs(y))
	}
	return a == b
}

func sorted(rows []row, keys ...string) []row {
	sort.SliceStable(rows, func(i, j int) bool {
		for _, k := range keys {
			switch a := rows[i][k].(type) {
			case string:
				if b := rows[j][k].(string); a != b {
					return a < b
				}
			case int64:
				if b := rows[j][k].(int64); a != b {
					return a < b
				}
			}
		}
		return false
	})
	return rows
}

func (o *Oracle) minuteRows() []row {
	var all []row
	for k, counts := range o.NumberMinutes() {
		r := row{"number_id": k.Number, "minute": k.Minute}
		for column, n := range counts {
			r[column] = n
		}
		all = append(all, r)
	}
	return sorted(all, "number_id", "minute")
}

func (o *Oracle) hourRows() []row {
	var all []row
	for k, counts := range o.FingerprintHours() {
		r := row{"number_id": k.Number, "fingerprint": fmt.Sprintf("%016x", k.Fingerprint), "hour": k.Hour, "template": k.Template}
		for column, n := range counts {
			r[column] = n
		}
		all = append(all, r)
	}
	return sorted(all, "number_id", "fingerprint", "hour")
}

func (o *Oracle) statusRows() []row {
	var all []row
	for _, s := range o.NumberStatuses() {
		r := row{"number_id": s.NumberID, "clock": s.Clock, "score": s.Score, "band": s.Band.String()}
		for f, v := range s.Facts {
			name := event.Fact(f).String()
			switch {
			case math.IsNaN(v):
				r[name] = nil
			case event.Fact(f) == event.FactRestriction:
				r[name] = event.State(v).String()
			default:
				r[name] = v
			}
		}
		for f, level := range s.Levels {
			if event.Factor(f).Flags() {
				r["level_"+event.Factor(f).String()] = level.String()
			}
		}
		all = append(all, r)
	}
	return all
}

func (o *Oracle) portfolioRows() []row {
	var all []row
	for _, s := range o.PortfolioStatuses() {
		r := row{
			"portfolio_id": s.PortfolioID, "clock": s.Clock, "unique_initiated_24h": s.UniqueInitiated, "limit": nil,
			"headroom": nil, "restricted_7d": s.Restricted7d, "shared_connection": s.SharedConn,
			"numbers_high": s.NumbersHigh, "numbers_medium": s.NumbersMedium, "numbers_low": s.NumbersLow, "score": nil,
		}
		if s.Limit != 0 {
			r["limit"] = s.Limit
		}
		if h, ok := s.Headroom(); ok {
			r["headroom"] = h
		}
		if s.Score >= 0 {
			r["score"] = s.Score
		}
		all = append(all, r)
	}
	return all
}

func (o *Oracle) flagRows() []row {
	var all []row
	for i := range o.Flags {
		f := &o.Flags[i]
		r := row{
			"subject": f.Subject(), "id": f.NumberID, "factor": f.Factor.String(), "key": nil, "transition": f.Transition.String(),
			"level": f.Level.String(), "event_time": f.EventTime, "value": nil, "score": nil, "eta": nil,
		}
		if f.NumberID == "" {
			r["id"] = f.PortfolioID
		}
		if f.Key != "" {
			r["key"] = f.Key
		}
		switch f.Value.Kind {
		case event.ValueNumber:
			r["value"] = f.Value.Number
		case event.ValueWord:
			r["value"] = f.Value.Word
		}
		if f.Score >= 0 {
			r["score"] = f.Score
		}
		if f.ETA >= 0 {
			r["eta"] = f.ETA
		}
		all = append(all, r)
	}
	return all
}

func (o *Oracle) summary() row {
	return row{
		"rejected": o.Records[event.ClassRejected], "ignored": o.Records[event.ClassIgnored],
		"duplicate": o.Records[event.ClassDuplicate], "applied": o.Records[event.ClassApplied], "late": o.Late,
	}
}
