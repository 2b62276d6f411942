package engine

import (
	"slices"
	"strings"

	"sendwatch/internal/event"
	"sendwatch/internal/invariants"
	"sendwatch/internal/policy"
	"sendwatch/internal/window"
)

// Columns of the bucket logs.
const (
	colSent = iota // of the seconds, minutes and hours
	colInitiated
	colSpam
	secondColumns
)

const (
	colDelivered = iota + 2 // of the minutes, behind colSent and colInitiated
	colRead
	colAfterStop
	colForeign
	colCountry
	colNoOptIn
	colOptInGiven
	colGroups
	colReachout
	colFailed     // one a class
	minuteColumns = colFailed + int(event.NumErrorClasses)
)

const (
	colUnanswered = iota + 1 // of the hours, behind colSent
	colBlocks
	colReports
	colStops
	colReceived
	colUnlinked
	colAnswered // one a class of delay
	hourColumns = colAnswered + policy.DelayClasses
)

// How many columns the shorter windows have totals of: those that somebody asks for.
const (
	minuteColumns60m = colSent + 1
	secondColumns10m = colInitiated + 1
	secondColumns1m  = colInitiated + 1
)

const (
	minutes24h     = 0                             // where the totals of the 24 h begin
	minutes60m     = minuteColumns                 // those of the last 60 min
	seconds1h      = 0                             // and so on
	seconds10m     = secondColumns                 //
	seconds1m      = seconds10m + secondColumns10m //
	hours30d       = 0
	hours7d        = hourColumns
	gapsNeeded     = 20 // gaps of interval_cv
	restartsKept   = 4  // ends of restrictions whose sends are remembered
	activeHoursLen = 24
)

// numberIndex is a number's place in numbers.all.
type numberIndex uint32

// noNumber is the index of no number.
const noNumber = ^numberIndex(0)

// name returns the index of its number_id in numbers.ids, whose 0 is no string.
func (i numberIndex) name() uint32 { return uint32(i) + 1 }

// numberNamed is the reverse of name.
func numberNamed(name uint32) numberIndex { return numberIndex(name - 1) }

// number is all that is known of one sender. It holds no pointer. What each event looks
// at comes first, so that it lies in few lines of memory: an event of one number in
// thousands finds none of them in a cache.
type number struct {
	index     numberIndex
	waba      uint32
	portfolio uint32
	profile   int32 // in Policy.Profiles

	clock    int64
	synced   int64 // the tick up to which the clock was moved
	first    int64 // time of the first applied event
	lastEval int64

	status              statusState // what rows lack of it
	evaluated           bool
	score               uint8
	templateLevelsStale bool // its templates changed since they were judged
	connection          event.Connection
	origin              event.Origin
	rating              event.Rating
	inputs              event.Inputs // what of it reaches the topic
	hours               uint32       // active hours, bit 0 is the hour hoursAt
	minuteRow           uint32       // the slot of its newest row of the pane, plus 1; another one's in another pane
	hoursAt             int64
	quarterAt           int64 // the clock's
	timerAt             int64 // minute in timers, never if none
	open                openEpisodes
	ties                uint32 // links between identifiers of its contacts
	country, ipCountry  event.Country

	// When the contents of each of its logs change next, ms of its clock: up to then
	// nothing need look at the log.
	moves [numLogs]int64

	registered, lastActive int64 // never if not given
	linked                 int64 // when its session was linked, never if not given
	newestSend             int64 // largest send's time, never before the first
	wake                   int64 // never if there is none
	newestInitiated        int64
	cv                     float64 // interval_cv, as of the last initiated send
	account                account
	quota                  quota

	secondSums [secondColumns + secondColumns10m + secondColumns1m]uint64
	minuteSums [minuteColumns + minuteColumns60m]uint64
	hourSums   [2 * hourColumns]uint64
	awaiting   awaiting

	seconds, minutes, hoursLog window.SlidingCounts
	fingerprints, links        window.KeyedCounts
	media, templates           window.KeyedCounts
	waiting                    window.Ages // pending sends by quarter hour

	levels         [event.NumNumberFactors]event.Level // flag levels
	templateLevels window.Ring                         // templateLevel: what holds of its templates
	held           window.Ring                         // the identifiers whose links are held by a stop
	strikes        uint32
	gapCount       uint32
	gaps           [gapsNeeded]uint32 // ms, see noteInterval
	ratingTime     int64
	ipHash         uint64
	restarts       [restartsKept]restart
	restartNext    uint8

	// Weight x severity of the factors in pointed, for the status; the others lost nothing.
	pointed policy.FactorSet
	points  [event.FactorTrustScore]float64
}

