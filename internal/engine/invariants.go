package engine

import (
	"sendwatch/internal/event"
	"sendwatch/internal/invariants"
	"sendwatch/internal/policy"
)

// checkEpisodes checks, before a step of p at the clock, that time does not go
// back and that the open episodes are one a factor and key, each with its bit.
func (w *episodeTracker) checkEpisodes(t *openEpisodes, p *episode, clock int64) {
	invariants.Check(p.warnAt <= clock && p.dangerAt <= p.warnAt,
		"episode of %s: warn at %d, danger at %d, clock %d", p.factor, p.warnAt, p.dangerAt, clock)
	active := uint64(0)
	for i := range t.list.Len() {
		a := w.episodes.At(&t.list, i)
		active |= 1 << a.factor
		for j := range i {
			b := w.episodes.At(&t.list, j)
			invariants.Check(a.factor != b.factor || a.key != b.key, "two open episodes of %s", a.factor)
		}
	}
	invariants.Check(active == t.active, "open episodes are of the factors %b, marked are %b", active, t.active)
}

// checkTransition checks the order of an episode's transitions: the first raises
// it, none after it does, each moves the level, and clearing is the last, because
// the episode is closed by it.
func checkTransition(p *episode, s transitionStep) {
	first := p.sequence == 0
	invariants.Check(s.was != s.is && s.is == p.level && s.sequence == int64(p.sequence),
		"episode of %s: step %d from %s to %s", p.factor, s.sequence, s.was, s.is)
	invariants.Check(first == (transition(s.was, s.is) == event.TransitionRaised),
		"episode of %s: transition %d is from %s to %s", p.factor, p.sequence, s.was, s.is)
}

// checkMoves checks that each log's next change is when its entries have it.
func (e *Engine) checkMoves(n number) {
	l := &e.logs
	want := [numLogs]int64{
		logSeconds: scale(l.seconds.Next(&n.seconds), second), logMinutes: scale(l.minutes.Next(&n.minutes), minute),
		logHours:        scale(l.hours.Next(&n.hoursLog), hour),
		logFingerprints: scale(l.fingerprints.Next(&n.fingerprints), second), logLinks: scale(l.links.Next(&n.links), second),
		logMedia: scale(l.media.Next(&n.media), minute), logTemplates: scale(l.templates.Next(&n.templates), minute),
	}
	for k, at := range want {
		invariants.Check(n.moves[k] == at, "log %d changes at %d, noted is %d", k, at, n.moves[k])
	}
}

// checkRest checks that a number at rest says of itself what it said when its traffic was still there.
func (e *Engine) checkRest(i numberIndex, was traffic) {
	n := e.numbers.view(i)
	var before, after event.Facts
	s := *n.standing
	e.facts(number{i, &s, n.told, &was}, &before)
	e.facts(n, &after)
	for f := range before {
		same := before[f] == after[f] || before[f] != before[f] && after[f] != after[f]
		invariants.Check(same, "a number at rest: fact %s is %v, and was %v", event.Fact(f), after[f], before[f])
	}
	invariants.Check(n.circumstances() == number{i, &s, n.told, &was}.circumstances(), "a number at rest: other circumstances")
}

// checkGates checks that what did not pass the gates is at none.
func (e *Engine) checkGates(n number, rules *policy.Profile, passed policy.FactorSet) {
	v := &e.eval
	for f := range event.FactorTrustScore {
		if passed.Has(f) || f == event.FactorTemplateQuality {
			continue
		}
		r := &rules.Rules[f]
		level, severity := r.Judge(v.value[f], v.sample[f], int64(v.value[event.FactorNumberAge]))
		if notPlain.Has(f) {
			level, severity = e.judge(n, f, r)
		}
		invariants.Check(level == event.LevelNone && severity == 0, "%s at %v (%q) is %s with %v and did not pass its gate", f, v.value[f], v.word[f], level, severity)
	}
}
