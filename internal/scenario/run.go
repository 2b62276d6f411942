package scenario

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/processor"
)

// Result is what became of one case.
type Result struct {
	Case     *Case
	Failures []Failure // none: all was as expected
	edits    []edit    // what would make it so
	policy   *policy.Policy
}

// Unwritten returns the failures that Update cannot make good: events that are
// none, and subjects of which nothing is known.
func (r *Result) Unwritten() []Failure {
	var list []Failure
	for _, f := range r.Failures {
		if !f.rewritten {
			list = append(list, f)
		}
	}
	return list
}

// Failure is one expectation that was not met.
type Failure struct {
	Line      int    // of the file
	What      string // such as "at 2h: facts.sent_1h"
	rewritten bool   // by Update
	// Lines show the difference: "- " is wanted, "+ " came, "  " is both.
	Lines []string
}

// String returns the failure as lines for a person.
func (f Failure) String() string {
	return fmt.Sprintf("line %d, %s\n  %s", f.Line, f.What, strings.Join(f.Lines, "\n  "))
}

// run is one case being played.
type run struct {
	c         *Case
	result    *Result
	processor *processor.Processor
	out       event.Output
	flags     []event.Flag // since the last list that was compared
	minutes   map[minuteKey]map[string]any
	next      int // in expects
}

type minuteKey struct {
	number string
	minute int64
}

// Run plays the cases one after the other, each as a partition of its own, and
// compares. A nil policy means the file's own.
func (f *File) Run(p *policy.Policy) []Result {
	if p == nil {
		p = f.Policy()
	}
	results := make([]Result, len(f.Cases))
	for i, c := range f.Cases {
		results[i] = c.run(p)
	}
	return results
}

func (c *Case) run(p *policy.Policy) Result {
	result := Result{Case: c, policy: p}
	r := run{
		c: c, result: &result, minutes: map[minuteKey]map[string]any{},
		processor: processor.New(processor.Config{Content: codec.ContentJSON, Engine: engine.Config{
			Topic: "scenario", Policy: p, PaneBits: engine.WholeLog, NoContacts: true, FinalStatusOnly: true, Portfolios: true,
		}}),
	}
	offset := int64(0)
	c.records(func(rec record) bool {
		r.compareUntil(rec.after)
		ok := r.apply(&rec, offset)
		offset++
		return ok
	})
	if len(result.Failures) < maxFailures {
		r.compareUntil(c.start + 2*maxSpan)
	}
	return result
}

// apply hands one record to the processor. A record that was written as JSON and
// is no event that is known is a failure, unless the case counts such records.
func (r *run) apply(rec *record, offset int64) bool {
	class, err := r.processor.ApplyAll(&event.Record{Offset: offset, Timestamp: rec.at, Value: rec.value}, &r.out)
	r.collect()
	switch {
	case err != nil:
		r.result.Failures = append(r.result.Failures, Failure{
			Line: rec.line, What: "the event cannot be applied", Lines: []string{"+ " + err.Error()},
		})
	case class == event.ClassRejected && !r.c.counts(class):
		l := r.processor.DeadLetter()
		why := codec.Rejection{Reason: l.Reason, Field: l.Field, Detail: l.Detail}
		r.result.Failures = append(r.result.Failures, Failure{
			Line: rec.line, What: "the event is rejected",
			Lines: []string{"+ " + why.Error(), "  " + string(rec.value)},
		})
	case class == event.ClassIgnored && !r.c.counts(class):
		r.result.Failures = append(r.result.Failures, Failure{
			Line: rec.line, What: "the event is of an unknown type and ignored", Lines: []string{"  " + string(rec.value)},
		})
	}
	return len(r.result.Failures) < maxFailures
}

// maxFailures ends a case that goes wrong with every record.
const maxFailures = 100

// counts reports whether the case says how many records of a class it expects.
func (c *Case) counts(class event.Class) bool {
	return slices.ContainsFunc(c.expects, func(x expect) bool {
		return slices.ContainsFunc(x.checks, func(k check) bool { return k.group == groupRecords && k.name == class.String() })
	})
}

// collect takes the flags that are watched out of the output.
func (r *run) collect() {
	for i := range r.out.Flags {
		if f := &r.out.Flags[i]; len(r.c.watch) == 0 || slices.Contains(r.c.watch, f.Factor) {
			r.flags = append(r.flags, *f)
		}
	}
	r.out.Reset()
}

// compareUntil compares the expectations before t.
func (r *run) compareUntil(t int64) {
	for ; r.next < len(r.c.expects) && r.c.expects[r.next].at < t; r.next++ {
		r.compare(&r.c.expects[r.next])
	}
}

