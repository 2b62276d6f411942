package engine

import (
	"math"
	"slices"

	"sendwatch/internal/event"
	"sendwatch/internal/window"
)

// count takes an event of a number into its counts. The number's clock and
// windows have been moved to it; who is whom it is
// about, before the watermark before the event.
func (e *Engine) count(n number, ev *event.Event, who contact, before int64, out *event.Output) {
	t := ev.Time
	if ev.InGroup {
		e.minuteRow(n, t).counts.GroupMessages++
		return
	}
	switch ev.Type {
	case event.TypeSent:
		switch {
		case ev.Held:
			e.minuteRow(n, t).counts.Held++
		case ev.IsSend():
			e.countSend(n, ev, who.name, before)
		}
	case event.TypeStatus:
		e.countStatus(n, ev, who)
	case event.TypeReceived:
		e.countReceived(n, ev, who)
	case event.TypePreference:
		e.prefer(n, ev, who, ev.Preference)
	case event.TypeBlock:
		e.minuteRow(n, t).counts.Blocks++
		e.addHour(n, 1<<colBlocks, t)
	case event.TypeReport:
		e.minuteRow(n, t).counts.Reports++
		e.addHour(n, 1<<colReports, t)
	case event.TypeProfile:
		n.applyProfile(ev)
		n.templateLevelsStale = true // what reaches the topic may be other things now
	case event.TypeQuality:
		if ev.Time >= n.ratingTime {
			n.rating, n.ratingTime = ev.Rating, ev.Time
		}
		e.accountEvent(n.index, ev, out)
	case event.TypeConnection:
		n.ipCountry = ev.IPCountry
		if ev.HasLinked {
			n.linked = ev.LinkedAt
		}
		if ev.IPHash != 0 {
			n.ipHash = ev.IPHash
			e.changelog.addIP(n.portfolio, n.index, ev.IPHash)
		}
	case event.TypeCap:
		n.quota.update(ev)
	case event.TypeGroup:
		if added := min(ev.NonContactsAdded, 1<<53); added > 0 { // no real number comes near
			e.addMinutes(n, 1<<colGroups, t, uint64(added))
		}
	case event.TypeAccount:
		e.applyAccount(n, ev)
		e.accountEvent(n.index, ev, out)
	}
}

// send is what counting a send finds out on the way: one look at each table.
type send struct {
	to       uint64 // the name of the contact
	conv     window.Conversation
	known    bool // conv is one
	late     bool
	category event.Category
	minute   *minuteRow
	content  *fingerprintRow
	inMinute window.Columns // those that it counts in
	inSecond window.Columns
	key      window.KeySlot // of the content among those that are counted
}

// countSend counts a send.
func (e *Engine) countSend(n number, ev *event.Event, to uint64, before int64) {
	t := ev.Time
	s := send{to: to, late: before != never && t < before-lateAfter, category: e.category(n, ev), key: window.NoKey}
	s.conv, s.known = e.replies.Find(uint32(n.index), to)
	initiated := !s.known || !e.replies.InWindow(s.conv, t, before, e.watermark)

	s.minute = e.minuteRow(n, t)
	row := &s.minute.counts
	row.Sent++
	s.inSecond, s.inMinute = 1<<colSent, 1<<colSent
	e.addHour(n, 1<<colSent, t)
	if s.late {
		row.Late++
		e.stats.Late++
	}
	if ev.HasTemplate {
		row.TemplatesSent++
		e.scratch = e.templates.learn(ev.Fingerprint, &ev.Template, e.scratch)
		keys := n.templates.Keys()
		s.key = addKey(n, logTemplates, &e.logs.templates, &n.templates, ev.Fingerprint, t, minute)
		n.templateLevelsStale = n.templateLevelsStale || n.templates.Keys() != keys
	}
	if s.known && (initiated || s.category == event.CategoryMarketing) {
		if at, ok := e.replies.StoppedAt(s.conv); ok && at <= t {
			row.SentAfterStop++
			s.inMinute |= 1 << colAfterStop
		}
	}
	if t > n.newestSend {
		if prev := max(n.newestSend, n.lastActive); prev != never && t-prev >= dormantFor {
			n.wake = t
		}
		n.newestSend = t
	}
	e.noteRestart(n, t)
	s.content = e.contentRow(n.index, ev.Fingerprint, t, s.key)
	s.content.sent++
	e.noteContact(n.index, to).lastSent(t)
	if initiated {
		e.countInitiated(n, ev, &s)
	}
	e.addSecond(n, s.inSecond, t)
	e.addMinute(n, s.inMinute, t)
}

