package codec

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sendwatch/internal/event"
	rowsv1 "sendwatch/schemas/rows/v1"
)

// testFlag is a flag with everything.
func testFlag() *event.Flag {
	return &event.Flag{
		FlagID: "f1", Sequence: 2, Transition: event.TransitionEased, Level: event.LevelWarn,
		NumberID: "n1", WABAID: "w1", PortfolioID: "p1", Factor: event.FactorTemplateQuality, Key: `a "b"/de`,
		Value: event.WordValue("FLAGGED/RED"), Warn: event.NumberValue(0.3), Danger: event.NumberValue(0),
		Score: 71, EventTime: 1760000000000, EmittedAt: 1760000000500,
		Position:      event.Position{Topic: "sendwatch.events", Partition: 3, Offset: 99},
		PolicyVersion: "v1",
		Evidence: event.Evidence{
			Counts:       []event.NamedCount{{Name: "sent_24h", Value: 12}, {Name: "reply_ratio_7d", Value: 0.125}, {Name: "interval_cv", Value: 0}},
			Fingerprints: []event.FingerprintCount{{Fingerprint: 255, Count: 3}},
			Templates:    []event.FingerprintCount{{Fingerprint: 1 << 63, Template: "a/de", Count: 7}, {}},
		},
		Advice: "Ask for consent first.", ETA: 0, Shadow: true,
	}
}

