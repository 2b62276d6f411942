package event

// name looks v up in a table of names, "" where it has none.
func name[T ~uint8](names []string, v T) string {
	if int(v) < len(names) {
		return names[v]
	}
	return ""
}

// parse returns the value whose name is s; the empty name is never found.
func parse[T ~uint8](names []string, s []byte) (T, bool) {
	if len(s) == 0 {
		return 0, false
	}
	for i, n := range names {
		if string(s) == n {
			return T(i), true
		}
	}
	return 0, false
}

// Kind is the kind of a message.
type Kind uint8

// The kinds of the contract; what is not among them is KindOther.
const (
	KindOther Kind = iota
	KindTemplate
	KindText
	KindImage
	KindVideo
	KindAudio
	KindDocument
	KindSticker
	KindInteractive
	KindLocation
	KindContacts
	KindReaction
)

var kindNames = []string{
	"other", "template", "text", "image", "video", "audio", "document", "sticker",
	"interactive", "location", "contacts", "reaction",
}

// String returns the kind's wire name.
func (k Kind) String() string { return name(kindNames, k) }

// ParseKind returns the kind named s, KindOther if there is none.
func ParseKind(s []byte) Kind { k, _ := parse[Kind](kindNames, s); return k }

// OptIn says whether the sender holds the contact's consent.
type OptIn uint8

// OptInNone means that the event did not say.
const (
	OptInNone OptIn = iota
	OptInFalse
	OptInTrue
)

// Preference is what a contact asked for.
type Preference uint8

// PreferenceNone is the zero value: nothing was asked.
const (
	PreferenceNone Preference = iota
	PreferenceStop
	PreferenceResume
)

var preferenceNames = []string{"", "stop", "resume"}

// String returns the preference's wire name.
func (p Preference) String() string { return name(preferenceNames, p) }

// ParsePreference returns the preference named s.
func ParsePreference(s []byte) (Preference, bool) { return parse[Preference](preferenceNames, s) }

// Category is a template's category. Categories are read in any case.
type Category uint8

// CategoryOther stands for a category that the contract gives no meaning.
const (
	CategoryNone Category = iota
	CategoryAuthentication
	CategoryUtility
	CategoryMarketing
	CategoryOther
)

// IsService reports whether templates of the category are service templates:
// expected, one by one, and not answered.
func (c Category) IsService() bool { return c == CategoryAuthentication || c == CategoryUtility }

// Status is a message's delivery status.
type Status uint8

// StatusSent and StatusPlayed are counted nowhere.
const (
	StatusNone Status = iota
	StatusSent
	StatusDelivered
	StatusRead
	StatusPlayed
	StatusFailed
)

var statusNames = []string{"", "sent", "delivered", "read", "played", "failed"}

// String returns the status's wire name.
func (s Status) String() string { return name(statusNames, s) }

// ParseStatus returns the status named s.
func ParseStatus(s []byte) (Status, bool) { return parse[Status](statusNames, s) }

// ErrorClass groups Meta's error codes by what they say about a sender
// (contract, section 4, failed_24h_{class}).
type ErrorClass uint8

// The classes in the contract's order. ErrorOperational takes all codes that
// no other class names, and failures without a code.
const (
	ErrorAccount ErrorClass = iota
	ErrorReputation
	ErrorContact
	ErrorFatigue
	ErrorPace
	ErrorWindow
	ErrorNeutral
	ErrorOperational
	NumErrorClasses
)

var errorClassNames = []string{
	"account", "reputation", "contact", "fatigue", "pace", "window", "neutral", "operational",
}

// String returns the class's name as in fact and column names.
func (c ErrorClass) String() string { return name(errorClassNames, c) }

// CodeSpam is the code of a send refused because earlier ones were blocked or
// reported as spam; CodeReachout that of a first contact refused to an app sender.
const (
	CodeSpam     = 131048
	CodeReachout = 463
)

// ClassifyError returns the class of an error code. A status without a code is
// classified by code 0.
func ClassifyError(code int64) ErrorClass {
	switch code {
	case 368, 131031, 130497, 131064:
		return ErrorAccount
	case CodeSpam, 132015, 132016, CodeReachout, 131207, 131214:
		return ErrorReputation
	case 131026, 130403, 137000:
		return ErrorContact
	case 131049, 131050:
		return ErrorFatigue
	case 131056, 130429, 80007, 4, 131208, 133016:
		return ErrorPace
	case 131047:
		return ErrorWindow
	case 130472:
		return ErrorNeutral
	}
	return ErrorOperational
}

// KnownError reports whether a code of the class operational is one that Meta
// documents (error codes of the Cloud API: payment, registration, maintenance,
// outage, and 135000, an unspecified one).
func KnownError(code int64) bool {
	switch code {
	case 0, 1, 2, 3, 10, 100, 131000, 131005, 131008, 131009, 131016, 131021, 131037, 131042, 131045, 131051,
		131052, 131053, 131057, 132000, 132001, 132005, 132007, 132012, 132068, 132069, 133000, 133004, 133005,
		133006, 133008, 133009, 133010, 133015, 135000:
		return true
	}
	return false
}

// Connection is how a number is connected; it chooses the policy profile.
type Connection uint8

// ConnectionNone means that no profile has named one yet.
const (
	ConnectionNone Connection = iota
	ConnectionCloudAPI
	ConnectionBusinessApp
	ConnectionWebSession
)

var connectionNames = []string{"", "cloud_api", "business_app", "web_session"}

// String returns the connection's wire name.
func (c Connection) String() string { return name(connectionNames, c) }

// ParseConnection returns the connection named s.
func ParseConnection(s []byte) (Connection, bool) { return parse[Connection](connectionNames, s) }

// Origin is where a number comes from.
type Origin uint8

