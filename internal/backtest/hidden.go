package backtest

import (
	"math"
	"math/rand/v2"

	"sendwatch/internal/event"
	"sendwatch/internal/traffic"
)

const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
	week   = 7 * day
)

// Cause is what weighed most in a restriction.
type Cause uint8

// The causes of the hidden rule. CauseUnexplained has no reason in what the
// number did.
const (
	CauseUnexplained Cause = iota
	CausePace
	CauseVolume
	CauseSilence
	CauseComplaints
	CauseSameText
	CauseSameFile
	CauseTimer
	CauseList
	CauseRefusals
	CauseStrangers
	numCauses
)

var causeNames = [numCauses]string{
	"unexplained", "pace", "volume", "silence", "complaints", "same_text", "same_file", "timer", "list", "refusals", "strangers",
}

// String returns the cause's name.
func (c Cause) String() string { return causeNames[c] }

// Limits as published for senders on WhatsApp's own apps, by people who run such
// numbers; WhatsApp itself publishes none. Each number's own limit lies around
// them (spread).
const (
	pacePerHour   = 60.0  // new conversations an hour are called dangerous
	sameTextHour  = 15.0  // recipients of one text an hour
	sameFileDay   = 200.0 // recipients of one file
	repliesLeast  = .15   // a share of replies below it is the danger zone
	repliesLow    = .30   // and below this one the warning zone
	blocksMost    = .02   // blocks a message, over the seven days that ratings look at
	invalidMost   = .07   // field log: 7 % failed shortly before nearly all were refused
	volumeYoung   = 200.0 // a day, before the third week is over
	volumeAny     = 400.0 // field report: 400 conversations in one go, and out
	volumeAwake   = 200.0 // several hundred at once after half a year of silence
	elevatedUntil = 10    // days of life with an elevated risk
	// officialReplies: nothing is published for official senders but the report
	// of one who was blocked after three days without replies.
	officialReplies = .01
)

// How a limit is exceeded matters as much as the limit: these are hazards an
// hour at the excess of 1. They were chosen once for restrictions within hours
// (pace), a day (texts) or days (silence), as the reports say, before any policy
// was held against them.
const (
	paceHazard     = .25
	volumeHazard   = .03
	silenceHazard  = .006
	warningHazard  = .001
	complainHazard = .02
	textHazard     = .10
	fileHazard     = .03
	timerHazard    = .01 // field report: a fixed gap of 7 s was banned all the same
	listHazard     = .01
	refusalShock   = .15 // of one 131048, not an hour's
	// floorHazard is what nobody can explain: once in 2,500 days of a number.
	floorHazard = 1. / 2500 / 24

	spread     = .35 // sigma of a number's own limits
	spreadLuck = .5  // sigma of its sensitivity
	escape     = .10 // of the numbers are all but overlooked

	stopComplains  = .25 // of those who get a message after STOP report it
	groupComplains = .03 // of strangers pulled into a group
)

// judge is the hidden rule for one number. It knows only what happens, not what
// anybody makes of it.
type judge struct {
	rng      *rand.Rand
	official bool
	country  event.Country

	born, lastActive, woke int64
	voip, abroad           bool

	pace, text, file, replies, blocks, invalid, volume float64 // its own limits, as factors
	luck                                               float64
	patience                                           float64 // hazard left until it is restricted
	spent                                              [numCauses]float64
	last                                               int64
	strikes                                            int

	hourly, daily, resolved, answered meter
	sent7d, complaints7d, invalid7d   meter
	regular, gaps                     meter
	texts, files                      keyed
	textTop, fileTop                  meter
	lastSend, lastGap                 int64
	waiting, wrote                    recall
	stopped                           map[uint64]struct{}
}

func newJudge(rng *rand.Rand, official bool, joins int64) *judge {
	own := func() float64 { return math.Exp(spread * rng.NormFloat64()) }
	j := &judge{
		rng: rng, official: official, born: joins,
		pace: own(), text: own(), file: own(), replies: own(), blocks: own(), invalid: own(), volume: own(),
		luck: math.Exp(spreadLuck * rng.NormFloat64()), patience: rng.ExpFloat64(), stopped: map[uint64]struct{}{},
	}
	if rng.Float64() < escape {
		j.luck /= 50
	}
	return j
}

