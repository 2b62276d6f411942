package event

// Transition is one step of a flag's episode.
type Transition uint8

// A flag is raised from none, escalated from warn to danger, eased back, and
// cleared to none.
const (
	TransitionRaised Transition = iota
	TransitionEscalated
	TransitionEased
	TransitionCleared
)

var transitionNames = []string{"raised", "escalated", "eased", "cleared"}

// String returns the transition's name.
func (t Transition) String() string { return name(transitionNames, t) }

// ParseTransition returns the transition named s.
func ParseTransition(s []byte) (Transition, bool) { return parse[Transition](transitionNames, s) }

// Value is the value of a flag: a number, a word, or nothing.
type Value struct {
	Kind   ValueKind
	Number float64
	Word   string
}

// ValueKind says which field of a Value holds.
type ValueKind uint8

// ValueNone is the zero value: there is no value.
const (
	ValueNone ValueKind = iota
	ValueNumber
	ValueWord
)

// NumberValue is a Value that holds a number.
func NumberValue(v float64) Value { return Value{Kind: ValueNumber, Number: v} }

// WordValue is a Value that holds words.
func WordValue(w string) Value { return Value{Kind: ValueWord, Word: w} }

// Flag is one transition of a flag episode (contract, section 6). The same
// (FlagID, Sequence) always carries the same values apart from EmittedAt.
type Flag struct {
	FlagID        string
	Sequence      int64 // 0 for raised, then one more each transition
	Transition    Transition
	Level         Level
	NumberID      string // empty on a portfolio's flag
	WABAID        string // the number's
	PortfolioID   string
	Factor        Factor
	Key           string // of template_quality name/language, else empty
	Value         Value
	Warn          Value // the thresholds it was compared with
	Danger        Value
	Score         int // of the number; -1 on a portfolio's flag
	EventTime     int64
	EmittedAt     int64 // wall clock; 0 until it is sent
	Position      Position
	PolicyVersion string
	Evidence      Evidence
	Advice        string
	ETA           int64 // seconds to danger, -1 if none
	Shadow        bool  // by a shadow policy: goes to ClickHouse only
}

// Subject returns "number" or "portfolio".
func (f *Flag) Subject() string {
	if f.NumberID == "" {
		return "portfolio"
	}
	return "number"
}

// Evidence is what a reader needs to see why a flag came: counts by fact name
// and the contents behind them.
type Evidence struct {
	Counts       []NamedCount
	Fingerprints []FingerprintCount
	Templates    []FingerprintCount
}

// NamedCount is a fact and its value at the time of the flag.
type NamedCount struct {
	Name  string
	Value float64
}

// FingerprintCount is how often one content was sent in the factor's window.
type FingerprintCount struct {
	Fingerprint uint64
	Template    string // name/language, empty for other content
	Count       int64
}

// DeadLetter is a record that could not be read, with the reason.
type DeadLetter struct {
	Position
	Timestamp int64
	Reason    string // one of the contract's classes of rejection, e.g. `unparsable`, `future`
	Field     string // the field at fault, empty if the record as a whole is
	Detail    string // what is wrong with it and what is accepted; never the value itself
	Key       []byte
	Value     []byte
}
