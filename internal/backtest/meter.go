package backtest

import "math"

// meter is a count that fades: what happened tau ago weighs 1/e. At a steady pace
// it stands at the events of one tau, so it reads as events a tau.
type meter struct {
	value float64
	at    int64 // ms
}

// add lets the count fade until t and adds x.
func (m *meter) add(t int64, x float64, tau int64) {
	m.value = m.now(t, tau) + x
	m.at = max(t, m.at)
}

// now returns the count at t.
func (m *meter) now(t, tau int64) float64 {
	if t <= m.at || m.value == 0 {
		return m.value
	}
	return m.value * math.Exp(-float64(t-m.at)/float64(tau))
}

// keyed are meters by what is repeated. Those that have faded are dropped, so
// that it holds no more than a tau's different things.
type keyed struct {
	meters map[uint64]*meter
	sweep  int // look for faded ones at this size
}

// add counts one more of a key and returns how many there are.
func (k *keyed) add(key uint64, t, tau int64) float64 {
	if k.meters == nil {
		k.meters, k.sweep = map[uint64]*meter{}, 64
	}
	m := k.meters[key]
	if m == nil {
		if len(k.meters) >= k.sweep {
			for other, o := range k.meters {
				if o.now(t, tau) < .05 {
					delete(k.meters, other)
				}
			}
			k.sweep = max(64, 2*len(k.meters))
		}
		m = &meter{}
		k.meters[key] = m
	}
	m.add(t, 1, tau)
	return m.value
}

// recall remembers when a contact was last met, for a limited time.
type recall struct {
	times map[uint64]int64
	queue []met // by time
	head  int
}

type met struct {
	contact uint64
	at      int64
}

// put remembers a contact at t.
func (r *recall) put(contact uint64, t int64) {
	if r.times == nil {
		r.times = map[uint64]int64{}
	}
	r.times[contact] = t
	r.queue = append(r.queue, met{contact, t})
}

// take forgets a contact and reports whether it was known.
func (r *recall) take(contact uint64) bool {
	_, ok := r.times[contact]
	delete(r.times, contact)
	return ok
}

// expire forgets all who were last met before t and returns how many they are.
func (r *recall) expire(t int64) int {
	gone := 0
	for ; r.head < len(r.queue) && r.queue[r.head].at < t; r.head++ {
		q := r.queue[r.head]
		if at, ok := r.times[q.contact]; ok && at == q.at {
			delete(r.times, q.contact)
			gone++
		}
	}
	if r.head > 1024 && r.head > len(r.queue)/2 {
		r.queue = r.queue[:copy(r.queue, r.queue[r.head:])]
		r.head = 0
	}
	return gone
}
