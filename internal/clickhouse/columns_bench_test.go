package clickhouse

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	chproto "github.com/ClickHouse/ch-go/proto"
	chcolumn "github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/schemas"
)

// revision is the protocol's, as the client library speaks it to a server of today.
const revision = proto.DBMS_TCP_PROTOCOL_VERSION

// BenchmarkColumns measures the client's half of an insert without a server: blocks of the rows topic
// into the library's columns, those into the bytes of a block. "ours" is what Writer
// does; "row append" hands the same values to the library a row at a time, as its page
// shows it, with the making of those values not counted.
func BenchmarkColumns(b *testing.B) {
	blocks := codec.AppendBlocks(nil, busy(8_192))
	for _, t := range []*blockTable{minuteTable(), statusTable(), fingerprintTable(), contactTable()} {
		columnsOfTable(b, t, blocks)
	}
}

func columnsOfTable(b *testing.B, t *blockTable, all []event.Block) {
	types := shippedTypes(b, t.name)
	var blocks []event.Block
	rows := 0
	for _, block := range all {
		if block.Table == t.from {
			blocks, rows = append(blocks, block), rows+block.Rows
		}
	}
	per := func(b *testing.B, before time.Duration) {
		ns := float64((spent(b) - before).Nanoseconds()) / float64(b.N*rows)
		b.ReportMetric(ns, "cpu-ns/row")
		b.ReportMetric(ns/float64(len(t.names)), "cpu-ns/value")
	}
	ours := func(b *testing.B, buffer *chproto.Buffer) {
		block := blockOf(b, t, types)
		fillFrom(b, t, block, blocks)
		encode(b, block, buffer)
	}
	var buffer, theirs chproto.Buffer
	b.Run(t.name+"/ours", func(b *testing.B) {
		b.ReportAllocs()
		before := spent(b)
		for b.Loop() {
			ours(b, &buffer)
		}
		per(b, before)
	})
	b.Run(t.name+"/row append", func(b *testing.B) {
		var block chproto.Buffer
		ours(b, &block)
		values := valuesIn(b, &block, rows)
		b.ReportAllocs()
		before := spent(b)
		for b.Loop() {
			block := blockOf(b, t, types)
			for _, row := range values {
				if err := block.Append(row...); err != nil {
					b.Fatal(err)
				}
			}
			encode(b, block, &theirs)
		}
		per(b, before)
	})
	if len(buffer.Buf) > 0 && len(theirs.Buf) > 0 && !bytes.Equal(buffer.Buf, theirs.Buf) {
		b.Errorf("%s: the bytes of ours and of row append differ", t.name)
	}
}

// fillFrom reads blocks into the library's.
func fillFrom(b testing.TB, t *blockTable, block *proto.Block, blocks []event.Block) {
	b.Helper()
	defer t.reset()
	for _, from := range blocks {
		if err := t.add(from.Bytes); err != nil {
			b.Fatal(err)
		}
	}
	if err := t.fillBlock(block.Columns); err != nil {
		b.Fatal(err)
	}
}