// testRows is a batch with every kind of row, full and empty ones, and rows
// that differ from their batch.
func testRows() *Rows {
	b := &Rows{Topic: "sendwatch.events", Partition: 3, PortfolioID: "p1"}
	pane := event.Pane{Partition: 3, Pane: 4, Version: 5}
	full := event.NumberMinute{
		Pane: pane, NumberID: "n1", PortfolioID: "p1", Minute: 1760000040000,
		Counts: event.Counts{
			Sent: 1, Initiated: 2, Held: 3, Late: 4, Delivered: 5, Read: 6, Received: 7,
			Failed: [event.NumErrorClasses]int64{1, 0, 300, 4, 5, 6, 7, 8}, Answered: 9, Unanswered: 10, Withdrawn: 11,
			Blocks: 12, Reports: 13, Stops: 14, SentAfterStop: 15, TemplatesSent: 16, GroupMessages: 17,
		},
		Contacts: []uint64{1, 1 << 40, math.MaxUint64}, ContactCount: 3,
	}
	many := full
	many.Contacts = make([]uint64, event.SketchSize)
	for i := range many.Contacts {
		many.Contacts[i] = uint64(i) << 50
	}
	b.NumberMinutes = []event.NumberMinute{full, {Pane: event.Pane{Partition: 0}, NumberID: "n2"}, many}
	b.FingerprintHours = []event.FingerprintHour{
		{Pane: pane, NumberID: "n1", PortfolioID: "p1", Fingerprint: 1<<63 + 1, Hour: 1760000400000, Template: "a/b", Sent: 1, Initiated: 2, Answered: 3, Unanswered: 4, Withdrawn: 5},
		{Pane: pane, NumberID: "n1", PortfolioID: "p2"},
	}
	status := event.NumberStatus{
		Version: 9, Partition: 3, NumberID: "n1", WABAID: "w1", PortfolioID: "p1", Minute: 1, Clock: 2, Score: 55, Band: event.BandMedium,
		Top: []event.Contribution{{Factor: event.FactorReplyRatio, Points: 12.5}, {Factor: event.FactorTemplateQuality, Key: "a/b", Points: 10}},
	}
	for f := range event.NumFacts {
		status.Facts[f] = float64(f) / 3
		if isWhole(f) {
			status.Facts[f] = float64(f) * 1e6
		}
	}
	status.Facts[event.FactWake] = math.NaN()
	status.Levels[event.FactorRestart] = event.LevelDanger
	status.Silences[event.FactorDelivery], status.AnsweredSender = event.SilenceNoStatus24h, true
	b.NumberStatuses = []event.NumberStatus{status, {Partition: 3, PortfolioID: "p1"}}
	b.ContactOutcomes = []event.ContactOutcome{
		{Pane: pane, NumberID: "n1", PortfolioID: "p1", Contact: 7, Answered: 1, Unanswered: 2, LastSent: 3, LastReceived: 4, UnansweredSince: 5},
		{Pane: pane, NumberID: "n1", PortfolioID: "p1"},
	}
	b.AccountEvents = []event.AccountEvent{
		{
			Position: event.Position{Topic: "sendwatch.events", Partition: 3, Offset: 1}, Time: 2, Type: event.TypeAccount, ID: "e", NumberID: "n1",
			WABAID: "w", PortfolioID: "p1", Template: "a/b", State: "banned", Quality: "RED", ExpiresAt: -3, Limit: -1, Scope: "waba",
			Restrict: []string{"a", "", "b"}, Reason: "r",
		},
		{Position: event.Position{Topic: "other", Partition: 0}, Type: event.TypeLimit, PortfolioID: ""},
	}
	b.PortfolioStatus = []event.PortfolioStatus{
		{
			Version: 1, Partition: 3, PortfolioID: "p1", Minute: 2, Clock: 3, UniqueInitiated: 4, Limit: -1, Restricted7d: 5, SharedConn: 6,
			NumbersHigh: 7, NumbersMedium: 8, NumbersLow: 9, Score: -1, Levels: [event.NumFactors - event.NumNumberFactors]event.Level{0, 1, 2},
		},
		{Partition: 3, PortfolioID: "p1"},
	}
	b.Flags = []event.Flag{*testFlag(), {Position: event.Position{Topic: "t"}, Score: -1, ETA: -1}}
	contact := event.PortfolioChange{
		Partition: 3, Sequence: 1 << 40, Visible: 1760000040000, Kind: event.ChangeContact, PortfolioID: "p1", NumberID: "n1", A: math.MaxUint64, B: 29333334,
	}
	another := contact
	another.Sequence, another.A = contact.Sequence+300, 0
	b.Changes = []event.PortfolioChange{
		contact, another,
		{Partition: 3, Sequence: 7, PortfolioID: "p1", NumberID: "n1", Kind: event.ChangeStrike, B: -5},
		{Sequence: 8, PortfolioID: "", Kind: event.ChangeLimit, B: -1},
	}
	b.SharedEvents = []SharedEvent{{ID: "e1", Value: []byte(`{"id":"e1"}`), ContentType: ContentTypeHeader}, {ID: "e2", Value: []byte{0, 1}}}
	b.Progress, b.HasProgress = Progress{Watermark: 1760000040001, Sequence: 1<<40 + 300, CaughtUp: true, Idle: true, Generation: 1 << 63, Policy: "v1"}, true
	return b
}

func TestRowsRoundTrip(t *testing.T) {
	want := testRows()
	data := AppendRows([]byte("x"), want)[1:]
	got := testRows() // a batch that was used before
	got.Flags = append(got.Flags, *testFlag())
	for range 2 {
		if err := DecodeRows(data, got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(event.Output{})); diff != "" {
			t.Fatal(diff)
		}
	}
}

// TestRowsOneByOne reads what releases wrote that had no blocks yet: testRows as it was then,
// with thirds of the facts' places as facts.
func TestRowsOneByOne(t *testing.T) {
	data, err := os.ReadFile("testdata/rows-one-by-one.bin")
	if err != nil {
		t.Fatal(err)
	}
	want, got := testRows(), new(Rows)
	for f := range event.NumFacts {
		if isWhole(f) {
			want.NumberStatuses[0].Facts[f] = float64(f) / 3
		}
	}
	if err := DecodeRows(data, got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(event.Output{})); diff != "" {
		t.Error(diff)
	}
}

