package pipeline

import "time"

// tally counts records of the events topic.
type tally struct {
	records  int64
	rejected int64
	misKeyed int64 // events of a number whose key is not its number_id
}

func (t *tally) add(o tally) {
	t.records += o.records
	t.rejected += o.rejected
	t.misKeyed += o.misKeyed
}

// lastMinute sums tallies over the last 60 s of the wall clock, by the second.
type lastMinute struct {
	seconds [60]tally
	newest  int64 // the second, since 1970, of the newest tally
}

// add adds a tally of now and returns the sum.
func (m *lastMinute) add(now time.Time, t tally) tally {
	second := now.Unix()
	for s := max(m.newest+1, second-59); s <= second; s++ {
		m.seconds[s%60] = tally{}
	}
	m.newest = max(m.newest, second)
	m.seconds[m.newest%60].add(t)
	var sum tally
	for i := range m.seconds {
		sum.add(m.seconds[i])
	}
	return sum
}
