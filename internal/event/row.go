package event

// Position is a place in the log: the offset of a record of one partition.
type Position struct {
	Topic     string
	Partition int32
	Offset    int64
}

// Counts are the additive counts of a number in one minute of event time.
type Counts struct {
	Sent, Initiated, Held, Late  int64
	Delivered, Read, Received    int64
	Failed                       [NumErrorClasses]int64
	Answered, Unanswered         int64
	Withdrawn                    int64
	Blocks, Reports, Stops       int64
	SentAfterStop, TemplatesSent int64
	GroupMessages                int64
}

// Pane says which run of offsets a row speaks of (offset / 2^k of one
// partition) and the last offset that went into it. Readers take, of rows with
// equal keys and pane, the one with the largest Version, and sum over panes.
type Pane struct {
	Partition int32
	Pane      int64
	Version   int64
}

// NumberMinute counts what happened at a number in one minute of event time,
// as far as the records of one pane say.
type NumberMinute struct {
	Pane
	NumberID    string
	PortfolioID string // the number's at the time of the write; routes the row, is no part of its key
	Minute      int64  // ms, start of the minute
	Counts
	// Contacts are the smallest SketchSize hashes of the distinct contacts of
	// initiated sends, ascending: exact below SketchSize, a bottom-k sketch
	// (whose union is again one) from there on.
	Contacts []uint64
	// ContactCount is the exact number of distinct contacts of the pane's
	// initiated sends. Only of use where one pane holds the whole log.
	ContactCount int64
}

// SketchSize is the k of NumberMinute.Contacts. A bottom-k estimate has a
// standard error of about 1/sqrt(k-2): 3.1 % here (Beyer et al., SIGMOD 2007).
const SketchSize = 1024

// FingerprintHour counts the sends of one content by one number in the hour of
// the send; the last three at the hour of the send whose outcome they are.
type FingerprintHour struct {
	Pane
	NumberID    string
	PortfolioID string
	Fingerprint uint64
	Hour        int64  // ms, start of the hour
	Template    string // name/language, empty for other content
	Sent        int64
	Initiated   int64
	Answered    int64
	Unanswered  int64
	Withdrawn   int64
}

// NumberStatus is what is known of a number at its clock. A later one of the
// same number and minute (by Version) replaces an earlier one.
type NumberStatus struct {
	Version     int64 // offset of the record whose application caused it
	Partition   int32
	NumberID    string
	WABAID      string
	PortfolioID string
	Minute      int64 // ms, start of the clock's minute
	Clock       int64
	Facts       Facts
	Score       int
	Band        Band
	Levels      [NumNumberFactors]Level // flag levels; of template_quality the largest over its keys
	Top         []Contribution          // what lowered the score, largest first, at most TopFactors
	// Silences says of each factor why it is silent, and AnsweredSender whether
	// those of volume are held at warn because people answer.
	Silences       [NumNumberFactors]Silence
	AnsweredSender bool
}

// TopFactors is how many contributions a NumberStatus names.
const TopFactors = 5

// Contribution is what one factor takes off a score.
type Contribution struct {
	Factor Factor
	Key    string
	Points float64 // weight x severity
}

// ContactOutcome counts what became of the sends to one contact, for list
// hygiene, as far as the records of one pane say. Times are 0 if there is none.
type ContactOutcome struct {
	Pane
	NumberID     string
	PortfolioID  string
	Contact      uint64
	Answered     int64
	Unanswered   int64
	LastSent     int64
	LastReceived int64
	// UnansweredSince counts sends that expired after LastReceived of the pane
	// (all of Unanswered if the pane saw no inbound).
	UnansweredSince int64
}

// AccountEvent is something the platform said: a restriction, a rating, a
// template or limit change, as it came, late or repeated ones too.
type AccountEvent struct {
	Position
	Time        int64
	Type        Type
	ID          string
	NumberID    string
	WABAID      string
	PortfolioID string
	Template    string // name/language of a template.update
	State       string // state, rating or template status
	Quality     string // template quality
	ExpiresAt   int64  // 0 if none
	Limit       int64  // portfolio.limit
	Scope       string
	Restrict    []string
	Reason      string
}

// PortfolioChange is something that a portfolio must know of one of its numbers.
// A partition's changes are numbered in the order in which they came about, so
// that a reader that takes them twice can notice. Changes of one portfolio have gaps.
type PortfolioChange struct {
	Partition   int32 // of the events topic
	Sequence    int64 // 1 for the partition's first
	Visible     int64 // ms: the first portfolio minute that sees it
	Kind        ChangeKind
	PortfolioID string
	NumberID    string // empty on a limit
	A           uint64 // contact hash, ip hash, score or time of the limit (ms), by Kind
	B           int64  // minute of the send (number), time of the strike (ms) or limit, by Kind
}

// ChangeKind says what a PortfolioChange is.
type ChangeKind uint8

// What a portfolio learns: an initiated send to contact A in minute B, a
// number's score A, that a number joined or left it, a number's last ip hash A,
// a new restriction at time B, the portfolio's limit B as of time A.
const (
	ChangeContact ChangeKind = iota
	ChangeScore
	ChangeJoin
	ChangeLeave
	ChangeIP
	ChangeStrike
	ChangeLimit
)

// ChangePlace is a change of no portfolio: a number was seen for the first time, on the
// change's partition of the B that the events topic has. It is not numbered.
const ChangePlace ChangeKind = 64

// PortfolioStatus is what is known of a portfolio at a portfolio minute.
type PortfolioStatus struct {
	Version         int64
	Partition       int32
	PortfolioID     string
	Minute          int64
	Clock           int64
	UniqueInitiated int64
	Limit           int64 // -1 unlimited, 0 unknown
	Restricted7d    int64
	SharedConn      int64
	NumbersHigh     int64
	NumbersMedium   int64
	NumbersLow      int64
	Score           int // -1 without numbers
	Levels          [NumFactors - NumNumberFactors]Level
}

// Headroom returns how many more contacts the limit leaves, false if the limit
// is unknown or there is none.
func (p *PortfolioStatus) Headroom() (int64, bool) {
	if p.Limit <= 0 {
		return 0, false
	}
	return max(0, p.Limit-p.UniqueInitiated), true
}