// countInitiated counts what only initiated sends count in.
func (e *Engine) countInitiated(n number, ev *event.Event, s *send) {
	t := ev.Time
	s.minute.counts.Initiated++
	s.content.initiated++
	e.noteMinuteContact(n.index, s.minute, s.to)
	e.changelog.addContact(n.portfolio, n.index, s.to, floor(t, minute))
	s.inSecond |= 1 << colInitiated
	s.inMinute |= 1<<colInitiated | n.origins(ev)
	if back := floor(n.clock, hour) - floor(t, hour); back < activeHoursLen {
		n.hours |= 1 << back
	}
	n.noteInterval(t)
	switch ev.OptIn {
	case event.OptInFalse:
		s.inMinute |= 1<<colNoOptIn | 1<<colOptInGiven
	case event.OptInTrue:
		s.inMinute |= 1 << colOptInGiven
	}
	if ev.MediaHash != 0 {
		addKey(n, logMedia, &e.logs.media, &n.media, ev.MediaHash, t, minute)
	}
	for _, link := range ev.Links {
		addKey(n, logLinks, &e.logs.links, &n.links, link, t, second)
	}
	if s.category.IsService() {
		return
	}
	addKeyAt(n, logFingerprints, &e.logs.fingerprints, &n.fingerprints, s.key, ev.Fingerprint, t, second)
	if s.late {
		return
	}
	e.ages.Add(&n.waiting, floor(t, quarter), n.quarterAt) // taken off again by countResolved if it is answered at once
	n.awaitingChanged()
	if !s.known {
		e.replies.BeginPending(uint32(n.index), s.to, t, ev.Fingerprint)
		return
	}
	e.resolved = e.replies.Track(s.conv, t, e.watermark, ev.Fingerprint, e.resolved[:0])
	e.countResolved()
}

// category returns the category of a send's template: that of the template.update
// applied last that gave one, for the number's present WABA, else the send's own.
func (e *Engine) category(n number, ev *event.Event) event.Category {
	if !ev.HasTemplate {
		return event.CategoryNone
	}
	if n.waba != 0 && e.templates.categories {
		if t := e.templates.state(ev.Fingerprint, n.waba); t != nil && t.category != event.CategoryNone {
			return t.category
		}
	}
	return ev.Template.Category
}

// countReceived counts an inbound.
func (e *Engine) countReceived(n number, ev *event.Event, who contact) {
	t := ev.Time
	e.minuteRow(n, t).counts.Received++
	cols := window.Columns(1 << colReceived)
	if ev.HasUserID && !ev.HasContact && who.name == ev.UserID {
		cols |= 1 << colUnlinked
	}
	e.addHour(n, cols, t)
	row := e.noteContact(n.index, who.name)
	c, known := e.replies.Find(uint32(n.index), who.name)
	if !known {
		if !row.sent {
			e.stats.Anomalies[AnomalyReply]++
		}
		c = e.replies.Begin(uint32(n.index), who.name)
	}
	row.lastReceived(t)
	e.resolved = e.replies.Inbound(c, t, e.watermark, e.resolved[:0])
	e.countResolved()
	e.prefer(n, ev, who, ev.Text)
}

// origins returns in which columns an initiated send counts for where it goes: none unless both countries
// are known when it is applied.
func (n *standing) origins(ev *event.Event) window.Columns {
	if n.country == 0 {
		return 0
	}
	var home bool
	switch {
	case ev.ContactCountry != 0:
		home = ev.ContactCountry == n.country
	case ev.ContactCalling != 0:
		home = ev.ContactCalling.Includes(n.country)
	default:
		return 0
	}
	if home {
		return 1 << colCountry
	}
	return 1<<colCountry | 1<<colForeign
}

// noteInterval takes the gap between an initiated send and the newest before
// it. One older than that is passed over.
func (n number) noteInterval(s int64) {
	if s < n.newestInitiated {
		return
	}
	if n.newestInitiated != never {
		// A gap of 49 days or more is as good as any: a mean with it in is above maxMeanGap.
		n.gaps[n.gapCount%gapsNeeded] = uint32(min(s-n.newestInitiated, math.MaxUint32))
		n.gapCount++
		if n.gapCount >= 2*gapsNeeded {
			n.gapCount -= gapsNeeded // stays at or above gapsNeeded, same place in the ring
		}
	}
	n.newestInitiated = s
	n.cv = n.variation()
}

// maxMeanGap is the mean gap above which sends are too rare to be judged.
const maxMeanGap = 10 * minute

