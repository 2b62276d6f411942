package codec

import (
	"encoding/binary"
	"iter"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"sendwatch/internal/event"
)

// MaxBlockRows is how many rows the blocks of a batch may have together: what repeats takes no
// room in a block, and so its size says little of that of its rows.
const MaxBlockRows = 65_536

// maxSpread bounds the bytes of a block's strings where each row has its own, as the store
// takes them: what a few bytes say of very many rows must not become gigabytes. Blocks are
// written with at most maxBlockSpread, or of one row.
const maxSpread = 16 << 20

// Block reads the columns of a block (rows.proto). It aliases the block's bytes, and is
// used again for the next one.
type Block struct {
	Table event.Table
	Rows  int
	// Spread is how many bytes its strings take where each row has its own, or somewhat
	// more.
	Spread int

	numbers       [maxColumns]Numbers
	texts         [columnSilences + 1]Texts // all columns of strings have small numbers
	hashes        Hashes
	contributions Contributions
	values        [][]byte // of all texts
}

// Numbers is a column of whole numbers or of doubles, each as 64 bits.
type Numbers struct {
	base  uint64 // of every row, if width is 0; else what is added to each
	width int    // bytes a row: 0, 1, 4 or 8
	data  []byte
}

// Texts is a column of strings.
type Texts struct {
	values [][]byte
	of     Numbers
}

// Hashes is a column of lists of hashes.
type Hashes struct {
	Lengths Numbers
	values  []byte
}

// Contributions is a column of lists of what takes points off a score: so many of each row,
// and of all of them, one behind the other, what the other columns say.
type Contributions struct {
	Lengths     Numbers
	Count       int
	Factor, Key Texts
	Points      Numbers
}

// Numbers returns a column of numbers by its number (Column). One that the block does not
// have is zero in every row, or none if it is one of doubles.
func (b *Block) Numbers(column int) Numbers { return b.numbers[column] }

// Texts returns a column of strings likewise.
func (b *Block) Texts(column int) Texts { return b.texts[column] }

// Hashes returns a column of lists likewise: a table has one at most.
func (b *Block) Hashes(int) Hashes { return b.hashes }

// Contributions returns a column of contributions likewise.
func (b *Block) Contributions(int) Contributions { return b.contributions }

// Read takes a block apart. It fails where a column has not one entry a row, or where its rows
// would hold far more than any that we write, or are of
// several months though their table is kept by month: then nothing of the block can be used.
// The number of rows comes first and once, as it is written: columns are held against it.
func (b *Block) Read(t event.Table, data []byte) error {
	*b = Block{Table: t, values: b.values[:0]}
	for _, c := range doublesColumns[t] {
		b.numbers[c].base = math.Float64bits(math.NaN()) // none, until the block says otherwise
	}
	kinds := &columnKinds[t]
	r := wireReader{b: data}
	for r.next() {
		if r.number == 1 {
			if r.n == 0 || r.n > MaxBlockRows || b.Rows != 0 {
				return errRows
			}
			b.Rows = int(r.n)
			continue
		}
		if b.Rows == 0 {
			return errRows
		}
		if r.number >= maxColumns {
			continue // of a newer version
		}
		ok := true
		switch kinds[r.number] {
		case wholeColumn:
			b.numbers[r.number], ok = readWhole(r.bytes, b.Rows)
		case doublesColumn:
			b.numbers[r.number], ok = readDoubles(r.bytes, b.Rows)
		case textsColumn:
			b.texts[r.number], ok = b.readTexts(r.bytes, b.Rows)
		case hashesColumn:
			b.hashes, ok = readHashes(r.bytes, b.Rows)
		case contributionsColumn:
			b.contributions, ok = b.readContributions(r.bytes, b.Rows)
		case noColumn: // of a newer version
		}
		if !ok || b.Spread > maxSpread {
			return errRows
		}
	}
	if r.bad || b.Rows == 0 || !b.isOfOneMonth() {
		return errRows
	}
	return nil
}

// isOfOneMonth reports whether the block's rows lie in one partition of their table.
func (b *Block) isOfOneMonth() bool {
	c := b.numbers[timeColumns[b.Table]]
	if timeColumns[b.Table] == 0 || c.width == 0 {
		return true
	}
	first, end := monthOf(int64(c.at(0)))
	for i := 1; i < b.Rows; i++ {
		if at := int64(c.at(i)); at < first || at >= end {
			return false
		}
	}
	return true
}