// spent is the processor time of this process: other programs on the core count for nothing.
func spent(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// valuesIn returns the rows of a block as the library gives them to a reader.
func valuesIn(b *testing.B, buffer *chproto.Buffer, rows int) [][]any {
	read := proto.NewBlock()
	if err := read.Decode(chproto.NewReader(buffer), revision); err != nil {
		b.Fatal(err)
	}
	values := make([][]any, rows)
	for i := range values {
		for _, c := range read.Columns {
			values[i] = append(values[i], c.Row(i, false))
		}
	}
	return values
}

// encode writes a block as it goes to the server, before compression.
func encode(b *testing.B, block *proto.Block, buffer *chproto.Buffer) {
	buffer.Reset()
	if err := block.Encode(buffer, revision); err != nil {
		b.Fatal(err)
	}
}

// blockOf returns an empty block with the table's columns, as the server's answer to
// an INSERT makes the library make one.
func blockOf(b testing.TB, t *blockTable, types map[string]string) *proto.Block {
	b.Helper()
	block := proto.NewBlock()
	for _, name := range t.names {
		if err := block.AddColumn(name, chcolumn.Type(types[name])); err != nil {
			b.Fatalf("%s.%s: %v", t.name, name, err)
		}
	}
	return block
}

// typed finds a column and its type in the text of a statement.
var typed = regexp.MustCompile("(?m)^ +(?:ADD COLUMN IF NOT EXISTS )?`([a-z0-9_]+)` (.+?) (?:COMMENT|DEFAULT|CODEC)")

// shippedTypes returns the types of a table's columns by the statements of the schema.
func shippedTypes(t testing.TB, table string) map[string]string {
	files, err := fs.Glob(schemas.ClickHouse, "clickhouse/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	types := make(map[string]string)
	for _, file := range files {
		text, err := fs.ReadFile(schemas.ClickHouse, file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), " TABLE {database}."+table+"\n") && !strings.Contains(string(text), " TABLE IF NOT EXISTS {database}."+table+"\n") {
			continue
		}
		for _, found := range typed.FindAllStringSubmatch(string(text), -1) {
			types[found[1]] = found[2]
		}
	}
	return types
}

// busy makes n rows of each big table, with values of the sizes that they have.
func busy(n int) *event.Output {
	r := rand.New(rand.NewPCG(1, 1))
	out := new(event.Output)
	few := func(n int64) int64 { return max(r.Int64N(2*n)-n, 0) }
	for i := range int64(n) {
		number, minute := fmt.Sprint("15550000", i%300), monthEdge+i/300*msMinute
		pane := event.Pane{Partition: int32(i % 4), Pane: 1000 + i/1024, Version: 1e9 + i}
		m := event.NumberMinute{
			NumberID: number, PortfolioID: "portfolio-17", Minute: minute, Pane: pane,
			Counts: event.Counts{Sent: few(9), Initiated: few(5), Delivered: few(9), Read: few(7), Received: few(3), Answered: few(2), Unanswered: few(2), TemplatesSent: few(4)},
		}
		for range m.Initiated {
			m.Contacts = append(m.Contacts, r.Uint64())
		}
		out.NumberMinutes = append(out.NumberMinutes, m)
		s := event.NumberStatus{
			NumberID: number, WABAID: "waba-17", PortfolioID: "portfolio-17", Minute: minute, Clock: minute + r.Int64N(60_000),
			Version: pane.Version, Partition: pane.Partition, Score: 60 + r.IntN(40), Band: event.BandMedium,
			Top: []event.Contribution{{Factor: event.FactorReplyRatio, Points: 12.5 * r.Float64()}, {Factor: event.FactorVelocityHour, Points: r.Float64()}},
		}
		for f := range event.NumFacts {
			switch f.Type() {
			case event.FactRatio:
				s.Facts[f] = r.Float64()
			case event.FactTime:
				s.Facts[f] = math.NaN()
			case event.FactCount:
				s.Facts[f] = float64(few(500))
			}
		}
		s.Levels[event.FactorReplyRatio] = event.LevelWarn
		s.Silences[r.IntN(3)] = event.SilenceNone + 1
		out.NumberStatuses = append(out.NumberStatuses, s)
		out.FingerprintHours = append(out.FingerprintHours, event.FingerprintHour{
			Pane: pane, NumberID: number, PortfolioID: "portfolio-17", Fingerprint: r.Uint64(), Hour: monthEdge, Template: "order_update/en",
			Sent: few(20), Initiated: few(20), Answered: few(5), Unanswered: few(9),
		})
		out.ContactOutcomes = append(out.ContactOutcomes, event.ContactOutcome{
			Pane: pane, NumberID: number, PortfolioID: "portfolio-17", Contact: r.Uint64(),
			Answered: few(2), Unanswered: few(2), LastSent: minute, LastReceived: minute + 1,
		})
	}
	return out
}