// compare lets time go on to the expectation's and compares.
func (r *run) compare(x *expect) {
	r.processor.AdvanceTo(x.at, &r.out)
	r.collect()
	r.processor.Flush(&r.out)
	for i := range r.out.NumberMinutes {
		row := &r.out.NumberMinutes[i]
		r.minutes[minuteKey{row.NumberID, row.Minute}] = object(codec.AppendNumberMinuteJSON(nil, row))
	}
	r.out.Reset()
	status := r.status(x)
	for i := range x.checks {
		k := &x.checks[i]
		var got any
		switch k.group {
		case groupStatus:
			if status == nil {
				r.fail(x, x.line, "", []string{"+ nothing is known of it at this time"})
				return
			}
			got = status[k.name]
		case groupCounts:
			sum := 0.0
			for key, row := range r.minutes {
				if n, ok := row[k.name].(float64); ok && key.number == x.number {
					sum += n
				}
			}
			got = sum
		case groupMinutes:
			got = 0.0
			if n, ok := r.minutes[minuteKey{x.number, k.minute - k.minute%60_000}][k.name].(float64); ok {
				got = n
			}
		case groupRecords:
			stats := r.processor.Engine().Stats()
			for class := range event.NumClasses {
				if class.String() == k.name {
					got = float64(stats.Records[class])
				}
			}
		}
		if !k.met(r.c, got) {
			text := r.c.format(k, got)
			r.fail(x, k.value.Line(), k.label, []string{"- " + k.want, "+ " + text})
			r.result.edits = append(r.result.edits, edit{value: k.value, old: k.want, text: text})
		}
	}
	if x.flags != nil {
		r.compareFlags(x)
		r.flags = r.flags[:0]
	}
}

// status returns what is known of the expectation's subject by name, nil if
// nothing is.
func (r *run) status(x *expect) map[string]any {
	defer r.out.Reset()
	if x.portfolio == "" {
		r.processor.Engine().Statuses(&r.out)
		rows := r.out.NumberStatuses
		for i := len(rows) - 1; i >= 0; i-- {
			if rows[i].NumberID == x.number {
				return object(codec.AppendNumberStatusJSON(nil, &rows[i]))
			}
		}
		return nil
	}
	r.processor.Engine().PortfolioStatuses(&r.out)
	rows := r.out.PortfolioStatus
	for i := len(rows) - 1; i >= 0; i-- {
		if rows[i].PortfolioID == x.portfolio {
			return object(codec.AppendPortfolioStatusJSON(nil, &rows[i]))
		}
	}
	return nil
}

// object reads a row back. A row is JSON: were it not, every value would be
// missing and every expectation fail.
func object(row []byte) map[string]any {
	m := map[string]any{}
	if err := json.Unmarshal(row, &m); err != nil {
		return map[string]any{}
	}
	return m
}

func (r *run) fail(x *expect, line int, what string, lines []string) {
	where := "at " + formatTime(x.at, r.c.start)
	if x.portfolio != "" {
		where += " on " + x.portfolio
	} else if x.number != r.c.senders[0].id {
		where += " on " + x.number
	}
	if what != "" {
		where += ": " + what
	}
	r.result.Failures = append(r.result.Failures, Failure{Line: line, What: where, rewritten: what != "", Lines: lines})
}

// compareFlags compares the flags since the last list with those of x.
func (r *run) compareFlags(x *expect) {
	want := x.flags.want
	steps := align(want, r.flags)
	same := true
	var lines []string
	for _, s := range steps {
		switch {
		case s.want >= 0 && s.got >= 0:
			lines = append(lines, "  "+want[s.want].write(r.c))
			continue
		case s.want >= 0:
			lines = append(lines, "- "+want[s.want].write(r.c))
		default:
			lines = append(lines, "+ "+r.c.writeFlag(&r.flags[s.got], nil))
		}
		same = false
	}
	if same {
		return
	}
	r.fail(x, x.flags.value.Line(), "flags", lines)
	r.result.edits = append(r.result.edits, edit{value: x.flags.value, flags: r.c.rewriteFlags(want, r.flags, steps), isFlags: true})
}

// pair is one step of an alignment: a wanted flag, one that came, or both.
type pair struct{ want, got int } // -1 for none

// maxAlign bounds the table of an alignment.
const maxAlign = 4_000_000

// align pairs the wanted with those that came, in order, as many as there are
// (a longest common subsequence). Of lists too long for that only the equal
// beginnings are paired.
func align(want []wantedFlag, got []event.Flag) []pair {
	n, m := len(want), len(got)
	var steps []pair
	first := 0
	for first < min(n, m) && want[first].met(&got[first]) {
		steps = append(steps, pair{first, first})
		first++
	}
	rows, columns := n-first, m-first
	if rows*columns > maxAlign {
		for i := first; i < n; i++ {
			steps = append(steps, pair{i, -1})
		}
		for j := first; j < m; j++ {
			steps = append(steps, pair{-1, j})
		}
		return steps
	}
	longest := make([]int32, (rows+1)*(columns+1)) // of what is left from row i, column j on
	at := func(i, j int) *int32 { return &longest[i*(columns+1)+j] }
	for i := rows - 1; i >= 0; i-- {
		for j := columns - 1; j >= 0; j-- {
			*at(i, j) = max(*at(i+1, j), *at(i, j+1))
			if want[first+i].met(&got[first+j]) {
				*at(i, j) = *at(i+1, j+1) + 1
			}
		}
	}
	i, j := 0, 0
	for i < rows || j < columns {
		switch {
		case i < rows && j < columns && want[first+i].met(&got[first+j]) && *at(i, j) == *at(i+1, j+1)+1:
			steps = append(steps, pair{first + i, first + j})
			i++
			j++
		case j == columns || i < rows && *at(i+1, j) >= *at(i, j+1):
			steps = append(steps, pair{first + i, -1})
			i++
		default:
			steps = append(steps, pair{-1, first + j})
			j++
		}
	}
	return steps
}
