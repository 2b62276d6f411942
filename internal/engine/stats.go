package engine

import "sendwatch/internal/event"

// Anomaly is an event that contradicts what is known. It is applied as far as it
// makes sense, and counted.
type Anomaly uint8

// What contradicts. "Not remembered" means not in the conversations of the last
// 48 hours nor in the current pane: older ones are forgotten.
const (
	AnomalyReply     Anomaly = iota // an inbound from a contact that is not remembered as written to
	AnomalyStatus                   // a status of a conversation that is not remembered
	AnomalyErrorCode                // an error code that is not among those known
	AnomalyAccount                  // a shared event of a WABA or portfolio without numbers here
	AnomalyMove                     // a number that changes its WABA or portfolio
	NumAnomalies
)

var anomalyNames = [...]string{"reply", "status", "error_code", "account", "move"}

// String returns the anomaly's name as in metrics.
func (o Anomaly) String() string { return anomalyNames[o] }

// Stats are counts since the engine was made, and the sizes of its state. They
// describe the engine and are no part of its output.
type Stats struct {
	Records       [event.NumClasses]int64 // by class
	Late          int64                   // sends more than 24 h behind the watermark
	Anomalies     [NumAnomalies]int64
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

// Stats returns the counts and sizes as they are now.
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
	s.Numbers = int(e.numbers.end())
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

// NumberCount returns how many numbers are known.
func (e *Engine) NumberCount() int { return int(e.numbers.end()) }
