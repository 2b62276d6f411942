package codec

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sendwatch/internal/event"
	rowsv1 "sendwatch/schemas/rows/v1"
)

// blockMessages are the messages of rows.proto that blocks are.
var blockMessages = map[event.Table]proto.Message{
	event.TableNumberMinutes:    new(rowsv1.NumberMinutes),
	event.TableFingerprintHours: new(rowsv1.FingerprintHours),
	event.TableNumberStatus:     new(rowsv1.NumberStatuses),
	event.TableContactOutcomes:  new(rowsv1.ContactOutcomes),
}

// TestColumnsAreThoseOfTheSchema holds each column's name, number and kind against
// rows.proto, which must have no other.
func TestColumnsAreThoseOfTheSchema(t *testing.T) {
	kinds := map[protoreflect.FullName]columnKind{
		"sendwatch.rows.v1.Whole": wholeColumn, "sendwatch.rows.v1.Doubles": doublesColumn, "sendwatch.rows.v1.Texts": textsColumn,
		"sendwatch.rows.v1.Patterns": textsColumn, "sendwatch.rows.v1.Hashes": hashesColumn, "sendwatch.rows.v1.Contributions": contributionsColumn,
	}
	for table, m := range blockMessages {
		fields := m.ProtoReflect().Descriptor().Fields()
		for i := range fields.Len() {
			f := fields.Get(i)
			if f.Number() == 1 {
				continue // rows
			}
			if n := Column(table, string(f.Name())); n != int(f.Number()) {
				t.Errorf("%s: %s is %d here and %d in rows.proto", table, f.Name(), n, f.Number())
				continue
			}
			if kind := columnKinds[table][f.Number()]; kind != kinds[f.Message().FullName()] {
				t.Errorf("%s: %s is of kind %d here and %s in rows.proto", table, f.Name(), kind, f.Message().Name())
			}
		}
		if n := len(columnNames[table]); n != fields.Len()-1 {
			t.Errorf("%s: %d columns here, %d in rows.proto", table, n, fields.Len()-1)
		}
	}
	if n := Column(event.TableNumberStatus, "nothing"); n != 0 {
		t.Errorf("a column that there is not has number %d", n)
	}
}

// TestBlocks writes rows whose columns take each form that there is, in blocks of more
// than one size, and reads them back.
func TestBlocks(t *testing.T) {
	shapes := map[string]func(i int64) int64{
		"zero":             func(int64) int64 { return 0 },
		"one value":        func(int64) int64 { return 77 },
		"a byte":           func(i int64) int64 { return i % 256 },
		"a byte and a bit": func(i int64) int64 { return 1000 + i%256 },
		"just no byte":     func(i int64) int64 { return i % 257 },
		"four bytes":       func(i int64) int64 { return 1_760_000_000_000 + i*1_500_000 },
		"eight bytes":      func(i int64) int64 { return i * math.MaxInt64 / 3000 },
		"below zero":       func(i int64) int64 { return i - 3000 },
		"the whole range":  func(i int64) int64 { return []int64{math.MinInt64, math.MaxInt64, 0, -1}[i%4] },
	}
	for name, value := range shapes {
		for _, n := range []int{1, 2, 700, 5000} {
			var out event.Output
			for i := range int64(n) {
				v := value(i)
				out.ContactOutcomes = append(out.ContactOutcomes, event.ContactOutcome{
					Pane: event.Pane{Partition: 3, Pane: v, Version: v}, NumberID: fmt.Sprint("n", i/3), PortfolioID: fmt.Sprint("p", i%2), Contact: uint64(v),
					Answered: v, Unanswered: v, UnansweredSince: v, LastSent: v, LastReceived: v,
				})
			}
			got := event.Output{Blocks: AppendBlocks(nil, &out)}
			if rows := got.Len(); rows != n || got.Rows(event.TableContactOutcomes) != n {
				t.Errorf("%s: blocks say that they have %d rows of %d", name, rows, n)
			}
			if err := ReadBlocks(&got); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(out.ContactOutcomes, got.ContactOutcomes); diff != "" || len(got.Blocks) != 0 {
				t.Fatalf("%s, %d rows: %s", name, n, diff)
			}
		}
	}
}

