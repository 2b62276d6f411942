package oracle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"sendwatch/internal/codec"
	"sendwatch/internal/policy"
)

// judgement is what the soak found at its end.
type judgement struct {
	events, flags, repeats, letters int
	differs                         string // from the model, "" if nothing does
}

// readRecord reads one record as readLog does a line, with the time that the broker gave
// it.
func readRecord(line string, at int64) record {
	r := record{line: line, time: at}
	fields, err := object(line)
	if err == nil {
		d := reader{fields: fields}
		r.ev, err = d.event(at)
	}
	r.err = err
	return r
}

// judge holds the flags and the dead letters that are in the topics against those of the
// model on the very log that is in the events topic, partition by partition.
func (s *site) judge(deployment string) (v judgement, err error) {
	events, err := s.records(deployment + ".events")
	if err != nil {
		return v, err
	}
	want := map[string][]Row{} // by subject and, of numbers, partition
	wantLetters := map[string]bool{}
	for p, log := range events {
		model := New(soakHorizon.Milliseconds())
		for _, r := range log {
			rec := readRecord(string(r.Value), r.Timestamp.UnixMilli())
			if rec.err != nil {
				model.Skip(r.Offset, rec.time)
				wantLetters[fmt.Sprint(p, " ", r.Offset)] = true
				continue
			}
			model.Apply(rec.ev, r.Offset, rec.time)
		}
		v.events += len(log)
		for _, f := range model.Flags {
			want[flagSubject(fmt.Sprint(f["subject"]), f["id"], p)] = append(want[flagSubject(fmt.Sprint(f["subject"]), f["id"], p)], f)
		}
	}
	flags, err := s.records(deployment + ".flags")
	if err != nil {
		return v, err
	}
	if v.differs, err = v.compareFlags(deployment, want, slices.Concat(flags...)); err != nil || v.differs != "" {
		return v, err
	}
	letters, err := s.records(deployment + ".letters")
	if err != nil {
		return v, err
	}
	v.differs = v.compareLetters(wantLetters, slices.Concat(letters...))
	return v, nil
}

// flagSubject is within what flags have an order: a number on one partition, which may be
// on another as well, or a portfolio.
func flagSubject(kind string, id any, partition any) string {
	if kind == "portfolio" {
		return fmt.Sprint(kind, " ", id)
	}
	return fmt.Sprint(kind, " ", id, " on partition ", partition)
}

// compareFlags compares the flags topic with the model, subject by subject and in order.
// The same flag may come again, after a crash and from a new owner who reads the log
// again: then it must be the same, byte for byte but for when it was sent.
func (v *judgement) compareFlags(deployment string, want map[string][]Row, records []*kgo.Record) (string, error) {
	got, seen := map[string][]Row{}, map[string]string{}
	reader := flagReader{policy: policy.Default().Version, names: map[string]string{}, topic: func(subject string) string {
		return map[string]string{"number": deployment + ".events", "portfolio": deployment + ".rows"}[subject]
	}}
	for _, record := range records {
		var flag Row
		if err := json.Unmarshal(record.Value, &flag); err != nil {
			return "", fmt.Errorf("a flag: %w", err)
		}
		sent, _ := flag["emitted_at"].(float64)
		says := string(bytes.Replace(record.Value, fmt.Appendf(nil, `"emitted_at":%d`, int64(sent)), []byte(`"emitted_at":0`), 1))
		id := fmt.Sprintf("%v %v", flag["flag_id"], flag["sequence"])
		if before, ok := seen[id]; ok {
			if v.repeats++; before != says {
				return fmt.Sprintf("flag %s came again, and differs:\n  %s\n  %s", id, before, says), nil
			}
			continue
		}
		seen[id] = says
		v.flags++
		position, _ := flag["position"].(map[string]any)
		kind := fmt.Sprint(flag["subject"])
		subject := flagSubject(kind, flag[kind+"_id"], position["partition"])
		var model Row
		if i := len(got[subject]); i < len(want[subject]) {
			model = want[subject][i]
		}
		row, err := reader.row(flag, model)
		if err != nil {
			return "", err
		}
		got[subject] = append(got[subject], row)
	}
	for _, subject := range slices.Sorted(maps.Keys(want)) {
		if d := difference("flags of "+subject, positioned(want[subject]), positioned(got[subject])); d != "" {
			return d, nil
		}
	}
	for subject, flags := range got {
		if want[subject] == nil {
			return fmt.Sprintf("flags of %s: %d, want none", subject, len(flags)), nil
		}
	}
	return "", nil
}

// compareLetters compares which records are dead letters, some perhaps twice, with those
// that the model's reader rejects.
func (v *judgement) compareLetters(want map[string]bool, records []*kgo.Record) string {
	got := map[string]bool{}
	for _, r := range records {
		var partition, offset string
		for _, h := range r.Headers {
			switch h.Key {
			case codec.HeaderPartition:
				partition = string(h.Value)
			case codec.HeaderOffset:
				offset = string(h.Value)
			}
		}
		got[partition+" "+offset] = true
	}
	v.letters = len(got)
	if !maps.Equal(want, got) {
		return fmt.Sprintf("dead letters of %d records, want %d, or of others", len(got), len(want))
	}
	return ""
}

// happening is one fault and how it went.
type happening struct {
	kind           string
	reason, ready  time.Duration
	named, healthy bool // the reason was named in time; ready again in time
	wrong          string
}

// table says how it went, kind by kind.
func table(all []happening) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| fault | times | reason after: median | most | ready again after: median | most |\n|---|---|---|---|---|---|\n")
	byKind := map[string][]happening{}
	for _, h := range all {
		byKind[h.kind] = append(byKind[h.kind], h)
	}
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		var reason, ready []time.Duration
		for _, h := range byKind[kind] {
			reason, ready = append(reason, h.reason), append(ready, h.ready)
		}
		slices.Sort(reason)
		slices.Sort(ready)
		n := len(reason)
		first, most := tenths(reason[n/2]), tenths(reason[n-1])
		if reason[n-1] == 0 {
			first, most = "none, as it should", "–"
		}
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %s |\n", kind, n, first, most, tenths(ready[n/2]), tenths(ready[n-1]))
	}
	return b.String()
}

func tenths(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s" }
