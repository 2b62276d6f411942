package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/oracle"
)

// judge compares what the topics and the warehouse hold, at the end of a schedule, with the
// model and with runs over the same logs that nothing interrupted.
func (w *world) judge() {
	if w.problem != "" {
		return
	}
	events, flags, rows := w.records(topicEvents), w.records(topicFlags), w.records(topicRows)
	written := newTable()
	var batch codec.Rows
	for _, r := range slices.Concat(rows...) {
		if err := codec.DecodeRows(r.Value, &batch); err != nil {
			w.fail("rows: %v", err)
			return
		}
		written.take(&batch.Output)
	}
	want := w.uninterrupted(events, rows)
	w.compareFlags(want, flags)
	w.compareModel(events, flags)
	letters := w.records(topicLetters)
	w.compareLetters(want, letters)
	w.compareRows(want.table, written)
	if written.problem != "" {
		w.fail("rows: %s", written.problem)
	}
	if written.besides(w.warehouse.table)+w.warehouse.besides(written) > 0 {
		w.fail("the warehouse has not what the rows topic has (-topic +warehouse):\n%s", cmp.Diff(texts(written, ""), texts(w.warehouse.table, "")))
	}
	w.compareOrder(want, flags, letters)
}

// diff returns how two maps differ, "" if they do not, which is quickly seen.
func diff[V comparable](want, got map[string]V) string {
	if maps.Equal(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}

// expected is what comes of the logs when nothing interrupts.
type expected struct {
	*table
	flags   map[string]string         // by id and sequence, without when they were sent
	caused  map[string]event.Position // by id and sequence
	letters map[string]bool           // partition and offset
}

// uninterrupted runs the roles' own code over the logs, in one go.
func (w *world) uninterrupted(events, rows [][]*kgo.Record) *expected {
	want := newExpected()
	for partition, log := range events {
		some, err := w.plan.answers.ofNumbers(int32(partition), w.plan.paneBits, log)
		if err != nil {
			w.fail("an uninterrupted run: %v", err)
			return want
		}
		maps.Copy(want.rows, some.rows)
		maps.Copy(want.flags, some.flags)
		maps.Copy(want.caused, some.caused)
		maps.Copy(want.letters, some.letters)
	}
	for partition, log := range rows {
		want.take(w.portfoliosOf(int32(partition), log))
	}
	return want
}

func newExpected() *expected {
	return &expected{table: newTable(), flags: map[string]string{}, caused: map[string]event.Position{}, letters: map[string]bool{}}
}

// take stores the rows and the flags.
func (e *expected) take(out *event.Output) {
	e.table.take(out)
	for i := range out.Flags {
		f := out.Flags[i]
		f.EmittedAt = 0
		id := fmt.Sprint(f.FlagID, " ", f.Sequence)
		e.flags[id], e.caused[id] = string(codec.AppendFlag(nil, &f)), f.Position
	}
}

// flagOf reads a flag of the topic, and returns it without when it was sent.
func flagOf(r *kgo.Record) (id, says string, flag oracle.Row, err error) {
	if err := json.Unmarshal(r.Value, &flag); err != nil {
		return "", "", nil, err
	}
	sent, _ := flag["emitted_at"].(float64)
	if sent == 0 {
		return "", "", nil, fmt.Errorf("one does not say when it was sent: %s", r.Value)
	}
	says = string(bytes.Replace(r.Value, fmt.Appendf(nil, `"emitted_at":%d`, int64(sent)), []byte(`"emitted_at":0`), 1))
	return fmt.Sprintf("%v %v", flag["flag_id"], flag["sequence"]), says, flag, nil
}

// compareFlags compares the flags topic with an uninterrupted run: each is there, none else
// is, and one that comes again is the same byte for byte (I1, I7, I8).
func (w *world) compareFlags(want *expected, flags [][]*kgo.Record) {
	got := map[string]string{}
	for _, r := range slices.Concat(flags...) {
		id, says, _, err := flagOf(r)
		if err != nil {
			w.fail("flags: %v", err)
			return
		}
		if before, ok := got[id]; ok && before != says {
			w.fail("flags: %s came again, and differs:\n  %s\n  %s", id, before, says)
		}
		got[id] = says
	}
	if d := diff(want.flags, got); d != "" {
		w.fail("flags (-uninterrupted +topic):\n%s", d)
	}
}

// compareLetters compares which records have a dead letter with those that an
// uninterrupted run rejects (I12).
func (w *world) compareLetters(want *expected, letters [][]*kgo.Record) {
	got := map[string]bool{}
	for _, r := range slices.Concat(letters...) {
		got[letterOf(r)] = true
	}
	if d := diff(want.letters, got); d != "" {
		w.fail("dead letters (-uninterrupted +topic):\n%s", d)
	}
}

// letterOf returns the partition and the offset of the record that a dead letter is of.
func letterOf(r *kgo.Record) string {
	at := map[string]string{}
	for _, h := range r.Headers {
		at[h.Key] = string(h.Value)
	}
	return at[codec.HeaderPartition] + " " + at[codec.HeaderOffset]
}

// besides counts the rows that say something else in another table, or are not in it.
func (t *table) besides(other *table) (n int) {
	for key, r := range t.rows {
		if there, ok := other.rows[key]; !ok || there.text != r.text {
			n++
		}
	}
	return n
}

// texts returns what the rows of a table say, by key.
func texts(t *table, kind string) map[string]string {
	all := map[string]string{}
	for key, r := range t.rows {
		if len(key) >= len(kind) && key[:len(kind)] == kind {
			all[key] = r.text
		}
	}
	return all
}

// compareRows compares the final rows with those of an uninterrupted run (I10). A status
// that only a flush in the middle of its minute brought may be there besides.
func (w *world) compareRows(want, got *table) {
	if want.besides(got) == 0 && got.besides(want) == 0 { // nothing to look for
		return
	}
	for kind := range event.NumStoredTables {
		name := kind.String() + " "
		wants, gots := texts(want, name), texts(got, name)
		if kind == event.TableNumberStatus || kind == event.TablePortfolioStatus {
			maps.DeleteFunc(gots, func(key, _ string) bool { _, ok := wants[key]; return !ok })
		}
		if d := diff(wants, gots); d != "" {
			w.fail("%s (-uninterrupted +topic):\n%s", kind, d)
		}
	}
}

// compareOrder makes sure that no state became durable before the flags and dead letters of
// the records before it were acknowledged (I9).
func (w *world) compareOrder(want *expected, flags, letters [][]*kgo.Record) {
	written := map[string]int64{} // where a record's first dead letter is
	for _, r := range slices.Concat(letters...) {
		if _, again := written[letterOf(r)]; !again {
			written[letterOf(r)] = r.Offset
		}
	}
	first := map[string][2]int64{} // partition and offset of the first time, by flag
	for p, records := range flags {
		for _, r := range records {
			id, _, _, _ := flagOf(r)
			if _, ok := first[id]; !ok {
				first[id] = [2]int64{int64(p), r.Offset}
			}
		}
	}
	for _, s := range w.disk.history {
		for letter := range want.letters {
			var partition, offset int
			_, _ = fmt.Sscan(letter, &partition, &offset) // two numbers
			if at, ok := written[letter]; s.topic == topicEvents && int(s.partition) == partition && int64(offset) < s.offset && (!ok || at >= s.letters) {
				w.fail("the state of %s partition %d before %d was durable when the dead letter of record %d was not written", s.topic, s.partition, s.offset, offset)
				return
			}
		}
		for id, at := range want.caused {
			if at.Topic != s.topic || at.Partition != s.partition || at.Offset >= s.offset {
				continue
			}
			if f := first[id]; f[1] >= s.flags[f[0]] {
				w.fail("the state of %s partition %d before %d was durable when its flag %s of record %d was not written", s.topic, s.partition, s.offset, id, at.Offset)
				return
			}
		}
	}
}

// compareModel compares the flags with the naive model: of each subject the same, in the
// same order (I8). The model is of one partition; of portfolios, whose numbers may be on
// several, it knows only if there is but one.
func (w *world) compareModel(events, flags [][]*kgo.Record) {
	want, got := map[string][]oracle.Row{}, map[string][]oracle.Row{}
	for partition, log := range events {
		for _, f := range w.plan.answers.ofModel(log) {
			if f["subject"] == "portfolio" && len(events) > 1 {
				continue
			}
			subject := fmt.Sprint(f["subject"], " ", f["id"], " ", partition)
			want[subject] = append(want[subject], f)
		}
	}
	seen, names := map[string]bool{}, map[string]string{}
	for _, r := range slices.Concat(flags...) {
		id, _, flag, err := flagOf(r)
		if err != nil || seen[id] {
			continue
		}
		seen[id] = true
		kind := fmt.Sprint(flag["subject"])
		position, _ := flag["position"].(map[string]any)
		partition := position["partition"]
		if kind == "portfolio" {
			if len(events) > 1 {
				continue
			}
			partition = 0
		}
		flag["id"], flag["offset"] = flag[kind+"_id"], position["offset"]
		subject := fmt.Sprint(kind, " ", flag["id"], " ", partition)
		if i := len(got[subject]); i < len(want[subject]) {
			episode, flagID := subject+fmt.Sprint(want[subject][i]["episode"]), fmt.Sprint(flag["flag_id"])
			if names[flagID] == "" {
				names[flagID] = episode
			}
			if names[flagID] != episode {
				w.fail("the flag %s of %s stands for two episodes", flagID, subject)
			}
		}
		got[subject] = append(got[subject], flag)
	}
	for subject := range maps.Keys(want) {
		w.compareSubject(subject, want[subject], got[subject])
	}
	for subject := range got {
		if want[subject] == nil {
			w.fail("%d flags of %s, of which the model has none", len(got[subject]), subject)
		}
	}
}

// compared are the columns in which a flag is compared with the model's.
var compared = []string{"factor", "key", "transition", "level", "event_time", "value", "score", "eta", "offset", "sequence"}

// compareSubject compares the flags of one subject, in their order.
func (w *world) compareSubject(subject string, want, got []oracle.Row) {
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) {
			w.fail("%s has %d flags, and %d by the model", subject, len(got), len(want))
			return
		}
		for _, column := range compared {
			if column == "offset" && want[i]["subject"] == "portfolio" {
				continue // of the rows topic, which the model does not know
			}
			if a, b := plain(want[i][column]), plain(got[i][column]); a != b {
				w.fail("flag %d of %s: %s is %s, and %s by the model: %v", i, subject, column, b, a, got[i])
				return
			}
		}
	}
}

// plain writes a value so that equal ones are written alike.
func plain(v any) string {
	switch n := v.(type) {
	case nil:
		return ""
	case int:
		return plain(float64(n))
	case int64:
		return plain(float64(n))
	case float64:
		return strconv.FormatFloat(n, 'g', 10, 64)
	}
	return fmt.Sprint(v)
}
