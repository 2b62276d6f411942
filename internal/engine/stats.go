package engine

import "sendwatch/internal/event"

// Oddity is an event that contradicts what is known. It is applied as far as it
// makes sense, and counted.
type Oddity uint8

// What contradicts. "Not remembered" means not in the conversations of the last
// 48 hours nor in the pane in hand: older ones are forgotten.
const (
	OddReply     Oddity = iota // an inbound from a contact that is not remembered as written to
	OddStatus                  // a status of a conversation that is not remembered
	OddErrorCode               // an error code that is not among those known
	OddAccount                 // a shared event of a WABA or portfolio without numbers here
	OddMove                    // a number that changes its WABA or portfolio
	NumOddities
)

var oddityNames = [...]string{"reply", "status", "error_code", "account", "move"}

// String gives the oddity's name as in metrics.
func (o Oddity) String() string { return oddityNames[o] }

// Stats are counts since the engine was made, and the sizes of its state. They
// describe the engine and are no part of its output.
type Stats struct {
	Records       [event.NumClasses]int64 // by class
	Late          int64                   // sends more than 24 h behind the watermark
	Oddities      [NumOddities]int64
	Dropped       int64 // contents, links, media and templates left out of the windows by Config.MaxKeys
	Flags         [event.NumFactors][4]int64
	Watermark     int64 // ms; 0 before the first event
	Numbers       int
	Conversations int
	Pending       int // sends that wait for a reply
	Fingerprints  int // contents in the windows of one hour
	Templates     int
	Offset        int64 // of the last record
}

// flagged counts a transition.
func (s *Stats) flagged(f event.Factor, t event.Transition) { s.Flags[f][t]++ }

// Stats gives the counts and sizes as they are now.
func (e *Engine) Stats() Stats {
	s := e.stats
	for f := range s.Flags {
		for t := range s.Flags[f] {
			s.Flags[f][t] += e.portfolio.stats.Flags[f][t]
		}
	}
	if e.begun {
		s.Watermark = e.watermark
	}
	s.Numbers = len(e.numbers.all)
	s.Conversations = e.replies.Conversations()
	s.Pending = e.replies.Pending()
	s.Fingerprints = e.logs.fingerprints.Len()
	for _, k := range e.logs.keyed() {
		s.Dropped += k.Dropped()
	}
	s.Templates = e.templates.names.len()
	s.Offset = e.position.Offset
	return s
}

// maxReason bounds the reason of an account event in bytes, and its restrictions
// together. With a number's long ids more would be more than a broker takes.
const maxReason = 4096

// accountEvent writes what the platform said, as it came. i is the number, or
// noIndex for a shared event.
func (e *Engine) accountEvent(i uint32, ev *event.Event, out *event.Output) {
	if e.cfg.FlagsOnly {
		return
	}
	row := event.AccountEvent{
		Position: event.Position{Topic: e.cfg.Topic, Partition: e.cfg.Partition, Offset: e.position.Offset},
		Time:     ev.Time, Type: ev.Type, ID: string(ev.ID),
		WABAID: string(ev.WABAID), PortfolioID: string(ev.PortfolioID),
	}
	if i != noIndex {
		n := e.numbers.at(i)
		row.NumberID = e.numbers.ids.string(n.id)
		row.WABAID, row.PortfolioID = e.wabas.string(n.waba), e.portfolioIDs.string(n.portfolio)
	}
	switch ev.Type {
	case event.TypeQuality:
		row.State = ev.Rating.String()
	case event.TypeAccount:
		row.State, row.Scope, row.Reason = ev.State.String(), ev.Scope.String(), shorten(string(ev.Reason), maxReason)
		if ev.HasExpires {
			row.ExpiresAt = ev.ExpiresAt
		}
		room := maxReason
		for _, r := range ev.Restrictions {
			if room -= len(r) + 4; room < 0 {
				break
			}
			row.Restrict = append(row.Restrict, string(r))
		}
	case event.TypeTemplate:
		row.Template = ev.Template.Key()
		row.State, row.Quality = string(ev.TemplateStatus), ev.TemplateQuality.String()
	case event.TypeLimit:
		row.Limit = ev.Limit
	}
	out.AccountEvents = append(out.AccountEvents, row)
}

// noIndex is the index of no number.
const noIndex = ^uint32(0)
