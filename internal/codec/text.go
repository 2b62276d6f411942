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
// one 0, runs of white space to one space, trimmed. Texts in ASCII, where the
// first step changes nothing, are done in one pass, and eight bytes at a time
// while there are only letters, marks and single spaces.
func (m *textMemory) appendNormalised(dst, text []byte) []byte {
	base := len(dst)
	space := true // whether the last byte was one; white space in front goes
	for i := 0; i < len(text); {
		if i+8 <= len(text) {
			x := binary.LittleEndian.Uint64(text[i:])
			if x&highs != 0 {
				return m.appendNormalisedUnicode(dst[:base], text)
			}
			// atLeast20 has the high bit of every byte that is 0x20 or more, and so on.
			atLeast20, atLeast21 := x+(0x80-0x20)*ones, x+(0x80-0x21)*ones
			digits := (x + (0x80-'0')*ones) &^ (x + (0x80-'9'-1)*ones)
			upper := (x + (0x80-'A')*ones) &^ (x + (0x80-'Z'-1)*ones) & highs
			spaces := atLeast20 &^ atLeast21 & highs
			before := spaces << 8
			if space {
				before |= 0x80
			}
			special := (^atLeast20 | digits | spaces&before) & highs
			dst = binary.LittleEndian.AppendUint64(dst, x|upper>>2)
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
			return m.appendNormalisedUnicode(dst[:base], text)
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
	m.fold = m.appendFolded(m.fold[:0], m.norm)
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

// addWords adds words that mean preference p.
func (d *Decoder) addWords(words []string, p event.Preference) {
	for _, w := range words {
		folded := string(d.text.appendFolded(nil, trim([]byte(w))))
		if folded == "" {
			continue
		}
		d.words[folded] = p
		d.wordBytes = max(d.wordBytes, len(folded))
	}
}

// maxFoldShrink is how many times shorter full case folding can make a text:
// the Kelvin sign, three bytes, becomes a k.
const maxFoldShrink = 3

// preference recognises a stop or resume word.
func (d *Decoder) preference(text []byte) event.Preference {
	text = trim(text)
	if len(text) == 0 || len(text) > d.wordBytes*maxFoldShrink {
		return event.PreferenceNone
	}
	d.text.fold = d.text.appendFolded(d.text.fold[:0], text)
	return d.words[string(d.text.fold)]
}
