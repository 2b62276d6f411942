package codec

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Secret is the key under which contacts are hashed. Two deployments with the
// same secret give a contact the same hash; without it a hash says nothing.
type Secret [16]byte

// Format keeps a secret out of everything that is printed.
func (Secret) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("(secret)")) }

// Check returns a value by which two secrets are told apart and from which neither can
// be found: the hash of a fixed text.
func (s Secret) Check() uint64 { return s.hash([]byte("sendwatch: which secret is it?")) }

// hash is SipHash-2-4 of p (Aumasson and Bernstein, 2012).
func (s *Secret) hash(p []byte) uint64 {
	k0, k1 := binary.LittleEndian.Uint64(s[:8]), binary.LittleEndian.Uint64(s[8:])
	v0, v1 := k0^0x736f6d6570736575, k1^0x646f72616e646f6d
	v2, v3 := k0^0x6c7967656e657261, k1^0x7465646279746573
	// The last block is what is left of p, and its length in the highest byte.
	// With eight bytes before the end it is a part of them, and no loop.
	last := uint64(len(p)) << 56
	if rest := uint(len(p)) & 7; len(p) >= 8 {
		last |= binary.LittleEndian.Uint64(p[len(p)-8:]) >> (64 - 8*rest)
	} else {
		for i, c := range p {
			last |= uint64(c) << (8 * i)
		}
	}
	for ; len(p) >= 8; p = p[8:] {
		m := binary.LittleEndian.Uint64(p)
		v3 ^= m
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0 ^= m
	}
	v3 ^= last
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0 ^= last
	v2 ^= 0xff
	for range 4 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	return v0 ^ v1 ^ v2 ^ v3
}

// sipRound is one round of SipHash.
func sipRound(v0, v1, v2, v3 uint64) (uint64, uint64, uint64, uint64) {
	v0 += v1
	v2 += v3
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 = bits.RotateLeft64(v0, 32) + v3
	v2 += v1
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	return v0, v1, bits.RotateLeft64(v2, 32), v3
}

// Contact returns the hash that the decoder puts in the place of a contact, and false for one
// of whose canonical form nothing is left.
func (s *Secret) Contact(id []byte) (hash uint64, ok bool) {
	form, _ := canonical(id, nil)
	return s.hash(form), len(form) > 0
}

// UserID returns the hash that the decoder puts in the place of a business-scoped user id,
// and false for an empty one.
func (s *Secret) UserID(id []byte) (hash uint64, ok bool) { return s.hash(id), len(id) > 0 }