// Month returns the first instant (ms) of the month in which the block's rows lie; 0 for a
// table that is not kept by month.
func (b *Block) Month() int64 {
	if timeColumns[b.Table] == 0 {
		return 0
	}
	first, _ := monthOf(int64(b.numbers[timeColumns[b.Table]].at(0)))
	return first
}

// monthOf returns the first instant of a time's month of UTC, and that of the next month.
func monthOf(ms int64) (first, end int64) {
	at := time.UnixMilli(ms).UTC()
	month := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	return month.UnixMilli(), month.AddDate(0, 1, 0).UnixMilli()
}

// readWhole reads a column of whole numbers that has n entries.
func readWhole(data []byte, n int) (c Numbers, ok bool) {
	r := wireReader{b: data}
	for r.next() {
		switch r.number {
		case 1:
			c.base = uint64(protowire.DecodeZigZag(r.n))
		case 2:
			c.width, c.data = 1, r.bytes
		case 3:
			c.width, c.data = 4, r.bytes
		case 4:
			c.width, c.data = 8, r.bytes
		}
	}
	if len(c.data) == 0 {
		c.width = 0
	}
	return c, !r.bad && len(c.data) == c.width*n
}

// readDoubles reads a column of doubles.
func readDoubles(data []byte, n int) (c Numbers, ok bool) {
	r := wireReader{b: data}
	for r.next() {
		switch r.number {
		case 1:
			c.base = r.n
		case 2:
			c.width, c.data = 8, r.bytes
		}
	}
	if len(c.data) == 0 {
		return c, !r.bad
	}
	c.base = 0
	return c, !r.bad && len(c.data) == 8*n
}

// readTexts reads a column of strings.
func (b *Block) readTexts(data []byte, n int) (c Texts, ok bool) {
	first, ok := len(b.values), true
	r := wireReader{b: data}
	for r.next() {
		switch r.number {
		case 1:
			b.values = append(b.values, r.bytes)
		case 2:
			c.of, ok = readWhole(r.bytes, n)
		}
		if !ok {
			return c, false
		}
	}
	c.values = b.values[first:len(b.values):len(b.values)]
	if len(c.values) == 0 {
		c.of = Numbers{}
		return c, !r.bad
	}
	if r.bad || !c.of.below(n, uint64(len(c.values))) {
		return c, false
	}
	b.Spread += c.spread(n)
	return c, true
}

// fewBytes is up to how many bytes of strings are not counted row by row.
const fewBytes = 1 << 20

// spread returns how many bytes n strings take, or somewhat more.
func (c Texts) spread(n int) (bytes int) {
	longest := 0
	for _, v := range c.values {
		longest = max(longest, len(v))
	}
	if n*longest <= fewBytes {
		return n * longest
	}
	for i := range n {
		bytes += len(c.at(i))
	}
	return bytes
}

// below reports whether n entries are all less than most.
func (c Numbers) below(n int, most uint64) bool {
	if c.width == 0 {
		return c.base < most
	}
	if c.width == 1 && c.base == 0 && most > math.MaxUint8 {
		return true
	}
	for i := range n {
		if c.at(i) >= most {
			return false
		}
	}
	return true
}

// readHashes reads a column of lists.
func readHashes(data []byte, n int) (c Hashes, ok bool) {
	r, ok := wireReader{b: data}, true
	for r.next() {
		switch r.number {
		case 1:
			c.Lengths, ok = readWhole(r.bytes, n)
		case 2:
			c.values = r.bytes
		}
		if !ok {
			return c, false
		}
	}
	return c, !r.bad && len(c.values)%8 == 0 && c.Lengths.sum(n) == uint64(len(c.values)/8)
}

// readContributions reads a column of contributions.
func (b *Block) readContributions(data []byte, n int) (c Contributions, ok bool) {
	for r := (wireReader{b: data}); r.next(); { // the others have so many entries
		if r.number == 1 {
			if c.Lengths, ok = readWhole(r.bytes, n); !ok {
				return c, false
			}
		}
	}
	count := c.Lengths.sum(n)
	if count > MaxBlockRows*event.TopFactors {
		return c, false
	}
	c.Count = int(count)
	r, ok := wireReader{b: data}, true
	for r.next() {
		switch r.number {
		case 2:
			c.Factor, ok = b.readTexts(r.bytes, c.Count)
		case 3:
			c.Key, ok = b.readTexts(r.bytes, c.Count)
		case 4:
			c.Points, ok = readDoubles(r.bytes, c.Count)
		}
		if !ok {
			return c, false
		}
	}
	return c, !r.bad
}