// variation returns the coefficient of variation (population form) of the last
// 20 gaps, NaN if there are fewer, or their mean is 0 or above maxMeanGap.
func (n number) variation() float64 {
	if n.gapCount < gapsNeeded {
		return math.NaN()
	}
	var sum float64
	for _, g := range n.gaps {
		sum += float64(g)
	}
	mean := sum / gapsNeeded
	if mean == 0 || mean > maxMeanGap {
		return math.NaN()
	}
	var squares float64
	for _, g := range n.gaps {
		squares += (float64(g) - mean) * (float64(g) - mean)
	}
	return math.Sqrt(squares/gapsNeeded) / mean
}

// countStatus counts a delivery status.
func (e *Engine) countStatus(n number, ev *event.Event, who contact) {
	t := ev.Time
	if _, known := e.replies.Find(uint32(n.index), who.name); who.known && !known && !e.pane.wrote(n.index, who.name) {
		e.stats.Anomalies[AnomalyStatus]++
	}
	switch ev.Status {
	case event.StatusDelivered:
		e.minuteRow(n, t).counts.Delivered++
		e.addMinute(n, 1<<colDelivered, t)
	case event.StatusRead:
		e.minuteRow(n, t).counts.Read++
		e.addMinute(n, 1<<colRead, t)
	case event.StatusFailed:
		class, cols := event.ErrorOperational, window.Columns(0)
		if ev.HasError {
			class = event.ClassifyError(ev.ErrorCode)
			if class == event.ErrorOperational && !event.KnownError(ev.ErrorCode) {
				e.stats.Anomalies[AnomalyErrorCode]++
			}
			switch ev.ErrorCode {
			case event.CodeSpam:
				e.addSecond(n, 1<<colSpam, t)
			case event.CodeReachout:
				cols = 1 << colReachout
			}
		}
		e.minuteRow(n, t).counts.Failed[class]++
		e.addMinute(n, cols|1<<(colFailed+class), t)
		if c, ok := e.replies.Find(uint32(n.index), who.name); ok && who.known {
			e.resolved = e.replies.Withdraw(c, t, e.resolved[:0])
			e.countResolved()
		}
	}
}

// applyProfile applies what a number.profile holds; what it leaves out stays.
func (n number) applyProfile(ev *event.Event) {
	n.country = ev.Country
	if ev.HasRegistered {
		n.registered = ev.RegisteredAt
	}
	if ev.HasLastActive {
		n.lastActive = ev.LastActiveAt
	}
	if ev.Connection != event.ConnectionNone && ev.Connection != n.connection {
		n.connection = ev.Connection
		n.profile = -1
	}
	if ev.Origin != event.OriginNone {
		n.origin = ev.Origin
	}
	if ev.HasInputs {
		n.inputs = ev.Inputs
	}
}

// applyAccount takes an account.update that is an event of the number.
func (e *Engine) applyAccount(n number, ev *event.Event) {
	if n.account.update(ev.State, ev.Time, ev.ExpiresAt, ev.HasExpires) {
		n.strikes++
		e.strikes = slices.DeleteFunc(e.strikes, func(s strikeAt) bool { return s.time <= e.watermark-strikeWatch })
		e.strikes = append(e.strikes, strikeAt{ev.Time, n.index})
		e.changelog.addStrike(n.portfolio, n.index, ev.Time)
	}
}

// applyShared takes an event that names a WABA or a portfolio: it is an event
// of every number that belongs to it, in order of number_id. It reports whether
// some of them are still to be evaluated.
func (e *Engine) applyShared(ev *event.Event, out *event.Output) (more bool) {
	p := &e.progress
	if !p.sharing {
		e.accountEvent(noNumber, ev, out)
		e.beginShared(ev)
		p.sharing, p.evaluated = true, 0
	}
	for ; p.evaluated < len(e.due); p.evaluated++ {
		if e.spent(out) {
			return true
		}
		i := e.due[p.evaluated]
		if tells(ev) {
			e.numbers.tell(i)
		}
		n := e.numbers.at(i)
		e.catchUp(n, ev.Time, out)
		if ev.Type == event.TypeAccount {
			e.applyAccount(n, ev)
		} else {
			n.templateLevelsStale = true
		}
		e.evaluate(n, out)
	}
	p.sharing = false
	return false
}

