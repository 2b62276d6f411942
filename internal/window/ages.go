package window

import "math/bits"

// AgeClasses is how many classes of age Ages distinguishes: the age in buckets has
// so many binary digits, at most 8.
const AgeClasses = 9

// AgeClass returns the class of an age in buckets; one below zero is of class 0.
func AgeClass(age int64) int {
	if age <= 0 {
		return 0
	}
	return min(bits.Len64(uint64(age)), AgeClasses-1)
}

// Ages counts what waits by how long it has waited. As the clock moves, each
// bucket passes from class to class at a cursor, so that a bucket costs eight
// steps in its life however often the counts are asked for. It belongs to one
// number; its buckets lie in an AgePool.
type Ages struct {
	ring   Ring // ageBucket, oldest first, none empty
	counts [AgeClasses]uint32
	// passed[k] is how many buckets from the front are of a class above k. Nothing waits for 2^16 buckets: two years
	// of quarters of an hour.
	passed [AgeClasses - 1]uint16
	// next is what Next returned last, 0 since the buckets are other ones.
	next int64
}

// ageBucket is what began to wait in one bucket of event time.
type ageBucket struct {
	at int32 // no bucket is as narrow as a second
	n  uint32
}

// Len returns how many buckets something waits in.
func (a *Ages) Len() int { return a.ring.Len() }

// Counts returns how many wait, by class.
func (a *Ages) Counts() *[AgeClasses]uint32 { return &a.counts }

// AgePool is the pool of the buckets of all Ages.
type AgePool struct{ pool Pool[ageBucket] }

// leaves returns the age at which a bucket leaves a class.
func leaves(class int) int64 { return 1 << class }

// Add counts one that began to wait in bucket at. now is the clock's bucket, to
// which the ages have been advanced.
func (p *AgePool) Add(a *Ages, at, now int64) {
	a.counts[AgeClass(now-at)]++
	i, found := p.find(a, at)
	if found {
		p.pool.At(&a.ring, i).n++
		return
	}
	a.next = 0
	p.pool.Insert(&a.ring, i, ageBucket{at: int32(at), n: 1})
	for k := range a.passed {
		if now-at >= leaves(k) {
			a.passed[k]++
		}
	}
}

// Remove takes off one that began to wait in bucket at and was added.
func (p *AgePool) Remove(a *Ages, at, now int64) {
	a.counts[AgeClass(now-at)]--
	i, _ := p.find(a, at)
	b := p.pool.At(&a.ring, i)
	if b.n--; b.n > 0 {
		return
	}
	a.next = 0
	if i == 0 {
		p.pool.PopFront(&a.ring)
	} else {
		p.pool.Remove(&a.ring, i)
	}
	for k := range a.passed {
		if now-at >= leaves(k) {
			a.passed[k]--
		}
	}
}

// Advance moves the clock's bucket to now and reports whether any count changed.
func (p *AgePool) Advance(a *Ages, now int64) (changed bool) {
	for k := range a.passed {
		for uint32(a.passed[k]) < a.ring.n {
			b := p.pool.Look(&a.ring, int(a.passed[k]))
			if now-int64(b.at) < leaves(k) {
				break
			}
			a.counts[k] -= b.n
			a.counts[k+1] += b.n
			a.passed[k]++
			changed = true
		}
	}
	if changed {
		a.next = 0
	}
	return changed
}

// Next returns the bucket of the clock at which the next count changes, Never if
// none will.
func (p *AgePool) Next(a *Ages) int64 {
	if a.next != 0 {
		return a.next
	}
	a.next = Never
	for k := range a.passed {
		if uint32(a.passed[k]) < a.ring.n {
			a.next = min(a.next, int64(p.pool.Look(&a.ring, int(a.passed[k])).at)+leaves(k))
		}
	}
	return a.next
}

// find returns the place of a bucket, or where it belongs. What is added is
// mostly new and what is removed mostly old or new; the ring is short.
func (p *AgePool) find(a *Ages, at int64) (int, bool) {
	low, high := 0, int(a.ring.n)
	if high > 0 {
		switch last := int64(p.pool.Look(&a.ring, high-1).at); {
		case at > last:
			return high, false
		case at == last:
			return high - 1, true
		}
	}
	for low < high {
		middle := (low + high) / 2
		if int64(p.pool.Look(&a.ring, middle).at) < at {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < int(a.ring.n) && int64(p.pool.Look(&a.ring, low).at) == at
}
