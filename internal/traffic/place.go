package traffic

// place is where a sender and most of its contacts live.
type place struct {
	country  string
	calling  string // without +
	offset   int64  // of local time, ms; no daylight saving
	language string
}

// Time zones from west to east, so that at any hour somebody is at work.
var places = []place{
	{"MX", "52", -6 * hour, "es"},
	{"US", "1", -5 * hour, "en"},
	{"CO", "57", -5 * hour, "es"},
	{"BR", "55", -3 * hour, "pt"},
	{"AR", "54", -3 * hour, "es"},
	{"GB", "44", 0, "en"},
	{"DE", "49", 1 * hour, "de"},
	{"FR", "33", 1 * hour, "fr"},
	{"ES", "34", 1 * hour, "es"},
	{"NG", "234", 1 * hour, "en"},
	{"ZA", "27", 2 * hour, "en"},
	{"AE", "971", 4 * hour, "ar"},
	{"IN", "91", 5*hour + 30*minute, "en"},
	{"ID", "62", 7 * hour, "en"},
}

const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// curve is how a day's activity spreads over its local hours, in shares of one.
type curve [24]float64

// The rhythms. Hours with a share of 0 see nothing at all.
var (
	officeHours  = spread(8, []float64{1, 2, 2.5, 2, 1, 1.5, 2, 2, 1})
	shopHours    = spread(10, []float64{1.5, 2, 2, 1, 1, 1.5, 2, 2})
	eveningHours = spread(15, []float64{1, 1.5, 2, 3, 3, 2, 1})
	wakingHours  = spread(7, []float64{1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 3, 2, 1})
	allHours     = spread(0, []float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1})
	codeHours    = spread(0, []float64{1, .5, .3, .3, .3, .5, 1, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 4, 3, 2})
)

// spread makes a curve of weights that begin at a local hour.
func spread(from int, weights []float64) *curve {
	var sum float64
	for _, w := range weights {
		sum += w
	}
	var c curve
	for i, w := range weights {
		c[(from+i)%24] = w / sum
	}
	return &c
}
