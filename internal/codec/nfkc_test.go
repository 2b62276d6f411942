package codec

import (
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

// TestLongNFKC holds the way by the book against the library where both give
// NFKC: on texts without long runs of marks.
func TestLongNFKC(t *testing.T) {
	alphabet := []rune("aA1 éçﬁ①²ㄱ가각힣각\u0301\u0323\u0302\u0327\u0345\u3099かがﾊﾟ㌔Åſ\u1e9b\u0958ऩ\u093c\u1100\u1161\u11a8ΐ\u0390ὖ\u2126\u034f")
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		text := make([]rune, rng.IntN(9))
		for i := range text {
			text[i] = alphabet[rng.IntN(len(alphabet))]
		}
		s := string(text)
		if got, want := string(appendLongNFKC(nil, []byte(s))), norm.NFKC.String(s); got != want {
			t.Fatalf("%+q becomes %+q, want %+q", s, got, want)
		}
	}
}

func TestManyMarks(t *testing.T) {
	below, above := strings.Repeat("\u0323", 40), strings.Repeat("\u0301", 40)
	m := newTextMemory()
	for _, c := range []struct{ text, want string }{
		{"a" + above + below, "ạ" + below[2:] + above},
		{"\u034f" + above, "\u034f" + above},
		{"x" + above + "e\u0301", "x" + above + "é"},
		{"각\u0301" + below, "각" + below + "\u0301"},
		{"가" + above + "\u11a8", "가" + above + "\u11a8"},
	} {
		if got := string(m.appendNFKC(nil, []byte(c.text))); got != c.want {
			t.Errorf("%+q becomes %+q, want %+q", c.text, got, c.want)
		}
	}
	every := strings.Repeat("e\u0301", 100)
	if got := string(m.appendNFKC(nil, []byte(every))); got != strings.Repeat("é", 100) {
		t.Errorf("a text of short runs becomes %q", got)
	}
}
