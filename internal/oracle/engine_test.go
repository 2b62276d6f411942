package oracle

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/flat"
	"sendwatch/internal/policy"
)

// subjectEngine is the engine with its decoder, and all that it has put out.
type subjectEngine struct {
	decoder *codec.Decoder
	config  engine.Config
	engine  *engine.Engine
	out     event.Output
	ev      event.Event
	minutes map[string]event.NumberMinute
	hours   map[string]event.FingerprintHour
	// The rest by key, of equal keys and panes the newest.
	outcomes          map[string]event.ContactOutcome
	statuses          map[string]event.NumberStatus
	portfolioStatuses map[string]event.PortfolioStatus
	accountEvents     []Row

	held  *flat.Snapshot
	state []byte // when that began
}

func newSubject(paneBits uint8) *subjectEngine {
	s := &subjectEngine{
		decoder: codec.NewDecoder(codec.Config{StopWords: policy.Default().StopWords, ResumeWords: policy.Default().ResumeWords}),
		config: engine.Config{
			Topic: "events", Policy: policy.Default(), DedupHorizon: hour, PaneBits: paneBits, Portfolios: true,
		},
		minutes: map[string]event.NumberMinute{}, hours: map[string]event.FingerprintHour{},
		outcomes: map[string]event.ContactOutcome{}, statuses: map[string]event.NumberStatus{}, portfolioStatuses: map[string]event.PortfolioStatus{},
	}
	s.engine = engine.New(s.config)
	return s
}

// restart goes on with an engine that has nothing but the state of the one before. All
// that came of that has been written.
func (s *subjectEngine) restart() {
	state := flat.Append(nil, s.engine.Copy)
	s.engine = engine.New(s.config)
	if err := flat.Read(state, s.engine.Copy); err != nil {
		panic(err)
	}
}

// hold begins a snapshot, to be finished when the engine has gone on.
func (s *subjectEngine) hold() {
	s.state = flat.Append(nil, s.engine.Copy)
	s.held = flat.Begin(nil, s.engine.Copy)
}

// release finishes the snapshot, if there is one, and reports whether it is the state as it
// was when that began.
func (s *subjectEngine) release() bool {
	held := s.held
	if s.held = nil; held == nil {
		return true
	}
	held.Finish()
	return bytes.Equal(held.Bytes(), s.state)
}

// apply takes a record and returns its class.
func (s *subjectEngine) apply(line string, offset, recordTime int64) event.Class {
	if err := s.decoder.Decode(&s.ev, []byte(line), codec.ContentJSON, recordTime); err != nil {
		s.engine.Skip(event.ClassRejected, offset, recordTime, &s.out)
		return event.ClassRejected
	}
	class, more := s.engine.Apply(&s.ev, offset, recordTime, &s.out)
	for more {
		more = s.engine.Continue(&s.out)
	}
	return class
}

// collect takes the rows that were put out: of equal keys and panes the one with
// the largest version counts, as a reader of the tables does it.
func (s *subjectEngine) collect() {
	for _, r := range s.out.NumberMinutes {
		k := fmt.Sprintf("%s %d %d", r.NumberID, r.Minute, r.Pane.Pane)
		if old, ok := s.minutes[k]; !ok || r.Version >= old.Version {
			r.Contacts = slices.Clone(r.Contacts)
			s.minutes[k] = r
		}
	}
	for _, r := range s.out.FingerprintHours {
		k := fmt.Sprintf("%s %016x %d %s %d", r.NumberID, r.Fingerprint, r.Hour, r.Template, r.Pane.Pane)
		if old, ok := s.hours[k]; !ok || r.Version >= old.Version {
			s.hours[k] = r
		}
	}
	for _, r := range s.out.ContactOutcomes {
		s.outcomes[fmt.Sprintf("%s %016x %d", r.NumberID, r.Contact, r.Pane.Pane)] = r
	}
	for _, r := range s.out.NumberStatuses {
		s.statuses[fmt.Sprintf("%s %013d", r.NumberID, r.Minute)] = r
	}
	for _, r := range s.out.PortfolioStatus {
		s.portfolioStatuses[fmt.Sprintf("%s %013d", r.PortfolioID, r.Minute)] = r
	}
	for _, r := range s.out.AccountEvents {
		s.accountEvents = append(s.accountEvents, Row{"offset": r.Offset, "time": r.Time, "type": r.Type.String(), "id": r.ID})
	}
	s.out.NumberMinutes, s.out.FingerprintHours = nil, nil
	s.out.NumberStatuses, s.out.ContactOutcomes, s.out.AccountEvents, s.out.PortfolioStatus = nil, nil, nil, nil
}

