package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

// examples are the contract's worked logs, with what an independent program
// made of them.
var examples = []string{"tiny", "one", "many", "long", "who", "early"}

// replay returns what the engine makes of a log, as one pane, with the statuses
// at its end.
func replay(t testing.TB, log []byte) (*event.Output, engine.Stats) {
	t.Helper()
	e := engine.New(engine.Config{
		Topic: "replay", Policy: policy.Default(), PaneBits: engine.WholeLog, Portfolios: true,
	})
	var out event.Output
	run(log, e, &out, func(int64) {})
	out.NumberStatuses, out.PortfolioStatus = nil, nil
	e.Flush(&out)
	out.NumberStatuses = nil
	e.Statuses(&out)
	e.PortfolioStatuses(&out)
	return &out, e.Stats()
}

// eachLine returns the records of a log with their offsets and timestamps.
func eachLine(log []byte, record func(offset, at int64, line []byte)) {
	var last, offset int64
	for line := range bytes.Lines(log) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		at, ok := codec.RecordTime(line)
		if !ok {
			if at, ok = codec.Time(line); !ok {
				at = last
			}
		}
		last = at
		record(offset, at, line)
		offset++
	}
}

// TestExamples compares every file of every worked example. The value of
// template_quality is left out: the expected files carry none, the contract
// (section 8) says status/quality.
func TestExamples(t *testing.T) {
	for _, name := range examples {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("testdata", "examples", name)
			log, err := os.ReadFile(filepath.Join(dir, "events.ndjson"))
			if err != nil {
				t.Fatal(err)
			}
			out, stats := replay(t, log)
			compare(t, dir, "number_minutes", minuteLines(out))
			compare(t, dir, "fingerprint_hours", fingerprintLines(out))
			compare(t, dir, "number_status", statusLines(out))
			compare(t, dir, "portfolio_status", portfolioLines(out))
			compare(t, dir, "flags", flagLines(out))
			var want map[string]int64
			data, err := os.ReadFile(filepath.Join(dir, "expected", "summary.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			got := map[string]int64{"late": stats.Late}
			for c := range event.NumClasses {
				got[c.String()] = stats.Records[c]
			}
			for k, v := range want {
				if got[k] != v {
					t.Errorf("summary: %s is %d, want %d", k, got[k], v)
				}
			}
		})
	}
}

type line = map[string]any

// compare reports the lines of an expected file that got lacks, and the other
// way round. Flags are compared in order, other files as they are keyed.
func compare(t *testing.T, dir, file string, got []line) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "expected", file+".ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	var want []line
	for l := range bytes.Lines(data) {
		var v line
		if err := json.Unmarshal(l, &v); err != nil {
			t.Fatal(err)
		}
		if v["factor"] == "template_quality" {
			delete(v, "value")
		}
		want = append(want, v)
	}
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(want):
			t.Errorf("%s: line %d too many: %v", file, i+1, got[i])
		case i >= len(got):
			t.Errorf("%s: line %d missing: %v", file, i+1, want[i])
		default:
			if d := difference(got[i], want[i]); d != "" {
				t.Errorf("%s: line %d: %s\n got %v\nwant %v", file, i+1, d, got[i], want[i])
				return
			}
		}
	}
}

// difference names the first field of want that got has otherwise.
func difference(got, want line) string {
	for k, w := range want {
		g := got[k]
		if a, ok := g.(float64); ok {
			if b, ok := w.(float64); ok && math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b)) {
				continue
			}
		}
		if g != w {
			return fmt.Sprintf("%s is %v, want %v", k, g, w)
		}
	}
	for k, g := range got {
		if _, ok := want[k]; !ok && k != "value" && k != "wake" {
			return fmt.Sprintf("%s is %v, want none", k, g)
		}
	}
	return ""
}

func minuteLines(out *event.Output) []line {
	var lines []line
	for i := range out.NumberMinutes {
		r := &out.NumberMinutes[i]
		l := line{"number_id": r.NumberID, "minute": float64(r.Minute)}
		put := func(name string, v int64) {
			if v != 0 {
				l[name] = float64(v)
			}
		}
		c := &r.Counts
		put("contacts", r.ContactCount)
		put("sent", c.Sent)
		put("initiated", c.Initiated)
		put("held", c.Held)
		put("late", c.Late)
		put("delivered", c.Delivered)
		put("read", c.Read)
		put("received", c.Received)
		put("answered", c.Answered)
		put("unanswered", c.Unanswered)
		put("withdrawn", c.Withdrawn)
		put("blocks", c.Blocks)
		put("reports", c.Reports)
		put("stops", c.Stops)
		put("sent_after_stop", c.SentAfterStop)
		put("templates_sent", c.TemplatesSent)
		put("group_messages", c.GroupMessages)
		for class, n := range c.Failed {
			put("failed_"+event.ErrorClass(class).String(), n)
		}
		if len(l) > 2 {
			lines = append(lines, l)
		}
	}
	sortLines(lines, "number_id", "minute")
	return lines
}