// TestSomeRows writes the rows of an output piece by piece, in the order of their tables,
// by bounds from one row to all: each piece stays below its bound or has one row or one
// run of changes, and together they are what one batch says.
func TestSomeRows(t *testing.T) {
	want := testRows()
	want.SharedEvents, want.Progress, want.HasProgress = nil, Progress{}, false
	var all []event.Row
	for table := range event.NumTables {
		for i := range want.Rows(table) {
			all = append(all, event.Row{Table: table, Index: i})
		}
	}
	pieces := map[int]bool{}
	var w RowWriter
	for limit := 1; limit < 4*len(AppendRows(nil, want)); limit *= 2 {
		got := &Rows{Topic: want.Topic, Partition: want.Partition, PortfolioID: want.PortfolioID}
		count := 0
		for left := all; len(left) > 0; count++ {
			data, n := w.Append([]byte("before"), want, &want.Output, left, limit)
			data = bytes.TrimPrefix(data, []byte("before"))
			var piece Rows
			if err := DecodeRows(data, &piece); err != nil {
				t.Fatal(err)
			}
			rows := 0
			for table := range event.NumTables {
				rows += piece.Rows(table)
			}
			if n == 0 || n > len(left) || rows != n {
				t.Fatalf("limit %d: wrote %d rows of %d, a reader finds %d", limit, n, len(left), rows)
			}
			if len(data) > limit && n > 1 && left[0].Table != event.TableChanges && !IsBlocked(left[0].Table) {
				t.Errorf("limit %d: %d rows in %d bytes", limit, n, len(data))
			}
			got.Append(&piece.Output)
			left = left[n:]
		}
		pieces[count] = true
		if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(event.Output{})); diff != "" {
			t.Fatalf("limit %d: %s", limit, diff)
		}
	}
	if !pieces[1] || len(pieces) < 4 {
		t.Errorf("the limits made %v pieces", pieces)
	}
}

// TestRowsAreProtobuf reads our bytes with the generated code, which finds
// every field, and reads back what that writes.
func TestRowsAreProtobuf(t *testing.T) {
	want := testRows()
	data := AppendRows(nil, want)
	m := new(rowsv1.Rows)
	if err := proto.Unmarshal(data, m); err != nil {
		t.Fatal(err)
	}
	if len(m.ProtoReflect().GetUnknown()) > 0 || len(m.GetMinuteBlocks()[0].ProtoReflect().GetUnknown()) > 0 ||
		len(m.GetHourBlocks()[0].ProtoReflect().GetUnknown()) > 0 || len(m.GetStatusBlocks()[0].ProtoReflect().GetUnknown()) > 0 ||
		len(m.GetContactBlocks()[0].ProtoReflect().GetUnknown()) > 0 {
		t.Error("rows.proto lacks fields that are written")
	}
	if got := m.GetFlags()[0]; got.GetFactor() != "template_quality" || got.GetValue().GetWord() != "FLAGGED/RED" || got.GetDanger() == nil || got.Eta == nil || *got.Eta != 0 {
		t.Errorf("flag %v", got)
	}
	if got := m.GetMinuteBlocks()[0]; got.GetRows() != 1 || got.GetFailedContact().GetBase() != 300 || got.GetContacts().GetValues()[2] != math.MaxUint64 || got.GetPortfolioId().GetValues()[0] != "p1" {
		t.Errorf("minutes %v", got)
	}
	if got := m.GetMinuteBlocks()[1]; got.GetNumberId().GetValues()[0] != "n2" || got.GetMinute() != nil {
		t.Errorf("minutes of another month %v", got)
	}
	if got := m.GetStatusBlocks()[0]; got.GetRows() != 2 || got.GetReplyRatio_7D().GetEach()[0] != float64(event.FactReplyRatio7d)/3 ||
		got.GetSent_24H().GetWords()[0] != 2e6 || got.GetLevelRestart().GetBytes()[0] != 2 || got.GetTop().GetFactor().GetValues()[1] != "template_quality" {
		t.Errorf("statuses %v", got)
	}
	again, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	got := new(Rows)
	if err := DecodeRows(again, got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(event.Output{})); diff != "" {
		t.Error(diff)
	}
	if len(again) != len(data) {
		t.Errorf("%d bytes, the generated code writes %d", len(data), len(again))
	}
	if _, err := protojson.Marshal(m); err != nil {
		t.Error(err)
	}
}

