package codec

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/event"
)

// fill fills b with bytes of an alphabet.
func fill(random *rand.Rand, b []byte, alphabet string) {
	for i := range b {
		b[i] = alphabet[random.IntN(len(alphabet))]
	}
}

func TestNotDigits(t *testing.T) {
	for at := range 8 {
		for c := range 256 {
			b := []byte("12345678")
			b[at] = byte(c)
			want := uint64(0)
			if c < '0' || c > '9' {
				want = 0x80 << (8 * at)
			}
			if got := notDigits(binary.LittleEndian.Uint64(b)); got != want {
				t.Errorf("%q: %x, want %x", b, got, want)
			}
		}
	}
}

// Each byte value at each place, alone and behind others that are near to being special.
func TestPlainEnd(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 200)
	for range 20_000 {
		fill(random, b[:100], " !#[]^~\x7fab09")
		clear(b[100:])
		at := random.IntN(90)
		b[at+random.IntN(10)] = byte(random.IntN(256))
		want := at
		for c := b[want]; c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf; c = b[want] {
			want++
		}
		if got := plainEnd(b, at); got != want {
			t.Fatalf("%q from %d: %d, want %d", b[:100], at, got, want)
		}
	}
}

func TestDigitRun(t *testing.T) {
	for n := range 20 {
		for _, next := range []string{",", "}", "e", ".", "\x00", "\xb0", "/", ":"} {
			b := append(append(bytes.Repeat([]byte("9"), n), next...), make([]byte, padding)...)
			if got := digitRun(b, 0); got != min(n, 16) {
				t.Errorf("%d digits before %q: %d", n, next, got)
			}
		}
	}
}

func TestParseInteger(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		want := random.Int64() >> random.IntN(63)
		if random.IntN(4) == 0 {
			want = -want
		}
		got, ok := parseInteger(strconv.AppendInt(nil, want, 10))
		if accepted := want <= MaxInteger && want >= -MaxInteger; ok != accepted || ok && got != want {
			t.Fatalf("%d: %d %v", want, got, ok)
		}
	}
	if got, ok := parseInteger([]byte("-0")); got != 0 || !ok {
		t.Errorf("-0: %d %v", got, ok)
	}
}

// All fields are found by their hash, and nothing that is near to one.
func TestKeyReader(t *testing.T) {
	r := newKeyReader()
	for f := range numEventFields {
		for _, key := range []string{f.String(), f.String() + "x", f.String()[1:], "x" + f.String(), f.String()[:len(f.String())-1]} {
			b := append([]byte(key+`":1}`), make([]byte, padding)...)
			want := fieldNamed([]byte(key))
			got, end := r.named(b, 0)
			if got != want || got != noField && end != len(key)+2 {
				t.Errorf("%s: %v at %d, want field %d", key, got, end, want)
			}
		}
	}
	for _, written := range []string{`id" :1`, `i\u0064":1`, `id"`, `id:1`, ``} {
		if f, _ := r.named(append([]byte(written), make([]byte, padding)...), 0); f != noField {
			t.Errorf("%s is taken for %v", written, f)
		}
	}
}

// The order of keys is learnt by type, and what was learnt changes no event.
func TestForeseenKeys(t *testing.T) {
	d := testDecoder()
	for range 3 {
		for _, c := range []struct {
			record string
			id     string
		}{
			{`{"_record_time":5,"id":"a","type":"clock","time":1760000000000}`, "a"},
			{`{"id":"b","_record_time":5,"type":"clock","_record_time":{"id":"x"},"time":1760000000000}`, "b"},
			{`{"template":{"_record_time":5,"id":"x","name":"n"},"id":"c","type":"clock","time":1760000000000}`, "c"},
			{`{"template":{"":5,"id":"x","template":{"id":"y"},"name":"n"},"":4,"name":"x","id":"d","type":"clock","time":1760000000000}`, "d"},
			{`{"id":"x","id":"e","type":"message.sent","type":"clock","time":1760000000000,"time":1760000000000}`, "e"},
			{`{"id":"f","type":"some.thing","time":1760000000000,"x":{"_record_time":{"id":"z"}}}`, "f"},
		} {
			var ev event.Event
			if err := d.Decode(&ev, []byte(c.record), ContentJSON, at); err != nil {
				t.Fatalf("%s: %v", c.record, err)
			}
			if string(ev.ID) != c.id || ev.Time != at {
				t.Fatalf("%s: id %q, time %d", c.record, ev.ID, ev.Time)
			}
		}
	}
}

