package oracle

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/replay"
)

// TestReplayAgrees writes random logs to files, one or two of them, plain or
// compressed, replays them, at times to a later end, and compares the files that
// this writes with the model: every row, column and flag, in order.
func TestReplayAgrees(t *testing.T) { agree(t, 60, replayDiffers) }

func replayDiffers(t *testing.T, lines []string, seed uint64) string {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 2))
	dir := t.TempDir()
	cfg := replay.Config{Policy: policy.Default(), DedupHorizon: int64(r.IntN(2)) * hour}
	for i := range cfg.Secret {
		cfg.Secret[i] = byte(r.UintN(256))
	}
	parts := [][]string{lines}
	if cut := r.IntN(len(lines) + 1); r.IntN(3) == 0 {
		parts = [][]string{lines[:cut], lines[cut:]}
	}
	for i, part := range parts {
		cfg.Files = append(cfg.Files, writeLog(t, r, filepath.Join(dir, fmt.Sprint("log", i)), part))
	}
	if len(parts) == 1 && r.IntN(6) == 0 {
		cfg.Files, cfg.Stdin = []string{"-"}, strings.NewReader(strings.Join(lines, "\n"))
	}
	w := runReference(lines)
	if r.IntN(3) == 0 && w.watermark != never {
		cfg.Until = w.watermark + []int64{-hour, 0, 1, minute, 11 * minute, hour, 49 * hour}[r.IntN(7)]
		w.AdvanceTo(cfg.Until)
	}
	res, err := replay.Run(t.Context(), cfg)
	if err != nil {
		return "run: " + err.Error()
	}
	out := filepath.Join(dir, "out")
	if err := res.Write(out); err != nil {
		return "write: " + err.Error()
	}
	return w.filesDiffer(t, out)
}

