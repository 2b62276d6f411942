package engine

import (
	"math"
	"math/bits"

	"sendwatch/internal/event"
	"sendwatch/internal/invariants"
	"sendwatch/internal/policy"
	"sendwatch/internal/window"
)

// evaluation is what one evaluation of a number looks at: a value, its sample
// and, for factors of words, the word. It is scratch, filled for each evaluation.
type evaluation struct {
	value, sample [event.NumNumberFactors]float64
	word          [event.NumNumberFactors]string
	state         event.State                         // the word of restriction
	level         [event.NumNumberFactors]event.Level // computed
	raised        policy.FactorSet                    // those whose level is not none
	silent, held  policy.FactorSet
	lost          lost
}

// A factor's bit in a FactorSet is also its bit among the open episodes.
const factorTemplateQuality = policy.FactorSet(1) << event.FactorTemplateQuality

// notPlain are the factors that judge tells apart from a value and its sample.
const notPlain = factorTemplateQuality | 1<<event.FactorOrigin | 1<<event.FactorRegion | 1<<event.FactorQuality |
	1<<event.FactorRestriction | 1<<event.FactorRestart | 1<<event.FactorNewChatCap |
	1<<event.FactorReplyNowcast | 1<<event.FactorColdStart

// evaluate compares a number's facts with its policy at its clock, moves its
// episodes, writes what came of it to out, and plans the next look.
func (e *Engine) evaluate(n number, out *event.Output) {
	rules := e.rules(n)
	v := &e.eval
	levels, band, fresh := n.levels, event.BandOf(int(n.score)), !n.evaluated
	e.measure(n, v)

	v.raised = 0
	day := int64(v.value[event.FactorNumberAge])
	var points float64
	v.lost = lost{}
	passed := e.gates.pass(n, v)
	if invariants.Enabled {
		e.checkGates(n, rules, passed)
	}
	for left := passed &^ (v.silent &^ factorTemplateQuality); left != 0; left &= left - 1 {
		f := event.Factor(bits.TrailingZeros64(uint64(left)))
		r := &rules.Rules[f]
		var level event.Level
		var severity float64
		if notPlain.Has(f) {
			level, severity = e.judge(n, f, r)
		} else {
			level, severity = r.Judge(v.value[f], v.sample[f], day)
		}
		if severity == 0 && level == event.LevelNone {
			continue
		}
		if v.held.Has(f) {
			level, severity = policy.Hold(level, severity)
		}
		cost := r.Weight * severity
		v.lost.add(f, cost)
		points += cost
		v.raise(f, level)
	}
	e.numbers.lose(n.standing, &v.lost)
	if score := uint8(policy.Score(points)); score != n.score || !n.evaluated {
		n.score = score
		e.changelog.addScore(n.portfolio, n.index, score)
	}

	v.value[event.FactorTrustScore] = float64(n.score)
	level, _ := rules.Rules[event.FactorTrustScore].Judge(float64(n.score), 0, 0)
	v.raise(event.FactorTrustScore, level)
	e.moveEpisodes(n, out)
	n.lastEval, n.evaluated = n.clock, true
	e.markChanged(n, fresh || n.levels != levels || event.BandOf(int(n.score)) != band)
	e.scheduleTimer(n)
	e.putToRest(n)
}

// raise sets a factor's computed level.
func (v *evaluation) raise(f event.Factor, level event.Level) {
	v.level[f] = level
	if level > event.LevelNone {
		v.raised |= 1 << f
	}
}

// judge returns the computed level and the severity of a factor that is not just
// a value and its sample. Of template_quality it returns the largest severity: its
// levels are by template (see moveTemplateEpisodes).
func (e *Engine) judge(n number, f event.Factor, r *policy.Rule) (event.Level, float64) {
	v := &e.eval
	switch f {
	case event.FactorTemplateQuality:
		return event.LevelNone, e.judgeTemplates(n, r, v.silent.Has(f))
	case event.FactorNewChatCap:
		return r.JudgeBoth(v.value[f], v.word[f])
	case event.FactorReplyNowcast, event.FactorColdStart:
		return r.Judge(nine(v.value[f]), v.sample[f], 0)
	}
	return r.JudgeWord(v.word[f])
}

