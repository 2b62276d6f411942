package chdb

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"
)

func TestParseLayout(t *testing.T) {
	for _, typ := range []string{
		"UInt8", "Nullable(DateTime64(3, 'Europe/Berlin'))", "Map(LowCardinality(String), Array(Nullable(UUID)))",
		"Tuple(a UInt8, `b c` String)", "Tuple(UInt8, Tuple(x Enum8('a b' = 1, ')' = 2)))", "Decimal(38, 2)", "FixedString(16)",
		"LowCardinality(Nullable(FixedString(2)))", "Nested(a UInt8, b Array(String))", "SimpleAggregateFunction(groupArrayArray, Array(String))", "IntervalDay",
	} {
		if _, err := parseLayout(typ); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
	}
	for _, typ := range []string{
		"", "Strin", "Array(", "Array()", "Array(UInt8", "Map(String)", "Tuple()", "FixedString(x)", "FixedString(-1)", "FixedString(99999999999)",
		"JSON", "Dynamic", "Variant(String, UInt8)", "AggregateFunction(sum, UInt8)", "LowCardinality(Array(String))",
		strings.Repeat("Array(", 50) + "UInt8" + strings.Repeat(")", 50),
	} {
		if l, err := parseLayout(typ); err == nil {
			t.Errorf("%s was accepted as %+v", typ, l)
		}
	}
}

// sampleBlock is a block that the codec of the clients encodes.
func sampleBlock(t testing.TB, rows int) []byte {
	t.Helper()
	ids, names, tags := new(proto.ColUInt64), new(proto.ColStr), new(proto.ColStr).LowCardinality().Array()
	for i := range rows {
		ids.Append(uint64(i))
		names.Append(strings.Repeat("n", i%50))
		tags.Append([]string{"a", strings.Repeat("b", i%3)})
	}
	var b proto.Buffer
	block := proto.Block{Rows: rows, Columns: 3}
	err := block.EncodeRawBlock(&b, maxRevision, []proto.InputColumn{{Name: "id", Data: ids}, {Name: "name", Data: names}, {Name: "tags", Data: tags}})
	if err != nil {
		t.Fatal(err)
	}
	return b.Buf
}

// dataPacket is a data packet with this block, without its code.
func dataPacket(t testing.TB, block []byte, method compress.Method, compressed bool) []byte {
	t.Helper()
	var b proto.Buffer
	b.PutString("")
	start := len(b.Buf)
	proto.BlockInfo{BucketNum: -1}.Encode(&b)
	b.Buf = append(b.Buf, block...)
	if !compressed {
		return b.Buf
	}
	w := compress.NewWriter(compress.LevelZero, method)
	out := b.Buf[:start:start]
	for rest := b.Buf[start:]; len(rest) > 0; { // Several frames, cut anywhere.
		n := min(len(rest), 1000)
		if err := w.Compress(rest[:n]); err != nil {
			t.Fatal(err)
		}
		out, rest = append(out, w.Data...), rest[n:]
	}
	return out
}

func TestDataEndsWhereTheBlockEnds(t *testing.T) {
	block := sampleBlock(t, 500)
	for name, packet := range map[string][]byte{
		"plain": dataPacket(t, block, compress.None, false),
		"lz4":   dataPacket(t, block, compress.LZ4, true),
		"zstd":  dataPacket(t, block, compress.ZSTD, true),
		"none":  dataPacket(t, block, compress.None, true),
	} {
		t.Run(name, func(t *testing.T) {
			// Two packets in a row, handed over one byte at a time.
			w := newWireReader(io.MultiReader(bytes.NewReader(packet), oneByte{bytes.NewReader(packet)}))
			for range 2 {
				got, columns, rows, err := w.data(nil, name != "plain")
				if err != nil {
					t.Fatal(err)
				}
				if columns != 3 || rows != 500 || !bytes.Equal(got, block) {
					t.Errorf("%d columns and %d rows in %d bytes, expected 3 and 500 in %d", columns, rows, len(got), len(block))
				}
			}
			if _, err := w.raw.ReadByte(); !errors.Is(err, io.EOF) {
				t.Errorf("bytes are left: %v", err)
			}
		})
	}
}

// oneByte returns one byte a read.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }

