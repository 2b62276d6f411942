package codec

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"sendwatch/internal/event"
)

// exampleFolder holds the contract's worked examples, which the engine's tests
// use too.
const exampleFolder = "../engine/testdata/examples"

var exampleLogs = []string{"tiny", "one", "many", "long", "who", "early"}

// The words that the contract names, section 2.
var (
	stopWords   = []string{"STOP", "UNSUBSCRIBE", "CANCEL", "PARAR", "SAIR", "BAJA", "ARRÊT", "توقف"}
	resumeWords = []string{"START", "UNSTOP", "RESUME"}
)

// testSecret is any key.
var testSecret = Secret{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

func testDecoder() *Decoder {
	return NewDecoder(Config{Secret: testSecret, StopWords: stopWords, ResumeWords: resumeWords})
}

// readLines returns the lines of an example's file.
func readLines(t testing.TB, parts ...string) [][]byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{exampleFolder}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		if line := bytes.Clone(s.Bytes()); len(bytes.TrimSpace(line)) > 0 {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestExamples reads the worked logs as a replay does and compares the classes
// and the fingerprints with what an independent program made of them.
func TestExamples(t *testing.T) {
	for _, name := range exampleLogs {
		t.Run(name, func(t *testing.T) {
			d := testDecoder()
			got := map[string]bool{}
			var rejected, ignored int
			var last int64
			var ev event.Event
			for _, line := range readLines(t, name, "events.ndjson") {
				at, ok := RecordTime(line)
				if !ok {
					if at, ok = Time(line); !ok {
						at = last
					}
				}
				last = at
				switch err := d.Decode(&ev, line, ContentJSON, at); {
				case err != nil:
					rejected++
				case ev.Type == event.TypeUnknown:
					ignored++
				case ev.IsSend():
					template := ""
					if ev.HasTemplate {
						template = string(ev.Template.Name) + "/" + string(ev.Template.Language)
					}
					got[fmt.Sprintf("%016x %s", ev.Fingerprint, template)] = true
				}
			}
			want := map[string]bool{}
			for _, line := range readLines(t, name, "expected", "fingerprint_hours.ndjson") {
				var row struct{ Fingerprint, Template string }
				if err := json.Unmarshal(line, &row); err != nil {
					t.Fatal(err)
				}
				want[row.Fingerprint+" "+row.Template] = true
			}
			if !maps.Equal(got, want) {
				t.Errorf("%d fingerprints, want %d: got %v, want %v", len(got), len(want), got, want)
			}
			var summary struct{ Rejected, Ignored int }
			if err := json.Unmarshal(bytes.Join(readLines(t, name, "expected", "summary.json"), nil), &summary); err != nil {
				t.Fatal(err)
			}
			if rejected != summary.Rejected || ignored != summary.Ignored {
				t.Errorf("%d rejected and %d ignored, want %d and %d", rejected, ignored, summary.Rejected, summary.Ignored)
			}
		})
	}
}
