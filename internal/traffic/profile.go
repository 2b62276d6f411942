package traffic

import "sendwatch/internal/event"

// profile is a way to send, as data. Shares are of the sends (or of what the
// field says) and lie in [0, 1]; a zero turns the habit off.
type profile struct {
	name    string
	healthy bool
	share   int // so many of 200 numbers

	connection event.Connection
	country    string // where it lives; any, if empty
	registered [2]int // so many days before the number's first event, from and to
	joins      [2]int // the day of the history on which it appears, from and to
	// before is how the number behaves until the day onset (of its own life in
	// the history); nil if it is itself from the beginning.
	before *profile
	onset  [2]int
	// replans drops at its onset what it had planned before: else one more
	// conversation is begun at the old pace, by the new habit.
	replans bool

	expects []expectation

	outreach outreach
	book     int // contacts it writes to in turn; none comes twice before all had their turn

	visits      float64 // chats a day that contacts begin
	visitHours  *curve
	reply       float64 // outreach that is answered
	replyLater  float64 // where the share of replies has gone by day fadeTo; used if fadeTo > 0
	fadeFrom    int
	fadeTo      int
	stop        float64 // of the replies that ask to stop
	read        float64 // of what is delivered
	undelivered float64 // of what did not fail

	strangers      float64 // of the contacts: have never dealt with it
	strangersReply float64 // outreach to strangers that is answered, in place of reply
	complain       float64 // of those it writes to and who know it: complain to WhatsApp, unseen
	answers        answering
	faceless       float64      // of the contacts: answer under a user id that nothing ties to their number
	lacks          event.Inputs // do not reach the topic
	mute           bool         // its profile does not say so
	unregistered   bool         // its profile does not say when it was registered

	category event.Category // of the templates; CategoryNone sends no templates
	content  content
	noOptIn  float64
	foreign  float64 // of the contacts

	failContact float64 // 131026
	failSpam    float64 // 131048
	failAccount float64 // 131031
	refused     float64 // 463, of first messages to strangers
	blocks      float64
	reports     float64

	insists      int  // further messages to a contact who does not answer, a few hours apart
	ignoresStop  bool // writes again to who asked to stop
	groups       int  // strangers it adds to groups, a day
	abroad       bool // is connected from another country
	asleep       int  // days since it was last active when it appears
	newLink      bool // its session is linked at its onset or, of who never misbehaves, after the days of relinks
	relinks      [2]int
	quota        int  // new chats a cycle that WhatsApp allows it; 0: more than it needs
	restricted   bool // is restricted at its onset and starts again as soon as it may
	templateHits bool // its template is paused twice and rated RED
	ratingFalls  bool // its number is rated YELLOW, then RED
}

// outreach is how a sender begins conversations: steadily through the day, or
// in runs.
type outreach struct {
	perDay float64 // steady: a Poisson process along hours
	growth float64 // steady: further sends a day, each day since it appeared
	hours  *curve

	runs   []int // local hours at which a run begins
	every  int   // on each such day
	size   int   // sends a run, give or take a tenth
	gap    int64 // mean time between two, ms
	jitter int64 // if > 0 gaps are uniform in gap ± jitter, else gaps beyond the least are exponential

	least int64 // two sends are never closer, ms
}

// answering is when contacts answer.
type answering uint8

const (
	soon        answering = iota // mostly within minutes
	nextDay                      // on the next working day, as companies do
	overnight                    // half of them in the morning
	inTheirTime                  // hours later or in the evening
)

// content is what a sender writes.
type content uint8

const (
	personal    content = iota // words differ from message to message
	identical                  // one text a run, only its digits differ
	sameMedia                  // one picture, words differ
	sameLink                   // one link, words differ
	manyThings                 // personal, with pictures, voice, places
	samePicture                // one picture and one text a run
)

// expectation is a factor that must have flagged a sender of this profile some
// days after it began to misbehave.
type expectation struct {
	factor event.Factor
	after  int // days
}

// template reports whether the profile sends templates.
func (p *profile) template() bool { return p.category != event.CategoryNone }

// profiles returns all profiles of a cast: the healthy first.
func profiles(c Cast) []*profile {
	healthy, misbehaving := healthyProfiles(), misbehavingProfiles()
	if c == CastHard {
		healthy, misbehaving = honestLookAlikes(), hardCases()
	}
	for _, p := range healthy {
		p.healthy = true
	}
	return append(healthy, misbehaving...)
}
