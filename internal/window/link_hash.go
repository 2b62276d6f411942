package window

// A link is found by the hash of its owner and the identifier that it goes out
// from. For each owner the hash is a permutation of the identifiers, so that it is
// all that has to be kept to tell two links of one owner apart, and the identifier can
// be had back. Nor are all of its bits kept: where a link lies tells 8 of them.
//
//	 63    57 56     49 48                        1  0
//	+--------+---------+----------------------------+---+
//	| box, 7 | tag, 8  | key, 48                    |   |
//	+--------+---------+----------------------------+---+
//	                        ... shelf: as many of the last bits as there are shelves for

// The multipliers are those of MurmurHash3's last step, and their inverses modulo 2^64.
const (
	linkFactor1  = 0xff51afd7ed558ccd
	linkFactor2  = 0xc4ceb9fe1a85ec53
	linkInverse1 = 0x4f74430c22a54005
	linkInverse2 = 0x9cb4b2f8129337db
	ownerFactor  = 0x9e3779b97f4a7c15 // 2^64 by the golden ratio
)

// linkHash returns the hash of an identifier of an owner: multiplications by odd
// numbers and shifts by half the width, each of which can be undone.
func linkHash(owner uint32, from uint64) uint64 {
	h := from ^ uint64(owner)*ownerFactor
	h = (h ^ h>>32) * linkFactor1
	h = (h ^ h>>32) * linkFactor2
	return h ^ h>>32
}

// linkFrom returns the identifier of an owner that has the hash.
func linkFrom(owner uint32, h uint64) uint64 {
	h = (h ^ h>>32) * linkInverse2
	h = (h ^ h>>32) * linkInverse1
	return h ^ h>>32 ^ uint64(owner)*ownerFactor
}

// boxOf returns the box of a hash.
func boxOf(h uint64) uint32 { return uint32(h >> 57) }

// tagOf returns the tag of a hash.
func tagOf(h uint64) uint8 { return uint8(h >> 49) }

// keyOf returns the key of a hash, and behind it the last 16 bits of the owner.
func keyOf(owner uint32, h uint64) uint64 { return h>>1<<16 | uint64(owner&0xffff) }

// keyShift is how much further left in keyOf a bit of the hash lies.
const keyShift = 15
