package event

// Type says what happened. The zero value is no event.
type Type uint8

// The event types of the contract, section 2. TypeUnknown stands for a
// well-formed event of a type this version does not know: it is counted and
// skipped, never rejected.
const (
	TypeNone Type = iota
	TypeUnknown
	TypeSent
	TypeStatus
	TypeReceived
	TypePreference
	TypeAlias
	TypeBlock
	TypeReport
	TypeProfile
	TypeQuality
	TypeConnection
	TypeCap
	TypeGroup
	TypeAccount
	TypeTemplate
	TypeLimit
	TypeClock
	TypePolicy
)

var typeNames = [...]string{
	TypeNone: "", TypeUnknown: "unknown", TypeSent: "message.sent", TypeStatus: "message.status",
	TypeReceived: "message.received", TypePreference: "contact.preference", TypeAlias: "contact.alias", TypeBlock: "contact.block",
	TypeReport: "contact.report", TypeProfile: "number.profile", TypeQuality: "number.quality",
	TypeConnection: "number.connection", TypeCap: "number.cap", TypeGroup: "group.update", TypeAccount: "account.update",
	TypeTemplate: "template.update", TypeLimit: "portfolio.limit", TypeClock: "clock", TypePolicy: "policy",
}

// String returns the type's name on the wire, as in `message.sent`.
func (t Type) String() string { return typeNames[t] }

// ParseType returns the type with the wire name s, TypeUnknown if there is none.
func ParseType(s []byte) Type {
	for t := TypeSent; int(t) < len(typeNames); t++ {
		if string(s) == typeNames[t] {
			return t
		}
	}
	return TypeUnknown
}

// Event is one decoded input record. One Event is reused for all records of a
// partition: byte slices alias memory that the decoder owns and are valid until
// its next Decode, so a caller that keeps one copies it. An absent optional field is
// the zero value of its field unless a Has field says otherwise.
type Event struct {
	Type Type
	ID   []byte
	Time int64 // event time, ms UTC

	// Empty when absent. NumberID is empty on shared events, clock and policy.
	NumberID    []byte
	WABAID      []byte
	PortfolioID []byte

	// Contact is the keyed hash of the contact's canonical form, set where
	// HasContact; UserID that of the business-scoped user id. Equal strings have
	// equal hashes, in whichever field they stand (contract, section 9).
	Contact    uint64
	HasContact bool
	UserID     uint64
	HasUserID  bool

	// contact.alias: other identifiers of the same person, hashed likewise.
	Previous          uint64
	HasPrevious       bool
	PreviousUserID    uint64
	HasPreviousUserID bool

	// InGroup is set on a message with a group_id: it counts as a group message
	// and nowhere else.
	InGroup bool

	// message.sent and message.received.
	Kind        Kind
	Held        bool // accepted but held back by pacing: counts as held and nowhere else
	OptIn       OptIn
	HasTemplate bool     // the event carries a template object
	Template    Template // also on template.update
	Fingerprint uint64   // contract, section 4; of a message.sent only
	MediaHash   uint64   // xxHash64 of media_hash, 0 if absent
	Links       []uint64 // xxHash64 of the distinct links, each host and path up to ? or #
	Text        Preference

	// ContactCountry is the given contact_country; if none was given,
	// ContactCalling is the calling code of a contact that is a phone number.
	ContactCountry Country
	ContactCalling CallingCode

	// message.status.
	Status    Status
	ErrorCode int64
	HasError  bool

	Preference Preference // contact.preference

	// number.profile; absent fields leave what was known.
	Country       Country
	RegisteredAt  int64
	HasRegistered bool
	LastActiveAt  int64
	HasLastActive bool
	Connection    Connection
	Origin        Origin
	Inputs        Inputs // set where HasInputs: an empty list is one
	HasInputs     bool

	Rating Rating // number.quality

	// number.connection. IPHash is the xxHash64 of ip_hash, 0 if absent.
	IPCountry Country
	IPHash    uint64
	LinkedAt  int64
	HasLinked bool

	// number.cap: the quota of new chats. CapTotal is -1 for none.
	CapUsed     int64
	CapTotal    int64
	CapStatus   CapStatus
	CycleEnd    int64
	HasCycleEnd bool

	NonContactsAdded int64 // group.update

	// account.update. HasExpires is false for a state without an end.
	Scope        Scope
	State        State
	ExpiresAt    int64
	HasExpires   bool
	Restrictions [][]byte
	Reason       []byte

	// template.update, beside Template. Status is any string, absent if empty;
	// Quality is RatingNone if absent.
	TemplateStatus  []byte
	TemplateQuality Rating
	Pauses          int64
	HasPauses       bool

	Limit         int64  // portfolio.limit: unique contacts a moving 24 h, -1 = unlimited
	PolicyVersion []byte // policy
}

// Template names a message template. Category is CategoryNone where it was not given.
type Template struct {
	Name, Language []byte
	Category       Category
}

// Key returns name/language, empty for no template.
func (t *Template) Key() string {
	if len(t.Name) == 0 {
		return ""
	}
	return string(t.Name) + "/" + string(t.Language)
}

// Shared reports whether the event names a WABA or a portfolio instead of a
// number (contract, section 2, "Shared events").
func (e *Event) Shared() bool {
	switch e.Type {
	case TypeAccount:
		return e.Scope != ScopeNumber
	case TypeTemplate, TypeLimit:
		return true
	}
	return false
}

// IsSend reports whether the event is a send in the contract's sense: a
// message.sent that is neither a reaction nor held nor to a group.
func (e *Event) IsSend() bool {
	return e.Type == TypeSent && e.Kind != KindReaction && !e.Held && !e.InGroup
}

// Class is what became of an input record. Every record ends in exactly one.
type Class uint8

// The classes in the order in which they are tried.
const (
	ClassRejected  Class = iota // went to the dead letter
	ClassIgnored                // well-formed, of an unknown type
	ClassDuplicate              // its id was applied within the dedup horizon
	ClassApplied
	NumClasses
)

var classNames = [...]string{"rejected", "ignored", "duplicate", "applied"}

// String returns the class's name as in metrics and summaries.
func (c Class) String() string { return classNames[c] }