func TestClaimsTakeNoMemory(t *testing.T) {
	claim := func(put func(*proto.Buffer)) []byte {
		var b proto.Buffer
		b.PutString("")
		proto.BlockInfo{}.Encode(&b)
		put(&b)
		return b.Buf
	}
	for name, packet := range map[string][]byte{
		"columns": claim(func(b *proto.Buffer) { b.PutUVarInt(1 << 40); b.PutUVarInt(1) }),
		"rows":    claim(func(b *proto.Buffer) { b.PutUVarInt(1); b.PutUVarInt(1 << 60) }),
		"a name":  claim(func(b *proto.Buffer) { b.PutUVarInt(1); b.PutUVarInt(1); b.PutUVarInt(1 << 50) }),
		"a string": claim(func(b *proto.Buffer) {
			b.PutUVarInt(1)
			b.PutUVarInt(1)
			b.PutString("c")
			b.PutString("String")
			b.PutUVarInt(1 << 62)
		}),
		"an array": claim(func(b *proto.Buffer) {
			b.PutUVarInt(1)
			b.PutUVarInt(1)
			b.PutString("c")
			b.PutString("Array(UInt64)")
			b.PutUInt64(1 << 63)
		}),
		"many rows": claim(func(b *proto.Buffer) {
			b.PutUVarInt(1)
			b.PutUVarInt(maxRows)
			b.PutString("c")
			b.PutString("FixedString(16777216)")
		}),
	} {
		if _, _, _, err := newWireReader(bytes.NewReader(packet)).data(nil, false); !errors.Is(err, errProtocol) {
			t.Errorf("%s: got %v, expected a protocol error", name, err)
		}
	}
	hello := []byte{byte(proto.ClientCodeHello), 0xff, 0xff, 0xff, 0xff, 0x0f}
	if _, err := newWireReader(bytes.NewReader(hello)).hello(); !errors.Is(err, errProtocol) {
		t.Errorf("hello: got %v, expected a protocol error", err)
	}
}

// FuzzWire feeds every reader of client bytes. They must return, and what they
// take for a block must be one.
func FuzzWire(f *testing.F) {
	block := sampleBlock(f, 20)
	f.Add(byte(0), dataPacket(f, block, compress.None, false))
	f.Add(byte(1), dataPacket(f, block, compress.LZ4, true))
	var b proto.Buffer
	proto.ClientHello{Name: "c", ProtocolVersion: maxRevision, Database: "d", User: "u"}.Encode(&b)
	f.Add(byte(2), bytes.Clone(b.Buf))
	b.Reset()
	proto.Query{Body: "SELECT 1", Settings: []proto.Setting{{Key: "a", Value: "1"}}, Info: proto.ClientInfo{
		ProtocolVersion: maxRevision, Query: proto.ClientQueryInitial, Interface: proto.InterfaceTCP,
	}}.EncodeAware(&b, maxRevision)
	f.Add(byte(3), bytes.Clone(b.Buf[1:]))
	f.Fuzz(func(t *testing.T, kind byte, in []byte) {
		w := newWireReader(bytes.NewReader(in))
		switch kind % 4 {
		case 0:
			got, columns, rows, err := w.data(nil, false)
			if err != nil {
				return
			}
			again := blockReader{r: bufio.NewReader(bytes.NewReader(got)), limit: len(got)}
			if c, r, err := again.block(); err != nil || c != columns || r != rows || !bytes.Equal(again.out, got) {
				t.Errorf("a copied block of %d columns and %d rows reads as %d and %d: %v", columns, rows, c, r, err)
			}
		case 1:
			_, _, _, _ = w.data(nil, true)
		case 2:
			_, _ = w.hello()
		case 3:
			if q, err := w.query(maxRevision); err == nil && len(q.body) > len(in) {
				t.Error("a statement is longer than its packet")
			}
		}
	})
}

func TestQueryPacket(t *testing.T) {
	var b proto.Buffer
	for revision := minRevision; revision <= maxRevision; revision++ {
		b.Reset()
		proto.Query{
			ID: "id", Body: "SELECT 'ü'", Compression: proto.CompressionEnabled, Stage: proto.StageComplete,
			Settings: []proto.Setting{{Key: "max_threads", Value: "1", Important: true}},
			Info: proto.ClientInfo{
				ProtocolVersion: revision, Query: proto.ClientQueryInitial, Interface: proto.InterfaceTCP, InitialUser: "u", ClientName: "c", Major: 26,
			},
		}.EncodeAware(&b, revision)
		b.PutByte(77) // What follows is not part of it.
		w := newWireReader(bytes.NewReader(b.Buf[1:]))
		q, err := w.query(revision)
		if err != nil {
			t.Fatalf("revision %d: %v", revision, err)
		}
		if q.body != "SELECT 'ü'" || !q.compressed || len(q.settings) != 1 || q.settings[0] != (setting{"max_threads", "1"}) {
			t.Errorf("revision %d: read %+v", revision, q)
		}
		if next, err := w.raw.ReadByte(); err != nil || next != 77 {
			t.Errorf("revision %d: the packet ends at the wrong place", revision)
		}
	}
}