// The logs of a number, as number.moves names them.
const (
	logSeconds = iota
	logMinutes
	logHours
	logFingerprints
	logLinks
	logMedia
	logTemplates
	numLogs
)

// noMoves returns the moves of empty logs.
func noMoves() (m [numLogs]int64) {
	for k := range m {
		m[k] = window.Never
	}
	return m
}

// moveBy notes that the contents of a log change at a time that is ms at most.
func (n *number) moveBy(log int, ms int64) { n.moves[log] = min(n.moves[log], ms) }

// restart counts the sends after one end of a restriction.
type restart struct {
	end         int64 // E; 0 if free
	total, soon uint32
}

// numbers holds all numbers of a partition.
type numbers struct {
	ids interner
	all window.Slots[number] // by numberIndex
}

// at returns a number by its index.
func (n *numbers) at(i numberIndex) *number { return n.all.At(uint32(i)) }

// look returns a number that the caller only reads.
func (n *numbers) look(i numberIndex) *number { return n.all.Look(uint32(i)) }

// end is one more than the largest index.
func (n *numbers) end() numberIndex { return numberIndex(n.all.End()) }

// number returns the index of the event's number, made known if need be.
func (e *Engine) number(ev *event.Event) numberIndex {
	i := numberNamed(e.numbers.ids.intern(ev.NumberID))
	if i == e.numbers.end() {
		*e.numbers.at(numberIndex(e.numbers.all.New())) = number{
			index: i, clock: ev.Time, synced: e.lastTick, first: ev.Time, lastEval: never,
			registered: never, lastActive: never, newestSend: never, newestInitiated: never, wake: never,
			account: account{end: never}, ratingTime: never, timerAt: never, profile: -1,
			inputs: event.AllInputs, linked: never, quota: quota{time: never}, moves: noMoves(),
		}
	}
	return i
}

// join moves a number's membership to what its event names. Most events name what the one
// before did: that is compared before anything is looked up.
func (e *Engine) join(i numberIndex, ev *event.Event) {
	n := e.numbers.at(i)
	if w := e.wabas.internLike(n.waba, ev.WABAID); w != 0 && w != n.waba {
		if n.waba != 0 {
			e.stats.Anomalies[AnomalyMove]++
		}
		n.waba = w
		n.templateLevelsStale = true
	}
	if p := e.portfolioIDs.internLike(n.portfolio, ev.PortfolioID); p != 0 && p != n.portfolio {
		e.joinPortfolio(i, n, p)
	}
}

// joinPortfolio moves a number to another portfolio, which receives what it must
// know of it.
func (e *Engine) joinPortfolio(i numberIndex, n *number, to uint32) {
	if n.portfolio != 0 {
		e.stats.Anomalies[AnomalyMove]++
	}
	e.changelog.addLeave(n.portfolio, i)
	n.portfolio, n.profile = to, -1
	e.changelog.addJoin(to, i)
	if n.evaluated {
		e.changelog.addScore(to, i, n.score)
	}
	if n.ipHash != 0 {
		e.changelog.addIP(to, i, n.ipHash)
	}
	for _, s := range e.strikes {
		if s.number == i {
			e.changelog.addStrike(to, i, s.time)
		}
	}
}

