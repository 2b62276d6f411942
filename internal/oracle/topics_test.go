package oracle

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"sendwatch/internal/codec"
	"sendwatch/internal/policy"
)

// topicsDiffer compares what the topics hold with the model.
func (p *testCluster) topicsDiffer(t *testing.T, w *reference) string {
	t.Helper()
	f := folded{
		subjectEngine: newSubject(0), seen: map[string][]byte{}, versions: map[string]int64{}, accounts: map[int64]Row{}, flags: map[string]string{},
	}
	for _, r := range p.readTopic(t, topicRows) {
		if d := f.take(r); d != "" {
			return d
		}
	}
	if d := f.minutesDiffer(w.statuses); d != "" {
		return d
	}
	for k, st := range f.statuses {
		if d := w.unheard("number "+k, numberRow(st)); d != "" {
			return d
		}
	}
	for k, st := range f.portfolioStatuses {
		if d := w.unheard("portfolio "+k, portfolioRow(st)); d != "" {
			return d
		}
	}
	var accounts []Row
	for _, offset := range slices.Sorted(maps.Keys(f.accounts)) {
		accounts = append(accounts, f.accounts[offset])
	}
	var letters []*kgo.Record
	if len(w.letters()) > 0 {
		letters = p.readTopic(t, topicLetters)
	}
	return cmp.Or(
		flagsDiffer(w.Flags, p.readTopic(t, topicFlags), f.flags),
		difference("number_minutes", w.NumberMinutes(), f.numberMinutes()),
		difference("fingerprint_hours", w.FingerprintHours(), f.fingerprintHours()),
		difference("contact_outcomes", w.outcomes(), f.outcomesWithZeros()),
		difference("account_events", w.accountEvents(), accounts),
		lettersDiffer(w.letters(), letters),
	)
}

// unheard compares the status of a minute at which the model found nothing to
// evaluate: it may only repeat the one before.
func (w *reference) unheard(key string, got Row) string {
	if w.statuses[key] != nil {
		return "" // has been compared
	}
	subject := key[:len(key)-13]
	last := ""
	for k := range w.statuses {
		if k < key && k > last && k[:len(k)-13] == subject {
			last = k
		}
	}
	if last == "" {
		return fmt.Sprintf("status rows of %s: nothing was known then", key)
	}
	if column := unlike(w.statuses[last], got); column != "" {
		return fmt.Sprintf("status rows of %s: %s is %v, want %v as before", key, column, got[column], w.statuses[last][column])
	}
	return ""
}

// folded is what a reader of the rows topic sees: of equal keys and panes the
// row with the largest version. Those of one version must say the same, since
// writes may come in any order.
type folded struct {
	*subjectEngine
	seen     map[string][]byte // by key and version what it said
	versions map[string]int64  // by key the largest
	accounts map[int64]Row
	flags    map[string]string // by id and sequence
}

// newest reports whether a row counts, and what is wrong with it.
func (f *folded) newest(key string, version int64, says []byte) (counts bool, problem string) {
	at := fmt.Sprint(key, " of version ", version)
	if before, ok := f.seen[at]; ok && !bytes.Equal(before, says) {
		return false, fmt.Sprintf("rows: %s says\n  %s\nand\n  %s", at, before, says)
	}
	f.seen[at] = says
	if before, ok := f.versions[key]; ok && before > version {
		return false, ""
	}
	f.versions[key] = version
	return true, ""
}

// fold keeps a row that counts under its key.
func fold[R any](f *folded, rows map[string]R, table, key string, version int64, says []byte, row R) string {
	counts, problem := f.newest(table+" "+key, version, says)
	if counts {
		rows[key] = row
	}
	return problem
}

// take reads a record of the rows topic.
func (f *folded) take(r *kgo.Record) string {
	var b codec.Rows
	if err := codec.DecodeRows(r.Value, &b); err != nil {
		return "rows: " + err.Error()
	}
	var problems []string
	note := func(problem string) { problems = append(problems, problem) }
	for i := range b.NumberMinutes {
		m := &b.NumberMinutes[i]
		says := fmt.Append(codec.AppendNumberMinuteJSON(nil, m), m.Contacts)
		note(fold(f, f.minutes, "number_minutes", fmt.Sprintf("%s %d %d", m.NumberID, m.Minute, m.Pane.Pane), m.Version, says, *m))
	}
	for i := range b.FingerprintHours {
		h := &b.FingerprintHours[i]
		key := fmt.Sprintf("%s %016x %d %s %d", h.NumberID, h.Fingerprint, h.Hour, h.Template, h.Pane.Pane)
		note(fold(f, f.hours, "fingerprint_hours", key, h.Version, codec.AppendFingerprintHourJSON(nil, h), *h))
	}
	for i := range b.ContactOutcomes {
		c := &b.ContactOutcomes[i]
		key := fmt.Sprintf("%s %016x %d", c.NumberID, c.Contact, c.Pane.Pane)
		note(fold(f, f.outcomes, "contact_outcomes", key, c.Version, codec.AppendContactOutcomeJSON(nil, c), *c))
	}
	for i := range b.NumberStatuses {
		s := &b.NumberStatuses[i]
		note(fold(f, f.statuses, "number_status", fmt.Sprintf("%s %013d", s.NumberID, s.Minute), s.Version, codec.AppendNumberStatusJSON(nil, s), *s))
	}
	for i := range b.PortfolioStatus {
		s := &b.PortfolioStatus[i]
		key := fmt.Sprintf("%s %013d", s.PortfolioID, s.Minute)
		note(fold(f, f.portfolioStatuses, "portfolio_status", key, s.Version, codec.AppendPortfolioStatusJSON(nil, s), *s))
	}
	for i := range b.AccountEvents {
		a := &b.AccountEvents[i]
		says := codec.AppendAccountEventJSON(nil, a)
		var row Row
		if err := json.Unmarshal(says, &row); err != nil {
			return "account_events: " + err.Error()
		}
		if a.NumberID != "" {
			delete(row, "waba_id")
			delete(row, "portfolio_id")
		}
		f.accounts[a.Offset] = row
		_, problem := f.newest(fmt.Sprint("account_events ", a.Partition, " ", a.Offset), 0, says)
		note(problem)
	}
	for i := range b.Flags {
		flag := b.Flags[i]
		flag.EmittedAt = 0
		says := codec.AppendFlag(nil, &flag)
		id := fmt.Sprint(flag.FlagID, " ", flag.Sequence)
		f.flags[id] = string(says)
		_, problem := f.newest("flags "+id, 0, says)
		note(problem)
	}
	return cmp.Or(problems...)
}