// phone returns what canonical returns, or leaves it to that.
func TestPhoneIsCanonical(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	d := testDecoder()
	quick := 0
	for i := range 200_000 {
		id := make([]byte, random.IntN(18))
		fill(random, id, "0123456789")
		switch {
		case i%4 == 0 && len(id) > 0:
			id[0] = '+'
		case i%4 == 1 && len(id) > 4:
			copy(id, []string{"5511", "5299", "5491", "5411", "2290", "2254", "521", "+55119"}[random.IntN(8)])
		case i%16 == 2 && len(id) > 0:
			id[random.IntN(len(id))] = byte(random.IntN(95) + ' ')
		}
		if bytes.ContainsAny(id, `"\`) {
			continue
		}
		record := fmt.Appendf(nil, `{"contact":"%s"}`, id)
		d.keep(record)
		d.values = [64]value{}
		d.scanJSON()
		form, ok := d.phone(fieldContact)
		if !ok {
			continue
		}
		quick++
		if want := naiveCanonical(string(id)); string(form) != want {
			t.Fatalf("%q: %q, want %q", id, form, want)
		}
	}
	if quick < 80_000 {
		t.Errorf("only %d went the quick way", quick)
	}
}

func TestIndexOfAny(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	b := make([]byte, 40)
	for range 100_000 {
		s := b[:random.IntN(len(b))]
		fill(random, s, "ab.\x80\xaf\xbf\xff0>@.\"$")
		if len(s) > 0 && random.IntN(3) > 0 {
			s[random.IntN(len(s))] = "/?#"[random.IntN(3)]
		}
		i := random.IntN(len(s) + 1)
		want := len(s)
		if at := bytes.IndexAny(s[i:], "/?#"); at >= 0 {
			want = i + at
		}
		if got := indexOfAny(s, i, '/', '?', '#'); got != want {
			t.Fatalf("%q from %d: %d, want %d", s, i, got, want)
		}
	}
}

func TestAppendLower(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	alphabet := []rune("aZAz@[`{09É\u0130ß")
	for range 50_000 {
		text := make([]rune, random.IntN(20))
		for i := range text {
			text[i] = alphabet[random.IntN(len(alphabet))]
		}
		want := []byte{}
		for _, r := range text {
			want = utf8.AppendRune(want, unicode.ToLower(r))
		}
		if got := appendLower(nil, []byte(string(text))); !bytes.Equal(got, want) {
			t.Fatalf("%q: %q, want %q", string(text), got, want)
		}
	}
}

func TestIsText(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 14))
	for range 100_000 {
		b := make([]byte, 30, 30+padding)
		for i := range b {
			b[i] = "aé\xc3"[random.IntN(4)]
		}
		start := random.IntN(len(b))
		end := start + random.IntN(len(b)-start+1)
		if random.IntN(2) == 0 {
			for i := start; i < end; i++ {
				b[i] = 'a' // whatever lies beside it
			}
		}
		if got := isText(b[:cap(b)], start, end); got != utf8.Valid(b[start:end]) {
			t.Fatalf("%q from %d to %d: %v", b, start, end, got)
		}
	}
}

// White space of each kind between all tokens, in records whose keys are foreseen
// and in such whose are not.
func TestWhiteSpaceAnywhere(t *testing.T) {
	tokens := []string{
		"{", `"id"`, ":", `"e"`, ",", `"type"`, ":", `"message.sent"`, ",", `"time"`, ":", "1760000000000", ",", `"number_id"`, ":", `"n"`, ",",
		`"message_id"`, ":", `"m"`, ",", `"contact"`, ":", `"c"`, ",", `"kind"`, ":", `"text"`, ",", `"opt_in"`, ":", "true", ",", `"links"`, ":", "[", `"a"`, ",", `"b"`, "]", ",",
		`"template"`, ":", "{", `"name"`, ":", `"t"`, ",", `"language"`, ":", `"en"`, "}", ",", `"x"`, ":", "{", "}", "}",
	}
	d := testDecoder()
	var first event.Event
	if err := d.Decode(&first, []byte(strings.Join(tokens, "")), ContentJSON, at); err != nil {
		t.Fatal(err)
	}
	want := snapshot(&first)
	for _, space := range []string{" ", "\t", "\r", "\n", "\r\n  "} {
		for place := range len(tokens) + 1 {
			line := strings.Join(tokens[:place], "") + space + strings.Join(tokens[place:], "")
			for _, d := range []*Decoder{d, testDecoder()} {
				var ev event.Event
				if err := d.Decode(&ev, []byte(line), ContentJSON, at); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				if got := snapshot(&ev); !cmp.Equal(got, want) {
					t.Fatalf("%q: %s", line, cmp.Diff(want, got))
				}
			}
		}
		for _, bad := range []string{"\x00", "\x1f", "\v", "\x0c"} {
			for place := range len(tokens) + 1 {
				line := strings.Join(tokens[:place], "") + bad + strings.Join(tokens[place:], "")
				if err := d.Decode(&first, []byte(line), ContentJSON, at); err == nil {
					t.Fatalf("%q is taken for JSON", line)
				}
			}
		}
	}
}