func TestRowsOfAnotherVersion(t *testing.T) {
	// A newer writer: unknown fields, a fact and a level more. An older one: fewer.
	newer := &rowsv1.Rows{PortfolioId: "p", NumberStatuses: []*rowsv1.NumberStatus{{
		NumberId: "n", Facts: make([]float64, event.NumFacts+1), Levels: make([]byte, event.NumNumberFactors+1),
	}}}
	data, err := proto.Marshal(newer)
	if err != nil {
		t.Fatal(err)
	}
	data = append(data, 0xfa, 0x7f, 3, 'a', 'b', 'c') // field 2047
	got := new(Rows)
	if err := DecodeRows(data, got); err != nil || len(got.NumberStatuses) != 1 || got.NumberStatuses[0].PortfolioID != "p" {
		t.Errorf("a newer batch: %v, %+v", err, got)
	}
	older := &rowsv1.Rows{NumberStatuses: []*rowsv1.NumberStatus{{Facts: []float64{7}, Levels: []byte{2}}}}
	if data, err = proto.Marshal(older); err != nil {
		t.Fatal(err)
	}
	if err := DecodeRows(data, got); err != nil {
		t.Fatal(err)
	}
	s := got.NumberStatuses[0]
	if s.Facts[0] != 7 || !math.IsNaN(s.Facts[event.FactWake]) || s.Facts[event.FactStrikes] != 0 || s.Levels[0] != event.LevelDanger {
		t.Errorf("an older batch: %+v", s)
	}
}

// TestChangesAreCompact holds what a contact costs, which is nearly all of what
// the portfolios role is told.
func TestChangesAreCompact(t *testing.T) {
	b := &Rows{Topic: "sendwatch.events", Partition: 3, PortfolioID: "506914307656634"}
	for k := range int64(1000) {
		b.Changes = append(b.Changes, event.PortfolioChange{
			Partition: 3, Sequence: 1_000_000 + 2*k, Visible: 1760000040000, PortfolioID: b.PortfolioID, NumberID: "106540352242922", A: uint64(k) << 40, B: 29333333,
		})
	}
	if n := len(AppendRows(nil, b)); n > 9200 {
		t.Errorf("1,000 contacts of one number and minute take %d bytes", n)
	}
}

