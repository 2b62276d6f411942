package codec

import (
	"math"
	"strconv"

	"sendwatch/internal/event"
)

// The functions of this file append one row each as the JSON object that a
// replay writes: names as in the contract, section 7, times in ms. Panes and
// versions are left out, because a replay has one of each.

// AppendNumberMinuteJSON appends a row of number_minutes; counts that are zero
// are left out.
func AppendNumberMinuteJSON(dst []byte, r *event.NumberMinute) []byte {
	w := jsonWriter{b: dst}
	w.open('{')
	w.str("number_id", r.NumberID)
	w.num("minute", r.Minute)
	w.count("sent", r.Sent)
	w.count("initiated", r.Initiated)
	w.count("held", r.Held)
	w.count("late", r.Late)
	w.count("delivered", r.Delivered)
	w.count("read", r.Read)
	w.count("received", r.Received)
	for c := range event.NumErrorClasses {
		if n := r.Failed[c]; n != 0 {
			w.name("failed_", c.String())
			w.b = strconv.AppendInt(w.b, n, 10)
		}
	}
	w.count("answered", r.Answered)
	w.count("unanswered", r.Unanswered)
	w.count("withdrawn", r.Withdrawn)
	w.count("blocks", r.Blocks)
	w.count("reports", r.Reports)
	w.count("stops", r.Stops)
	w.count("sent_after_stop", r.SentAfterStop)
	w.count("templates_sent", r.TemplatesSent)
	w.count("group_messages", r.GroupMessages)
	w.count("contacts", r.ContactCount)
	w.close('}')
	return w.b
}

// AppendFingerprintHourJSON appends a row of fingerprint_hours; counts that are
// zero are left out.
func AppendFingerprintHourJSON(dst []byte, r *event.FingerprintHour) []byte {
	w := jsonWriter{b: dst}
	w.open('{')
	w.str("number_id", r.NumberID)
	w.hex("fingerprint", r.Fingerprint)
	w.num("hour", r.Hour)
	w.str("template", r.Template)
	w.count("sent", r.Sent)
	w.count("initiated", r.Initiated)
	w.count("answered", r.Answered)
	w.count("unanswered", r.Unanswered)
	w.count("withdrawn", r.Withdrawn)
	w.close('}')
	return w.b
}

// AppendNumberStatusJSON appends a row of number_status: every fact, null where
// there is none, the score and its reasons, and every flag level.
func AppendNumberStatusJSON(dst []byte, r *event.NumberStatus) []byte {
	w := jsonWriter{b: dst}
	w.open('{')
	w.str("number_id", r.NumberID)
	w.num("clock", r.Clock)
	w.strOrNull("waba_id", r.WABAID)
	w.strOrNull("portfolio_id", r.PortfolioID)
	for f := range event.NumFacts {
		switch v := r.Facts[f]; {
		case f.Type() == event.FactWord:
			w.str(f.String(), event.State(v).String())
		case f.Type() == event.FactCapWord && !math.IsNaN(v):
			w.str(f.String(), event.CapStatus(v).String())
		default:
			w.float(f.String(), v)
		}
	}
	w.num("score", int64(r.Score))
	w.str("band", r.Band.String())
	for f := range event.NumNumberFactors {
		if f.Flags() {
			w.name("level_", f.String())
			w.b = append(w.b, '"')
			w.b = append(w.b, r.Levels[f].String()...)
			w.b = append(w.b, '"')
		}
	}
	w.name("", "top")
	w.open('[')
	for _, c := range r.Top {
		w.next()
		w.open('{')
		w.str("factor", c.Factor.String())
		if c.Key != "" {
			w.str("key", c.Key)
		}
		w.float("points", c.Points)
		w.close('}')
	}
	w.close(']')
	w.name("", "silent")
	w.open('{')
	for f := range event.NumNumberFactors {
		if r.Silences[f] != event.SilenceNone {
			w.str(f.String(), r.Silences[f].String())
		}
	}
	w.close('}')
	w.name("", "answered_sender")
	w.b = strconv.AppendBool(w.b, r.AnsweredSender)
	w.close('}')
	return w.b
}

// AppendPortfolioStatusJSON appends a row of portfolio_status. The limit is -1
// if there is none and null if it is not known.
func AppendPortfolioStatusJSON(dst []byte, r *event.PortfolioStatus) []byte {
	w := jsonWriter{b: dst}
	w.open('{')
	w.str("portfolio_id", r.PortfolioID)
	w.num("clock", r.Clock)
	w.num("unique_initiated_24h", r.UniqueInitiated)
	if r.Limit == 0 {
		w.null("limit")
	} else {
		w.num("limit", r.Limit)
	}
	if headroom, ok := r.Headroom(); ok {
		w.num("headroom", headroom)
	} else {
		w.null("headroom")
	}
	w.num("restricted_7d", r.Restricted7d)
	w.num("shared_connection", r.SharedConn)
	w.num("numbers_high", r.NumbersHigh)
	w.num("numbers_medium", r.NumbersMedium)
	w.num("numbers_low", r.NumbersLow)
	if r.Score < 0 {
		w.null("score")
	} else {
		w.num("score", int64(r.Score))
	}
	for i, level := range r.Levels {
		f := event.NumNumberFactors + event.Factor(i)
		w.name("level_", f.String())
		w.b = append(w.b, '"')
		w.b = append(w.b, level.String()...)
		w.b = append(w.b, '"')
	}
	w.close('}')
	return w.b
}

// AppendContactOutcomeJSON appends a row of contact_outcomes. The contact is
// its keyed hash in 16 hexadecimal digits.
func AppendContactOutcomeJSON(dst []byte, r *event.ContactOutcome) []byte {
	w := jsonWriter{b: dst}
	w.open('{')
	w.str("number_id", r.NumberID)
	w.hex("contact", r.Contact)
	w.num("answered", r.Answered)
	w.num("unanswered", r.Unanswered)
	w.timeOrNull("last_sent", r.LastSent)
	w.timeOrNull("last_received", r.LastReceived)
	w.num("unanswered_since", r.UnansweredSince)
	w.close('}')
	return w.b
}

// AppendAccountEventJSON appends a row of account_events; what the event did
// not say is left out.
func AppendAccountEventJSON(dst []byte, r *event.AccountEvent) []byte {
	w := jsonWriter{b: dst}
	w.open('{')
	w.num("offset", r.Offset)
	w.num("time", r.Time)
	w.str("type", r.Type.String())
	w.str("id", r.ID)
	for _, m := range [...]struct{ name, value string }{
		{"number_id", r.NumberID},
		{"waba_id", r.WABAID},
		{"portfolio_id", r.PortfolioID},
		{"scope", r.Scope},
		{"template", r.Template},
		{"state", r.State},
		{"quality", r.Quality},
		{"reason", r.Reason},
	} {
		if m.value != "" {
			w.str(m.name, m.value)
		}
	}
	w.list("restrictions", r.Restrict)
	w.count("expires_at", r.ExpiresAt)
	w.count("limit", r.Limit)
	w.close('}')
	return w.b
}

// timeOrNull writes a time member, null for 0.
func (w *jsonWriter) timeOrNull(name string, v int64) {
	if v == 0 {
		w.null(name)
		return
	}
	w.num(name, v)
}