// at returns a row's entry.
func (c Numbers) at(i int) uint64 {
	switch c.width {
	case 1:
		return c.base + uint64(c.data[i])
	case 4:
		return c.base + uint64(binary.LittleEndian.Uint32(c.data[4*i:]))
	case 8:
		return c.base + binary.LittleEndian.Uint64(c.data[8*i:])
	}
	return c.base
}

// sum returns the sum of n entries, a very large number if one of them is.
func (c Numbers) sum(n int) uint64 {
	var all uint64
	for i := range n {
		v := c.at(i)
		if v > math.MaxUint32 {
			return math.MaxUint64
		}
		all += v
	}
	return all
}

// at returns a row's string.
func (c Texts) at(i int) []byte {
	if len(c.values) == 0 {
		return nil
	}
	return c.values[c.of.at(i)]
}

// each visits the lists of all rows, each in memory of its own; nil if it is empty.
func (c Hashes) each(rows int, visit func(i int, list []uint64)) {
	at := 0
	for i := range rows {
		n := int(c.Lengths.at(i))
		if n == 0 {
			continue
		}
		list := make([]uint64, n)
		for k := range list {
			list[k] = binary.LittleEndian.Uint64(c.values[8*(at+k):])
		}
		at += n
		visit(i, list)
	}
}

// each visits the lists of all rows likewise.
func (c Contributions) each(rows int, visit func(i int, list []event.Contribution)) {
	at := 0
	for i := range rows {
		n := int(c.Lengths.at(i))
		if n == 0 {
			continue
		}
		list := make([]event.Contribution, n)
		for k := range list {
			list[k].Factor, _ = event.ParseFactor(string(c.Factor.at(at + k)))
			list[k].Key = string(c.Key.at(at + k))
			list[k].Points = math.Float64frombits(c.Points.at(at + k))
		}
		at += n
		visit(i, list)
	}
}

// The append functions of this file write a column as a store takes it: little-endian, one
// entry behind the other.

// AppendUint32 appends n counts; what is below zero is zero, and what is too large the
// largest.
func (c Numbers) AppendUint32(to []byte, n int) []byte {
	switch {
	case c.width == 0:
		var one [4]byte
		binary.LittleEndian.PutUint32(one[:], count32(c.base))
		return repeat(to, one[:], n)
	case c.width == 1 && c.base < 1<<31:
		to, at := extend(to, 4*n)
		base, out := uint32(c.base), to[at:]
		for i, v := range c.data {
			binary.LittleEndian.PutUint32(out[4*i:4*i+4], base+uint32(v))
		}
		return to
	case c.width == 4 && c.base == 0:
		return append(to, c.data...)
	}
	for i := range n {
		to = binary.LittleEndian.AppendUint32(to, count32(c.at(i)))
	}
	return to
}

// AppendUint64 appends n numbers as they are.
func (c Numbers) AppendUint64(to []byte, n int) []byte {
	switch {
	case c.width == 0:
		var one [8]byte
		binary.LittleEndian.PutUint64(one[:], c.base)
		return repeat(to, one[:], n)
	case c.width == 8 && c.base == 0:
		return append(to, c.data...)
	}
	to, at := extend(to, 8*n)
	out := to[at:]
	if c.width == 4 {
		for i := range n {
			binary.LittleEndian.PutUint64(out[8*i:8*i+8], c.base+uint64(binary.LittleEndian.Uint32(c.data[4*i:4*i+4])))
		}
		return to
	}
	for i := range n {
		binary.LittleEndian.PutUint64(out[8*i:8*i+8], c.at(i))
	}
	return to
}

// AppendWithin appends n numbers as AppendUint64 does; what lies beyond least or most, by sign,
// is that.
func (c Numbers) AppendWithin(to []byte, n int, least, most int64) []byte {
	at := len(to)
	to = c.AppendUint64(to, n)
	within := func(v int64) bool { return v >= least && v <= most }
	switch { // where the ends cannot be beyond, nothing is
	case c.width == 0 && within(int64(c.base)),
		c.width == 1 && within(int64(c.base)) && within(int64(c.base)+math.MaxUint8),
		c.width == 4 && within(int64(c.base)) && int64(c.base) < math.MaxInt64-math.MaxUint32 && within(int64(c.base)+math.MaxUint32):
		return to
	}
	for out := to[at:]; len(out) > 0; out = out[8:] {
		if v := int64(binary.LittleEndian.Uint64(out)); !within(v) {
			binary.LittleEndian.PutUint64(out, uint64(min(max(v, least), most)))
		}
	}
	return to
}