// catchUp moves a number's clock to the last tick, as if it had been evaluated at
// every tick in between, and then to t (never for none). Its windows follow. If
// that opens a new minute, the status of the old one is written first.
func (e *Engine) catchUp(i numberIndex, t int64, out *event.Output) {
	n := e.numbers.at(i)
	before := n.clock
	if e.lastTick > n.synced {
		n.synced = e.lastTick
		if e.lastTick > n.clock {
			n.clock = e.lastTick
		}
	}
	synced := n.clock
	if t > n.clock {
		n.clock = t
	}
	if n.status&statusChanged != 0 && floor(n.clock, minute) != floor(before, minute) {
		after := n.clock
		n.clock = before
		e.endMinuteOf(i, e.position.Offset, out)
		n.clock = after
	}
	if n.evaluated && n.open.active != 0 {
		// The ticks that were left out saw what the last evaluation saw. The
		// newest of them that counts is the tick before the current one.
		e.carryForward(&n.open, synced)
	}
	if n.clock != before || !n.evaluated {
		e.advanceWindows(n)
	}
}

// advanceWindows moves all windows of a number to its clock. A log that has nothing to
// let go of by then is not looked at.
func (e *Engine) advanceWindows(n *number) {
	clock, m := n.clock, &n.moves
	l := &e.logs
	if clock >= m[logSeconds] {
		l.seconds.Advance(&n.seconds, n.secondSums[:], floor(clock, second))
		m[logSeconds] = scale(l.seconds.Next(&n.seconds), second)
	}
	if clock >= m[logMinutes] {
		l.minutes.Advance(&n.minutes, n.minuteSums[:], floor(clock, minute))
		m[logMinutes] = scale(l.minutes.Next(&n.minutes), minute)
	}
	if clock >= m[logHours] {
		l.hours.Advance(&n.hoursLog, n.hourSums[:], floor(clock, hour))
		m[logHours] = scale(l.hours.Next(&n.hoursLog), hour)
	}
	advanceKeyed(n, logFingerprints, &l.fingerprints, &n.fingerprints, second)
	advanceKeyed(n, logLinks, &l.links, &n.links, second)
	advanceKeyed(n, logMedia, &l.media, &n.media, minute)
	if advanceKeyed(n, logTemplates, &l.templates, &n.templates, minute) {
		n.templateLevelsStale = true
	}
	if q := floor(clock, quarter); q != n.quarterAt {
		n.quarterAt = q
		if e.ages.Advance(&n.waiting, q) {
			n.awaitingChanged()
		}
	}
	if h := floor(clock, hour); h > n.hoursAt {
		n.awaitingChanged() // the windows of hours have moved
		if d := h - n.hoursAt; d >= 32 {
			n.hours = 0
		} else {
			n.hours = n.hours << d & (1<<activeHoursLen - 1)
		}
		n.hoursAt = h
	}
	if invariants.Enabled {
		e.checkMoves(n)
	}
}

// advanceKeyed moves the window of one log by key to the number's clock. It reports
// whether a key left it altogether.
func advanceKeyed(n *number, log int, pool *window.Keyed, l *window.KeyedCounts, grain int64) (left bool) {
	if n.clock < n.moves[log] {
		return false
	}
	left = pool.Advance(l, floor(n.clock, grain))
	n.moves[log] = scale(pool.Next(l), grain)
	return left
}

// sortNumbers orders indexes by number_id, by bytes, each once. Doubles go first,
// while comparing is cheap: a minute in which thousands of sends of one number
// expire names it as often.
func (e *Engine) sortNumbers(list *[]numberIndex) {
	if len(*list) < 2 {
		return
	}
	slices.Sort(*list)
	*list = slices.Compact(*list)
	slices.SortFunc(*list, func(a, b numberIndex) int {
		return strings.Compare(e.numbers.ids.string(a.name()), e.numbers.ids.string(b.name()))
	})
}