// beginShared takes what a shared event says of its WABA or portfolio and finds
// the numbers that belong to it.
func (e *Engine) beginShared(ev *event.Event) {
	e.due = e.due[:0]
	var member func(n *standing) bool
	switch {
	case ev.Type == event.TypeLimit:
		e.changelog.addLimit(e.portfolioIDs.intern(ev.PortfolioID), ev.Limit, ev.Time)
		return
	case ev.Type == event.TypeTemplate:
		waba := e.wabas.intern(ev.WABAID)
		e.templates.update(ev, waba)
		member = func(n *standing) bool { return n.waba == waba }
	case ev.Scope == event.ScopeWABA:
		waba, ok := e.wabas.find(ev.WABAID)
		member = func(n *standing) bool { return ok && n.waba == waba }
	default:
		portfolio, ok := e.portfolioIDs.find(ev.PortfolioID)
		member = func(n *standing) bool { return ok && n.portfolio == portfolio }
	}
	for i := range e.numbers.end() {
		if member(e.numbers.look(i)) {
			e.due = append(e.due, i)
		}
	}
	if len(e.due) == 0 {
		e.stats.Anomalies[AnomalyAccount]++
	}
	e.sortNumbers(&e.due)
}

// countResolved counts what became of tracked sends, at the minute and bucket of the
// time they were resolved at.
func (e *Engine) countResolved() {
	for j := range e.resolved {
		s := &e.resolved[j]
		i := numberIndex(s.Number)
		n := e.numbers.at(i)
		row := &e.minuteRow(n, s.At).counts
		fp := e.fingerprintRow(i, s.Fingerprint, s.Sent)
		e.ages.Remove(&n.waiting, floor(s.Sent, quarter), n.quarterAt)
		n.awaitingChanged()
		switch s.Outcome {
		case window.Answered:
			row.Answered++
			fp.answered++
			e.addHour(n, 1<<(colAnswered+window.AgeClass(floor(s.At, quarter)-floor(s.Sent, quarter))), s.At)
			e.noteContact(i, s.Contact).answered()
		case window.Unanswered:
			row.Unanswered++
			fp.unanswered++
			e.addHour(n, 1<<colUnanswered, s.At)
			e.noteContact(i, s.Contact).unanswered(s.At)
		case window.Withdrawn:
			row.Withdrawn++
			fp.withdrawn++
		}
	}
	e.resolved = e.resolved[:0]
}

// addSecond counts an event in columns of a number's seconds; addMinute and addHour in those of its minutes and
// hours.
func (e *Engine) addSecond(n number, cols window.Columns, t int64) {
	l, at, now := &e.logs.seconds, floor(t, second), floor(n.clock, second)
	l.Add(&n.seconds, n.secondSums[:], cols, at, now, 1)
	n.moveBy(logSeconds, scale(l.Leaves(at, now), second))
}

func (e *Engine) addMinute(n number, cols window.Columns, t int64) { e.addMinutes(n, cols, t, 1) }

// addMinutes counts so many, at least one.
func (e *Engine) addMinutes(n number, cols window.Columns, t int64, by uint64) {
	l, at, now := &e.logs.minutes, floor(t, minute), floor(n.clock, minute)
	l.Add(&n.minutes, n.minuteSums[:], cols, at, now, by)
	n.moveBy(logMinutes, scale(l.Leaves(at, now), minute))
}

func (e *Engine) addHour(n number, cols window.Columns, t int64) {
	l, at, now := &e.logs.hours, floor(t, hour), floor(n.clock, hour)
	l.Add(&n.hoursLog, n.hourSums[:], cols, at, now, 1)
	n.moveBy(logHours, scale(l.Leaves(at, now), hour))
}

// addKey counts a key in one of a number's logs by key, and returns its slot.
func addKey(n number, log int, pool *window.Keyed, l *window.KeyedCounts, key uint64, t, grain int64) window.KeySlot {
	at := floor(t, grain)
	slot, counted := pool.Add(l, uint32(n.index), key, at, floor(n.clock, grain))
	if counted {
		n.moveBy(log, pool.Leaves(at)*grain)
		if pool.Reorders(l) {
			n.moves[log] = scale(pool.Next(l), grain)
		}
	}
	return slot
}

// addKeyAt is addKey for a key whose slot is known, if it has one.
func addKeyAt(n number, log int, pool *window.Keyed, l *window.KeyedCounts, slot window.KeySlot, key uint64, t, grain int64) {
	if slot == window.NoKey {
		addKey(n, log, pool, l, key, t, grain)
		return
	}
	at := floor(t, grain)
	if pool.AddTo(l, slot, at, floor(n.clock, grain)) {
		n.moveBy(log, pool.Leaves(at)*grain)
	}
}