// AppendUint8 appends n numbers of at most most; what lies beyond, by sign, is most or zero.
func (c Numbers) AppendUint8(to []byte, n int, most uint8) []byte {
	clamp := func(v uint64) byte { return byte(min(max(int64(v), 0), int64(most))) }
	if c.width == 0 {
		return repeat(to, []byte{clamp(c.base)}, n)
	}
	for i := range n {
		to = append(to, clamp(c.at(i)))
	}
	return to
}

// AppendNaN appends n bytes, one where a double is none.
func (c Numbers) AppendNaN(to []byte, n int) []byte {
	none := func(v uint64) byte {
		if f := math.Float64frombits(v); f != f {
			return 1
		}
		return 0
	}
	if c.width == 0 {
		return repeat(to, []byte{none(c.base)}, n)
	}
	for i := range n {
		to = append(to, none(c.at(i)))
	}
	return to
}

// AppendDoubles appends n doubles, zero where one is none.
func (c Numbers) AppendDoubles(to []byte, n int) []byte {
	at := len(to)
	to = c.AppendUint64(to, n)
	for out := to[at:]; len(out) > 0; out = out[8:] {
		if f := math.Float64frombits(binary.LittleEndian.Uint64(out)); f != f {
			clear(out[:8])
		}
	}
	return to
}

// At returns a row's number.
func (c Numbers) At(i int) uint64 { return c.at(i) }

// Double returns a row's double.
func (c Numbers) Double(i int) float64 { return math.Float64frombits(c.at(i)) }

// AppendEnds appends, of n lists of such lengths, where each ends, the first of them begins
// at before. It returns where the last ends.
func (c Numbers) AppendEnds(to []byte, n int, before uint64) (_ []byte, last uint64) {
	for i := range n {
		before += c.at(i)
		to = binary.LittleEndian.AppendUint64(to, before)
	}
	return to, before
}

// AppendStrings appends n strings, each behind its length as a varint.
func (c Texts) AppendStrings(to []byte, n int) []byte {
	if len(c.values) == 0 {
		return repeat(to, []byte{0}, n)
	}
	for i := range n {
		s := c.at(i)
		to = append(binary.AppendUvarint(to, uint64(len(s))), s...)
	}
	return to
}

// AppendTo appends n strings, of which those that are equal share their memory.
func (c Texts) AppendTo(to []string, n int) []string {
	if len(c.values) == 0 {
		return append(to, make([]string, n)...)
	}
	all := 0
	for _, v := range c.values {
		all += len(v)
	}
	bytes := make([]byte, 0, all)
	for _, v := range c.values {
		bytes = append(bytes, v...)
	}
	text, values := string(bytes), make([]string, len(c.values))
	for i, v := range c.values {
		values[i], text = text[:len(v)], text[len(v):]
	}
	for i := range n {
		to = append(to, values[c.of.at(i)])
	}
	return to
}

// At returns a row's string, which aliases the block.
func (c Texts) At(i int) []byte { return c.at(i) }

// Bytes returns the hashes of all lists, one behind the other.
func (c Hashes) Bytes() []byte { return c.values }

// count32 returns a count of 32 bits.
func count32(v uint64) uint32 { return uint32(min(max(int64(v), 0), math.MaxUint32)) }

// repeat appends n times the same bytes.
func repeat(to, one []byte, n int) []byte {
	to, at := extend(to, n*len(one))
	out := to[at:]
	done := copy(out, one)
	for done < len(out) {
		done += copy(out[done:], out[:done])
	}
	return to
}

// extend makes room for n more bytes, and returns where they are.
func extend(to []byte, n int) (_ []byte, at int) {
	at = len(to)
	if cap(to)-at < n {
		grown := make([]byte, at, max(2*cap(to), at+n))
		copy(grown, to)
		to = grown
	}
	return to[:at+n], at
}

// Silences visits the factors that a row's text of silences names, with the reasons.
func Silences(text []byte) iter.Seq2[event.Factor, event.Silence] {
	return func(yield func(event.Factor, event.Silence) bool) {
		for k, why := range text {
			if k < len(levelOrder) && event.Silence(why) != event.SilenceNone && !yield(levelOrder[k], event.Silence(why)) {
				return
			}
		}
	}
}