func (f *folded) outcomesWithZeros() []Row {
	rows := f.contactOutcomes()
	for _, r := range rows {
		for _, column := range []string{"answered", "unanswered"} {
			if r[column] == nil {
				r[column] = 0
			}
		}
	}
	return byText(rows)
}

// flagsDiffer compares the flags topic with the model, subject by subject, since
// only there flags have an order, and with the flags among the rows. A repeat
// must be the same bytes but for when it was sent.
func flagsDiffer(model []Row, records []*kgo.Record, rows map[string]string) string {
	wants, gots, seen := map[string][]Row{}, map[string][]Row{}, map[string]string{}
	for _, r := range model {
		subject := fmt.Sprint(r["subject"], " ", r["id"])
		wants[subject] = append(wants[subject], r)
	}
	reader := flagReader{policy: policy.Default().Version, names: map[string]string{}, topic: func(subject string) string {
		return map[string]string{"number": topicEvents, "portfolio": topicRows}[subject]
	}}
	for _, record := range records {
		var flag Row
		if err := json.Unmarshal(record.Value, &flag); err != nil {
			return "flags: " + err.Error()
		}
		sent, _ := flag["emitted_at"].(float64)
		if sent == 0 {
			return fmt.Sprintf("flags: one does not say when it was sent: %s", record.Value)
		}
		says := string(bytes.Replace(record.Value, fmt.Appendf(nil, `"emitted_at":%d`, int64(sent)), []byte(`"emitted_at":0`), 1))
		id := fmt.Sprintf("%v %v", flag["flag_id"], flag["sequence"])
		if before, ok := seen[id]; ok && before != says {
			return fmt.Sprintf("flags: %s came again, and differs:\n  %s\n  %s", id, before, says)
		} else if ok {
			continue
		}
		seen[id] = says
		name := fmt.Sprint(flag["subject"])
		if string(record.Key) != fmt.Sprint(flag[name+"_id"]) {
			return fmt.Sprintf("flags: one of %v has the key %q", flag[name+"_id"], record.Key)
		}
		subject := fmt.Sprint(name, " ", flag[name+"_id"])
		var want Row
		if i := len(gots[subject]); i < len(wants[subject]) {
			want = wants[subject][i]
		}
		row, err := reader.row(flag, want)
		if err != nil {
			return err.Error()
		}
		gots[subject] = append(gots[subject], row)
	}
	for _, subject := range slices.Sorted(maps.Keys(wants)) {
		if d := difference("flags of "+subject, positioned(wants[subject]), positioned(gots[subject])); d != "" {
			return d
		}
	}
	for subject := range gots {
		if wants[subject] == nil {
			return fmt.Sprintf("flags of %s: %d, want none", subject, len(gots[subject]))
		}
	}
	if !maps.Equal(seen, rows) {
		return fmt.Sprintf("flags: %d in their topic, %d among the rows, or not the same", len(seen), len(rows))
	}
	return ""
}

// positioned returns flags with the position that counts: those of portfolios come
// of a record of the rows topic, which the model does not know.
func positioned(flags []Row) []Row {
	var all []Row
	for _, r := range flags {
		if r["subject"] == "portfolio" {
			r = maps.Clone(r)
			delete(r, "offset")
		}
		all = append(all, r)
	}
	return all
}

// lettersDiffer compares the dead letters, which may come again, with the
// records that the model rejects.
func lettersDiffer(want []Row, records []*kgo.Record) string {
	byOffset := map[int]Row{}
	for _, r := range records {
		offset, reason := -1, ""
		for _, h := range r.Headers {
			switch h.Key {
			case codec.HeaderOffset:
				offset, _ = strconv.Atoi(string(h.Value))
			case codec.HeaderReason:
				reason = string(h.Value)
			}
		}
		if reason == "" {
			return fmt.Sprintf("dead letters: the one of offset %d has no reason", offset)
		}
		byOffset[offset] = Row{"offset": offset, "value": base64.StdEncoding.EncodeToString(r.Value)}
	}
	var got []Row
	for _, offset := range slices.Sorted(maps.Keys(byOffset)) {
		got = append(got, byOffset[offset])
	}
	return difference("dead letters", want, got)
}
