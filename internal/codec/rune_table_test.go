package codec

import (
	"math/rand/v2"
	"testing"
	"unicode"
	"unicode/utf8"
)

// Every character there is, alone, beside itself, and beside what would join it.
func TestRuneTableIsTheGeneralWay(t *testing.T) {
	m := newTextMemory()
	var quick, general, folded []byte
	compare := func(text string) {
		quick = m.appendNormalised(quick[:0], []byte(text))
		general = m.appendNormalisedUnicode(general[:0], []byte(text))
		if string(quick) != string(general) {
			t.Fatalf("%q becomes %q, and %q the general way", text, quick, general)
		}
		quick = m.appendFolded(quick[:0], []byte(text))
		if folded = m.appendFoldedGeneral(folded[:0], []byte(text)); string(quick) != string(folded) {
			t.Fatalf("%q is folded to %q, and %q the general way", text, quick, folded)
		}
	}
	step := rune(1)
	if testing.Short() {
		step = 7
	}
	for r := rune(utf8.RuneSelf); r <= unicode.MaxRune; r += step {
		if r >= 0xd800 && r < 0xe000 || r > 0x31400 && r < 0xe0000 || r > 0xe1000 {
			continue // no characters, or none assigned
		}
		c := string(r)
		compare(c)
		compare("Aa" + c + c + "e\u0301" + c + " 1" + c + "2 ")
	}
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("aZ 09é éßÉñ¿„“’…–ıİſKﬁ½²\u00a0\u0301\u0327\u0345\u0e33\u0f71\u1100\u1161\u11a8가각אבْ٣漢字🙂👍🏽\u200d\ufe0fᏣꭰ\u3099か゚")
	text := make([]rune, 0, 24)
	for range 100_000 {
		text = text[:0]
		for range random.IntN(24) {
			text = append(text, alphabet[random.IntN(len(alphabet))])
		}
		compare(string(text))
	}
}
