package codec

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// runeTable remembers what becomes of single characters beyond ASCII, so that
// texts in most languages need not go through golang.org/x/text, which takes a
// microsecond a text to set itself up (45 bytes with two accents: 1,000 ns
// before, 60 after). A character that comes again is one look-up; a place holds
// the last one that fell on it.
type runeTable struct {
	entries [1024]runeEntry
	misses  int // of the present text
}

// runeEntry is a character and the bytes it becomes; bytes is 0 where the whole
// text has to go the general way.
type runeEntry struct {
	r     rune
	bytes uint8
	form  [7]byte
}

// maxMisses is how many characters of a text may be new to the table. Texts of
// thousands of different ones (Chinese) are better off with the general way, which looks
// at none by itself.
const maxMisses = 8

// appendForm appends what the character at the beginning of text becomes, and
// returns its length; 0 if the whole text has to go the general way. compute says
// what becomes of a character, nothing where that depends on its neighbours.
func (t *runeTable) appendForm(dst, text []byte, compute func([]byte) []byte) (_ []byte, size int) {
	r, size := utf8.DecodeRune(text)
	e := &t.entries[uint32(r)%uint32(len(t.entries))]
	if e.r != r {
		if t.misses++; t.misses > maxMisses {
			return dst, 0
		}
		form := compute(text[:size])
		*e = runeEntry{r: r}
		if len(form) <= len(e.form) {
			e.bytes = uint8(copy(e.form[:], form))
		}
	}
	if e.bytes == 0 {
		return dst, 0
	}
	return append(dst, e.form[:e.bytes]...), size
}

// normalForm returns what normalising makes of a character wherever it stands;
// nothing if that depends on what is beside it: marks that join what is before
// them, and all that becomes a digit or white space.
func (m *textMemory) normalForm(char []byte) []byte {
	if !norm.NFKC.Properties(char).BoundaryBefore() {
		return nil
	}
	form := m.appendNormalisedUnicode(nil, char)
	for _, r := range string(form) {
		if unicode.Is(unicode.Nd, r) || unicode.Is(unicode.White_Space, r) {
			return nil
		}
	}
	m.norm = m.appendNFKC(m.norm[:0], char)
	for _, r := range string(m.norm) {
		if unicode.Is(unicode.White_Space, r) { // trimmed off the form
			return nil
		}
	}
	return form
}

// foldedForm returns a character after full case folding, which looks at no
// neighbours.
func (m *textMemory) foldedForm(char []byte) []byte { return m.appendFoldedGeneral(nil, char) }
