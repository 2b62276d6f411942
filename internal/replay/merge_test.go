package replay

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/policy"
)

// dump writes the lines of partitions, each two days of sends and replies every
// quarter of an hour, and returns them in the order of time and partition by
// partition. In each partition a reply now and then is half an hour late.
func dump(partitions int) (byTime, byPartition []string) {
	type line struct {
		at   int64
		text string
	}
	var all []line
	for p := range partitions {
		var own []string
		for i := range 2 * 96 {
			at := int64(1_790_000_000_000) + int64(i)*15*60_000 + int64(p)*1000
			sent := fmt.Sprintf(`{"id":"s%d.%d","type":"message.sent","time":%d,"number_id":"n%d","message_id":"m","contact":"49151%07d","kind":"text","_record_time":%d}`, p, i, at, p, i, at)
			own = append(own, sent)
			all = append(all, line{at, sent})
			if i%3 == 1 {
				reply := fmt.Sprintf(`{"id":"r%d.%d","type":"message.received","time":%d,"number_id":"n%d","message_id":"m","contact":"49151%07d","kind":"text","_record_time":%d}`, p, i, at-30*60_000, p, i-1, at+1)
				own = append(own, reply)
				all = append(all, line{at + 1, reply})
			}
		}
		byPartition = append(byPartition, own...)
	}
	slices.SortStableFunc(all, func(a, b line) int { return int(a.at - b.at) })
	for _, l := range all {
		byTime = append(byTime, l.text)
	}
	return byTime, byPartition
}

// TestMergeReadsPartitionsSideBySide: a dump of partitions, in one file or one
// each, comes out as the same lines in the order of time do, byte for byte; without
// --merge it is said that it is one.
func TestMergeReadsPartitionsSideBySide(t *testing.T) {
	byTime, byPartition := dump(3)
	dir := t.TempDir()
	write := func(name string, lines []string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	third := len(byPartition) / 3
	want := mustRun(t, Config{Files: []string{write("time", byTime)}})
	if len(want.Jumps) > 0 {
		t.Errorf("a log in the order of time jumps at %v", want.Jumps)
	}
	dumped := write("dump", byPartition)
	plain := mustRun(t, Config{Files: []string{dumped}})
	if len(plain.Jumps) != 2 || plain.Jumps[0].Line != int64(third+1) || plain.Jumps[0].File != dumped || plain.Jumps[0].Back < 47*3_600_000 {
		t.Errorf("jumps %+v, want two, the first at line %d", plain.Jumps, third+1)
	}
	expected := files(t, want)
	for name, files2 := range map[string][]string{
		"one file":        {dumped},
		"a file each":     {write("p0", byPartition[:third]), write("p1", byPartition[third:2*third]), write("p2", byPartition[2*third:])},
		"in another turn": {write("q2", byPartition[2*third:]), write("q0", byPartition[:third]), write("q1", byPartition[third:2*third])},
		"in order":        {write("t", byTime)},
	} {
		got := mustRun(t, Config{Files: files2, Merge: true})
		if len(got.Jumps) > 0 {
			t.Errorf("%s: jumps %v after merging", name, got.Jumps)
		}
		if diff := cmp.Diff(expected, files(t, got)); diff != "" {
			t.Errorf("%s (-by time +merged):\n%s", name, diff)
		}
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "sendwatch-merge-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}

// TestALateEventIsNoJump, nor is a queue that is emptied.
func TestALateEventIsNoJump(t *testing.T) {
	var r runs
	at := func(ms int64) bool { _, jumped := r.next(&record{time: ms}); return jumped }
	for i := range int64(1000) {
		if at(1_790_000_000_000+i*60_000) || i%100 < longBack-1 && at(1_780_000_000_000) {
			t.Fatalf("a jump at line %d", i)
		}
	}
	for i := range longBack {
		if at(1_780_000_000_000) != (i == longBack-1) {
			t.Fatalf("line %d of a new run", i)
		}
	}
}

// TestMergeRefusesAShuffledLog says what to do instead.
func TestMergeRefusesAShuffledLog(t *testing.T) {
	var log bytes.Buffer
	for i := range (maxRuns + 2) * longBack {
		day := int64(maxRuns+2-i/longBack) * 24 * 3_600_000
		fmt.Fprintf(&log, `{"id":"%d","type":"clock","time":%d}`+"\n", i, 1_700_000_000_000+day)
	}
	_, err := Run(t.Context(), Config{Policy: policy.Default(), Files: []string{"-"}, Stdin: &log, Merge: true})
	if err == nil || !strings.Contains(err.Error(), "sort the lines by their time first") {
		t.Errorf("got %v", err)
	}
}
