package engine

import (
	"math/bits"
	"slices"
	"unicode/utf8"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/window"
)

// moveEpisodes moves the episodes by the computed levels of the evaluation and
// sets the number's flag levels. Transitions come in the factors' order.
func (e *Engine) moveEpisodes(n number, out *event.Output) {
	n.levels = [event.NumNumberFactors]event.Level{}
	moving := e.eval.raised | policy.FactorSet(n.open.active)
	if n.templateLevels.Len() > 0 {
		moving |= factorTemplateQuality
	}
	for ; moving != 0; moving &= moving - 1 {
		f := event.Factor(bits.TrailingZeros64(uint64(moving)))
		switch {
		case f == event.FactorTemplateQuality:
			n.levels[f] = e.moveTemplateEpisodes(n, out)
		case f.Flags():
			n.levels[f] = e.moveEpisode(n, f, 0, e.eval.computed(f), out)
		}
	}
}

// computed returns the computed level of a factor.
func (v *evaluation) computed(f event.Factor) event.Level {
	if !v.raised.Has(f) {
		return event.LevelNone
	}
	return v.level[f]
}

// moveTemplateEpisodes moves the episodes of each template, sorted by label,
// and returns the largest flag level.
func (e *Engine) moveTemplateEpisodes(n number, out *event.Output) event.Level {
	var keys []templateLevel
	for k := range n.templateLevels.Len() {
		keys = append(keys, *e.levels.At(&n.templateLevels, k))
	}
	for k := range n.open.list.Len() {
		p := e.episodes.At(&n.open.list, k)
		known := slices.ContainsFunc(keys, func(l templateLevel) bool { return l.fingerprint == p.key })
		if p.factor == event.FactorTemplateQuality && !known {
			keys = append(keys, templateLevel{fingerprint: p.key})
		}
	}
	e.sortByLabel(keys)
	top := event.LevelNone
	for _, k := range keys {
		level := k.level
		if e.eval.held.Has(event.FactorTemplateQuality) {
			level, _ = policy.Hold(level, 0)
		}
		top = max(top, e.moveEpisode(n, event.FactorTemplateQuality, k.fingerprint, level, out))
	}
	return top
}

// moveEpisode takes one computed level of a number and returns the flag level.
func (e *Engine) moveEpisode(n number, f event.Factor, key uint64, computed event.Level, out *event.Output) event.Level {
	s, moved := e.step(&n.open, f, key, computed, n.clock, func() [2]uint64 { return e.flagID(n, f, key) })
	if moved {
		e.flag(n, f, s, out)
		e.closeStep(&n.open, s)
	}
	return s.is
}

// flagID derives the id of an episode that begins now: from the subject, the
// factor, the key, the policy's version, the position of the current record and
// the clock.
func (e *Engine) flagID(n number, f event.Factor, key uint64) [2]uint64 {
	subject := append([]byte("number\x00"), e.numbers.ids.string(n.index.name())...)
	return e.deriveID(subject, f, e.templates.label(key), n.clock)
}

// flag writes one transition of a number's episode.
func (e *Engine) flag(n number, f event.Factor, s transitionStep, out *event.Output) {
	r := &e.rules(n).Rules[f]
	fl := e.newFlag(s, f, r, n.day())
	fl.NumberID, fl.WABAID, fl.PortfolioID = e.numbers.ids.string(n.index.name()), e.wabas.string(n.waba), e.portfolioIDs.string(n.portfolio)
	fl.Score, fl.EventTime = int(n.score), n.clock
	fl.Value = e.flagValue(n, f, s.key, r.On)
	if s.key != 0 {
		fl.Key = e.templates.label(s.key)
	}
	if s.is == event.LevelWarn && r.On && !e.eval.held.Has(f) {
		_, danger := r.At(n.day())
		if pace := e.pace(n, f); pace > 0 && danger.Op != policy.OpNone {
			fl.ETA = eta(danger.Least()-e.eval.value[f], pace)
		}
	}
	fl.Evidence = e.evidence(n, f)
	out.Flags = append(out.Flags, fl)
	e.stats.flagged(f, fl.Transition)
}

// pace returns the n of the eta of a factor, 0 if it has none.
func (e *Engine) pace(n number, f event.Factor) float64 {
	switch f {
	case event.FactorVelocityHour, event.FactorDailyVolume:
		return float64(n.secondSums[seconds10m+colInitiated])
	case event.FactorIdenticalBatch:
		return float64(e.logs.fingerprints.TopSince(&n.fingerprints, floor(n.clock, second)-etaWindow))
	}
	return 0
}

// flagValue returns the value of a flag (contract, sections 6 and 8).
func (e *Engine) flagValue(n number, f event.Factor, key uint64, on bool) event.Value {
	if !on {
		return event.Value{}
	}
	word := func(w string) event.Value {
		if w == "" {
			return event.Value{}
		}
		return event.WordValue(w)
	}
	switch f {
	case event.FactorQuality:
		return word(n.rating.String())
	case event.FactorRegion:
		return word(n.ipCountry.String())
	case event.FactorRestriction:
		return word(n.account.holds(n.clock).String())
	case event.FactorTemplateQuality:
		if e.logs.templates.Count(uint32(n.index), key) > 0 {
			if s := e.templates.state(key, n.waba); s != nil {
				return word(e.templates.words(s))
			}
		}
		return event.Value{}
	}
	if v := e.eval.value[f]; v == v {
		return event.NumberValue(v)
	}
	return event.Value{}
}

