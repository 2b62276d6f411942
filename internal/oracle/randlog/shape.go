package randlog

import "math/rand/v2"

// Lengths of time in milliseconds.
const (
	second  = int64(1000)
	minute  = 60 * second
	quarter = 15 * minute
	hour    = 60 * minute
	day     = 24 * hour
)

// year2009 is when records begin to have a timestamp of their own.
const year2009 = int64(1230768000000)

// shape is what a log is like as a whole.
type shape struct {
	numbers, contacts, wabas, portfolios, events int
	span                                         int64 // about how much event time the log takes
	disorder                                     float64
	campaigns                                    float64
	templates                                    int
	steady                                       bool // every contact is written to in turn, as a bot does
	calm                                         bool // hardly anything but messages
	returning                                    bool // numbers come back after half a year
	official                                     bool // all numbers are cloud_api
	outcomes                                     bool // each send has its outcome; shares come to lie about their thresholds
	forms                                        int  // of how many kinds of identifiers a person is called by
	aliases                                      bool // much is said of who is who
	stories                                      int  // how many things happen that take days
	strangers                                    bool // answers come under ids that nothing joins
	mute                                         bool // no status of a message comes
	loved                                        bool // two of five sends are answered soon
	together                                     bool // numbers share a connection, and a limit about as large as their contacts
}

// pick takes one of the choices, each as likely.
func pick[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }

func newShape(r *rand.Rand) shape {
	s := shape{
		numbers: pick(r, 1, 1, 1, 2, 3, 5, 12), contacts: pick(r, 2, 4, 10, 60, 400), wabas: pick(r, 1, 2, 5),
		portfolios: pick(r, 1, 2, 4), events: pick(r, 10, 40, 100, 200, 300),
		span:     pick(r, 20*minute, 3*hour, 12*hour, 2*day, 4*day, 9*day),
		disorder: pick(r, 0, 0.05, 0.3), campaigns: pick(r, 0, 0.01, 0.05), templates: pick(r, 1, 3, 30), steady: r.IntN(4) == 0,
		calm: r.IntN(3) == 0, returning: r.IntN(12) == 0, official: r.IntN(20) == 0,
	}
	if s.returning && r.IntN(2) == 0 {
		s.numbers, s.span = 1, 20*day
	}
	s.forms, s.aliases, s.mute = pick(r, 1, 2, 3, 6), r.IntN(4) == 0, r.IntN(12) == 0
	if s.span <= 2*day {
		s.strangers = r.IntN(12) == 0
	}
	switch r.IntN(48) {
	case 0:
		s.numbers, s.events, s.span = 300, 600, pick(r, hour, 3*day)
	case 1:
		s.events, s.span = 2000, pick(r, 12*hour, 9*day)
	case 2:
		s.span = 40 * day
	case 3:
		s.numbers, s.events, s.span = pick(r, 1, 2), 60, 400*day
	case 6: // enough resolved sends for the samples of cloud_api
		s.numbers, s.contacts, s.events, s.span, s.official, s.calm = 1, 400, 3000, 6*day, true, true
	case 7, 8:
		s.numbers, s.contacts, s.events, s.span, s.outcomes, s.calm = 1, 400, 1500, pick(r, 8*hour, 2*day), true, true
	case 9:
		s.numbers, s.wabas, s.portfolios, s.contacts, s.events, s.span, s.together = 14, 1, 1, 60, 400, pick(r, 3*hour, 2*day), true
	case 10, 11, 12:
		s.loved, s.numbers, s.contacts, s.events, s.span, s.calm = true, 1, 400, pick(r, 600, 1500), pick(r, 2*hour, 12*hour, day), true
		s.campaigns, s.returning = 0.01, r.IntN(2) == 0
	case 13, 14, 15:
		s.stories, s.aliases, s.contacts, s.numbers, s.events, s.span = 12, true, 6, pick(r, 1, 2), 300, pick(r, 40*day, 70*day)
		s.forms = max(s.forms, 2)
	case 16:
		s.mute, s.numbers, s.contacts, s.events, s.span, s.calm = true, 1, 60, 900, day, true
	case 17:
		s.strangers, s.numbers, s.contacts, s.events, s.span, s.calm, s.forms = true, 1, 400, 900, pick(r, 12*hour, 5*day), true, 1
	case 18, 19:
		s.stories, s.contacts, s.numbers, s.events, s.span, s.forms = 20, 4, pick(r, 1, 2), 250, 4*day, pick(r, 2, 6)
	case 4, 5:
		s.numbers, s.contacts, s.events, s.span, s.campaigns = 1, 400, 1200, pick(r, 6*hour, 8*day), 0.02
	}
	return s
}
