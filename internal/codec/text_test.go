package codec

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	"sendwatch/internal/event"
)

func TestNormalised(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"Hello 12 there", "hello 0 there"},
		{"  a\t\n\v\f\r b  ", "a b"},
		{"1 2  33", "0 0 0"},
		{"a1b22c", "a0b0c"},
		{"12345678901234567890", "0"},
		{"ABCDEFGH IJKLMNOP QRSTUVW XYZ[@`{", "abcdefgh ijklmnop qrstuvw xyz[@`{"},
		{"       x", "x"},
		{"x        ", "x"},
		{"abcdefg  hijklmno", "abcdefg hijklmno"},
		{"abcdefgh  ijklmno", "abcdefgh ijklmno"},
		{"abcdefg9 9hijklmno", "abcdefg0 0hijklmno"},
		{"\x00\x1c\x1f\x7f", "\x00\x1c\x1f\x7f"}, // no White_Space
		{"Straße", "strasse"},
		{"ΑΣ ας", "ασ ασ"},
		{"ﬁn", "fin"},
		{"İ", "i̇"},
		{"K", "k"},
		{"①②x", "0x"},
		{"٣٤ 12", "0 0"},
		{"٣4", "0"},
		{"x²", "x0"},
		{"a\u00a0\u2003b\u3000", "a b"},
		{"a\u0085b\u180eb", "a b\u180eb"},
		{"a\u200bb", "a\u200bb"}, // a zero-width space is no White_Space
		{"e\u0301", "é"},
		{"Ꭰꭰ", "ᎠᎠ"},
		{"Ａｂ１", "ab0"},
	} {
		m := newTextMemory()
		if got := string(m.appendNormalised([]byte("  "), []byte(c.text))); got != "  "+c.want {
			t.Errorf("%q becomes %q, want %q", c.text, got[2:], c.want)
		}
	}
}

// TestNormalisedPaths holds the quick way through ASCII against the general one.
func TestNormalisedPaths(t *testing.T) {
	m := newTextMemory()
	alphabet := []byte("aZ09 \t{")
	for length := range 20 {
		for seed := range uint64(400) {
			text := make([]byte, length)
			x := seed*2654435761 + uint64(length)
			for i := range text {
				x ^= x << 13
				x ^= x >> 7
				x ^= x << 17
				text[i] = alphabet[x%uint64(len(alphabet))]
			}
			quick := string(m.appendNormalised(nil, text))
			general := string(m.appendNormalisedUnicode(nil, text))
			if quick != general {
				t.Fatalf("%q becomes %q, and %q the general way", text, quick, general)
			}
		}
	}
}

func TestPreference(t *testing.T) {
	d := NewDecoder(Config{
		StopWords:   append(slices.Clone(stopWords), "Straße", "both", "  ", "kk", "...", "-unsub!"),
		ResumeWords: append(slices.Clone(resumeWords), "both"),
	})
	for _, c := range []struct {
		text string
		want event.Preference
	}{
		{"STOP", event.PreferenceStop},
		{" Stop ", event.PreferenceStop},
		{"\u3000stop\u0085\t", event.PreferenceStop},
		{"arrêt", event.PreferenceStop},
		{"ARRÊT", event.PreferenceStop},
		{"arre\u0302t", event.PreferenceNone}, // folded only, not composed
		{"توقف", event.PreferenceStop},
		{"STRASSE", event.PreferenceStop},
		{"KK", event.PreferenceStop},
		{"start", event.PreferenceResume},
		{"Unstop", event.PreferenceResume},
		{"both", event.PreferenceStop},
		{"please stop", event.PreferenceNone},
		{"stop.", event.PreferenceStop},
		{"¡¡ stop !!", event.PreferenceStop},
		{"«STOP»…", event.PreferenceStop},
		{"🛑 stop $+^\ufffd", event.PreferenceStop},
		{"stop1", event.PreferenceNone},
		{"s.top", event.PreferenceNone},
		{"stop\u0301", event.PreferenceNone}, // a mark is no part of P and S
		{"???", event.PreferenceNone},
		{"unsub", event.PreferenceStop},
		{"", event.PreferenceNone},
		{" ", event.PreferenceNone},
		{strings.Repeat("stop", 1000), event.PreferenceNone},
	} {
		if got := d.preference([]byte(c.text)); got != c.want {
			t.Errorf("%q is %v, want %v", c.text, got, c.want)
		}
	}
}