// writeLog writes lines as somebody's tool may have written them, and returns the
// name of the file.
func writeLog(t *testing.T, r *rand.Rand, name string, lines []string) string {
	t.Helper()
	var log bytes.Buffer
	end := []string{"\n", "\n", "\r\n"}[r.IntN(3)]
	blank := r.IntN(4) == 0
	for i, line := range lines {
		log.WriteString(line)
		if i < len(lines)-1 || r.IntN(2) == 0 {
			log.WriteString(end)
		}
		if blank && r.IntN(10) == 0 {
			log.WriteString("  " + end)
		}
	}
	var file bytes.Buffer
	var packer io.WriteCloser
	switch r.IntN(4) {
	case 0:
		name += ".gz"
		packer = gzip.NewWriter(&file)
	case 1:
		name += ".zst"
		z, err := zstd.NewWriter(&file)
		if err != nil {
			t.Fatal(err)
		}
		packer = z
	}
	if packer == nil {
		file = log
	} else {
		if _, err := packer.Write(log.Bytes()); err != nil {
			t.Fatal(err)
		}
		if err := packer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(name, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// filesDiffer compares what a replay wrote with the model.
func (w *reference) filesDiffer(t *testing.T, dir string) string {
	t.Helper()
	read := func(table string) []Row { return readRows(t, filepath.Join(dir, table+".ndjson")) }
	flags, d := w.writtenFlags(read("flags"))
	if d != "" {
		return d
	}
	statuses, d := w.writtenStatuses(read("number_status"))
	if d != "" {
		return d
	}
	var numbers, portfolios []Row
	for _, n := range inOrder(w.numbers) {
		r := n.row()
		r["waba_id"], r["portfolio_id"] = orNone(n.waba), orNone(n.portfolio)
		numbers = append(numbers, r)
	}
	for _, p := range inOrder(w.portfolios) {
		if p.facts == nil {
			continue
		}
		r := p.row()
		for f := event.NumNumberFactors; f < event.NumFactors; f++ {
			r["level_"+f.String()] = p.level(f).String()
		}
		portfolios = append(portfolios, r)
	}
	contacts, d := writtenContacts(read("contact_outcomes"))
	if d != "" {
		return d
	}
	letters := read("dead_letter")
	for _, l := range letters {
		if reason, _ := l["reason"].(string); reason == "" {
			return fmt.Sprintf("dead_letter: %v has no reason", l)
		}
		delete(l, "reason")
		delete(l, "field")
		delete(l, "detail")
	}
	accounts := read("account_events")
	for _, a := range accounts {
		if a["number_id"] != nil {
			delete(a, "waba_id")
			delete(a, "portfolio_id")
		}
	}
	return cmp.Or(
		difference("flags", w.Flags, flags),
		difference("number_status", numbers, statuses),
		difference("portfolio_status", portfolios, read("portfolio_status")),
		difference("number_minutes", w.NumberMinutes(), read("number_minutes")),
		difference("fingerprint_hours", w.FingerprintHours(), read("fingerprint_hours")),
		difference("contact_outcomes", w.outcomes(), contacts),
		difference("account_events", w.accountEvents(), accounts),
		difference("dead_letter", w.letters(), letters),
		w.summaryDiffers(t, filepath.Join(dir, "summary.json")),
	)
}

// writtenFlags returns the flags of a replay as the model has them.
func (w *reference) writtenFlags(flags []Row) (rows []Row, problem string) {
	reader := flagReader{policy: policy.Default().Version, topic: func(string) string { return replay.Topic }, names: map[string]string{}}
	for i, f := range flags {
		if f["emitted_at"] != f["event_time"] {
			return nil, fmt.Sprintf("flags: one of %v says it was sent at %v", f["event_time"], f["emitted_at"])
		}
		var want Row
		if i < len(w.Flags) {
			want = w.Flags[i]
		}
		r, err := reader.row(f, want)
		if err != nil {
			return nil, err.Error()
		}
		rows = append(rows, r)
	}
	return rows, ""
}

// writtenStatuses checks what lowered the scores and returns the rest.
func (w *reference) writtenStatuses(statuses []Row) (rows []Row, problem string) {
	for _, s := range statuses {
		top, _ := s["top"].([]any)
		n := w.numbers[fmt.Sprint(s["number_id"])]
		if n == nil {
			return nil, fmt.Sprintf("number_status: %v is not known", s["number_id"])
		}
		if d := n.topDiffers(top); d != "" {
			return nil, d
		}
		// What explains a row is not in the model.
		delete(s, "top")
		delete(s, "silent")
		delete(s, "answered_sender")
	}
	return statuses, ""
}

// writtenContacts checks the order of contact_outcomes and returns its rows
// without the contacts, which the model hashes otherwise, and without what the
// contract's table does not have.
func writtenContacts(contacts []Row) (rows []Row, problem string) {
	key := func(r Row) string { return fmt.Sprint(r["number_id"], " ", r["contact"]) }
	if !slices.IsSortedFunc(contacts, func(a, b Row) int { return strings.Compare(key(a), key(b)) }) {
		return nil, "contact_outcomes: the rows are not in order"
	}
	for _, c := range contacts {
		delete(c, "contact")
		delete(c, "unanswered_since")
		for _, column := range []string{"answered", "unanswered", "last_sent", "last_received"} {
			if v, ok := c[column].(float64); ok {
				c[column] = int64(v) // as text it is sorted like the model's
			}
		}
	}
	return byText(contacts), ""
}

// summaryDiffers compares the counts of summary.json.
func (w *reference) summaryDiffers(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got Row
	if err := json.Unmarshal(data, &got); err != nil {
		return "summary: " + err.Error()
	}
	want := w.summary()
	want["records"], want["numbers"], want["flags"] = len(w.records), len(w.numbers), len(w.Flags)
	want["watermark"], want["policy_version"] = max(w.watermark, 0), policy.Default().Version
	for _, own := range []string{"seconds", "events_per_second", "peak_memory_bytes", "anomalies"} {
		delete(got, own)
	}
	return difference("summary", []Row{want}, []Row{got})
}

// orNone returns a name, or nothing if it is empty.
func orNone(name string) any {
	if name == "" {
		return nil
	}
	return name
}

// TestReplayAgreesOnExamples replays a file of each worked example.
func TestReplayAgreesOnExamples(t *testing.T) {
	for _, name := range []string{"tiny", "one", "many", "long", "who", "early"} {
		log, err := os.ReadFile(filepath.Join("..", "engine", "testdata", "examples", name, "events.ndjson"))
		if err != nil {
			t.Fatal(err)
		}
		lines := slices.DeleteFunc(strings.Split(string(log), "\n"), func(l string) bool { return strings.TrimSpace(l) == "" })
		if d := replayDiffers(t, lines, 1); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
