package codec

import (
	"bytes"
	"compress/zlib"
	"strings"
	"testing"

	"sendwatch/internal/event"
)

// packed returns what Glue's serialiser makes of a payload with compression.
func packed(payload []byte) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write(payload)
	_ = w.Close()
	return b.Bytes()
}

// join returns the parts one behind the other.
func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// TestFraming reads an event behind every mark that serialisers leave, each as
// its library writes it (Confluent's of kafka 7.x and 8.0, Apicurio's of 2.x and
// 3.x, AWS Glue's 1.1), and without one.
func TestFraming(t *testing.T) {
	js := record("clock")
	pb := protobufOf(t, js)
	confluent, apicurio := []byte{0, 0, 0, 1, 2}, []byte{0, 0, 0, 0, 0, 0, 0, 1, 2}
	glue := func(compression byte) []byte {
		return append([]byte{3, compression}, bytes.Repeat([]byte{0xaa}, 16)...)
	}
	const any = Framing(255)
	for _, c := range []struct {
		name    string
		framing Framing // with which it is read
		record  []byte
		ct      ContentType
		ok      bool
	}{
		{"JSON", any, js, ContentJSON, true},
		{"JSON by its first byte", any, js, ContentUnknown, true},
		{"JSON that is said to be Protobuf", any, js, ContentProtobuf, false},
		{"Protobuf", any, pb, ContentProtobuf, true},
		{"Protobuf by its first byte", any, pb, ContentUnknown, true},
		{"Protobuf that is said to be JSON", any, pb, ContentJSON, false},

		{"confluent: JSON", FramingConfluent, join(confluent, js), ContentJSON, true},
		{"confluent: JSON by its first byte", FramingConfluent, join(confluent, js), ContentUnknown, true},
		{"confluent: JSON beside Glue's", FramingGlue, join(confluent, js), ContentUnknown, true},
		{"confluent: Protobuf without an index", FramingConfluent, join(confluent, pb), ContentProtobuf, true},
		{"confluent: Protobuf, first message", FramingConfluent, join(confluent, []byte{0}, pb), ContentProtobuf, true},
		{"confluent: Protobuf, first message, unknown type", FramingConfluent, join(confluent, []byte{0}, pb), ContentUnknown, true},
		{"confluent: one index", FramingConfluent, join(confluent, []byte{2, 0}, pb), ContentUnknown, true},
		{"confluent: one index, 1", FramingConfluent, join(confluent, []byte{2, 2}, pb), ContentUnknown, true},
		{"confluent: two indexes", FramingConfluent, join(confluent, []byte{4, 0, 2}, pb), ContentUnknown, true},
		{"confluent: three indexes", FramingConfluent, join(confluent, []byte{6, 2, 0x80, 1, 4}, pb), ContentProtobuf, true},
		{"confluent: one plain index", FramingConfluent, join(confluent, []byte{1, 0}, pb), ContentUnknown, true},
		{"confluent: one plain index, 1", FramingConfluent, join(confluent, []byte{1, 1}, pb), ContentUnknown, true},
		{"confluent: two plain indexes, 1 and 0", FramingConfluent, join(confluent, []byte{2, 1, 0}, pb), ContentUnknown, true},
		{"confluent: two plain indexes, 2 and 1", FramingConfluent, join(confluent, []byte{2, 2, 1}, pb), ContentUnknown, true},
		{"confluent: three plain indexes", FramingConfluent, join(confluent, []byte{3, 2, 1, 0}, pb), ContentUnknown, true},
		{"a frame alone", any, confluent, ContentUnknown, false},
		{"half a frame", any, []byte{0, 0, 0}, ContentUnknown, false},
		{"a frame and an index", any, join(confluent, []byte{0}), ContentProtobuf, false},
		{"a frame and half an index", any, join(confluent, []byte{2}), ContentProtobuf, false},
		{"two frames", any, join(confluent, confluent, js), ContentJSON, false},

		{"apicurio: JSON", FramingApicurio, join(apicurio, js), ContentUnknown, true},
		{"apicurio: JSON by its header", FramingApicurio, join(apicurio, js), ContentJSON, true},
		{"apicurio: Protobuf", FramingApicurio, join(apicurio, pb), ContentUnknown, true},
		{"apicurio: Protobuf behind its name", FramingApicurio, join(apicurio, []byte("\x07\x0a\x05Event"), pb), ContentUnknown, true},
		{"apicurio: Protobuf behind its name and more", FramingApicurio, join(apicurio, []byte("\x09\x0a\x05Event\x10\x01"), pb), ContentUnknown, true},
		{"apicurio: an id alone", any, apicurio, ContentUnknown, false},

		{"glue: JSON", FramingGlue, join(glue(0), js), ContentUnknown, true},
		{"glue: Protobuf", FramingGlue, join(glue(0), []byte{0}, pb), ContentUnknown, true},
		{"glue: Protobuf without an index", FramingGlue, join(glue(0), pb), ContentProtobuf, true},
		{"glue: packed JSON", FramingGlue, join(glue(5), packed(js)), ContentUnknown, true},
		{"glue: packed Protobuf", FramingGlue, join(glue(5), packed(join([]byte{1}, pb))), ContentProtobuf, true},
		{"glue: a header alone", any, glue(0), ContentUnknown, false},
		{"glue: another compression", any, join(glue(7), js), ContentUnknown, false},
		{"glue: packed, but not", any, join(glue(5), js), ContentUnknown, false},
		{"glue: packed, and cut off", any, join(glue(5), packed(js)[:20]), ContentUnknown, false},
		{"a GUID", any, join([]byte{1}, bytes.Repeat([]byte{0xaa}, 16), js), ContentUnknown, false},
	} {
		for _, framing := range []Framing{FramingConfluent, FramingApicurio, FramingGlue} {
			d := NewDecoder(Config{Framing: framing})
			var ev event.Event
			for range 2 { // the second time with used memory
				err := d.Decode(&ev, c.record, c.ct, at)
				if c.framing != any && c.framing != framing {
					continue // read or not
				}
				if (err == nil) != c.ok {
					t.Errorf("%s with %v: %v", c.name, framing, err)
				}
				if err == nil && (ev.Type != event.TypeClock || string(ev.ID) != "e1") {
					t.Errorf("%s with %v: read as %+v", c.name, framing, ev)
				}
			}
		}
	}
}