func TestSplitLink(t *testing.T) {
	for _, c := range []struct{ link, host, path string }{
		{"https://Example.com/a/b?c#d", "example.com", "/a/b"},
		{"http://user:pw@x.com:80#f", "user:pw@x.com:80", ""},
		{"x.com", "x.com", ""},
		{"x.com/", "x.com", "/"},
		{"x.com?a/b", "x.com", ""},
		{"x.com#a/b?c", "x.com", ""},
		{"x.com/a#b?c", "x.com", "/a"},
		{"a+b-1.2://H/p", "h", "/p"},
		{"1a://H/p", "1a:", "//H/p"},
		{"://H", ":", "//H"},
		{"https:/x", "https:", "/x"},
		{"https://", "", ""},
		{"//x/y", "", "//x/y"},
		{"mailto:a@B", "mailto:a@b", ""},
		{"http://İSTANBUL.com", "istanbul.com", ""},
		{"http://ΑΣ", "ασ", ""},
		{"a://b://c", "b:", "//c"},
	} {
		host, path := splitLink([]byte(c.link))
		if got := string(appendLower(nil, host)); got != c.host || string(path) != c.path {
			t.Errorf("%q has host %q and path %q, want %q and %q", c.link, got, path, c.host, c.path)
		}
	}
}

// TestFingerprint computes the hash's input by hand, as the contract spells it.
func TestFingerprint(t *testing.T) {
	for _, c := range []struct{ fields, content string }{
		{`"kind":"text","text":"Hello 12 there"`, "text\x00hello 0 there\x00"},
		{`"kind":"image","media_hash":"ab","text":" A "`, "image\x00a\x00ab"},
		{`"kind":"poll","text":"x"`, "other\x00x\x00"},
		{`"kind":"text","text":null,"media_hash":""`, "text\x00\x00"},
		{`"kind":"text","text":"x","links":["https://B.com/1","a.com","","http://b.COM/2?q"]`, "text\x00x\x00\x00a.com\x00b.com"},
		{`"kind":"text","text":"x","links":[]`, "text\x00x\x00"},
		{`"kind":"text","text":"x","links":[""]`, "text\x00x\x00"},
		{`"kind":"text","text":"x","content_hash":"C9"`, "content\x00C9"},
		{`"kind":"text","content_hash":"C9","links":["a.com"]`, "content\x00C9"},
		{`"kind":"text","text":"x","content_hash":"C","template":{"name":"N","language":"en"}`, "template\x00N\x00en"},
		{`"kind":"template","text":"x"`, "template\x00x\x00"},
	} {
		var ev event.Event
		record := `{"id":"1","type":"message.sent","time":1760000000000,"number_id":"n","message_id":"m","contact":"c",` + c.fields + `}`
		if err := testDecoder().Decode(&ev, []byte(record), ContentJSON, 1760000000000); err != nil {
			t.Errorf("%s: %v", c.fields, err)
			continue
		}
		if want := xxhash.Sum64String(c.content); ev.Fingerprint != want {
			t.Errorf("%s: fingerprint %016x, want that of %q", c.fields, ev.Fingerprint, c.content)
		}
	}
	if got := fmt.Sprintf("%016x", xxhash.Sum64String("text\x00hello 0 there\x00")); got != "f46380f470f35ab7" {
		t.Errorf("the contract's example is %s", got)
	}
}

func TestLinkHashes(t *testing.T) {
	decode := func(links string) []uint64 {
		t.Helper()
		var ev event.Event
		record := `{"id":"1","type":"message.sent","time":1760000000000,"number_id":"n","message_id":"m","contact":"c","kind":"text","links":` + links + `}`
		if err := testDecoder().Decode(&ev, []byte(record), ContentJSON, 1760000000000); err != nil {
			t.Fatal(err)
		}
		return ev.Links
	}
	for _, c := range []struct {
		links string
		want  int
	}{
		{`["x.com","x.com/"]`, 2},
		{`["https://X.com/a?b","http://x.com/a#c","x.com/a"]`, 1},
		{`["x.com/A","x.com/a"]`, 2},
		{`["",""]`, 0},
		{`null`, 0},
		{`""`, 0},
	} {
		if got := decode(c.links); len(got) != c.want {
			t.Errorf("%s gives %d links, want %d", c.links, len(got), c.want)
		}
	}
	if a, b := decode(`["https://x.com/p?1"]`), decode(`["x.com/p"]`); a[0] != b[0] || a[0] != xxhash.Sum64String("x.com/p") {
		t.Errorf("links %x and %x differ", a, b)
	}
}
