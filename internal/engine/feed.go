package engine

// change is something that a portfolio must know of one of its numbers. A
// number's partition hands changes on in the order in which they came about,
// each with the first portfolio minute that sees it, so that portfolios can be
// evaluated elsewhere as exactly as here.
type change struct {
	visible   int64 // ms, a full minute
	kind      changeKind
	portfolio uint32 // whom it concerns
	number    uint32
	a         uint64 // contact, ip hash or score
	b         int64  // minute, time or limit
}

// changeKind says what changed.
type changeKind uint8

const (
	changeContact changeKind = iota // an initiated send to contact a in minute b
	changeScore                     // the number's score is a
	changeJoin                      // the number belongs to the portfolio from now on
	changeLeave                     // the number belongs to another one
	changeIP                        // the number's last ip hash is a
	changeStrike                    // the number was restricted anew at time b
	changeLimit                     // the portfolio's limit is b
	numChangeKinds
)

// feed takes down the changes of a partition until they are handed on.
type feed struct {
	on      bool
	visible int64
	list    []change
}

// note takes down a change, if anyone wants it and it concerns a portfolio.
func (f *feed) note(kind changeKind, portfolio, number uint32, a uint64, b int64) {
	if f.on && portfolio != 0 {
		f.list = append(f.list, change{f.visible, kind, portfolio, number, a, b})
	}
}
