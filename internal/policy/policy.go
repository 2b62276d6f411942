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
	// Silences and Ceilings say when factors are silent or at most at warn,
	// whatever their profile says.
	Silences Silences
	Ceilings Ceilings
	// Nowcast is the prior of reply_ratio_nowcast, Cold that of reply_ratio_cold.
	Nowcast, Cold Prior
	// StopWords and ResumeWords recognise an opt-out in what a contact writes.
	StopWords, ResumeWords []string

	byConnection [len(connections)]int32 // event.Connection -> index into Profiles
	// Numbers and portfolios with equal overrides share a set of changes, 0 for
	// none. The table leads from number's set x numPortfolioSets + portfolio's
	// set, and the connection, to a profile.
	byPortfolio, byNumber map[string]int32
	numPortfolioSets      int32
	table                 [][len(connections)]int32
	advice                [event.NumFactors]string
}

// Index returns the place in Profiles of the rules for a number: the profile of
// its connection, or the one that it or its portfolio chose, with its
// portfolio's changes and its own on top. It allocates nothing.
func (p *Policy) Index(numberID, portfolioID []byte, c event.Connection) int32 {
	return p.table[p.byNumber[string(numberID)]*p.numPortfolioSets+p.byPortfolio[string(portfolioID)]][c]
}

// Portfolio returns the rules for a portfolio's own factors: those of the profile
// of unknown connections, with the portfolio's changes on top.
func (p *Policy) Portfolio(portfolioID []byte) *Profile {
	return &p.Profiles[p.Index(nil, portfolioID, event.ConnectionNone)]
}

// Overrides counts the portfolios and the numbers that have rules of their own.
func (p *Policy) Overrides() (portfolios, numbers int) {
	return len(p.byPortfolio), len(p.byNumber)
}

// Advice says what to do about a factor, in words.
func (p *Policy) Advice(f event.Factor) string { return p.advice[f] }
