package engine

import (
	"math"
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

// number is all that is known of one sender: what holds of it without traffic, what few are told of, and what its traffic of
// the last 30 days left, which a number at rest has none of. It is a view of the three, to be passed by value; it is
// valid until another number is made known or wakes, or is told something for the first time.
type number struct {
	index numberIndex
	*standing
	*told // not to be written unless the event in progress tells (tells)
	*traffic
}

// standing is what is known of a number for good, in two lines of memory. It holds no pointer. Most numbers of a large portfolio are
// at rest most of the time, and cost little more than this.
type standing struct {
	waba      uint32
	portfolio uint32
	profile   int32  // in Policy.Profiles
	place     uint32 // of its traffic in numbers.busy, plus 1; 0 while it is at rest
	toldPlace uint32 // of what it was told in numbers.told, plus 1; 0 while that is nothing
	lostPlace uint32 // of its losses in numbers.lost, plus 1; 0 if there is at most one
	ties      uint32 // links between identifiers of its contacts
	timerAt   uint32 // its tick in timers, 0 if none

	clock    int64
	synced   int64 // the tick up to which the clock was moved
	first    int64 // time of the first applied event
	lastEval int64

	registered      int64 // never if not given
	newestSend      int64 // largest send's time, never before the first
	newestInitiated int64
	wake            int64 // never if there is none
	ratingTime      int64

	status              statusState // what rows lack of it
	evaluated           bool
	score               uint8
	templateLevelsStale bool // its templates changed since they were judged
	country, ipCountry  event.Country
	connection          event.Connection
	origin              event.Origin
	rating              event.Rating
	inputs              event.Inputs // what of it reaches the topic

	// The largest loss, if there is one.
	lostKept   uint8 // how many losses there are
	lostFactor event.Factor
	lostPoints float64
}

// told is what the platform or its owner said of a number and of most numbers never says.
type told struct {
	account    account
	quota      quota
	strikes    uint32
	lastActive int64 // never if not given
	linked     int64 // when its session was linked, never if not given
	ipHash     uint64
}

// nothing is what most numbers were told. Nobody writes to it.
var nothing = told{account: account{end: never}, quota: quota{time: never}, lastActive: never, linked: never}

// tells reports whether an event tells of a number what is kept in told.
func tells(ev *event.Event) bool {
	switch ev.Type {
	case event.TypeCap, event.TypeAccount:
		return true
	case event.TypeProfile:
		return ev.HasLastActive
	case event.TypeConnection:
		return ev.HasLinked || ev.IPHash != 0
	}
	return false
}

// traffic is what the events of the last 30 days left: windows, pending sends, episodes. It holds no pointer. What each event
// looks at comes first, so that it lies in few lines of memory: an event of one number in
// thousands finds none of them in a cache.
type traffic struct {
	// When the contents of each of its logs change next, ms of its clock: up to then
	// nothing need look at the log.
	moves [numLogs]int64

	hours     uint32 // active hours, bit 0 is the hour hoursAt
	minuteRow uint32 // the slot of its newest row of the pane, plus 1; another one's in another pane
	hoursAt   int64
	quarterAt int64 // the clock's
	open      openEpisodes
	cv        float64 // interval_cv, as of the last initiated send

	secondSums [secondColumns + secondColumns10m + secondColumns1m]uint32
	hourSums   [2 * hourColumns]uint32
	minuteSums [minuteColumns + minuteColumns60m]uint64
	awaiting   awaiting

	seconds, minutes, hoursLog window.SlidingCounts
	fingerprints, templates    window.KeyedCounts
	waiting                    window.Ages // pending sends by quarter hour

	levels         [event.NumNumberFactors]event.Level // flag levels
	templateLevels window.Ring                         // templateLevel: what holds of its templates
	held           window.Ring                         // the identifiers whose links are held by a stop
	restarts       window.Ring                         // restart, oldest first
	links, media   window.KeyedCounts
	gapCount       uint32
	gaps           [gapsNeeded]uint32 // ms, see noteInterval
}

// lost is what lowered the score of a number: the largest weights x severities, largest first and of
// equals in the order of the factors. Most numbers at rest have one at most, their age: where there are more, all of them
// lie in numbers.lost.
type lost struct {
	points [event.TopFactors]float64
	factor [event.TopFactors]event.Factor
	kept   uint8
}

// add takes what a factor costs. Factors come in their order.
func (l *lost) add(f event.Factor, points float64) {
	at := int(l.kept)
	for at > 0 && l.points[at-1] < points {
		at--
	}
	if points <= 0 || at == len(l.points) {
		return
	}
	l.kept = min(l.kept+1, uint8(len(l.points)))
	copy(l.points[at+1:l.kept], l.points[at:])
	copy(l.factor[at+1:l.kept], l.factor[at:])
	l.points[at], l.factor[at] = points, f
}

// contributions fills in what lowered the score and returns how many they are.
func (l *lost) contributions(top *[event.TopFactors]event.Contribution) (kept int) {
	for k := range l.kept {
		top[k] = event.Contribution{Factor: l.factor[k], Points: l.points[k]}
	}
	return int(l.kept)
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

// moveBy notes that the contents of a log change at a time that is ms at most.
func (t *traffic) moveBy(log int, ms int64) { t.moves[log] = min(t.moves[log], ms) }

// restart counts the sends after one end of a restriction.
type restart struct {
	end         int64 // E
	total, soon uint32
}

// numbers holds all numbers of a partition.
type numbers struct {
	ids  interner
	all  window.Slots[standing] // by numberIndex
	lost window.Slots[lost]     // of those that have more than one loss
	told window.Slots[told]     // of those that were told something
	busy window.Slots[traffic]  // of those that are not at rest
	idle traffic                // of one that is, for a look
}

// tell makes room for what a number is about to be told.
func (n *numbers) tell(i numberIndex) {
	if s := n.all.At(uint32(i)); s.toldPlace == 0 {
		s.toldPlace = n.told.New() + 1
		*n.told.At(s.toldPlace - 1) = nothing
	}
}

// toldOf returns what a number was told.
func (n *numbers) toldOf(s *standing) *told {
	if s.toldPlace == 0 {
		return &nothing
	}
	return n.told.At(s.toldPlace - 1)
}

// lose says what lowered the score of a number.
func (n *numbers) lose(s *standing, l *lost) {
	s.lostKept, s.lostFactor, s.lostPoints = l.kept, l.factor[0], l.points[0]
	switch {
	case l.kept > 1:
		if s.lostPlace == 0 {
			s.lostPlace = n.lost.New() + 1
		}
		*n.lost.At(s.lostPlace - 1) = *l
	case s.lostPlace != 0:
		n.lost.Free(s.lostPlace - 1)
		s.lostPlace = 0
	}
}

// lostBy returns what lowered the score of a number.
func (n *numbers) lostBy(s *standing) (l lost) {
	if s.lostPlace != 0 {
		return *n.lost.Look(s.lostPlace - 1)
	}
	l.kept, l.factor[0], l.points[0] = s.lostKept, s.lostFactor, s.lostPoints
	return l
}

// at returns a number that may be changed. If it is at rest it wakes.
func (n *numbers) at(i numberIndex) number {
	s := n.all.At(uint32(i))
	if s.place == 0 {
		s.place = n.busy.New() + 1
		t := n.busy.At(s.place - 1)
		t.rest(s.clock)
		return number{i, s, n.toldOf(s), t}
	}
	return number{i, s, n.toldOf(s), n.busy.At(s.place - 1)}
}

// view returns a number of which nothing but its standing may be changed. It is valid until the next view.
func (n *numbers) view(i numberIndex) number {
	s := n.all.At(uint32(i))
	if s.place == 0 {
		n.idle.rest(s.clock)
		return number{i, s, n.toldOf(s), &n.idle}
	}
	return number{i, s, n.toldOf(s), n.busy.At(s.place - 1)}
}

// look returns what a number is without its traffic, for a caller that only reads it.
func (n *numbers) look(i numberIndex) *standing { return n.all.Look(uint32(i)) }

// lookTraffic returns its traffic, nil if it is at rest.
func (n *numbers) lookTraffic(s *standing) *traffic {
	if s.place == 0 {
		return nil
	}
	return n.busy.Look(s.place - 1)
}

// end is one more than the largest index.
func (n *numbers) end() numberIndex { return numberIndex(n.all.End()) }

// rest makes the traffic that of a number at rest whose clock is at a time.
func (t *traffic) rest(clock int64) {
	*t = traffic{hoursAt: floor(clock, hour), quarterAt: floor(clock, quarter), cv: math.NaN()}
	for k := range t.moves {
		t.moves[k] = window.Never
	}
}

// resting reports whether nothing is left of a number's traffic. Its last gaps between sends are not looked at: they ended 30
// days ago or more, and with the gap that follows no mean of twenty is one that is judged (maxMeanGap) until
// they have all been replaced.
func (t *traffic) resting() bool {
	return t.hoursLog.Len() == 0 && t.minutes.Len() == 0 && t.seconds.Len() == 0 && t.waiting.Len() == 0 && t.open.list.Len() == 0 &&
		t.fingerprints.Len() == 0 && t.templates.Len() == 0 && t.links.Len() == 0 && t.media.Len() == 0 &&
		t.templateLevels.Len() == 0 && t.held.Len() == 0 && t.restarts.Len() == 0 && t.levels == [event.NumNumberFactors]event.Level{}
}

// putToRest lets a number rest of whose traffic nothing is left. It is called behind each evaluation; days of life alone wake
// each number once a day.
func (e *Engine) putToRest(n number) {
	if !n.resting() {
		return
	}
	if invariants.Enabled {
		defer e.checkRest(n.index, *n.traffic)
	}
	e.numbers.busy.Free(n.place - 1)
	n.place = 0
}

// number returns the index of the event's number, made known if need be.
func (e *Engine) number(ev *event.Event) numberIndex {
	i := numberNamed(e.numbers.ids.intern(ev.NumberID))
	if i == e.numbers.end() {
		*e.numbers.all.At(e.numbers.all.New()) = standing{
			clock: ev.Time, synced: e.lastTick, first: ev.Time, lastEval: never,
			registered: never, newestSend: never, newestInitiated: never, wake: never, ratingTime: never,
			profile: -1, inputs: event.AllInputs,
		}
	}
	return i
}

// join moves a number's membership to what its event names. Most events name what the one
// before did: that is compared before anything is looked up.
func (e *Engine) join(n number, ev *event.Event) {
	if w := e.wabas.internLike(n.waba, ev.WABAID); w != 0 && w != n.waba {
		if n.waba != 0 {
			e.stats.Anomalies[AnomalyMove]++
		}
		n.waba = w
		n.templateLevelsStale = true
	}
	if p := e.portfolioIDs.internLike(n.portfolio, ev.PortfolioID); p != 0 && p != n.portfolio {
		e.joinPortfolio(n, p)
	}
}

// joinPortfolio moves a number to another portfolio, which receives what it must
// know of it.
func (e *Engine) joinPortfolio(n number, to uint32) {
	if n.portfolio != 0 {
		e.stats.Anomalies[AnomalyMove]++
	}
	e.changelog.addLeave(n.portfolio, n.index)
	n.portfolio, n.profile = to, -1
	e.changelog.addJoin(to, n.index)
	if n.evaluated {
		e.changelog.addScore(to, n.index, n.score)
	}
	if n.ipHash != 0 {
		e.changelog.addIP(to, n.index, n.ipHash)
	}
	for _, s := range e.strikes {
		if s.number == n.index {
			e.changelog.addStrike(to, n.index, s.time)
		}
	}
}

// catchUp moves a number's clock to the last tick, as if it had been evaluated at
// every tick in between, and then to t (never for none). Its windows follow. If
// that opens a new minute, the status of the old one is written first.
func (e *Engine) catchUp(n number, t int64, out *event.Output) {
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
		e.endMinuteOf(n, e.position.Offset, out)
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
func (e *Engine) advanceWindows(n number) {
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
func advanceKeyed(n number, log int, pool *window.Keyed, l *window.KeyedCounts, grain int64) (left bool) {
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
