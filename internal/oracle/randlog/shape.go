package randlog

import "math/rand/v2"

// Lengths of time in milliseconds.
const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

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
	switch r.IntN(40) {
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
	case 4, 5:
		s.numbers, s.contacts, s.events, s.span, s.campaigns = 1, 400, 1200, pick(r, 6*hour, 8*day), 0.02
	}
	return s
}
