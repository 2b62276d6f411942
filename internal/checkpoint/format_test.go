package checkpoint

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// example is an object with everything in it, and its bytes.
func example(t testing.TB) (*Header, []Section, []byte) {
	t.Helper()
	h := &Header{
		Format: Version, Kind: KindState,
		Partition: Partition{Topic: "events", TopicID: [16]byte{1, 2, 3, 15: 16}, Partition: 3, Partitions: 12},
		Position:  Position{7, 2}, Base: Position{6, 12}, Offset: 1 << 40, Written: 1_760_000_000_000, Layout: 0xfedcba9876543210, PolicyVersion: "v1",
	}
	sections := []Section{{"numbers", []byte("state of numbers")}, {"empty", []byte{}}, {"dedup", bytes.Repeat([]byte{0xff}, 100)}}
	var b bytes.Buffer
	if err := Encode(&b, h, sections); err != nil {
		t.Fatal(err)
	}
	return h, sections, b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	h, sections, object := example(t)
	got, data, err := Decode(bytes.NewReader(object), int64(len(object)))
	if err != nil || !reflect.DeepEqual(got, h) || !reflect.DeepEqual(data, sections) {
		t.Fatalf("%+v %+v %v, want %+v %+v", got, data, err, h, sections)
	}
	head, table, err := DecodeHead(bytes.NewReader(object), int64(len(object)))
	if err != nil || !reflect.DeepEqual(head, h) || len(table) != 3 || table[2].Name != "dedup" || table[2].Size != 100 {
		t.Fatalf("%+v %+v %v", head, table, err)
	}
}

// TestBytes pins the format: what is written today must be read for ever.
func TestBytes(t *testing.T) {
	_, _, object := example(t)
	want := "895357434b50540a" + "03000000" + "4d000000" + // magic, format, length of the header
		"03" + "0600" + "6576656e7473" + "01020300000000000000000000000010" + // state, events, its id
		"03000000" + "0c000000" + "07000000" + "02000000" + "06000000" + "0c000000" + // 3 of 12, 7-2, base 6-12
		"0000000000010000" + "00c02cc899010000" + "1032547698badcfe" + "0200" + "7631" // offset, written, layout, policy v1
	got := hex.EncodeToString(object)
	if !strings.HasPrefix(got, want) {
		t.Errorf("the object begins\n%s, want\n%s", got[:min(len(got), len(want))], want)
	}
}

// TestDamage makes sure that no shorter object and none with another byte is read
// as whole.
func TestDamage(t *testing.T) {
	_, _, object := example(t)
	for n := range object {
		if _, _, err := Decode(bytes.NewReader(object[:n]), int64(n)); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if _, _, err := Decode(bytes.NewReader(object[:n]), int64(len(object))); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut at %d by a store that says otherwise: %v", n, err)
		}
		for _, flip := range []byte{1, 0x80, 0xff} {
			bad := bytes.Clone(object)
			bad[n] ^= flip
			if _, _, err := Decode(bytes.NewReader(bad), int64(len(bad))); !errors.Is(err, ErrDamaged) {
				t.Fatalf("byte %d changed by %x: %v", n, flip, err)
			}
		}
	}
	if _, _, err := Decode(bytes.NewReader(append(object, 0)), int64(len(object)+1)); !errors.Is(err, ErrDamaged) {
		t.Errorf("a byte more: %v", err)
	}
}

// TestNothingIsAllocatedForALie claims sizes that the object does not have.
func TestNothingIsAllocatedForALie(t *testing.T) {
	_, _, object := example(t)
	for at := 8; at < len(object)-8; at++ {
		bad := bytes.Clone(object)
		copy(bad[at:], []byte{0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := Decode(bytes.NewReader(bad), int64(len(bad)))
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; err == nil || grown > 1<<20 {
			t.Fatalf("at %d: %d bytes were allocated, %v", at, grown, err)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, sections := range map[string][]Section{
		"an empty name": {{"", nil}}, "a long name": {{strings.Repeat("n", 256), nil}}, "too many": make([]Section, maxSections+1),
	} {
		if err := Encode(&bytes.Buffer{}, &Header{Kind: KindState}, sections); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}

// FuzzDecode reads anything: it neither panics nor returns what it would not write
// in the same way.
func FuzzDecode(f *testing.F) {
	_, _, object := example(f)
	f.Add(object)
	f.Add(object[:40])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, sections, err := Decode(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := Encode(&b, h, sections); err != nil || !bytes.Equal(b.Bytes(), data) {
			t.Errorf("read %+v, written again it differs: %v", h, err)
		}
	})
}

func TestLayout(t *testing.T) {
	type a struct {
		N int64
		M [3]uint8
	}
	type renamed struct {
		N int64
		O [3]uint8
	}
	of := func(v any) uint64 {
		h, err := Layout(reflect.TypeOf(v))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if of(a{}) == of(renamed{}) || of(a{}) == of([2]a{}) {
		t.Error("the layout is not told by the fields")
	}
	for _, v := range []any{struct{ P *int }{}, struct{ S string }{}, [1]struct{ M map[int]int }{}, struct{ V []int }{}, []*int{}} {
		if _, err := Layout(reflect.TypeOf(v)); err == nil {
			t.Errorf("%T can be copied, it seems", v)
		}
	}
}
