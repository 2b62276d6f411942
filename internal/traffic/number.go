package traffic

import (
	"fmt"
	"math"
	"math/rand/v2"

	"sendwatch/internal/event"
)

// number is one sender: what it is, what it will do, and the records on their
// way. All its randomness is its own, so that it behaves the same whatever other
// is there.
type number struct {
	Number
	g         *Generator
	rng       *rand.Rand
	place     *place
	p         *profile // how it behaves now
	target    *profile // how it will behave once it misbehaves
	portfolio int
	salt      uint64

	queue queue
	seq   uint32

	events   uint64 // ids handed out
	messages uint32
	bad      int // unreadable records made

	size       float64 // of a steady sender, around 1
	join       int64
	registered int64
	turn       int    // of the contact it writes to next
	runLeft    int    // sends left of this run
	run        uint32 // runs begun
	last       int64  // its newest outreach
	plans      int32  // times that it dropped its plans
	silent     int64  // it begins nothing before this
	stopped    map[uint32]struct{}

	delayed []held  // records on their way, by slot
	free    []int32 // empty slots

	linked   int64 // when its session was linked
	newChats int   // begun in this cycle of its quota

	key            []byte
	headers        []Header
	connectionHash string
	style          style
}

// held is a record on its way.
type held struct {
	value  []byte
	hidden Hidden
}

// style is how a number's gateway writes its events; all are equally right.
type style struct {
	rfc3339   bool
	plus      bool // contacts of sends with a leading +
	hashed    bool // gives content_hash instead of the text
	optIn     bool
	country   bool // gives contact_country
	upper     bool // categories in capitals
	idsPartly bool // leaves the WABA and portfolio out of statuses
	pairs     bool // writes the user id beside the phone number, where it knows both
	inputs    bool // its profile says what reaches the topic
	quota     bool // hands on the quota of new chats
}

// A number always has something to do, so that its queue is never empty: the
// daily number.connection sees to that.
func newNumber(g *Generator, seed uint64, i int, p *profile) *number {
	n := &number{g: g, p: p, target: p, stopped: make(map[uint32]struct{})}
	n.rng = rand.New(rand.NewPCG(seed, uint64(i)+1))
	n.salt = n.rng.Uint64()
	n.place = &places[n.rng.IntN(len(places))]
	for i := range places {
		if places[i].country == p.country {
			n.place = &places[i]
		}
	}
	n.size = .85 + .3*n.rng.Float64()
	n.turn = n.rng.IntN(p.book)
	n.style = style{
		rfc3339: n.rng.IntN(3) == 0, plus: n.rng.IntN(2) == 0, hashed: n.rng.IntN(5) == 0,
		optIn: n.rng.IntN(5) < 3 || p.noOptIn > 0, country: n.rng.IntN(4) == 0,
		upper: n.rng.IntN(2) == 0, idsPartly: n.rng.IntN(3) == 0,
		pairs: n.rng.IntN(2) == 0, inputs: n.rng.IntN(3) == 0 || p.lacks != 0 && !p.mute,
		quota: p.connection != event.ConnectionCloudAPI && (p.quota > 0 || n.rng.IntN(3) == 0),
	}
	if i%7 != 0 {
		n.headers = jsonHeaders
	}
	n.connectionHash = fmt.Sprintf("%012x", n.salt>>16)
	n.ID = fmt.Sprintf("number-%04d", i+1)
	n.key = []byte(n.ID)
	n.Lacks = p.lacks
	n.Country, n.Connection, n.Profile, n.Healthy = n.place.country, p.connection, p.name, p.healthy
	return n
}

// between draws a whole number of both ends' range.
func (n *number) between(r [2]int) int64 { return int64(r[0] + n.rng.IntN(r[1]-r[0]+1)) }

// prepare lays out the number's life once it is known where it belongs.
func (n *number) prepare() {
	n.join = n.g.start + n.between(n.p.joins)*day + n.rng.Int64N(10*minute)
	if n.p.joins[1] > 0 {
		n.join += 6 * hour
	}
	n.Joins = n.join
	n.registered = n.join - n.between(n.p.registered)*day
	n.linked = max(n.registered, n.join-(20+n.rng.Int64N(300))*day)
	if !n.Healthy {
		n.Turns = n.join
		if n.p.before != nil {
			n.Turns += n.between(n.p.onset) * day
			n.p = n.p.before
			n.schedule(action{at: n.Turns, do: doOnset})
		}
		for _, e := range n.target.expects {
			n.Expects = append(n.Expects, Expectation{e.factor, n.Turns + int64(e.after)*day})
		}
	} else if n.p.newLink {
		n.schedule(action{at: n.join + n.between(n.p.relinks)*day + minute, do: doLink})
	}
	n.schedule(action{at: n.join, do: doJoin})
}

