package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/transform"

	"sendwatch/internal/event"
)

// textMemory is what normalising needs beside the text.
type textMemory struct {
	folder cases.Caser
	norm   []byte
	fold   []byte
	ascii  [utf8.RuneSelf]byte // what normalising makes of each ASCII byte

	normal, folded runeTable // of characters beyond ASCII
}

// Two kinds of ASCII bytes are more than lower-cased.
const (
	asciiSpace = 0xfe
	asciiDigit = 0xff
)

// newTextMemory fills the table.
func newTextMemory() textMemory {
	m := textMemory{folder: cases.Fold()}
	for c := range m.ascii {
		switch b := byte(c); {
		case b >= 'A' && b <= 'Z':
			m.ascii[c] = b | 0x20
		case b >= '0' && b <= '9':
			m.ascii[c] = asciiDigit
		case b == ' ' || b >= '\t' && b <= '\r':
			m.ascii[c] = asciiSpace
		default:
			m.ascii[c] = b
		}
	}
	return m
}

// appendNormalised appends the text in the form that the fingerprint is made
// of (contract, section 4): NFKC, full case folding, runs of decimal digits to
// one 0, runs of white space to one space, trimmed. It is one pass, eight bytes
// at a time while there are only letters, marks and single spaces of ASCII, where
// the first step changes nothing, and by a table for characters beyond; what
// the table cannot tell goes the general way.
func (m *textMemory) appendNormalised(dst, text []byte) []byte {
	base := len(dst)
	m.normal.misses = 0
	space := true // whether the last byte was one; white space in front goes
	for i := 0; i < len(text); {
		if i+8 <= len(text) {
			x := binary.LittleEndian.Uint64(text[i:])
			// Sums carry upwards: up to the first byte beyond ASCII, which is special, all is right.
			// atLeast20 has the high bit of every byte that is 0x20 or more, and so on.
			atLeast20, atLeast21 := x+(0x80-0x20)*ones, x+(0x80-0x21)*ones
			digits := (x + (0x80-'0')*ones) &^ (x + (0x80-'9'-1)*ones)
			spaces := atLeast20 &^ atLeast21 & highs
			before := spaces << 8
			if space {
				before |= 0x80
			}
			special := (^atLeast20 | digits | spaces&before | x) & highs
			dst = binary.LittleEndian.AppendUint64(dst, x|capitals(x)>>2)
			if special == 0 {
				space = spaces>>63 != 0
				i += 8
				continue
			}
			// What lies before the first special byte is done.
			if n := bits.TrailingZeros64(special) >> 3; n > 0 {
				space = text[i+n-1] == ' '
				i += n
				dst = dst[:len(dst)-8+n]
			} else {
				dst = dst[:len(dst)-8]
			}
		}
		c := text[i]
		if c >= utf8.RuneSelf {
			var size int
			if dst, size = m.normal.appendForm(dst, text[i:], m.normalForm); size == 0 {
				return m.appendNormalisedUnicode(dst[:base], text)
			}
			i += size
			space = false
			continue
		}
		i++
		switch t := m.ascii[c]; t {
		case asciiSpace:
			if !space {
				dst = append(dst, ' ')
			}
			space = true
			continue
		case asciiDigit:
			dst = append(dst, '0')
			i = skipDigits(text, i)
		default:
			dst = append(dst, t)
		}
		space = false
	}
	if space && len(dst) > base {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendNormalisedUnicode is appendNormalised for all other texts.
func (m *textMemory) appendNormalisedUnicode(dst, text []byte) []byte {
	base := len(dst)
	m.norm = m.appendNFKC(m.norm[:0], text)
	m.fold = m.appendFoldedGeneral(m.fold[:0], m.norm)
	space, digit := false, false
	for i := 0; i < len(m.fold); {
		r, n := utf8.DecodeRune(m.fold[i:])
		i += n
		if unicode.Is(unicode.White_Space, r) {
			space, digit = true, false
			continue
		}
		if unicode.Is(unicode.Nd, r) {
			if digit {
				continue
			}
			r, digit = '0', true
		} else {
			digit = false
		}
		if space && len(dst) > base {
			dst = append(dst, ' ')
		}
		space = false
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// appendFolded appends the text after full case folding.
func (m *textMemory) appendFolded(dst, text []byte) []byte {
	base := len(dst)
	m.folded.misses = 0
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c >= 'A' && c <= 'Z':
			dst = append(dst, c|0x20)
			i++
		case c < utf8.RuneSelf:
			dst = append(dst, c)
			i++
		default:
			var size int
			if dst, size = m.folded.appendForm(dst, text[i:], m.foldedForm); size == 0 {
				return m.appendFoldedGeneral(dst[:base], text)
			}
			i += size
		}
	}
	return dst
}

// appendFoldedGeneral is appendFolded without the table.
func (m *textMemory) appendFoldedGeneral(dst, text []byte) []byte {
	for {
		at := cherokee(text)
		dst = m.appendFoldedPiece(dst, text[:at])
		if at == len(text) {
			return dst
		}
		dst = append(dst, text[at:at+3]...)
		text = text[at+3:]
	}
}

// cherokee returns the place of the first Cherokee capital, U+13A0 to U+13F5, or
// the length of the text. They fold to themselves and the small letters to
// them, other than in all other scripts; the folder that is used here folds
// both to each other and must not see the capitals.
func cherokee(text []byte) int {
	for at := 0; ; at++ {
		i := bytes.IndexByte(text[at:], 0xe1)
		if i < 0 || at+i+2 >= len(text) {
			return len(text)
		}
		at += i
		if r, _ := utf8.DecodeRune(text[at:]); r >= 0x13a0 && r <= 0x13f5 {
			return at
		}
	}
}

// appendFoldedPiece appends a piece without Cherokee capitals after folding.
func (m *textMemory) appendFoldedPiece(dst, text []byte) []byte {
	m.folder.Reset()
	for {
		if free := cap(dst) - len(dst); free < len(text)+16 {
			dst = append(dst, make([]byte, len(text)+16)...)[:len(dst)]
		}
		n, read, err := m.folder.Transform(dst[len(dst):cap(dst)], text, true)
		dst, text = dst[:len(dst)+n], text[read:]
		if err == nil || !errors.Is(err, transform.ErrShortDst) {
			return dst
		}
		dst = append(dst, make([]byte, len(text)+64)...)[:len(dst)]
	}
}

// trim takes what is no part of a word off both ends: white space, and the
// characters of the Unicode categories P and S.
func trim(s []byte) []byte {
	return bytes.TrimFunc(s, func(r rune) bool {
		return unicode.Is(unicode.White_Space, r) || unicode.IsPunct(r) || unicode.IsSymbol(r)
	})
}

// wordStarts is a set of the first two bytes of words. It lets most texts pass
// without another look: few begin as a stop word does.
type wordStarts [32]uint32

func (s *wordStarts) add(a, b byte) { s[a&31] |= 1 << (b & 31) }

func (s *wordStarts) has(a, b byte) bool { return s[a&31]>>(b&31)&1 != 0 }

// isAlphanumeric reports whether c is a letter or digit of ASCII, which is never trimmed
// and which folding only lower-cases.
func isAlphanumeric(c byte) bool { return c-'0' <= 9 || (c|0x20)-'a' <= 'z'-'a' }

// addWords adds words that mean preference p.
func (d *Decoder) addWords(words []string, p event.Preference) {
	for _, w := range words {
		folded := string(d.text.appendFolded(nil, trim([]byte(w))))
		if folded == "" {
			continue
		}
		d.words[folded] = p
		d.wordBytes = max(d.wordBytes, len(folded))
		if len(folded) > 1 {
			d.wordStarts.add(folded[0], folded[1])
		}
	}
}

// maxFoldShrink is how many times shorter full case folding can make a text:
// the Kelvin sign, three bytes, becomes a k.
const maxFoldShrink = 3

// preference recognises a stop or resume word.
func (d *Decoder) preference(text []byte) event.Preference {
	if len(text) == 0 {
		return event.PreferenceNone
	}
	if !isAlphanumeric(text[0]) {
		text = trim(text)
	}
	if len(text) > 1 && isAlphanumeric(text[0]) && isAlphanumeric(text[1]) && !d.wordStarts.has(text[0], text[1]) {
		return event.PreferenceNone
	}
	text = trim(text)
	if len(text) == 0 || len(text) > d.wordBytes*maxFoldShrink {
		return event.PreferenceNone
	}
	d.text.fold = d.text.appendFolded(d.text.fold[:0], text)
	return d.words[string(d.text.fold)]
}
