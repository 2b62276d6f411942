package replay

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
)

const tiny = "../engine/testdata/examples/tiny/events.ndjson"

func mustRun(t *testing.T, cfg Config) *Result {
	t.Helper()
	if cfg.Policy == nil {
		cfg.Policy = policy.Default()
	}
	r, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// files returns what a result writes, by name, but for the summary, which has
// the run's own speed.
func files(t *testing.T, r *Result) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got[e.Name()] = string(data)
	}
	if got["summary.json"] == "" {
		t.Error("no summary.json was written")
	}
	delete(got, "summary.json")
	return got
}

// TestSourcesAgree replays one log plain, compressed, from standard input, split
// in two and with blank lines: the files are the same, byte for byte.
func TestSourcesAgree(t *testing.T) {
	log, err := os.ReadFile(tiny)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put := func(name string, data []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	var gz, zst bytes.Buffer
	g := gzip.NewWriter(&gz)
	z, err := zstd.NewWriter(&zst)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []interface {
		Write([]byte) (int, error)
		Close() error
	}{g, z} {
		if _, err := w.Write(log); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	half := bytes.IndexByte(log[len(log)/2:], '\n') + len(log)/2 + 1
	want := files(t, mustRun(t, Config{Files: []string{tiny}}))
	if len(want) != 8 {
		t.Errorf("%d files beside the summary, want 8", len(want))
	}
	for name, cfg := range map[string]Config{
		"gzip":  {Files: []string{put("log.gz", gz.Bytes())}},
		"zstd":  {Files: []string{put("log.zst", zst.Bytes())}},
		"stdin": {Files: []string{"-"}, Stdin: bytes.NewReader(log)},
		"split": {Files: []string{put("a", log[:half]), put("b", log[half:])}},
		"blank": {Files: []string{put("c", bytes.ReplaceAll(log, []byte("\n"), []byte("\r\n \n\n")))}},
	} {
		for file, got := range files(t, mustRun(t, cfg)) {
			if got != want[file] {
				t.Errorf("%s: %s differs from the plain log's", name, file)
			}
		}
	}
}

// TestDeadLetter keeps the bytes and the reason of what cannot be read, also of
// a line longer than the read buffer, and goes on behind it.
func TestDeadLetter(t *testing.T) {
	long := `{"id":"` + strings.Repeat("x", 2*readBuffer) + `"}`
	event := `{"id":"a","type":"number.quality","time":1760000000000,"number_id":"n","rating":"RED"}`
	r := mustRun(t, Config{Files: []string{"-"}, Stdin: strings.NewReader("nonsense\n" + long + "\n" + event)})
	if r.Summary.Rejected != 2 || r.Summary.Applied != 1 {
		t.Fatalf("%d rejected and %d applied, want 2 and 1", r.Summary.Rejected, r.Summary.Applied)
	}
	lines := strings.Split(files(t, r)["dead_letter.ndjson"], "\n")
	for i, want := range []string{"nonsense", long} {
		if !strings.Contains(lines[i], base64.StdEncoding.EncodeToString([]byte(want))) {
			t.Errorf("dead letter %d lacks the original bytes", i)
		}
	}
	if !strings.Contains(lines[1], "too_large") {
		t.Errorf("the long line's reason is not too_large: %.80s", lines[1])
	}
}

// TestAnomalies applies events that contradict what is known, and counts them
// where a reader of the summary sees them.
func TestAnomalies(t *testing.T) {
	const at = `,"time":1760000000000,"number_id":"n","contact":"1","message_id":"m"`
	r := mustRun(t, Config{Files: []string{"-"}, Stdin: strings.NewReader(strings.Join([]string{
		`{"id":"1","type":"message.received","kind":"text","portfolio_id":"p"` + at + `}`,
		`{"id":"2","type":"message.status","status":"read","portfolio_id":"q"` + strings.Replace(at, `"1"`, `"2"`, 1) + `}`,
		`{"id":"3","type":"message.status","status":"failed","error_code":999999` + strings.Replace(at, `"1"`, `"3"`, 1) + `}`,
		`{"id":"4","type":"account.update","scope":"waba","waba_id":"w","state":"restricted","time":1760000000000}`,
	}, "\n"))})
	if r.Summary.Applied != 4 {
		t.Errorf("%d applied, want 4", r.Summary.Applied)
	}
	want := map[string]int64{"reply": 1, "status": 2, "error_code": 1, "account": 1, "move": 1}
	if !maps.Equal(r.Summary.Anomalies, want) {
		t.Errorf("anomalies %v, want %v", r.Summary.Anomalies, want)
	}
}

// TestUntil moves the watermark at the end: the unanswered send of the example
// that is still open expires, and a portfolio still has one status, its last.
func TestUntil(t *testing.T) {
	before := mustRun(t, Config{Files: []string{tiny}})
	after := mustRun(t, Config{Files: []string{tiny}, Until: before.Summary.Watermark + 3*24*3600*1000})
	count := func(r *Result) (n int64) {
		err := r.EachRow(func(rows *event.Output) error {
			for i := range rows.NumberMinutes {
				n += rows.NumberMinutes[i].Unanswered
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if count(before) != 1 || count(after) != 2 {
		t.Errorf("%d and %d unanswered, want 1 and 2", count(before), count(after))
	}
	if n := len(after.Rows.PortfolioStatus); n == 0 || n != len(before.Rows.PortfolioStatus) {
		t.Errorf("%d portfolio statuses, want %d", n, len(before.Rows.PortfolioStatus))
	}
}

// TestMissingFile names the file.
func TestMissingFile(t *testing.T) {
	_, err := Run(t.Context(), Config{Files: []string{"absent.ndjson"}, Policy: policy.Default()})
	if err == nil || !strings.Contains(err.Error(), "absent.ndjson") {
		t.Errorf("error %v does not name the file", err)
	}
}

// TestCompare matches episodes by overlap and names each disagreement.
func TestCompare(t *testing.T) {
	flag := func(id, number string, f event.Factor, tr event.Transition, l event.Level, at int64) event.Flag {
		return event.Flag{FlagID: id, NumberID: number, Factor: f, Transition: tr, Level: l, EventTime: at}
	}
	a := []event.Flag{
		flag("1", "n1", event.FactorVelocityHour, event.TransitionRaised, event.LevelWarn, 100),
		flag("1", "n1", event.FactorVelocityHour, event.TransitionCleared, event.LevelNone, 200),
		flag("2", "n2", event.FactorVelocityHour, event.TransitionRaised, event.LevelWarn, 100),
		flag("3", "n3", event.FactorOptOut, event.TransitionRaised, event.LevelDanger, 100),
		flag("4", "n4", event.FactorOptOut, event.TransitionRaised, event.LevelWarn, 100),
		flag("9", "n5", event.FactorOptOut, event.TransitionRaised, event.LevelWarn, 300),
		flag("9", "n5", event.FactorOptOut, event.TransitionEscalated, event.LevelDanger, 400),
	}
	b := []event.Flag{
		flag("5", "n1", event.FactorVelocityHour, event.TransitionRaised, event.LevelWarn, 300), // no overlap
		flag("6", "n2", event.FactorVelocityHour, event.TransitionRaised, event.LevelWarn, 90),
		flag("7", "n3", event.FactorOptOut, event.TransitionRaised, event.LevelDanger, 100), // the same
		flag("8", "n4", event.FactorOptOut, event.TransitionRaised, event.LevelWarn, 150),
		flag("8", "n4", event.FactorOptOut, event.TransitionEscalated, event.LevelDanger, 160),
		flag("10", "n5", event.FactorOptOut, event.TransitionRaised, event.LevelWarn, 300),
		flag("10", "n5", event.FactorOptOut, event.TransitionEscalated, event.LevelDanger, 370), // raised together
	}
	var got []string
	for _, d := range Compare(a, b) {
		got = append(got, fmt.Sprintf("%s %s %d %d", d.of().ID, d.Kind(), d.Shift(), d.DangerShift()))
	}
	want := "n1 only_a 0 0,n2 earlier -10 0,n1 only_b 0 0,n4 level 50 0,n5 earlier 0 -30"
	if strings.Join(got, ",") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// TestPrintDifferences counts by factor, names the first flags of each, and
// says where the others are.
func TestPrintDifferences(t *testing.T) {
	var a, b Result
	raise := func(r *Result, number string, f event.Factor, l event.Level, at int64) {
		r.Rows.Flags = append(r.Rows.Flags, event.Flag{FlagID: fmt.Sprint(number, at), NumberID: number, Factor: f, Level: l, EventTime: at})
	}
	for i := range int64(7) {
		raise(&a, fmt.Sprint("n", i), event.FactorOptOut, event.LevelDanger, 1_760_000_000_000+i)
	}
	raise(&a, "x", event.FactorVelocityHour, event.LevelWarn, 1_760_000_090_000)
	raise(&b, "x", event.FactorVelocityHour, event.LevelDanger, 1_760_000_000_000)
	var out strings.Builder
	if err := PrintDifferences(&out, &a, &b, Compare(a.Rows.Flags, b.Rows.Flags)); err != nil {
		t.Fatal(err)
	}
	const want = `
velocity_hour
  2025-10-09 08:54:50  x  A warn, B danger, B earlier by 1m30s

opt_out
  2025-10-09 08:53:20  n0  only A, danger
  2025-10-09 08:53:20  n1  only A, danger
  2025-10-09 08:53:20  n2  only A, danger
  2025-10-09 08:53:20  n3  only A, danger
  2025-10-09 08:53:20  n4  only A, danger
  ...

8 flags differ; differences.ndjson has each.
`
	if _, got, _ := strings.Cut(out.String(), "\n\n"); "\n"+got != want {
		t.Errorf("got\n%s\nwant below the table\n%s", out.String(), want)
	}
	out.Reset()
	b.Rows.Flags = nil
	a.Rows.Flags = a.Rows.Flags[:1]
	if err := PrintDifferences(&out, &a, &b, Compare(a.Rows.Flags, nil)); err != nil || !strings.Contains(out.String(), "\n1 flag differs;") {
		t.Errorf("%v, %q", err, out.String())
	}
	out.Reset()
	if err := PrintDifferences(&out, &a, &a, nil); err != nil || !strings.Contains(out.String(), "No flag differs.") {
		t.Errorf("%v, %q", err, out.String())
	}
}