// TestBlocksOfDoubles does so with facts that may be none.
func TestBlocksOfDoubles(t *testing.T) {
	nan := math.NaN()
	for name, values := range map[string][]float64{
		"all none": {nan, nan}, "some none": {nan, 0.5, nan}, "zero": {0, 0, 0}, "one value": {0.25, 0.25}, "minus zero": {math.Copysign(0, -1), 0}, "none and zero": {0, nan},
	} {
		var out event.Output
		for _, v := range values {
			s := event.NumberStatus{NumberID: "n"}
			for f := range event.NumFacts {
				if !isWhole(f) {
					s.Facts[f] = v
				}
			}
			out.NumberStatuses = append(out.NumberStatuses, s)
		}
		got := event.Output{Blocks: AppendBlocks(nil, &out)}
		if err := ReadBlocks(&got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(out.NumberStatuses, got.NumberStatuses, cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestBlocksAreOfOneMonth parts rows by month, and rejects a block that does not.
func TestBlocksAreOfOneMonth(t *testing.T) {
	edge := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	var out event.Output
	for _, minute := range []int64{edge - 120_000, edge - 60_000, edge, edge + 60_000, edge - 1, math.MaxInt64, math.MinInt64} {
		out.NumberMinutes = append(out.NumberMinutes, event.NumberMinute{NumberID: "n", Minute: minute})
	}
	var sizes []int
	for _, b := range AppendBlocks(nil, &out) {
		sizes = append(sizes, b.Rows)
		var block Block
		if err := block.Read(b.Table, b.Bytes); err != nil {
			t.Fatal(err)
		}
		if block.Rows != b.Rows || b.Rows == 2 && block.Month() != edge && block.Month() != time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC).UnixMilli() {
			t.Errorf("a block of %d rows is of %d", block.Rows, block.Month())
		}
	}
	if !slices.Equal(sizes, []int{2, 2, 1, 1, 1}) {
		t.Errorf("blocks of %v rows", sizes)
	}
	both, err := proto.Marshal(&rowsv1.NumberMinutes{Rows: 2, Minute: &rowsv1.Whole{Base: edge, Longs: []uint64{0, math.MaxUint64}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := new(Block).Read(event.TableNumberMinutes, both); err == nil {
		t.Error("a block of two months was read")
	}
}

// TestBlocksStaySmall bounds a block by what its rows hold, whatever that is.
func TestBlocksStaySmall(t *testing.T) {
	long := make([]byte, 60_000)
	var out event.Output
	for i := range 40 {
		long[0] = byte('a' + i%20)
		out.FingerprintHours = append(out.FingerprintHours, event.FingerprintHour{NumberID: string(long), Template: "t"})
		out.NumberMinutes = append(out.NumberMinutes, event.NumberMinute{NumberID: "n", Contacts: make([]uint64, event.SketchSize)})
		out.NumberStatuses = append(out.NumberStatuses, event.NumberStatus{Top: []event.Contribution{{Key: string(long)}}})
	}
	for _, b := range AppendBlocks(nil, &out) {
		if len(b.Bytes) > maxBlockText+128<<10 {
			t.Errorf("%s: a block of %d rows has %d bytes", b.Table, b.Rows, len(b.Bytes))
		}
	}
}

// TestBlocksThatAreBroken takes a block apart that says more than it has.
func TestBlocksThatAreBroken(t *testing.T) {
	good := &rowsv1.NumberStatuses{
		Rows: 2, NumberId: &rowsv1.Texts{Values: []string{"a", "b"}, Of: &rowsv1.Whole{Bytes: []byte{0, 1}}}, Score: &rowsv1.Whole{Bytes: []byte{1, 2}},
		Top: &rowsv1.Contributions{
			Lengths: &rowsv1.Whole{Bytes: []byte{2, 1}}, Factor: &rowsv1.Texts{Values: []string{"velocity_hour"}}, Points: &rowsv1.Doubles{Each: []float64{1, 2, 3}},
		},
	}
	for name, spoil := range map[string]func(b *rowsv1.NumberStatuses){
		"":                           func(*rowsv1.NumberStatuses) {},
		"no rows":                    func(b *rowsv1.NumberStatuses) { b.Rows = 0 },
		"more rows than a batch has": func(b *rowsv1.NumberStatuses) { *b = rowsv1.NumberStatuses{Rows: MaxBlockRows + 1} },
		"an entry too few":           func(b *rowsv1.NumberStatuses) { b.Score.Bytes = b.Score.Bytes[:1] },
		"an entry too many":          func(b *rowsv1.NumberStatuses) { b.Clock = &rowsv1.Whole{Longs: []uint64{1, 2, 3}} },
		"a double too few":           func(b *rowsv1.NumberStatuses) { b.Linked = &rowsv1.Doubles{Each: []float64{1}} },
		"a string that is not there": func(b *rowsv1.NumberStatuses) { b.NumberId.Of.Bytes[1] = 2 },
		"all strings not there":      func(b *rowsv1.NumberStatuses) { b.NumberId.Of = &rowsv1.Whole{Base: 2} },
		"a contribution too many":    func(b *rowsv1.NumberStatuses) { b.Top.Lengths.Bytes[0] = 3 },
		"very many contributions":    func(b *rowsv1.NumberStatuses) { b.Top = &rowsv1.Contributions{Lengths: &rowsv1.Whole{Base: 1 << 40}} },
		"contributions below zero":   func(b *rowsv1.NumberStatuses) { b.Top = &rowsv1.Contributions{Lengths: &rowsv1.Whole{Base: -1}} },
	} {
		b := proto.CloneOf(good)
		spoil(b)
		data, err := proto.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := new(Block).Read(event.TableNumberStatus, data); (err == nil) != (name == "") {
			t.Errorf("%q: %v", name, err)
		}
	}
	minutes, err := proto.Marshal(&rowsv1.NumberMinutes{Rows: 2, Contacts: &rowsv1.Hashes{Lengths: &rowsv1.Whole{Base: 1}, Values: []uint64{1, 2, 3}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := new(Block).Read(event.TableNumberMinutes, minutes); err == nil {
		t.Error("contacts of no row were read")
	}
	half, err := proto.Marshal(&rowsv1.ContactOutcomes{Rows: MaxBlockRows/2 + 1})
	if err != nil {
		t.Fatal(err)
	}
	var twice []byte
	for range 2 {
		twice = append(appendLength(twice, 17, len(half)), half...)
	}
	if err := DecodeBlocks(twice, new(Rows)); err == nil {
		t.Error("a batch of more rows than there may be was read")
	}
}

// TestBlocksSayTheirRowsFirst rejects blocks whose number of rows does not stand before their
// columns, or stands there twice: columns would be shorter than the block says.
func TestBlocksSayTheirRowsFirst(t *testing.T) {
	join := func(parts ...proto.Message) (data []byte) {
		for _, m := range parts {
			b, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			data = append(data, b...)
		}
		return data
	}
	one, two := &rowsv1.NumberMinutes{Rows: 1}, &rowsv1.NumberMinutes{Rows: 2}
	times := &rowsv1.NumberMinutes{Minute: &rowsv1.Whole{Bytes: []byte{7}}}
	lists := &rowsv1.NumberMinutes{Contacts: &rowsv1.Hashes{Lengths: &rowsv1.Whole{Base: 3}}}
	for name, data := range map[string][]byte{
		"twice": join(one, times, two), "twice the same": join(one, times, one), "last": join(lists, two), "not at all": join(lists),
	} {
		if err := new(Block).Read(event.TableNumberMinutes, data); err == nil {
			t.Errorf("%s: the block was read", name)
		}
	}
	if err := new(Block).Read(event.TableNumberMinutes, join(one, times)); err != nil {
		t.Error(err)
	}
}

// TestBlocksDoNotSpreadFar bounds what the strings of a block take where each row has its own:
// in what is written, whose rows all come back, and in what is read.
func TestBlocksDoNotSpreadFar(t *testing.T) {
	long := strings.Repeat("p", 250_000)
	var out event.Output
	for i := range int64(100) {
		out.NumberMinutes = append(out.NumberMinutes, event.NumberMinute{NumberID: "n", PortfolioID: long, Minute: i * 60_000})
	}
	got := event.Output{Blocks: AppendBlocks(nil, &out)}
	for _, b := range got.Blocks {
		var block Block
		if err := block.Read(b.Table, b.Bytes); err != nil {
			t.Fatal(err)
		}
		if block.Spread < b.Rows*len(long) || block.Spread > maxBlockSpread+len(long) {
			t.Errorf("%d rows spread to %d bytes", b.Rows, block.Spread)
		}
	}
	if err := ReadBlocks(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(out.NumberMinutes, got.NumberMinutes); diff != "" {
		t.Error(diff)
	}

	texts := &rowsv1.Texts{Values: []string{long}}
	for name, m := range map[string]proto.Message{
		"ids": &rowsv1.NumberMinutes{Rows: MaxBlockRows, NumberId: texts},
		"keys": &rowsv1.NumberStatuses{Rows: MaxBlockRows, Top: &rowsv1.Contributions{
			Lengths: &rowsv1.Whole{Base: 5}, Key: texts,
		}},
	} {
		data, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		table := event.TableNumberMinutes
		if name == "keys" {
			table = event.TableNumberStatus
		}
		if err := new(Block).Read(table, data); err == nil {
			t.Errorf("%s: a block of %d bytes was read, which are %d in its rows", name, len(data), MaxBlockRows*len(long))
		}
	}
}

// TestBlocksOfAnotherVersion reads what a newer and an older version write.
func TestBlocksOfAnotherVersion(t *testing.T) {
	data, err := proto.Marshal(&rowsv1.NumberStatuses{Rows: 1, Day: &rowsv1.Whole{Base: 3}})
	if err != nil {
		t.Fatal(err)
	}
	data = append(data, 0xfa, 0x7f, 3, 'a', 'b', 'c') // field 2047
	data = append(data, 0x9a, 1, 1, 'x')              // field 19, which a table may have some day
	out := event.Output{Blocks: []event.Block{{Table: event.TableNumberStatus, Rows: 1, Bytes: data}}}
	if err := ReadBlocks(&out); err != nil {
		t.Fatal(err)
	}
	s := &out.NumberStatuses[0]
	if s.Facts[event.FactDay] != 3 || s.Facts[event.FactSent1h] != 0 || !math.IsNaN(s.Facts[event.FactWake]) || !math.IsNaN(s.Facts[event.FactReplyRatioNowcast]) {
		t.Errorf("%+v", s)
	}
}

// TestColumnsForTheStore holds what the append functions write against the values.
func TestColumnsForTheStore(t *testing.T) {
	const n = 4
	for name, c := range map[string]Numbers{
		"nothing":      {},
		"one value":    {base: 9},
		"below zero":   {base: ^uint64(4)},
		"bytes":        {base: 5, width: 1, data: []byte{0, 1, 2, 255}},
		"bytes, below": {base: ^uint64(1), width: 1, data: []byte{0, 1, 2, 255}},
		"words":        {width: 4, data: []byte{1, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 1, 7, 0, 0, 0}},
		"words up":     {base: 1 << 33, width: 4, data: make([]byte, 16)},
		"longs": {width: 8, data: []byte{
			1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255,
			255, 255, 255, 255, 255, 255, 255, 127, 0, 0, 0, 0, 1, 0, 0, 0,
		}},
		"doubles": {width: 8, data: []byte{
			0, 0, 0, 0, 0, 0, 0xf8, 0x7f, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0xf8, 0xff,
		}},
	} {
		var counts, longs, within, bytes, none, doubles []byte
		for i := range n {
			v := c.at(i)
			counts = append(counts, binary4(uint32(min(max(int64(v), 0), math.MaxUint32)))...)
			longs = append(longs, binary8(v)...)
			within = append(within, binary8(uint64(min(max(int64(v), -2), 1000)))...)
			bytes = append(bytes, byte(min(max(int64(v), 0), 6)))
			if f := math.Float64frombits(v); math.IsNaN(f) {
				none, doubles = append(none, 1), append(doubles, make([]byte, 8)...)
			} else {
				none, doubles = append(none, 0), append(doubles, binary8(v)...)
			}
		}
		for what, pair := range map[string][2][]byte{
			"AppendUint32": {c.AppendUint32(nil, n), counts}, "AppendUint64": {c.AppendUint64(nil, n), longs}, "AppendWithin": {c.AppendWithin(nil, n, -2, 1000), within},
			"AppendUint8": {c.AppendUint8(nil, n, 6), bytes}, "AppendNaN": {c.AppendNaN(nil, n), none}, "AppendDoubles": {c.AppendDoubles(nil, n), doubles},
		} {
			if !slices.Equal(pair[0], pair[1]) {
				t.Errorf("%s, %s: %x, want %x", name, what, pair[0], pair[1])
			}
		}
	}
}

func binary4(v uint32) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)} }

func binary8(v uint64) []byte { return append(binary4(uint32(v)), binary4(uint32(v>>32))...) }
