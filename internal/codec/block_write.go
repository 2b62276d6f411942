package codec

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"sendwatch/internal/event"
)

// maxBlockText is about how many bytes of strings and lists a block may have before the next
// row begins a new one.
const maxBlockText = 128 << 10

// maxBlockSpread is likewise about how many bytes strings may have that are written out in
// each row: a long one that a block has once is as long in the store in each row.
const maxBlockSpread = 4 << 20

// blockWriter writes rows as columns. It keeps its memory from one block to the next.
type blockWriter struct {
	b       []byte
	numbers []int64   // of several columns, one behind the other
	doubles []float64 // of one
	row     []int64
	values  []string
	recent  [256]uint32 // places in values plus 1, by a hash: most strings that repeat are found
	lengths []int64
}

// columns writes rows as a block.
func (t *blockTable[R]) columns(w *blockWriter, rows []R) {
	n := len(rows)
	w.b = appendInt(w.b, 1, int64(n))
	for _, c := range t.texts {
		w.texts(c.number, n, func(i int) string { return *c.at(&rows[i]) })
	}
	columns := len(t.whole)
	w.numbers, w.row = resize(w.numbers, columns*n), resize(w.row, columns)
	for i := range rows {
		t.get(&rows[i], w.row)
		for k, v := range w.row {
			w.numbers[k*n+i] = v
		}
	}
	numbers := w.numbers
	for k, c := range t.whole {
		w.whole(c.number, numbers[k*n:(k+1)*n])
	}
	if t.moreWrite != nil {
		t.moreWrite(w, rows)
	}
}

// fit returns how many of the first rows make a block: those of one month, of a size that does
// not hang on what they hold, and at least one.
func (t *blockTable[R]) fit(rows []R) int {
	var first, end int64
	if t.timeOf != nil {
		first, end = monthOf(t.timeOf(&rows[0]))
	}
	text, spread := 0, 0
	for i := range rows[:min(len(rows), t.most)] {
		r := &rows[i]
		if t.timeOf != nil {
			if at := t.timeOf(r); i > 0 && (at < first || at >= end) {
				return i
			}
		}
		for _, c := range t.texts {
			s := *c.at(r)
			if i == 0 || s != *c.at(&rows[i-1]) {
				text += len(s)
			}
			spread += len(s)
		}
		if t.elements != nil {
			text += t.elements(r)
		}
		if (text > maxBlockText || spread > maxBlockSpread) && i > 0 {
			return i
		}
	}
	return min(len(rows), t.most)
}

// resize returns a slice of n elements, in the memory of s if it is enough.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// whole writes a column of whole numbers: the least once, and what each has beyond it in as
// few bytes as the largest takes. One that is constant may be given as one value.
func (w *blockWriter) whole(number int, values []int64) {
	if len(values) == 0 {
		return
	}
	least, most, other := values[0], values[0], int64(0)
	for _, v := range values {
		other |= v ^ least
	}
	if other == 0 && least == 0 {
		return // most columns of most blocks
	}
	if other != 0 {
		for _, v := range values {
			least, most = min(least, v), max(most, v)
		}
	}
	span := uint64(most) - uint64(least)
	width := 8
	switch {
	case span == 0:
		width = 0
	case span <= math.MaxUint8:
		width = 1
	case span <= math.MaxUint32:
		width = 4
	default:
		least = 0
	}
	n := len(values) * width
	head := 0
	if least != 0 {
		head = 1 + protowire.SizeVarint(protowire.EncodeZigZag(least))
	}
	size := head
	if n > 0 {
		size += 1 + protowire.SizeVarint(uint64(n)) + n
	}
	w.b = appendLength(w.b, number, size)
	if least != 0 {
		w.b = appendIntSet(w.b, 1, int64(protowire.EncodeZigZag(least)))
	}
	if n == 0 {
		return
	}
	switch width {
	case 1:
		w.b = appendLength(w.b, 2, n)
		b, at := extend(w.b, n)
		out := b[at:][:len(values)]
		for i, v := range values {
			out[i] = byte(v - least)
		}
		w.b = b
	case 4:
		w.b = appendLength(w.b, 3, n)
		for _, v := range values {
			w.b = binary.LittleEndian.AppendUint32(w.b, uint32(v-least))
		}
	default:
		w.b = appendLength(w.b, 4, n)
		for _, v := range values {
			w.b = binary.LittleEndian.AppendUint64(w.b, uint64(v))
		}
	}
}