func TestChangesThatAreBroken(t *testing.T) {
	for name, data := range map[string][]byte{
		"a sequence too few":  append([]byte{0x5a, 21, 0x3a, 1, 1, 0x42, 16}, make([]byte, 16)...),
		"a sequence too many": {0x5a, 14, 0x3a, 2, 1, 1, 0x42, 8, 0, 0, 0, 0, 0, 0, 0, 0},
		"half a value":        {0x5a, 9, 0x3a, 1, 1, 0x42, 4, 0, 0, 0, 0},
	} {
		if err := DecodeRows(data, new(Rows)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzRows(f *testing.F) {
	f.Add(AppendRows(nil, testRows()))
	f.Add([]byte{})
	f.Add([]byte{0x22, 2, 0x1a, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		var b, c Rows
		if DecodeRows(data, &b) != nil {
			return
		}
		again := AppendRows(nil, &b)
		if err := DecodeRows(again, &c); err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if third := AppendRows(nil, &c); !bytes.Equal(again, third) {
			t.Fatalf("%x is written as %x and then as %x", data, again, third)
		}
	})
}

func TestFlagJSON(t *testing.T) {
	const want = `{"flag_id":"f1","sequence":2,"transition":"eased","level":"warn","subject":"number","number_id":"n1","portfolio_id":"p1",` +
		`"factor":"template_quality","layer":5,"key":"a \"b\"/de","value":"FLAGGED/RED","warn":0.3,"danger":0,"score":71,` +
		`"event_time":1760000000000,"emitted_at":1760000000500,"position":{"topic":"sendwatch.events","partition":3,"offset":99},` +
		`"policy_version":"v1","evidence":{"counts":{"sent_24h":12,"reply_ratio_7d":0.125,"interval_cv":0},` +
		`"fingerprints":[{"fingerprint":"00000000000000ff","count":3}],"templates":[{"fingerprint":"8000000000000000","template":"a/de","count":7},{"fingerprint":"0000000000000000","count":0}]},` +
		`"advice":"Ask for consent first.","eta":0}`
	if got := string(AppendFlag(nil, testFlag())); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	portfolio := &event.Flag{FlagID: "f2", PortfolioID: "p1", Factor: event.FactorContagion, Level: event.LevelWarn, Value: event.NumberValue(1), Score: -1, ETA: -1}
	const wantPortfolio = `{"flag_id":"f2","sequence":0,"transition":"raised","level":"warn","subject":"portfolio","portfolio_id":"p1",` +
		`"factor":"contagion","layer":5,"key":null,"value":1,"warn":null,"danger":null,"score":null,"event_time":0,"emitted_at":0,` +
		`"position":{"topic":"","partition":0,"offset":0},"policy_version":"","evidence":{},"advice":"","eta":null}`
	if got := string(AppendFlag(nil, portfolio)); got != wantPortfolio {
		t.Errorf("got  %s\nwant %s", got, wantPortfolio)
	}
}

func TestRowsJSON(t *testing.T) {
	b := testRows()
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"number_minutes", AppendNumberMinuteJSON(nil, &b.NumberMinutes[0]), `{"number_id":"n1","minute":1760000040000,"sent":1,"initiated":2,"held":3,"late":4,"delivered":5,"read":6,"received":7,"failed_account":1,"failed_contact":300,"failed_fatigue":4,"failed_pace":5,"failed_window":6,"failed_neutral":7,"failed_operational":8,"answered":9,"unanswered":10,"withdrawn":11,"blocks":12,"reports":13,"stops":14,"sent_after_stop":15,"templates_sent":16,"group_messages":17,"contacts":3}`},
		{"number_minutes", AppendNumberMinuteJSON(nil, &b.NumberMinutes[1]), `{"number_id":"n2","minute":0}`},
		{"fingerprint_hours", AppendFingerprintHourJSON(nil, &b.FingerprintHours[0]), `{"number_id":"n1","fingerprint":"8000000000000001","hour":1760000400000,"template":"a/b","sent":1,"initiated":2,"answered":3,"unanswered":4,"withdrawn":5}`},
		{"fingerprint_hours", AppendFingerprintHourJSON(nil, &b.FingerprintHours[1]), `{"number_id":"n1","fingerprint":"0000000000000000","hour":0,"template":""}`},
		{"portfolio_status", AppendPortfolioStatusJSON(nil, &b.PortfolioStatus[0]), `{"portfolio_id":"p1","clock":3,"unique_initiated_24h":4,"limit":-1,"headroom":null,"restricted_7d":5,"shared_connection":6,"numbers_high":7,"numbers_medium":8,"numbers_low":9,"score":null,"level_limit_usage":"none","level_contagion":"warn","level_shared_connection":"danger"}`},
		{"portfolio_status", AppendPortfolioStatusJSON(nil, &b.PortfolioStatus[1]), `{"portfolio_id":"p1","clock":0,"unique_initiated_24h":0,"limit":null,"headroom":null,"restricted_7d":0,"shared_connection":0,"numbers_high":0,"numbers_medium":0,"numbers_low":0,"score":0,"level_limit_usage":"none","level_contagion":"none","level_shared_connection":"none"}`},
		{"contact_outcomes", AppendContactOutcomeJSON(nil, &b.ContactOutcomes[0]), `{"number_id":"n1","contact":"0000000000000007","answered":1,"unanswered":2,"last_sent":3,"last_received":4,"unanswered_since":5}`},
		{"account_events", AppendAccountEventJSON(nil, &b.AccountEvents[0]), `{"offset":1,"time":2,"type":"account.update","id":"e","number_id":"n1","waba_id":"w","portfolio_id":"p1","scope":"waba","template":"a/b","state":"banned","quality":"RED","reason":"r","restrictions":["a","","b"],"expires_at":-3,"limit":-1}`},
		{"account_events", AppendAccountEventJSON(nil, &b.AccountEvents[1]), `{"offset":0,"time":0,"type":"portfolio.limit","id":""}`},
		{"a limit with room", AppendPortfolioStatusJSON(nil, &event.PortfolioStatus{PortfolioID: "p", UniqueInitiated: 13, Limit: 30}), `{"portfolio_id":"p","clock":0,"unique_initiated_24h":13,"limit":30,"headroom":17,"restricted_7d":0,"shared_connection":0,"numbers_high":0,"numbers_medium":0,"numbers_low":0,"score":0,"level_limit_usage":"none","level_contagion":"none","level_shared_connection":"none"}`},
	} {
		if string(c.got) != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, c.got, c.want)
		}
	}
}