func (s *subjectEngine) flush() {
	s.engine.Flush(&s.out)
	s.collect()
}

// numberMinutes sums over panes and drops rows of nothing but zeros.
func (s *subjectEngine) numberMinutes() []Row {
	rows, contacts := map[string]Row{}, map[string]map[uint64]bool{}
	for _, m := range s.minutes {
		k := fmt.Sprintf("%s %d", m.NumberID, m.Minute)
		add := func(column string, n int64) {
			for range n {
				bump(rows, k, column, Row{"number_id": m.NumberID, "minute": m.Minute})
			}
		}
		for column, n := range map[string]int64{
			"sent": m.Sent, "initiated": m.Initiated, "held": m.Held, "late": m.Late, "delivered": m.Delivered, "read": m.Read,
			"received": m.Received, "answered": m.Answered, "unanswered": m.Unanswered, "withdrawn": m.Withdrawn, "blocks": m.Blocks,
			"reports": m.Reports, "stops": m.Stops, "sent_after_stop": m.SentAfterStop, "templates_sent": m.TemplatesSent,
			"group_messages": m.GroupMessages,
		} {
			add(column, n)
		}
		for c, n := range m.Failed {
			add("failed_"+event.ErrorClass(c).String(), n)
		}
		for _, c := range m.Contacts {
			if contacts[k] == nil {
				contacts[k] = map[uint64]bool{}
			}
			if !contacts[k][c] {
				contacts[k][c] = true
				add("contacts", 1)
			}
		}
	}
	return inOrder(rows)
}

func (s *subjectEngine) fingerprintHours() []Row {
	rows := map[string]Row{}
	for _, h := range s.hours {
		f := fmt.Sprintf("%016x", h.Fingerprint)
		for column, n := range map[string]int64{
			"sent": h.Sent, "initiated": h.Initiated, "answered": h.Answered, "unanswered": h.Unanswered, "withdrawn": h.Withdrawn,
		} {
			for range n {
				bump(rows, fmt.Sprintf("%s %s %d", h.NumberID, f, h.Hour), column,
					Row{"number_id": h.NumberID, "fingerprint": f, "hour": h.Hour, "template": h.Template})
			}
		}
	}
	return inOrder(rows)
}

// contactOutcomes sums over panes. Contacts are hashed differently from the
// model's and so left out.
func (s *subjectEngine) contactOutcomes() []Row {
	rows := map[string]Row{}
	for _, c := range inOrder(s.outcomes) {
		k := fmt.Sprintf("%s %016x", c.NumberID, c.Contact)
		if rows[k] == nil {
			rows[k] = Row{"number_id": c.NumberID, "last_received": nil, "last_sent": nil}
		}
		for column, n := range map[string]int64{"answered": c.Answered, "unanswered": c.Unanswered} {
			for range n {
				bump(rows, k, column, nil)
			}
		}
		for column, t := range map[string]int64{"last_sent": c.LastSent, "last_received": c.LastReceived} {
			if last, _ := rows[k][column].(int64); t > last {
				rows[k][column] = t
			}
		}
	}
	return inOrder(rows)
}

func (s *subjectEngine) numberStatus() []Row {
	var out event.Output
	s.engine.Statuses(&out)
	latest := map[string]event.NumberStatus{} // the engine also returns those of minutes that passed
	for _, st := range out.NumberStatuses {
		latest[st.NumberID] = st
	}
	var all []Row
	for _, st := range inOrder(latest) {
		all = append(all, numberRow(st))
	}
	return all
}

func numberRow(st event.NumberStatus) Row {
	r := Row{"number_id": st.NumberID, "clock": st.Clock, "score": st.Score, "band": st.Band.String()}
	for f, v := range st.Facts {
		r[event.Fact(f).String()] = v
		if math.IsNaN(v) {
			r[event.Fact(f).String()] = nil
		}
	}
	r["restriction"] = event.State(st.Facts[event.FactRestriction]).String()
	if v := st.Facts[event.FactCap]; !math.IsNaN(v) {
		r["cap"] = event.CapStatus(v).String()
	}
	for f, level := range st.Levels {
		if event.Factor(f).Flags() {
			r["level_"+event.Factor(f).String()] = level.String()
		}
	}
	return r
}