// evidenceFacts are the facts that a flag of a factor shows.
func evidenceFacts(f event.Factor) []event.Fact {
	switch f {
	case event.FactorVelocityHour, event.FactorVelocityBurst:
		return []event.Fact{event.FactInitiated1m, event.FactInitiated1h, event.FactSent1h}
	case event.FactorDailyVolume, event.FactorActiveHours, event.FactorDormancy, event.FactorNewLink:
		return []event.Fact{
			event.FactInitiated24h, event.FactSent24h, event.FactActiveHours24h, event.FactDay, event.FactWake, event.FactLinked,
		}
	case event.FactorReplyNowcast, event.FactorColdStart:
		return []event.Fact{
			event.FactReplyRatioNowcast, event.FactReplyRatioCold, event.FactAwaited, event.FactPending,
			event.FactAnswered7d, event.FactUnanswered7d, event.FactAnswered30d, event.FactUnanswered30d,
		}
	case event.FactorReplyRatio, event.FactorUnanswered, event.FactorConversationPressure:
		return []event.Fact{
			event.FactAnswered7d, event.FactUnanswered7d, event.FactAnswered30d,
			event.FactUnanswered30d, event.FactConversationPressure,
		}
	case event.FactorMechanicalTiming:
		return []event.Fact{event.FactIntervalCV, event.FactInitiated1h}
	case event.FactorGroupAdd:
		return []event.Fact{event.FactGroups24h}
	case event.FactorBlockRate:
		return []event.Fact{event.FactBlocks7d, event.FactReports7d, event.FactBlockRate7d}
	case event.FactorOptOut:
		return []event.Fact{event.FactSentAfterStop24h, event.FactStops7d}
	case event.FactorOptIn:
		return []event.Fact{event.FactNoOptIn24h, event.FactOptInGiven24h}
	case event.FactorNewChatCap:
		return []event.Fact{event.FactCapShare, event.FactInitiated24h}
	case event.FactorDelivery, event.FactorInvalidContacts, event.FactorSpamErrors, event.FactorReachout, event.FactorAccountErrors:
		return []event.Fact{
			event.FactSent24h, event.FactAged24h, event.FactDeliveryRatio24h, event.FactFailed24hAccount,
			event.FactFailed24hReputation, event.FactFailed24hContact, event.FactFailed24hFatigue, event.FactSpamErrors1h,
			event.FactReachoutErrors24h,
		}
	case event.FactorIdenticalBatch:
		return []event.Fact{event.FactIdentical1h, event.FactInitiated1h}
	case event.FactorMediaRepeat:
		return []event.Fact{event.FactMediaRepeat24h, event.FactInitiated24h}
	case event.FactorLinkRepeat:
		return []event.Fact{event.FactLinkRepeat1h, event.FactInitiated1h}
	case event.FactorForeignContacts:
		return []event.Fact{event.FactForeign24h, event.FactCountry24h}
	case event.FactorRestriction, event.FactorRestart:
		return []event.Fact{event.FactStrikes, event.FactSent24h, event.FactDay}
	}
	return nil
}

// topContents is how many fingerprints and templates the evidence names, and
// maxLabel how many bytes of a template's name/language it shows: a name may be as
// long as a record, and several of them in one flag are more than a broker takes.
// WhatsApp's own names are no longer than 512 characters.
const (
	topContents = 3
	maxLabel    = 1024
)

// shorten cuts a text to n bytes at most, between two characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// evidence returns what a reader needs to see why a flag came.
func (e *Engine) evidence(n number, f event.Factor) event.Evidence {
	var ev event.Evidence
	var facts event.Facts
	e.facts(n, &facts)
	shown := evidenceFacts(f)
	if len(shown) > 0 {
		ev.Counts = make([]event.NamedCount, 0, len(shown)) // in one allocation: flags come thousands at a time
	}
	for _, fact := range shown {
		if v := facts[fact]; v == v {
			ev.Counts = append(ev.Counts, event.NamedCount{Name: fact.String(), Value: v})
		}
	}
	if f == event.FactorTrustScore {
		lost := e.numbers.lostBy(n.standing)
		var top [event.TopFactors]event.Contribution
		for _, c := range top[:lost.contributions(&top)] {
			ev.Counts = append(ev.Counts, event.NamedCount{Name: c.Factor.String(), Value: c.Points})
		}
	}
	switch f {
	case event.FactorReplyNowcast:
		ev.Counts = append(ev.Counts, nowcastEvidence(n, &e.policy.Nowcast)...)
	case event.FactorColdStart:
		ev.Counts = append(ev.Counts, nowcastEvidence(n, &e.policy.Cold)...)
	}
	switch f {
	case event.FactorVelocityHour, event.FactorVelocityBurst, event.FactorDailyVolume, event.FactorIdenticalBatch,
		event.FactorReplyRatio, event.FactorReplyNowcast, event.FactorColdStart, event.FactorUnanswered:
		ev.Fingerprints = e.topContents(&e.logs.fingerprints, &n.fingerprints)
	case event.FactorTemplateQuality, event.FactorBlockRate, event.FactorSpamErrors:
		ev.Templates = e.topContents(&e.logs.templates, &n.templates)
	}
	return ev
}

// topContents returns the contents that were sent most in a window.
func (e *Engine) topContents(logs *window.Keyed, l *window.KeyedCounts) []event.FingerprintCount {
	var room [topContents]window.KeyCount
	top := room[:logs.Largest(l, room[:])]
	if len(top) == 0 {
		return nil
	}
	counts := make([]event.FingerprintCount, len(top))
	for k := range top {
		counts[k] = event.FingerprintCount{
			Fingerprint: top[k].Key, Template: shorten(e.templates.label(top[k].Key), maxLabel), Count: int64(top[k].Count),
		}
	}
	return counts
}