func fingerprintLines(out *event.Output) []line {
	var lines []line
	for i := range out.FingerprintHours {
		r := &out.FingerprintHours[i]
		l := line{
			"number_id": r.NumberID, "fingerprint": fmt.Sprintf("%016x", r.Fingerprint),
			"hour": float64(r.Hour), "template": r.Template,
		}
		put := func(name string, v int64) {
			if v != 0 {
				l[name] = float64(v)
			}
		}
		put("sent", r.Sent)
		put("initiated", r.Initiated)
		put("answered", r.Answered)
		put("unanswered", r.Unanswered)
		put("withdrawn", r.Withdrawn)
		lines = append(lines, l)
	}
	sortLines(lines, "number_id", "fingerprint", "hour")
	return lines
}

func number(v float64) any {
	if v != v {
		return nil
	}
	return v
}

func statusLines(out *event.Output) []line {
	var lines []line
	for i := range out.NumberStatuses {
		r := &out.NumberStatuses[i]
		l := line{
			"number_id": r.NumberID, "clock": float64(r.Clock), "score": float64(r.Score), "band": r.Band.String(),
		}
		for f := range event.NumFacts {
			switch v := r.Facts[f]; {
			case f.Type() == event.FactWord:
				l[f.String()] = event.State(v).String()
			case f.Type() == event.FactCapWord && v == v:
				l[f.String()] = event.CapStatus(v).String()
			default:
				l[f.String()] = number(v)
			}
		}
		for f, level := range r.Levels {
			if f := event.Factor(f); f.Flags() {
				l["level_"+f.String()] = level.String()
			}
		}
		lines = append(lines, l)
	}
	return lines
}

func portfolioLines(out *event.Output) []line {
	var lines []line
	for i := range out.PortfolioStatus {
		r := &out.PortfolioStatus[i]
		l := line{
			"portfolio_id": r.PortfolioID, "clock": float64(r.Clock), "unique_initiated_24h": float64(r.UniqueInitiated),
			"restricted_7d": float64(r.Restricted7d), "shared_connection": float64(r.SharedConn),
			"numbers_high": float64(r.NumbersHigh), "numbers_medium": float64(r.NumbersMedium),
			"numbers_low": float64(r.NumbersLow),
		}
		if r.Score >= 0 {
			l["score"] = float64(r.Score)
		}
		if r.Limit != 0 {
			l["limit"] = float64(r.Limit)
		}
		if room, ok := r.Headroom(); ok {
			l["headroom"] = float64(room)
		}
		lines = append(lines, l)
	}
	return lines
}

func flagLines(out *event.Output) []line {
	var lines []line
	for i := range out.Flags {
		f := &out.Flags[i]
		l := line{
			"subject": f.Subject(), "id": f.NumberID + f.PortfolioID, "factor": f.Factor.String(),
			"transition": f.Transition.String(), "level": f.Level.String(), "event_time": float64(f.EventTime),
		}
		if f.NumberID != "" {
			l["id"] = f.NumberID
			l["score"] = float64(f.Score)
		}
		if f.Key != "" {
			l["key"] = f.Key
		}
		if f.ETA >= 0 {
			l["eta"] = float64(f.ETA)
		}
		switch f.Value.Kind {
		case event.ValueNumber:
			l["value"] = f.Value.Number
		case event.ValueWord:
			l["value"] = f.Value.Word
		}
		lines = append(lines, l)
	}
	return lines
}

func sortLines(lines []line, keys ...string) {
	key := func(l line) string {
		var b strings.Builder
		for _, k := range keys {
			if v, ok := l[k].(float64); ok {
				fmt.Fprintf(&b, "%020.0f\x00", v)
			} else {
				fmt.Fprintf(&b, "%v\x00", l[k])
			}
		}
		return b.String()
	}
	for i := 1; i < len(lines); i++ {
		for j := i; j > 0 && key(lines[j]) < key(lines[j-1]); j-- {
			lines[j], lines[j-1] = lines[j-1], lines[j]
		}
	}
}
