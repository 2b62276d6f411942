package window

// linkTimes keeps in 32 bits when a link was seen: in ms, modulo 2^32 - 1 (49.7
// days), which is enough since what is not held was seen within the LinkAge before
// the reference. A time before which none of many links passes is kept in 16 bits: in
// units of 2^16 ms, modulo 2^16 - 1.
type linkTimes struct {
	reference    int64 // the largest watermark so far, 0 before the first
	oldest       int64 // LinkAge before it
	oldestPacked uint32
}

const (
	linkTimesModulus = 1<<32 - 1
	// seenHeld is when a link was seen that is held. No time is packed like this.
	seenHeld = linkTimesModulus

	dueBits    = 16
	dueModulus = 1<<16 - 1
	// dueNever is the bound of no link.
	dueNever = dueModulus
)

// advance moves the reference to the watermark w. Nothing that is not held may have
// been seen LinkAge before it, or earlier.
func (r *linkTimes) advance(w int64) {
	if w > r.reference {
		r.reference = w
		r.oldest = w - LinkAge
		r.oldestPacked = r.pack(r.oldest)
	}
}

// pack returns a time as it is kept of a link.
func (*linkTimes) pack(t int64) uint32 { return uint32(modulo(t, linkTimesModulus)) }

// seen returns the time that was packed; it is not seenHeld.
func (r *linkTimes) seen(packed uint32) int64 {
	after := packed - r.oldestPacked
	if packed < r.oldestPacked {
		after-- // 2^32 is one more than the modulus
	}
	return r.oldest + int64(after)
}

// passes returns when a link passes that was seen then, Never if it is held.
func (r *linkTimes) passes(packed uint32) int64 {
	if packed == seenHeld {
		return Never
	}
	return r.seen(packed) + LinkAge
}

// packBound returns the time at which a link passes, which is within LinkAge after the
// reference, as it is kept of many links: up to a unit earlier.
func (*linkTimes) packBound(at int64) uint16 {
	if at == Never {
		return dueNever
	}
	return uint16(modulo(at>>dueBits, dueModulus))
}

// bound returns the time that packBound kept.
func (r *linkTimes) bound(packed uint16) int64 {
	if packed == dueNever {
		return Never
	}
	first := r.reference >> dueBits
	return (first + modulo(int64(packed)-first, dueModulus)) << dueBits
}

func modulo(t, by int64) int64 {
	if t %= by; t < 0 {
		t += by
	}
	return t
}