// rules returns the profile that a number is held against.
func (e *Engine) rules(n number) *policy.Profile {
	if n.profile < 0 {
		n.profile = e.policy.Index([]byte(e.numbers.ids.string(n.index.name())), []byte(e.portfolioIDs.string(n.portfolio)), n.connection)
	}
	return &e.policy.Profiles[n.profile]
}

// measure fills in what the factors of a number look at.
func (e *Engine) measure(n number, v *evaluation) {
	e.measureSends(n, v)
	e.measureReplies(n, v)
	e.measureTimes(n, v)
	n.measureWords(v)
}

// measureSends fills in what is counted of sends and statuses.
func (e *Engine) measureSends(n number, v *evaluation) {
	s, m, h := &n.secondSums, &n.minuteSums, &n.hourSums
	val, sam := &v.value, &v.sample
	init24 := float64(m[minutes24h+colInitiated])
	val[event.FactorVelocityHour] = float64(s[seconds1h+colInitiated])
	val[event.FactorVelocityBurst] = float64(s[seconds1m+colInitiated])
	val[event.FactorDailyVolume] = init24
	val[event.FactorMechanicalTiming] = n.intervalCV()
	val[event.FactorActiveHours] = float64(n.activeHours())
	sam[event.FactorActiveHours] = init24
	val[event.FactorGroupAdd] = float64(m[minutes24h+colGroups])
	sent7d := h[hours7d+colSent]
	val[event.FactorBlockRate] = ratio(h[hours7d+colBlocks]+h[hours7d+colReports], sent7d)
	sam[event.FactorBlockRate] = float64(sent7d)
	val[event.FactorOptOut] = float64(m[minutes24h+colAfterStop])
	val[event.FactorOptIn] = ratio(m[minutes24h+colNoOptIn], m[minutes24h+colOptInGiven])
	sam[event.FactorOptIn] = float64(m[minutes24h+colOptInGiven])
	val[event.FactorDelivery] = n.delivery()
	sam[event.FactorDelivery] = float64(n.aged())
	val[event.FactorInvalidContacts] = ratio(m[minutes24h+colFailed+int(event.ErrorContact)], m[minutes24h+colSent])
	sam[event.FactorInvalidContacts] = float64(m[minutes24h+colSent])
	val[event.FactorIdenticalBatch] = float64(n.fingerprints.Top())
	val[event.FactorMediaRepeat] = float64(n.media.Top())
	val[event.FactorLinkRepeat] = float64(n.links.Top())
	val[event.FactorForeignContacts] = ratio(m[minutes24h+colForeign], m[minutes24h+colCountry])
	sam[event.FactorForeignContacts] = float64(m[minutes24h+colCountry])
	val[event.FactorReachout] = float64(m[minutes24h+colReachout])
	val[event.FactorSpamErrors] = float64(s[seconds1h+colSpam])
	val[event.FactorAccountErrors] = float64(m[minutes24h+colFailed+int(event.ErrorAccount)])
}

// measureReplies fills in what is known of answers, and what that and the inputs
// say of how far the factors may speak.
func (e *Engine) measureReplies(n number, v *evaluation) {
	val, sam, h := &v.value, &v.sample, &n.hourSums
	replies := n.replies()
	week, month := replies.answered7d+h[hours7d+colUnanswered], replies.answered30d+h[hours30d+colUnanswered]
	ofMonth := e.gates[n.profile].monthOf
	val[event.FactorReplyRatio], sam[event.FactorReplyRatio] = ratio(replies.answered7d, week), float64(week)
	if ofMonth.Has(event.FactorReplyRatio) {
		val[event.FactorReplyRatio], sam[event.FactorReplyRatio] = ratio(replies.answered30d, month), float64(month)
	}
	val[event.FactorUnanswered], sam[event.FactorUnanswered] = 1-ratio(replies.answered30d, month), float64(month)
	if !ofMonth.Has(event.FactorUnanswered) {
		val[event.FactorUnanswered], sam[event.FactorUnanswered] = 1-ratio(replies.answered7d, week), float64(week)
	}

	awaited := float64(replies.awaited)
	val[event.FactorReplyNowcast], sam[event.FactorReplyNowcast] = e.replyRatioNowcast(n), awaited
	val[event.FactorColdStart], sam[event.FactorColdStart] = math.NaN(), awaited
	if n.clock < n.coldUntil() {
		val[event.FactorColdStart] = e.replyRatioCold(n)
	}
	val[event.FactorConversationPressure] = float64(e.replies.Pressure(uint32(n.index)))

	c := n.circumstances()
	v.silent, v.held = e.policy.Silent(&c), e.policy.AtMostWarn(&c)
}