// maxStopped bounds what the rule remembers of opt-outs.
const maxStopped = 20_000

// watch takes in an event that arrives as r and reports whether it makes the
// number restricted, and why.
func (j *judge) watch(ev *event.Event, r *traffic.Record) (Cause, bool) {
	t := r.Time
	cause, hit := j.pass(t)
	switch ev.Type {
	case event.TypeProfile:
		if ev.HasRegistered {
			j.born = ev.RegisteredAt
		}
		if ev.HasLastActive {
			j.lastActive = max(j.lastActive, ev.LastActiveAt)
		}
		j.voip, j.country = ev.Origin == event.OriginVoIP, ev.Country
	case event.TypeConnection:
		j.abroad = ev.IPCountry != 0 && j.country != 0 && ev.IPCountry != j.country
	case event.TypeSent:
		if ev.IsSend() {
			j.send(ev, r)
		}
	case event.TypeStatus:
		if ev.Status == event.StatusFailed {
			switch ev.ErrorCode {
			case event.CodeSpam:
				j.spend(CauseRefusals, refusalShock*j.luck)
			case 131026:
				j.invalid7d.add(t, 1, week)
			}
			j.waiting.take(r.Hidden.Contact)
		}
	case event.TypeReceived:
		j.wrote.put(r.Hidden.Contact, t)
		if j.waiting.take(r.Hidden.Contact) {
			j.answered.add(t, 1, 30*day)
			j.resolved.add(t, 1, 30*day)
		}
		j.wish(r.Hidden.Contact, ev.Text)
	case event.TypePreference:
		j.wish(r.Hidden.Contact, ev.Preference)
	case event.TypeBlock, event.TypeReport:
		j.complaints7d.add(t, 1, week)
	case event.TypeGroup:
		for range ev.NonContactsAdded {
			if j.rng.Float64() < groupComplains {
				j.complaints7d.add(t, 1, week)
			}
		}
	}
	return cause, hit
}

func (j *judge) wish(contact uint64, p event.Preference) {
	switch p {
	case event.PreferenceStop:
		if len(j.stopped) < maxStopped {
			j.stopped[contact] = struct{}{}
		}
	case event.PreferenceResume:
		delete(j.stopped, contact)
	}
}

// send takes in a message of the number's own.
func (j *judge) send(ev *event.Event, r *traffic.Record) {
	t, contact := r.Time, r.Hidden.Contact
	j.sent7d.add(t, 1, week)
	if t-j.lastActive > 180*day && j.lastActive != 0 {
		j.woke = t
	}
	j.lastActive = max(j.lastActive, t)
	if _, invited := j.wrote.times[contact]; invited || ev.Template.Category.IsService() {
		return
	}
	if _, stopped := j.stopped[contact]; stopped && j.rng.Float64() < stopComplains {
		j.complaints7d.add(t, 1, week)
	}
	j.hourly.add(t, 1, hour)
	j.daily.add(t, 1, day)
	j.waiting.put(contact, t)
	if n := j.texts.add(ev.Fingerprint, t, hour); n > j.textTop.now(t, hour) {
		j.textTop = meter{n, t}
	}
	if ev.MediaHash != 0 {
		if n := j.files.add(ev.MediaHash, t, day); n > j.fileTop.now(t, day) {
			j.fileTop = meter{n, t}
		}
	}
	gap := t - j.lastSend
	if gap > 0 && gap < 10*minute {
		same := 0.
		if d := gap - j.lastGap; d*d*900 < gap*gap { // within a thirtieth
			same = 1
		}
		j.gaps.add(t, 1, 2*hour)
		j.regular.add(t, same, 2*hour)
	}
	j.lastSend, j.lastGap = t, gap
}