// floats writes a column of doubles; one that is none in every row is left out.
func (w *blockWriter) floats(number int, values []float64) {
	if len(values) == 0 {
		return
	}
	first, other, none := math.Float64bits(values[0]), uint64(0), true
	for _, v := range values {
		other |= math.Float64bits(v) ^ first
		none = none && math.IsNaN(v)
	}
	switch {
	case none:
	case other == 0 && first == 0:
		w.b = appendLength(w.b, number, 0)
	case other == 0:
		w.b = appendDouble(appendLength(w.b, number, 9), 1, values[0], true)
	default:
		n := 8 * len(values)
		w.b = appendLength(w.b, number, 1+protowire.SizeVarint(uint64(n))+n)
		w.b = appendLength(w.b, 2, n)
		for _, v := range values {
			w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(v))
		}
	}
}

// fact writes a fact of all rows.
func (w *blockWriter) fact(number int, rows []event.NumberStatus, f event.Fact) {
	if !isWhole(f) {
		w.doubles = resize(w.doubles, len(rows))
		for i := range rows {
			w.doubles[i] = rows[i].Facts[f]
		}
		w.floats(number, w.doubles)
		return
	}
	first, other := math.Float64bits(rows[0].Facts[f]), uint64(0)
	for i := range rows {
		other |= math.Float64bits(rows[i].Facts[f]) ^ first
	}
	w.numbers = resize(w.numbers, len(rows))
	if other == 0 { // most facts of most blocks
		w.numbers[0] = int64(rows[0].Facts[f])
		w.whole(number, w.numbers[:1])
		return
	}
	for i := range rows {
		w.numbers[i] = int64(rows[i].Facts[f])
	}
	w.whole(number, w.numbers)
}

// level writes the levels of a factor.
func (w *blockWriter) level(number int, rows []event.NumberStatus, f event.Factor) {
	w.numbers = resize(w.numbers, len(rows))
	for i := range rows {
		w.numbers[i] = int64(rows[i].Levels[f])
	}
	w.whole(number, w.numbers)
}

// texts writes a column of strings, of which each that repeats soon is there once.
func (w *blockWriter) texts(number, n int, at func(i int) string) {
	w.values = w.values[:0]
	clear(w.recent[:])
	w.lengths = resize(w.lengths, n)
	place, last := int64(-1), ""
	for i := range n {
		s := at(i)
		if place < 0 || s != last {
			place, last = w.find(s), s
		}
		w.lengths[i] = place
	}
	if len(w.values) == 0 || len(w.values) == 1 && w.values[0] == "" {
		return
	}
	var mark int
	w.b, mark = beginMessage(w.b, number)
	for _, s := range w.values {
		w.b = appendTextSet(w.b, 1, s)
	}
	w.whole(2, w.lengths)
	w.b = endMessage(w.b, mark)
	clear(w.values) // they may be long
}

// find returns the place of a string among the values, which it may be added to.
func (w *blockWriter) find(s string) int64 {
	h := uint32(len(s))
	for i := max(0, len(s)-8); i < len(s); i++ {
		h = h*31 + uint32(s[i])
	}
	recent := &w.recent[(h^h>>8)&0xff]
	if *recent > 0 && w.values[*recent-1] == s {
		return int64(*recent - 1)
	}
	w.values = append(w.values, s)
	*recent = uint32(len(w.values))
	return int64(len(w.values) - 1)
}

// hashes writes a column of lists.
func (w *blockWriter) hashes(number, n int, at func(i int) []uint64) {
	w.lengths = resize(w.lengths, n)
	all := 0
	for i := range n {
		w.lengths[i] = int64(len(at(i)))
		all += len(at(i))
	}
	if all == 0 {
		return
	}
	var mark int
	w.b, mark = beginMessage(w.b, number)
	w.whole(1, w.lengths)
	w.b = appendLength(w.b, 2, 8*all)
	for i := range n {
		for _, h := range at(i) {
			w.b = binary.LittleEndian.AppendUint64(w.b, h)
		}
	}
	w.b = endMessage(w.b, mark)
}

// contributions writes what takes points off the scores.
func (w *blockWriter) contributions(number int, rows []event.NumberStatus) {
	w.lengths, w.doubles = resize(w.lengths, len(rows)), w.doubles[:0]
	var all []*event.Contribution
	for i := range rows {
		w.lengths[i] = int64(len(rows[i].Top))
		for k := range rows[i].Top {
			c := &rows[i].Top[k]
			all = append(all, c)
			w.doubles = append(w.doubles, c.Points)
		}
	}
	if len(all) == 0 {
		return
	}
	var mark int
	w.b, mark = beginMessage(w.b, number)
	w.whole(1, w.lengths)
	w.texts(2, len(all), func(i int) string { return all[i].Factor.String() })
	w.texts(3, len(all), func(i int) string { return all[i].Key })
	w.floats(4, w.doubles)
	w.b = endMessage(w.b, mark)
}
