package window

// earliest holds a time for each of a few thousand places and knows the smallest:
// a binary tree in one slice, in which each inner node has the smaller of its two,
// the root at 1 and the places in the second half.
type earliest struct{ tree []int64 }

// at returns the time of a place, Never if none was set.
func (e *earliest) at(place int) int64 {
	if i := len(e.tree)/2 + place; i < len(e.tree) {
		return e.tree[i]
	}
	return Never
}

// first returns the smallest time and its place.
func (e *earliest) first() (place int, at int64) {
	if len(e.tree) == 0 {
		return 0, Never
	}
	i := 1
	for i < len(e.tree)/2 {
		i *= 2
		if e.tree[i+1] < e.tree[i] {
			i++
		}
	}
	return i - len(e.tree)/2, e.tree[1]
}

// set sets the time of a place.
func (e *earliest) set(place int, at int64) {
	i := len(e.tree)/2 + place
	e.tree[i] = at
	for i > 1 {
		i /= 2
		e.tree[i] = min(e.tree[2*i], e.tree[2*i+1])
	}
}

// resize makes it one of so many places, of which those that it had keep their times.
func (e *earliest) resize(places int) {
	size := 2
	for size < places {
		size *= 2
	}
	if size*2 == len(e.tree) {
		return
	}
	old := e.tree[len(e.tree)/2:]
	e.tree = make([]int64, 2*size)
	for i := range e.tree {
		e.tree[i] = Never
	}
	copy(e.tree[size:], old)
	for i := size - 1; i > 0; i-- {
		e.tree[i] = min(e.tree[2*i], e.tree[2*i+1])
	}
}
