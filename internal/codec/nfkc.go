package codec

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// joiner is the combining grapheme joiner, U+034F.
var joiner = []byte("\u034f")

// appendNFKC appends the text in Unicode's normalisation form NFKC. The
// library does it, but puts a joiner after 30 combining marks in a row, as for
// a stream. That is not NFKC, so a text in which it did goes another way.
func (m *textMemory) appendNFKC(dst, text []byte) []byte {
	base := len(dst)
	dst = norm.NFKC.Append(dst, text...)
	if bytes.Count(dst[base:], joiner) == bytes.Count(text, joiner) {
		return dst
	}
	return appendLongNFKC(dst[:base], text)
}

// mark is a code point with its canonical combining class.
type mark struct {
	r     rune
	class uint8
}

// appendLongNFKC is NFKC by the book (Unicode Standard, section 3.11): all code
// points decomposed, the marks after each starter sorted by class, then
// composed again. Hangul syllables are left whole; what follows one may still
// join it.
func appendLongNFKC(dst, text []byte) []byte {
	marks := make([]mark, 0, len(text))
	for i := 0; i < len(text); {
		p := norm.NFKD.Properties(text[i:])
		piece := p.Decomposition()
		if piece == nil {
			piece = text[i : i+p.Size()]
		}
		for k := 0; k < len(piece); {
			r, n := utf8.DecodeRune(piece[k:])
			marks = append(marks, mark{r, norm.NFD.Properties(piece[k:]).CCC()})
			k += n
		}
		i += p.Size()
	}
	for i := 0; i < len(marks); {
		end := i + 1
		if marks[i].class > 0 {
			for end < len(marks) && marks[end].class > 0 {
				end++
			}
			slices.SortStableFunc(marks[i:end], func(a, b mark) int { return int(a.class) - int(b.class) })
		}
		i = end
	}
	composed := marks[:0]
	starter := -1
	for _, c := range marks {
		last := len(composed) - 1
		if starter >= 0 && (last == starter || composed[last].class < c.class) {
			if r, ok := compose(composed[starter].r, c.r); ok {
				composed[starter].r = r
				continue
			}
		}
		if c.class == 0 {
			starter = len(composed)
		}
		composed = append(composed, c)
	}
	for _, c := range composed {
		dst = utf8.AppendRune(dst, c.r)
	}
	return dst
}

// compose returns the one code point that two make, if they do.
func compose(a, b rune) (rune, bool) {
	var pair [2 * utf8.UTFMax]byte
	var memory [4 * utf8.UTFMax]byte
	joined := norm.NFC.Append(memory[:0], utf8.AppendRune(utf8.AppendRune(pair[:0], a), b)...)
	r, n := utf8.DecodeRune(joined)
	return r, n == len(joined)
}
