package policy

import "sendwatch/internal/event"

// Profile is the set of rules that one kind of sender is held against.
type Profile struct {
	Name  string
	Rules [event.NumFactors]Rule
}

// Policy is one loaded policy file. It is immutable.
type Policy struct {
	// Version names the content: equal content has an equal version.
	Version string
	// Hysteresis is how long, in ms of the number's clock, a flag level
	// outlasts the last evaluation that reached it.
	Hysteresis int64
	// Profiles are all profiles, overrides applied: an override of a number or
	// a portfolio is a profile of its own here. Profile finds one by Index.
	Profiles []Profile
	// StopWords and ResumeWords recognise an opt-out in what a contact writes.
	StopWords, ResumeWords []string

	byConnection [4]int32 // event.Connection -> index into Profiles
	byPortfolio  map[string][4]int32
	byNumber     map[string][4]int32
	advice       [event.NumFactors]string
}

// Index gives the place in Profiles of the rules for a number: its own
// override if there is one, else its portfolio's, else its connection's profile.
func (p *Policy) Index(numberID, portfolioID []byte, c event.Connection) int32 {
	if o, ok := p.byNumber[string(numberID)]; ok {
		return o[c]
	}
	if o, ok := p.byPortfolio[string(portfolioID)]; ok {
		return o[c]
	}
	return p.byConnection[c]
}

// Portfolio gives the rules for a portfolio's own factors.
func (p *Policy) Portfolio(portfolioID []byte) *Profile {
	return &p.Profiles[p.Index(nil, portfolioID, event.ConnectionNone)]
}

// Advice says what to do about a factor, in words.
func (p *Policy) Advice(f event.Factor) string { return p.advice[f] }