// A dead letter says which registry's mark was seen, and what to set.
func TestRejectionNamesTheFraming(t *testing.T) {
	js := record("clock")
	zeros := make([]byte, 16)
	for _, c := range []struct {
		framing Framing
		record  []byte
		want    string
	}{
		{FramingConfluent, join([]byte{0, 0, 0, 0, 0, 0, 0, 0, 7}, js), "kafka.framing apicurio"},
		{FramingConfluent, join([]byte{0, 0, 0, 0, 7}, []byte("nothing")), "schema registry"},
		{FramingApicurio, join([]byte{0, 0, 0, 0, 7}, js), "kafka.framing says apicurio"},
		{FramingConfluent, join([]byte{3, 0}, zeros, js), "kafka.framing glue"},
		{FramingApicurio, join([]byte{3, 5}, zeros, packed(js)), "kafka.framing glue"},
		{FramingGlue, join([]byte{3, 4}, zeros, js), "unknown compression"},
		{FramingGlue, join([]byte{3, 5}, zeros, js), "zlib"},
		{FramingGlue, join([]byte{3, 5}, zeros, packed(make([]byte, MaxRecord+1))), "unpacked"},
		{FramingConfluent, join([]byte{1}, zeros, js), "GUID"},
		{FramingConfluent, []byte("nothing"), "not a Protobuf message"},
	} {
		var ev event.Event
		err := NewDecoder(Config{Framing: c.framing}).Decode(&ev, c.record, ContentUnknown, at)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, %.20q: %v, want something of %q", c.framing, c.record, err, c.want)
		}
	}
}

func TestParseFraming(t *testing.T) {
	for _, f := range []Framing{FramingConfluent, FramingApicurio, FramingGlue} {
		if got, ok := ParseFraming(f.String()); got != f || !ok {
			t.Errorf("%v is read as %v", f, got)
		}
	}
	if _, ok := ParseFraming("Confluent"); ok {
		t.Error("another word is a framing")
	}
}

// FuzzFraming feeds what begins like a registry's mark to each framing: a record
// is an event or a rejection, and a decoder that has read it reads the next one.
func FuzzFraming(f *testing.F) {
	js := record("clock")
	for _, mark := range []string{"\x00\x00\x00\x00\x07", "\x00\x00\x00\x00\x07\x02\x00", "\x00\x00\x00\x00\x00\x00\x00\x00\x07", "\x00\x00\x00\x00\x00\x00\x00\x00\x07\x03\x0a\x01x"} {
		f.Add([]byte(mark+string(js)), uint8(0))
	}
	f.Add(join([]byte{3, 5}, make([]byte, 16), packed(js)), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, framing uint8) {
		d := NewDecoder(Config{Framing: Framing(framing % 3)})
		var ev event.Event
		for _, ct := range []ContentType{ContentUnknown, ContentJSON, ContentProtobuf} {
			_ = d.Decode(&ev, data, ct, at)
			if err := d.Decode(&ev, js, ContentUnknown, at); err != nil || string(ev.ID) != "e1" {
				t.Fatalf("%x: the next record: %v, %q", data, err, ev.ID)
			}
		}
	})
}