func (s *subjectEngine) portfolioStatus() []Row {
	var out event.Output
	s.engine.PortfolioStatuses(&out)
	var all []Row
	for _, p := range out.PortfolioStatus {
		all = append(all, portfolioRow(p))
	}
	return all
}

func portfolioRow(p event.PortfolioStatus) Row {
	r := Row{
		"portfolio_id": p.PortfolioID, "clock": p.Clock, "unique_initiated_24h": p.UniqueInitiated, "limit": nil,
		"headroom": nil, "restricted_7d": p.Restricted7d, "shared_connection": p.SharedConn,
		"numbers_high": p.NumbersHigh, "numbers_medium": p.NumbersMedium, "numbers_low": p.NumbersLow, "score": nil,
	}
	if p.Limit != 0 {
		r["limit"] = p.Limit
	}
	if h, ok := p.Headroom(); ok {
		r["headroom"] = h
	}
	if p.Score >= 0 {
		r["score"] = p.Score
	}
	return r
}

// flags returns the flags with each flag id replaced by the model's name of the
// episode it first stood for, so that ids that are shared or change show.
func (s *subjectEngine) flags(model []Row) []Row {
	names := map[string]string{}
	var all []Row
	for i := range s.out.Flags {
		f := &s.out.Flags[i]
		if names[f.FlagID] == "" && i < len(model) {
			names[f.FlagID] = model[i]["episode"].(string)
		}
		r := Row{
			"subject": f.Subject(), "id": f.NumberID, "factor": f.Factor.String(), "key": f.Key, "transition": f.Transition.String(),
			"level": f.Level.String(), "event_time": f.EventTime, "value": nil, "score": nil, "eta": nil,
			"offset": f.Position.Offset, "sequence": f.Sequence, "episode": names[f.FlagID],
		}
		if f.NumberID == "" {
			r["id"] = f.PortfolioID
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

// differ returns the first difference between the engine and the model on a log,
// empty if there is none.
func differ(lines []string, seed uint64) string {
	_, first := holdEngine(lines, seed, nil)
	return first
}

// holdEngine runs a log through the engine and the model and returns the model and
// the first difference. Along the way the statuses are compared now and then, and
// the engine is flushed at random.
func holdEngine(lines []string, seed uint64, reached *coverage) (*reference, string) {
	r := rand.New(rand.NewPCG(seed, 1))
	restarts := rand.New(rand.NewPCG(seed, 2))
	o, s := newReference(lines), newSubject([]uint8{engine.WholeLog, 3, 6}[seed%3])
	o.reached = reached
	every := max(1, len(o.records)/25)
	for i, rec := range o.records {
		class := o.read(i)
		if got := s.apply(rec.line, int64(i), rec.time); got != class {
			return o, fmt.Sprintf("record %d is %s, want %s (%v): %s", i, got, class, rec.err, rec.line)
		}
		if r.IntN(20) == 0 {
			s.flush()
			if !s.release() {
				return o, fmt.Sprintf("up to record %d: a snapshot that was finished while the engine went on is not the state as it was when it began", i)
			}
			if restarts.IntN(3) == 0 {
				s.restart()
			} else {
				s.hold()
			}
		}
		last := i == len(o.records)-1
		if last && r.IntN(2) == 0 && o.watermark != 0 {
			until := o.watermark + []int64{1, minute, 11 * minute, hour, 49 * hour}[r.IntN(5)]
			o.AdvanceTo(until)
			s.engine.AdvanceTo(until, &s.out)
		}
		if !last && i%every != 0 {
			continue
		}
		for _, d := range []string{
			difference(fmt.Sprint("flags up to record ", i), o.Flags, s.flags(o.Flags)),
			difference(fmt.Sprint("number_status after record ", i), o.NumberStatus(), s.numberStatus()),
			difference(fmt.Sprint("portfolio_status after record ", i), o.PortfolioStatus(), s.portfolioStatus()),
		} {
			if d != "" {
				return o, d
			}
		}
	}
	s.flush()
	if d := s.minutesDiffer(o.statuses); d != "" {
		return o, d
	}
	if d := difference("contact_outcomes", byText(o.ContactOutcomes()), byText(s.contactOutcomes())); d != "" {
		return o, d
	}
	if d := difference("account_events", o.said, s.accountEvents); d != "" {
		return o, d
	}
	if d := difference("number_minutes", o.NumberMinutes(), s.numberMinutes()); d != "" {
		return o, d
	}
	if d := difference("fingerprint_hours", o.FingerprintHours(), s.fingerprintHours()); d != "" {
		return o, d
	}
	if got := s.engine.Stats().Late; int(got) != o.late() {
		return o, fmt.Sprintf("%d late sends, want %d", got, o.late())
	}
	return o, ""
}

// byText sorts rows that have no key by all they say.
func byText(rows []Row) []Row {
	slices.SortFunc(rows, func(a, b Row) int { return strings.Compare(a.String(), b.String()) })
	return rows
}

// minutesDiffer compares the statuses that the engine wrote for minutes that
// passed with the model's last of the same minute, and looks for minutes in which
// something changed and nothing was written.
func (s *subjectEngine) minutesDiffer(minutes map[string]Row) string {
	written := map[string]Row{}
	for k, st := range s.statuses {
		written["number "+k] = numberRow(st)
	}
	for k, st := range s.portfolioStatuses {
		written["portfolio "+k] = portfolioRow(st)
	}
	var last Row
	subject := ""
	for _, k := range slices.Sorted(maps.Keys(minutes)) {
		want, got := minutes[k], written[k]
		if of := k[:len(k)-13]; of != subject {
			subject, last = of, nil
		}
		if got == nil && (last == nil || unlike(want, last) != "") {
			return fmt.Sprintf("status rows of %s: there is none, though %s changed", k, unlike(want, last))
		}
		if last = want; got == nil {
			continue
		}
		if d := difference("status rows of "+k, []Row{want}, []Row{got}); d != "" {
			return d
		}
	}
	return ""
}

// unlike names a column other than the clock that differs.
func unlike(a, b Row) string {
	for _, k := range columnsOf(a, b) {
		if k != "clock" && !equal(a[k], b[k]) {
			return k
		}
	}
	return ""
}

// difference returns the first difference between two tables.
func difference(table string, want, got []Row) string {
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("%s: %d rows, want %d; missing %s", table, len(got), len(want), want[i])
		case i >= len(want):
			return fmt.Sprintf("%s: %d rows, want %d; unexpected %s", table, len(got), len(want), got[i])
		}
		for _, k := range columnsOf(want[i], got[i]) {
			if w, g := want[i][k], got[i][k]; !equal(w, g) {
				return fmt.Sprintf("%s: row %d: %s is %v, want %v%s", table, i, k, g, w, others(got[i], want[i]))
			}
		}
	}
	return ""
}

// others returns two rows in words: all columns of short ones, of long ones those
// that differ and the first few.
func others(got, want Row) string {
	columns := columnsOf(got, want)
	if len(columns) > 20 {
		columns = slices.DeleteFunc(columns, func(k string) bool {
			return equal(got[k], want[k]) && !slices.Contains([]string{"number_id", "clock", "score"}, k)
		})
	}
	var text strings.Builder
	for _, k := range columns {
		fmt.Fprintf(&text, "\n  %s: %v, want %v", k, got[k], want[k])
	}
	return text.String()
}

func columnsOf(a, b Row) []string {
	var all []string
	for k := range a {
		all = append(all, k)
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			all = append(all, k)
		}
	}
	slices.Sort(all)
	return all
}

// String returns a row's columns in order.
func (r Row) String() string {
	var all []string
	for _, k := range columnsOf(r, nil) {
		all = append(all, fmt.Sprintf("%s=%v", k, r[k]))
	}
	return strings.Join(all, " ")
}

func equal(a, b any) bool {
	x, ok := number64(a)
	y, both := number64(b)
	if !ok || !both {
		return reflect.DeepEqual(a, b)
	}
	return x == y || math.Abs(x-y) <= 1e-12*max(math.Abs(x), math.Abs(y))
}

func number64(v any) (float64, bool) {
	switch n := v.(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}
