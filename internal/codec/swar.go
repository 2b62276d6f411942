package codec

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// The functions of this file look at eight bytes at a time, as a number whose
// lowest byte is the first (SIMD within a register). What they return of eight bytes
// has the highest bit of a byte set where something holds for it.

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// padding is how many zero bytes lie behind a record in the decoder's memory. No
// token of JSON goes on over a zero byte, so a scan ends there by itself, and
// what reads 32 bytes ahead needs no check of its own.
const padding = 64

// load8 reads eight bytes.
func load8(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// firstByte returns which byte the lowest bit lies in, 8 for none.
func firstByte(x uint64) int { return bits.TrailingZeros64(x) >> 3 }

// bytesBelow masks the first n bytes, at most eight.
func bytesBelow(n int) uint64 { return 1<<(uint(n)*8) - 1 }

// specialInText marks what ends or interrupts a plain JSON string: a quote, a
// backslash, a control character, or the beginning of a longer UTF-8 sequence.
// The lowest mark is right; those above it may be borrowed.
func specialInText(x uint64) uint64 {
	// Swapping space and quote (they differ in one bit) makes the quote the
	// byte that follows the control characters, so one subtraction finds both by its
	// borrow. What it says of bytes from 0x80 on does not matter: they are special.
	swapped := x ^ ((' ' ^ '"') * ones)
	slash := x ^ ('\\' * ones)
	return ((swapped - (' '+1)*ones) | (slash - ones) | x) & highs
}

// notDigits marks what is no ASCII digit. All marks are right.
func notDigits(x uint64) uint64 {
	x ^= '0' * ones
	return ((x&^highs + (0x80-10)*ones) | x) & highs
}

// capitals marks the capital letters of ASCII, up to the first byte beyond it.
func capitals(x uint64) uint64 {
	return (x + (0x80-'A')*ones) &^ (x + (0x80-'Z'-1)*ones) & highs
}

// eightDigits returns the number that eight digits write; of each byte only the
// lower half counts. Neighbours are joined to two, four, and eight digits.
func eightDigits(x uint64) uint64 {
	x &= 0x0f * ones
	x = (x*10 + x>>8) & 0x00ff00ff00ff00ff
	x = (x*100 + x>>16) & 0x0000ffff0000ffff
	return (x*10_000 + x>>32) & 0xffffffff
}

// plainEnd returns the first place from i on that specialInText marks. b is a
// record with its padding.
//
// 16 bytes are looked at before anything is decided. By the whole decoder, in turns:
// eight are as quick on a mix of records and a tenth slower on equal ones, 32 cost a tenth
// on all, since most strings are short.
func plainEnd(b []byte, i int) int {
	for {
		w := b[i : i+16 : i+16]
		s0 := specialInText(binary.LittleEndian.Uint64(w))
		s1 := specialInText(binary.LittleEndian.Uint64(w[8:]))
		if s0|s1 == 0 {
			i += 16
			continue
		}
		n0, n := firstByte(s0), 8+firstByte(s1)
		if s0 != 0 {
			n = n0 // a conditional move
		}
		return i + n
	}
}

// digitRun returns how many digits begin at i, 16 for any more. b is a record
// with its padding.
func digitRun(b []byte, i int) int {
	w := b[i : i+16 : i+16]
	if m := notDigits(binary.LittleEndian.Uint64(w)); m != 0 {
		return firstByte(m)
	}
	return 8 + firstByte(notDigits(binary.LittleEndian.Uint64(w[8:])))
}

// isText reports whether what lies from start to end is UTF-8. b is a record with
// its padding.
func isText(b []byte, start, end int) bool {
	var all uint64
	i := start
	for ; i+8 <= end; i += 8 {
		all |= load8(b, i)
	}
	all |= load8(b, i) & bytesBelow(end-i)
	return all&highs == 0 || utf8.Valid(b[start:end])
}
