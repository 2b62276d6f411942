package codec

import "sendwatch/internal/event"

// AppendFlag appends a flag as the JSON object of the flags topic
// (schemas/flags/v1). A field without a value is null. Contact hashes are no
// part of a flag.
func AppendFlag(dst []byte, f *event.Flag) []byte {
	w := jsonWriter{b: dst}
	w.open('{')
	w.str("flag_id", f.FlagID)
	w.num("sequence", f.Sequence)
	w.str("transition", f.Transition.String())
	w.str("level", f.Level.String())
	w.str("subject", f.Subject())
	if f.NumberID != "" {
		w.str("number_id", f.NumberID)
	}
	if f.PortfolioID != "" {
		w.str("portfolio_id", f.PortfolioID)
	}
	w.str("factor", f.Factor.String())
	w.num("layer", int64(f.Factor.Layer()))
	w.strOrNull("key", f.Key)
	w.value("value", f.Value)
	w.value("warn", f.Warn)
	w.value("danger", f.Danger)
	if f.Score < 0 {
		w.null("score")
	} else {
		w.num("score", int64(f.Score))
	}
	w.num("event_time", f.EventTime)
	w.num("emitted_at", f.EmittedAt)
	w.name("", "position")
	w.open('{')
	w.str("topic", f.Position.Topic)
	w.num("partition", int64(f.Position.Partition))
	w.num("offset", f.Position.Offset)
	w.close('}')
	w.str("policy_version", f.PolicyVersion)
	w.evidence(&f.Evidence)
	w.str("advice", f.Advice)
	if f.ETA < 0 {
		w.null("eta")
	} else {
		w.num("eta", f.ETA)
	}
	w.close('}')
	return w.b
}

// value writes a number, a word or null.
func (w *jsonWriter) value(name string, v event.Value) {
	switch v.Kind {
	case event.ValueNumber:
		w.float(name, v.Number)
	case event.ValueWord:
		w.str(name, v.Word)
	default:
		w.null(name)
	}
}

// evidence writes the evidence of a flag; lists without entries are left out.
func (w *jsonWriter) evidence(e *event.Evidence) {
	w.name("", "evidence")
	w.open('{')
	if len(e.Counts) > 0 {
		w.name("", "counts")
		w.open('{')
		for _, c := range e.Counts {
			w.float(c.Name, c.Value)
		}
		w.close('}')
	}
	w.contents("fingerprints", e.Fingerprints)
	w.contents("templates", e.Templates)
	w.close('}')
}

// contents writes a list of contents and how often each was sent.
func (w *jsonWriter) contents(name string, list []event.FingerprintCount) {
	if len(list) == 0 {
		return
	}
	w.name("", name)
	w.open('[')
	for _, c := range list {
		w.next()
		w.open('{')
		w.hex("fingerprint", c.Fingerprint)
		if c.Template != "" {
			w.str("template", c.Template)
		}
		w.num("count", c.Count)
		w.close('}')
	}
	w.close(']')
}