func (n *number) schedule(a action) {
	a.seq = n.seq
	n.seq++
	n.queue.push(a)
}

// step does what is due and reports whether it left a record in g.rec.
func (n *number) step(a action) bool {
	switch a.do {
	case doJoin:
		return n.appear(a)
	case doOnset:
		n.begin(a.at)
	case doOutreach:
		return a.arg == n.plans && n.reachOut(a.at)
	case doSend:
		return n.sendAgain(a)
	case doAnswer:
		return n.answer(a)
	case doVisit:
		return n.visited(a)
	case doInbound:
		return n.inbound(a)
	case doStatus:
		return n.writeStatus(a)
	case doAlias:
		return n.writeAlias(a)
	case doWish:
		n.heed(a)
		return n.writePreference(a)
	case doBlock:
		return n.writeContact(a, "contact.block")
	case doReport:
		return n.writeContact(a, "contact.report")
	case doDelayed:
		return n.deliver(a.arg)
	case doUnreadable:
		return n.writeUnreadable(a.at)
	default:
		return n.stepAccount(a)
	}
	return false
}

// begin is the day on which a number starts to misbehave.
func (n *number) begin(at int64) {
	n.p = n.target
	n.runLeft = 0
	if n.p.replans {
		n.plans++
		n.plan(at)
	}
	if n.p.groups > 0 {
		n.schedule(action{at: at + n.rng.Int64N(8*hour), do: doGroup})
	}
	if n.p.newLink {
		n.link(at)
	}
	if n.p.abroad {
		n.schedule(action{at: at + n.rng.Int64N(2*hour), do: doConnection, arg: 1})
	}
	if n.p.restricted {
		n.schedule(action{at: at + hour, do: doRestrict})
	}
}

// link is the day on which a session is linked again.
func (n *number) link(at int64) bool {
	n.linked = at
	n.schedule(action{at: at, do: doConnection, arg: 1})
	return false
}

// steady draws the next time of a Poisson process of so many a day along a
// curve, in local time. The process has no memory, so an hour that ends without
// an event begins the next one afresh.
func (n *number) steady(after int64, perDay float64, c *curve) int64 {
	t := after
	for {
		local := t - n.g.start + n.place.offset
		h := floorDiv(local, hour)
		rate := perDay * c[h-24*floorDiv(h, 24)]
		if c == officeHours && mod(floorDiv(local, day), 7) >= 5 {
			rate *= .4
		}
		end := t - local + (h+1)*hour
		if rate > 0 {
			if gap := int64(n.rng.ExpFloat64() / rate * float64(hour)); t+gap < end {
				return t + gap
			}
		}
		t = end
	}
}

// plan schedules the next outreach after the one at t.
func (n *number) plan(t int64) {
	o := &n.p.outreach
	next := max(t, n.silent)
	if o.runs == nil {
		perDay := (o.perDay + o.growth*float64((t-n.join)/day)) * n.size
		next = n.steady(next, perDay, o.hours)
	} else {
		next = n.inRun(next)
	}
	n.schedule(action{at: max(next, n.last+o.least), do: doOutreach, arg: n.plans})
}

// inRun returns the time of the next send of this run, or of the first of the next.
func (n *number) inRun(t int64) int64 {
	o := &n.p.outreach
	if n.runLeft > 0 {
		n.runLeft--
		if o.jitter > 0 {
			return t + o.gap - o.jitter + n.rng.Int64N(2*o.jitter+1)
		}
		return t + o.least + int64(n.rng.ExpFloat64()*float64(o.gap-o.least))
	}
	for d := floorDiv(t-n.g.start+n.place.offset, day); ; d++ {
		if mod(d+int64(n.salt%7), int64(o.every)) != 0 {
			continue
		}
		for i, h := range o.runs {
			// The minute belongs to the day, so that a run that ends early is not run again.
			late := int64(mix(n.salt+uint64(d)*31+uint64(i)) % uint64(20*minute))
			if s := n.g.start + d*day - n.place.offset + int64(h)*hour + late; s > t {
				n.run++
				n.runLeft = max(o.size*9/10+n.rng.IntN(o.size/5+1), 1) - 1
				return s
			}
		}
	}
}