// measureTimes fills in what depends on how long ago something was.
func (e *Engine) measureTimes(n number, v *evaluation) {
	val, init24 := &v.value, float64(n.minuteSums[minutes24h+colInitiated])
	val[event.FactorNumberAge] = float64(n.day())
	val[event.FactorDormancy] = math.NaN()
	if n.wake != never && n.wake <= n.clock && n.clock < n.wake+wakeWatch {
		val[event.FactorDormancy] = init24
	}
	val[event.FactorNewLink] = math.NaN()
	if n.linked != never && n.linked <= n.clock && n.clock < n.linkUntil() {
		val[event.FactorNewLink] = init24
	}
	v.word[event.FactorRestart] = ""
	val[event.FactorRestart] = math.NaN()
	if end := n.account.ended(n.clock); end != never && n.clock < end+restartWatch {
		val[event.FactorRestart] = 0
		if r := e.restart(n, end); r != nil {
			val[event.FactorRestart] = float64(r.total)
			v.word[event.FactorRestart] = policy.WordRestartLate
			if r.soon > 0 {
				v.word[event.FactorRestart] = policy.WordRestartEarly
			}
		}
	}
}

// measureWords fills in what was said of the number in words.
func (n number) measureWords(v *evaluation) {
	v.value[event.FactorNewChatCap] = n.quota.share(n.clock)
	v.word[event.FactorNewChatCap] = n.quota.word(n.clock).String()
	v.word[event.FactorOrigin] = n.origin.String()
	v.word[event.FactorQuality] = n.rating.String()
	v.state = n.account.holds(n.clock)
	v.word[event.FactorRestriction] = v.state.String()
	v.word[event.FactorRegion] = ""
	if n.ipCountry != 0 && n.country != 0 && n.ipCountry != n.country {
		v.word[event.FactorRegion] = policy.WordRegion
	}
}

// ratio divides; NaN where there is nothing to divide by.
func ratio[T window.Total](part, whole T) float64 {
	if whole == 0 {
		return math.NaN()
	}
	return float64(part) / float64(whole)
}

// intervalCV returns interval_cv at the clock.
func (n number) intervalCV() float64 {
	if n.newestInitiated == never || n.clock-n.newestInitiated >= day {
		return math.NaN()
	}
	return n.cv
}

// aged returns the sends of the 24 h whose minute is at least 60 before the clock's.
func (n number) aged() uint64 {
	return n.minuteSums[minutes24h+colSent] - n.minuteSums[minutes60m+colSent]
}

// delivery returns delivery_ratio_24h.
func (n number) delivery() float64 {
	m := &n.minuteSums
	return min(1, ratio(max(m[minutes24h+colDelivered], m[minutes24h+colRead]), n.aged()))
}

// activeHours returns active_hours_24h.
func (n number) activeHours() int {
	return bits.OnesCount32(n.hours)
}