// pass lets time go by until t.
func (j *judge) pass(t int64) (Cause, bool) {
	if t <= j.last {
		return 0, false
	}
	if j.last == 0 {
		j.last = t
	}
	unanswered := float64(j.waiting.expire(t - 48*hour))
	j.resolved.add(t, unanswered, 30*day)
	j.wrote.expire(t - day)
	since := float64(t-j.last) / float64(hour)
	j.spend(CauseUnexplained, floorHazard*since)
	since = min(since, .5) // what a number did weighs while it is at it
	j.last = t
	much := j.susceptible(t) * since
	for c, hazard := range j.hazards(t) {
		j.spend(Cause(c), hazard*much)
	}
	if j.patience > 0 {
		return 0, false
	}
	top := CauseUnexplained
	for c := range numCauses {
		if j.spent[c] > j.spent[top] {
			top = c
		}
	}
	return top, true
}

func (j *judge) spend(c Cause, hazard float64) {
	j.spent[c] += hazard
	j.patience -= hazard
}

// again readies the rule for a number's next offence and returns how many there
// were before this one.
func (j *judge) again() int {
	j.strikes++
	j.patience, j.spent = j.rng.ExpFloat64(), [numCauses]float64{}
	return j.strikes - 1
}

// review is how long it takes until a decision takes effect.
func (j *judge) review(int64) int64 {
	return int64(reviewMedian * math.Exp(j.rng.NormFloat64()))
}

// susceptible is how hard the rule is on the number as such: young numbers,
// internet telephony, a connection from elsewhere and earlier strikes are all
// said to make it worse; none says by how much.
func (j *judge) susceptible(t int64) float64 {
	x := j.luck
	if t-j.born < elevatedUntil*day {
		x *= 2
	}
	if j.voip {
		x *= 1.25
	}
	if j.abroad {
		x *= 1.5
	}
	if j.strikes > 0 {
		x *= 2
	}
	return x
}

// hazards returns what weighs on the number at t, an hour.
func (j *judge) hazards(t int64) (h [numCauses]float64) {
	sent := j.sent7d.now(t, week)
	if c := j.complaints7d.now(t, week); c >= 2 && sent >= 30 {
		h[CauseComplaints] = complainHazard * excess(c/sent/(blocksMost*j.blocks))
	}
	if sent >= 30 {
		h[CauseList] = listHazard * excess(j.invalid7d.now(t, week)/sent/(invalidMost*j.invalid))
	}
	resolved, replied := j.resolved.now(t, 30*day), j.answered.now(t, 30*day)
	if j.official {
		if resolved >= 500 {
			h[CauseSilence] = silenceHazard * excess(officialReplies*j.replies*resolved/max(replied, 1))
		}
		return h
	}
	if resolved >= 30 {
		h[CauseSilence] = silenceHazard * excess(repliesLeast*j.replies*resolved/max(replied, 1))
		if h[CauseSilence] == 0 && replied < repliesLow*j.replies*resolved {
			h[CauseSilence] = warningHazard
		}
	}
	h[CausePace] = paceHazard * excess(j.hourly.now(t, hour)/(pacePerHour*j.pace))
	h[CauseVolume] = volumeHazard * excess(j.daily.now(t, day)/(j.dayLimit(t)*j.volume))
	h[CauseSameText] = textHazard * excess(j.textTop.now(t, hour)/(sameTextHour*j.text))
	h[CauseSameFile] = fileHazard * excess(j.fileTop.now(t, day)/(sameFileDay*j.file))
	if gaps := j.gaps.now(t, 2*hour); gaps >= 10 && j.regular.now(t, 2*hour) > .7*gaps {
		h[CauseTimer] = timerHazard
	}
	return h
}

// dayLimit is how many new conversations a day the plans for warming up allow at
// most: 50, 100, then 200 until the third week is over.
func (j *judge) dayLimit(t int64) float64 {
	switch age := (t - j.born) / day; {
	case age < 3:
		return 50
	case age < 7:
		return 100
	case age < 21:
		return volumeYoung
	case t-j.woke < 14*day && j.woke != 0:
		return volumeAwake
	}
	return volumeAny
}

// excess grows with the square of how far a limit is passed, up to threefold.
func excess(x float64) float64 {
	if !(x > 1) {
		return 0
	}
	x = min(x, 3)
	return x*x - 1
}