// contactNext returns the contact whose turn it is. Bit 31 says that it lives abroad.
func (n *number) contactNext() uint32 {
	var c uint32
	for range 20 { // who asked to stop is passed over
		n.turn = (n.turn + 1) % n.p.book
		if c = n.contact(uint32(n.turn)); n.p.ignoresStop {
			break
		}
		if _, stop := n.stopped[c]; !stop {
			break
		}
	}
	return c
}

// What a contact is, in its index: where it lives and whom it knows.
const (
	livesAbroad = 1 << 31
	isStranger  = 1 << 30
	isFaceless  = 1 << 29
	isWhat      = livesAbroad | isStranger | isFaceless
)

func (n *number) contact(i uint32) uint32 {
	if n.p != n.target { // those it knew before it misbehaved are others
		i += 1 << 24
	}
	if float64(mix(n.salt^uint64(i)<<20)>>11)/(1<<53) < n.p.foreign {
		i |= livesAbroad
	}
	if n.of(i, 40) < n.p.strangers {
		i |= isStranger
	}
	if n.of(i, 44) < n.p.faceless {
		i |= isFaceless
	}
	return i
}

// of draws a lasting share in [0, 1) for a contact, another for each purpose.
func (n *number) of(contact uint32, purpose int) float64 {
	return float64(mix(n.salt^uint64(contact&^isWhat)<<20^uint64(purpose)<<56)>>11) / (1 << 53)
}

// lognormal draws a delay in ms around a median.
func (n *number) lognormal(median int64, sigma float64) int64 {
	return int64(float64(median) * math.Exp(sigma*n.rng.NormFloat64()))
}

// replyAt draws when a contact answers what it got at t: mostly within minutes,
// some the next day, a few too late to count. People sleep.
func (n *number) replyAt(t int64) int64 {
	if n.p.answers != soon {
		return n.replyLate(t)
	}
	if n.rng.Float64() < .85 {
		t += 5*second + n.lognormal(9*minute, 1.5)
	} else {
		t += minute + n.lognormal(10*hour, 1.1)
	}
	local := mod(t-n.g.start+n.place.offset, day)
	if local < 7*hour && n.rng.Float64() < .85 {
		t += 7*hour - local + int64(n.rng.ExpFloat64()*float64(40*minute))
	}
	return t
}

// replyLate draws when a contact answers that does not do so at once.
func (n *number) replyLate(t int64) int64 {
	local := t - n.g.start + n.place.offset
	morning := t - mod(local, day) + day + 8*hour + int64(n.rng.ExpFloat64()*float64(2*hour))
	switch n.p.answers {
	case nextDay:
		if n.rng.Float64() < .15 {
			return t + 5*minute + n.lognormal(hour, 1)
		}
		for mod(floorDiv(morning-n.g.start+n.place.offset, day), 7) >= 5 {
			morning += day
		}
		return morning
	case overnight:
		if n.rng.Float64() < .5 {
			return morning
		}
		return t + minute + n.lognormal(15*minute, 1.3)
	}
	if n.rng.Float64() < .5 {
		return t + 10*minute + n.lognormal(3*hour, .8)
	}
	evening := t - mod(local, day) + 18*hour + int64(n.rng.ExpFloat64()*float64(90*minute))
	if evening < t+10*minute {
		evening += day
	}
	return evening
}

// replyShare is the share of outreach to a contact that is answered at t.
func (n *number) replyShare(c uint32, t int64) float64 {
	if c&isStranger != 0 {
		return n.p.strangersReply
	}
	if n.p.fadeTo == 0 {
		return n.p.reply
	}
	days := float64(t-n.join) / float64(day)
	done := (days - float64(n.p.fadeFrom)) / float64(n.p.fadeTo-n.p.fadeFrom)
	return n.p.reply + (n.p.replyLater-n.p.reply)*min(max(done, 0), 1)
}

// mix scatters x over 64 bits (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func mod(a, b int64) int64 { return a - b*floorDiv(a, b) }