// TestNumberStatusJSON holds the columns against those of the worked examples.
func TestNumberStatusJSON(t *testing.T) {
	s := testRows().NumberStatuses[0]
	s.Facts[event.FactRestriction] = float64(event.StateBanned)
	s.Facts[event.FactSent24h] = 12
	var got, want map[string]any
	if err := json.Unmarshal(AppendNumberStatusJSON(nil, &s), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(readLines(t, "tiny", "expected", "number_status.ndjson")[0], &want); err != nil {
		t.Fatal(err)
	}
	for k := range want {
		if _, ok := got[k]; !ok {
			t.Errorf("column %s is not written", k)
		}
	}
	if extra := len(got) - len(want); extra != 5 {
		t.Errorf("%d columns more than in the examples, want 5: waba_id, portfolio_id, top, silent and answered_sender", extra)
	}
	for k, v := range map[string]any{"restriction": "banned", "wake": nil, "sent_24h": 12.0, "score": 55.0, "band": "medium", "level_restart": "danger", "level_opt_in": "none", "waba_id": "w1"} {
		if got[k] != v {
			t.Errorf("%s is %v, want %v", k, got[k], v)
		}
	}
}

func TestJSONScalars(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", -3: "-3", 0.5: "0.5", 1.0 / 3: "0.3333333333333333", 1e15: "1000000000000000", 1e300: "1e+300",
		1e-9: "1e-09", math.Inf(1): "null", 0.30000000000000004: "0.30000000000000004", 1e20: "100000000000000000000",
	} {
		got := string(appendJSONFloat(nil, v))
		if got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
	if got := string(appendJSONFloat(nil, math.NaN())); got != "null" {
		t.Errorf("NaN is written %s", got)
	}
	for s, want := range map[string]string{
		"": `""`, "a": `"a"`, "é😀": `"é😀"`, "\"\\\n\r\t\x00\x1f": `"\"\\\n\r\t\u0000\u001f"`, "a\xffb": "\"a\ufffdb\"", "<&>": `"<&>"`,
	} {
		if got := string(appendJSONString(nil, s)); got != want {
			t.Errorf("%q is written %s, want %s", s, got, want)
		}
	}
}

func TestDeadLetter(t *testing.T) {
	var ev event.Event
	value := record("message.sent", `kind=5`)
	err := testDecoder().Decode(&ev, value, ContentJSON, at)
	l := NewDeadLetter(event.Position{Topic: "in", Partition: 2, Offset: 7}, at, []byte("k"), value, err)
	if l.Reason != ReasonType || l.Field != "kind" || l.Detail == "" || !bytes.Equal(l.Value, value) || string(l.Key) != "k" {
		t.Errorf("dead letter %+v", l)
	}
	headers := AppendDeadLetterHeaders([]event.Header{{Key: []byte("own"), Value: []byte("1")}}, &l)
	r := event.Record{Headers: headers}
	for k, want := range map[string]string{
		"own": "1", HeaderReason: "type", HeaderField: "kind", HeaderDetail: l.Detail, HeaderTopic: "in", HeaderPartition: "2", HeaderOffset: "7",
		HeaderTimestamp: "1760000000000",
	} {
		if got := string(r.Header(k)); got != want {
			t.Errorf("header %s is %q, want %q", k, got, want)
		}
	}
	var got struct {
		Offset        int64
		Reason, Field string
		Value         []byte
	}
	if err := json.Unmarshal(AppendDeadLetterJSON(nil, &l), &got); err != nil {
		t.Fatal(err)
	}
	if got.Offset != 7 || got.Reason != "type" || got.Field != "kind" || !bytes.Equal(got.Value, value) {
		t.Errorf("as JSON %+v", got)
	}
}

func BenchmarkRows(b *testing.B) {
	batch := &Rows{Topic: "sendwatch.events", Partition: 3, PortfolioID: "p1"}
	for range 1000 {
		batch.NumberMinutes = append(batch.NumberMinutes, event.NumberMinute{
			Pane: event.Pane{Partition: 3, Pane: 100, Version: 6553600}, NumberID: "106540352242922", PortfolioID: "p1", Minute: 1760000040000,
			Counts: event.Counts{Sent: 3, Initiated: 2, Delivered: 3}, Contacts: []uint64{1 << 60, 1 << 61}, ContactCount: 2,
		})
	}
	data := AppendRows(nil, batch)
	b.Run("append", func(b *testing.B) {
		var dst []byte
		for b.Loop() {
			dst = AppendRows(dst[:0], batch)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/row")
	})
	b.Run("decode", func(b *testing.B) {
		var into Rows
		for b.Loop() {
			if err := DecodeRows(data, &into); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/row")
	})
}

// Every table has a codec and a field of the message; every stored one has a
// form in JSON.
func TestEveryTableHasACodec(t *testing.T) {
	fields := (&rowsv1.Rows{}).ProtoReflect().Descriptor().Fields()
	for table := range event.NumTables {
		c := &rowCodecs[table]
		if c.encode == nil || c.decode == nil || (c.json == nil) != (table >= event.NumStoredTables) {
			t.Errorf("the codec of %s is not whole", table)
		}
		if fields.ByNumber(protoreflect.FieldNumber(c.field)) == nil {
			t.Errorf("the message has no field for %s", table)
		}
	}
}

// A row of version 1 has fewer facts and levels, in places of its own: they are
// read as what they were, and the new ones are none.
func TestRowsOfAnOlderVersion(t *testing.T) {
	facts := make([]float64, event.NumFacts-10)
	for i := range facts {
		facts[i] = float64(i + 1)
	}
	levels := make([]byte, event.NumNumberFactors-5)
	for i := range levels {
		levels[i] = byte(i % 3)
	}
	line, err := proto.Marshal(&rowsv1.Rows{NumberStatuses: []*rowsv1.NumberStatus{{NumberId: "n", Facts: facts, Levels: levels}}})
	if err != nil {
		t.Fatal(err)
	}
	var b Rows
	if err := DecodeRows(line, &b); err != nil {
		t.Fatal(err)
	}
	s := &b.NumberStatuses[0]
	for f, want := range map[event.Fact]float64{event.FactSent1m: 1, event.FactConversationPressure: 14, event.FactReadRatio24h: 15, event.FactWake: float64(len(facts)), event.FactPending: 0} {
		if s.Facts[f] != want {
			t.Errorf("%v is %v, want %v", f, s.Facts[f], want)
		}
	}
	for _, f := range []event.Fact{event.FactReplyRatioNowcast, event.FactLinked, event.FactCap, event.FactCapShare} {
		if !math.IsNaN(s.Facts[f]) {
			t.Errorf("%v is %v, want none", f, s.Facts[f])
		}
	}
	if got := [...]event.Level{s.Levels[event.FactorReplyRatio], s.Levels[event.FactorReplyNowcast], s.Levels[event.FactorUnanswered]}; got != [...]event.Level{0, 0, 1} {
		t.Errorf("levels %v", got)
	}
}