// OriginNone means that no profile has named one yet.
const (
	OriginNone Origin = iota
	OriginSIM
	OriginVoIP
)

var originNames = []string{"", "sim", "voip"}

// String returns the origin's wire name.
func (o Origin) String() string { return name(originNames, o) }

// ParseOrigin returns the origin named s.
func ParseOrigin(s []byte) (Origin, bool) { return parse[Origin](originNames, s) }

// Inputs is a set of what of a number reaches the topic, a bit each.
type Inputs uint8

// The inputs of a number.profile. What is not among them is not seen, so that
// its absence says nothing.
const (
	InputInbound Inputs = 1 << iota
	InputStatus
	InputAccount
	InputTemplate
	// AllInputs is what is assumed of a number whose profiles name none.
	AllInputs = InputInbound | InputStatus | InputAccount | InputTemplate
)

var inputNames = []string{"inbound", "status", "account", "template"}

// ParseInput returns the input named s.
func ParseInput(s []byte) (Inputs, bool) {
	for i, n := range inputNames {
		if string(s) == n {
			return 1 << i, true
		}
	}
	return 0, false
}

// Has reports whether all of want are in the set.
func (in Inputs) Has(want Inputs) bool { return in&want == want }

// Names returns the names of what is in the set, in the contract's order.
func (in Inputs) Names() []string {
	var names []string
	for i, n := range inputNames {
		if in&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return names
}

// CapStatus is what WhatsApp says of an app sender's quota of new chats.
type CapStatus uint8

// CapAbsent means that there is no number.cap, that its cycle is over, or that it
// gave no status: then the fact `cap` is none. CapNone is the status NONE.
const (
	CapAbsent CapStatus = iota
	CapNone
	CapFirstWarning
	CapSecondWarning
	CapCapped
)

var capStatusNames = []string{"", "NONE", "FIRST_WARNING", "SECOND_WARNING", "CAPPED"}

// String returns the status's wire name, empty for CapAbsent.
func (c CapStatus) String() string { return name(capStatusNames, c) }

// ParseCapStatus returns the status named s.
func ParseCapStatus(s []byte) (CapStatus, bool) { return parse[CapStatus](capStatusNames, s) }

// Rating is WhatsApp's quality rating of a number or a template.
type Rating uint8

// RatingNone means that no rating was given; RatingUnknown is the rating UNKNOWN.
const (
	RatingNone Rating = iota
	RatingGreen
	RatingYellow
	RatingRed
	RatingUnknown
)

var ratingNames = []string{"", "GREEN", "YELLOW", "RED", "UNKNOWN"}

// String returns the rating's wire name.
func (r Rating) String() string { return name(ratingNames, r) }

// ParseRating returns the rating named s.
func ParseRating(s []byte) (Rating, bool) { return parse[Rating](ratingNames, s) }

// Scope is what an account.update speaks of.
type Scope uint8

// The scopes of an account.update.
const (
	ScopeNone Scope = iota
	ScopeNumber
	ScopeWABA
	ScopePortfolio
)

var scopeNames = []string{"", "number", "waba", "portfolio"}

// String returns the scope's wire name.
func (s Scope) String() string { return name(scopeNames, s) }

// ParseScope returns the scope named s.
func ParseScope(s []byte) (Scope, bool) { return parse[Scope](scopeNames, s) }

// State is an account state as WhatsApp reports it.
type State uint8

// StateNone is what holds before any account.update and after one has expired.
const (
	StateNone State = iota
	StateWarned
	StateRestricted
	StateBanned
	StateReinstated
)

var stateNames = []string{"none", "warned", "restricted", "banned", "reinstated"}

// String returns the state's wire name, `none` for StateNone.
func (s State) String() string { return name(stateNames, s) }

// ParseState returns the state named s; `none` is not a state on the wire.
func ParseState(s []byte) (State, bool) {
	v, ok := parse[State](stateNames, s)
	return v, ok && v != StateNone
}

// Country is an ISO 3166 two-letter code, upper case, packed as first<<8 | second.
// Zero is no country.
type Country uint16

// ParseCountry reads two ASCII letters of any case.
func ParseCountry(s []byte) (Country, bool) {
	if len(s) != 2 {
		return 0, false
	}
	a, b := s[0]&^0x20, s[1]&^0x20
	if a < 'A' || a > 'Z' || b < 'A' || b > 'Z' {
		return 0, false
	}
	return Country(a)<<8 | Country(b), true
}

// String returns the two letters, "" for no country.
func (c Country) String() string {
	if c == 0 {
		return ""
	}
	return string([]byte{byte(c >> 8), byte(c)})
}

// CallingCode is a country calling code such as 49; zero is none. Codes that
// belong to no country (800, 878 ...) never appear as a CallingCode.
type CallingCode uint16

// Level is how far a factor or a flag has risen.
type Level uint8

// The levels in rising order.
const (
	LevelNone Level = iota
	LevelWarn
	LevelDanger
)

var levelNames = []string{"none", "warn", "danger"}

// String returns the level's name.
func (l Level) String() string { return name(levelNames, l) }

// ParseLevel returns the level named s.
func ParseLevel(s []byte) (Level, bool) { return parse[Level](levelNames, s) }

// Band sorts trust scores: high is healthy.
type Band uint8

// The bands of the contract, section 5.
const (
	BandHigh Band = iota
	BandMedium
	BandLow
)

var bandNames = []string{"high", "medium", "low"}

// String returns the band's name.
func (b Band) String() string { return name(bandNames, b) }

// BandOf returns the band of a trust score: high from 80, medium from 40.
func BandOf(score int) Band {
	switch {
	case score >= 80:
		return BandHigh
	case score >= 40:
		return BandMedium
	}
	return BandLow
}