// facts fills in every fact of section 4 at the number's clock.
func (e *Engine) facts(n number, f *event.Facts) {
	s, m, h := &n.secondSums, &n.minuteSums, &n.hourSums
	replies := n.replies()
	f[event.FactSent1m] = float64(s[seconds1m+colSent])
	f[event.FactSent1h] = float64(s[seconds1h+colSent])
	f[event.FactSent24h] = float64(m[minutes24h+colSent])
	f[event.FactInitiated1m] = float64(s[seconds1m+colInitiated])
	f[event.FactInitiated1h] = float64(s[seconds1h+colInitiated])
	f[event.FactInitiated24h] = float64(m[minutes24h+colInitiated])
	f[event.FactIdentical1h] = float64(n.fingerprints.Top())
	f[event.FactAnswered7d] = float64(replies.answered7d)
	f[event.FactUnanswered7d] = float64(h[hours7d+colUnanswered])
	f[event.FactAnswered30d] = float64(replies.answered30d)
	f[event.FactUnanswered30d] = float64(h[hours30d+colUnanswered])
	f[event.FactReplyRatio7d] = ratio(replies.answered7d, replies.answered7d+h[hours7d+colUnanswered])
	f[event.FactReplyRatio30d] = ratio(replies.answered30d, replies.answered30d+h[hours30d+colUnanswered])
	f[event.FactConversationPressure] = float64(e.replies.Pressure(uint32(n.index)))
	f[event.FactPending] = float64(replies.pending)
	f[event.FactAwaited] = float64(replies.awaited)
	f[event.FactReplyRatioNowcast] = e.replyRatioNowcast(n)
	f[event.FactReplyRatioCold] = e.replyRatioCold(n)
	f[event.FactReceived7d] = float64(h[hours7d+colReceived])
	f[event.FactUnlinked7d] = float64(h[hours7d+colUnlinked])
	f[event.FactReadRatio24h] = min(1, ratio(m[minutes24h+colRead], m[minutes24h+colSent]))
	f[event.FactAged24h] = float64(n.aged())
	f[event.FactDeliveryRatio24h] = n.delivery()
	f[event.FactBlocks7d] = float64(h[hours7d+colBlocks])
	f[event.FactReports7d] = float64(h[hours7d+colReports])
	f[event.FactBlockRate7d] = ratio(h[hours7d+colBlocks]+h[hours7d+colReports], h[hours7d+colSent])
	f[event.FactStops7d] = float64(h[hours7d+colStops])
	f[event.FactSentAfterStop24h] = float64(m[minutes24h+colAfterStop])
	for c := range int(event.NumErrorClasses) {
		f[event.FactFailed24hAccount+event.Fact(c)] = float64(m[minutes24h+colFailed+c])
	}
	f[event.FactSpamErrors1h] = float64(s[seconds1h+colSpam])
	f[event.FactReachoutErrors24h] = float64(m[minutes24h+colReachout])
	f[event.FactIntervalCV] = n.intervalCV()
	f[event.FactActiveHours24h] = float64(n.activeHours())
	f[event.FactMediaRepeat24h] = float64(n.media.Top())
	f[event.FactLinkRepeat1h] = float64(n.links.Top())
	f[event.FactForeign24h] = float64(m[minutes24h+colForeign])
	f[event.FactCountry24h] = float64(m[minutes24h+colCountry])
	f[event.FactForeignShare24h] = ratio(m[minutes24h+colForeign], m[minutes24h+colCountry])
	f[event.FactNoOptIn24h] = float64(m[minutes24h+colNoOptIn])
	f[event.FactOptInGiven24h] = float64(m[minutes24h+colOptInGiven])
	f[event.FactNoOptInShare24h] = ratio(m[minutes24h+colNoOptIn], m[minutes24h+colOptInGiven])
	f[event.FactGroups24h] = float64(m[minutes24h+colGroups])
	f[event.FactDay] = float64(n.day())
	f[event.FactRestriction] = float64(n.account.holds(n.clock))
	f[event.FactStrikes] = float64(n.strikes)
	f[event.FactWake] = math.NaN()
	if n.wake != never {
		f[event.FactWake] = float64(n.wake)
	}
	f[event.FactLinked] = math.NaN()
	if n.linked != never {
		f[event.FactLinked] = float64(n.linked)
	}
	f[event.FactCap] = math.NaN()
	if word := n.quota.word(n.clock); word != event.CapAbsent {
		f[event.FactCap] = float64(word)
	}
	f[event.FactCapShare] = n.quota.share(n.clock)
}
