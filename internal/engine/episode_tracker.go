package engine

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"sendwatch/internal/event"
	"sendwatch/internal/invariants"
	"sendwatch/internal/policy"
	"sendwatch/internal/window"
)

// episodeTracker turns computed levels into episodes and flags, for numbers and for
// portfolios alike.
type episodeTracker struct {
	policy   *policy.Policy
	position event.Position // of the current record
	// originOffset goes into the ids of episodes that begin now: the offset of the
	// record that began them; in the portfolios role, whose partitions have no order
	// in common, the portfolio minute.
	originOffset int64
	episodes     window.Pool[episode]
	stats        Stats
}

// episode is the time that one factor's flag level of a number is above none.
type episode struct {
	id       [2]uint64 // the flag's id
	warnAt   int64     // clock of the last evaluation at warn or danger
	dangerAt int64     // clock of the last evaluation at danger, never if none
	key      uint64    // fingerprint of the template, 0 if the factor has no key
	sequence uint32
	factor   event.Factor
	level    event.Level // the flag level
	computed event.Level // at the last evaluation
}

// observe takes the computed level of an evaluation at the clock.
func (p *episode) observe(level event.Level, clock int64) {
	p.computed = level
	if level >= event.LevelWarn {
		p.warnAt = clock
	}
	if level >= event.LevelDanger {
		p.dangerAt = clock
	}
}

// at returns the flag level at the clock: the highest computed level of the
// evaluations less than the hysteresis ago.
func (p *episode) at(clock, hysteresis int64) event.Level {
	hysteresis = max(hysteresis, 1) // the current evaluation always counts
	switch {
	case p.dangerAt != never && p.dangerAt > clock-hysteresis:
		return event.LevelDanger
	case p.warnAt > clock-hysteresis:
		return event.LevelWarn
	}
	return event.LevelNone
}

// openEpisodes is the open episodes of one subject.
type openEpisodes struct {
	list   window.Ring
	active uint64 // bit f: an episode of factor f is open
}

// carryForward adds to open episodes the evaluations that ticks up to the clock would
// have made, at which nothing had changed.
func (w *episodeTracker) carryForward(t *openEpisodes, clock int64) {
	for k := range t.list.Len() {
		p := w.episodes.At(&t.list, k)
		p.observe(p.computed, clock)
	}
}

// transitionStep is one evaluation of one factor: the flag level before and after it.
type transitionStep struct {
	at       int // of the episode among those open
	was, is  event.Level
	id       [2]uint64
	sequence int64
	key      uint64
}

// step takes one computed level at the clock and moves its episode, opened with
// an id if need be. moved is true if the flag level changed; the caller
// writes the flag and then calls closeStep.
func (w *episodeTracker) step(
	t *openEpisodes, f event.Factor, key uint64, computed event.Level, clock int64, id func() [2]uint64,
) (s transitionStep, moved bool) {
	at := -1
	if t.active&(1<<f) != 0 {
		for k := range t.list.Len() {
			if p := w.episodes.Look(&t.list, k); p.factor == f && p.key == key {
				at = k
				break
			}
		}
	}
	if at < 0 {
		if computed == event.LevelNone {
			return transitionStep{}, false
		}
		at = t.list.Len()
		w.episodes.PushBack(&t.list, episode{id: id(), factor: f, key: key, warnAt: never, dangerAt: never})
		t.active |= 1 << f
	}
	p := w.episodes.At(&t.list, at)
	if invariants.Enabled {
		w.checkEpisodes(t, p, clock)
	}
	p.observe(computed, clock)
	s = transitionStep{at: at, was: p.level, is: p.at(clock, w.policy.Hysteresis), id: p.id, sequence: int64(p.sequence), key: key}
	p.level = s.is
	return s, s.was != s.is
}

// closeStep ends a step that moved: the next transition has the next number,
// and an episode that was cleared is closed.
func (w *episodeTracker) closeStep(t *openEpisodes, s transitionStep) {
	p := w.episodes.At(&t.list, s.at)
	if invariants.Enabled {
		checkTransition(p, s)
	}
	p.sequence++
	if s.is != event.LevelNone {
		return
	}
	f := p.factor
	w.episodes.Remove(&t.list, s.at)
	t.active &^= 1 << f
	for k := range t.list.Len() {
		if w.episodes.Look(&t.list, k).factor == f {
			t.active |= 1 << f
		}
	}
}

// nextFall returns the first time after the clock at which a flag level falls if
// nothing else happens.
func (w *episodeTracker) nextFall(t *openEpisodes, clock int64) int64 {
	next := int64(window.Never)
	hysteresis := w.policy.Hysteresis
	for k := range t.list.Len() {
		p := w.episodes.Look(&t.list, k)
		if p.computed < event.LevelDanger && p.dangerAt != never && p.dangerAt > clock-hysteresis {
			next = min(next, p.dangerAt+hysteresis)
		}
		if p.computed < event.LevelWarn {
			next = min(next, p.warnAt+hysteresis)
		}
	}
	return next
}

// transition names the step between two flag levels.
func transition(was, is event.Level) event.Transition {
	switch {
	case is == event.LevelNone:
		return event.TransitionCleared
	case was == event.LevelNone:
		return event.TransitionRaised
	case is > was:
		return event.TransitionEscalated
	}
	return event.TransitionEased
}

// deriveID derives the id of an episode that begins now. The clock is part of it,
// since one record may bring many ticks, and with them several episodes of a factor.
func (w *episodeTracker) deriveID(subject []byte, f event.Factor, key string, clock int64) [2]uint64 {
	b := subject
	for _, part := range [...]string{
		f.String(), key, w.policy.Version, w.position.Topic,
		strconv.Itoa(int(w.position.Partition)), strconv.FormatInt(w.originOffset, 10), strconv.FormatInt(clock, 10),
	} {
		b = append(b, 0)
		b = append(b, part...)
	}
	h := xxhash.NewWithSeed(idSeed)
	_, _ = h.Write(b) // a hash never fails to write
	return [2]uint64{xxhash.Sum64(b), h.Sum64()}
}

// idString writes a flag's id: 32 hex digits.
func idString(id [2]uint64) string {
	var b [16]byte
	for k, word := range id {
		for j := range 8 {
			b[8*k+j] = byte(word >> (56 - 8*j))
		}
	}
	return hex.EncodeToString(b[:])
}

// newFlag fills in what every flag has.
func (w *episodeTracker) newFlag(s transitionStep, f event.Factor, r *policy.Rule, day int64) event.Flag {
	warn, danger := r.At(day)
	return event.Flag{
		FlagID: idString(s.id), Sequence: s.sequence, Transition: transition(s.was, s.is), Level: s.is,
		Factor: f, Warn: thresholdValue(warn), Danger: thresholdValue(danger),
		PolicyVersion: w.policy.Version, Advice: w.policy.Advice(f), ETA: -1,
		Position: w.position,
	}
}

// etaWindow is what the pace of an eta is measured over, maxETA the longest
// eta that is shown; both in seconds.
const (
	etaWindow = 600
	maxETA    = 3600
)

// eta returns the seconds to danger for what is missing at the pace of n in the
// last 10 minutes, -1 for none.
func eta(missing, n float64) int64 {
	if missing < 0 {
		return -1
	}
	s := ceilDiv(missing*etaWindow, n)
	if s > maxETA {
		return -1
	}
	return s
}

func ceilDiv(a, b float64) int64 {
	q := int64(a / b)
	if float64(q)*b < a {
		q++
	}
	return q
}

// thresholdValue returns a threshold as a flag shows it: its number or its words.
func thresholdValue(t *policy.Threshold) event.Value {
	switch {
	case len(t.Words) > 0:
		return event.WordValue(strings.Join(t.Words, ","))
	case t.Op != policy.OpNone:
		return event.NumberValue(t.Value)
	}
	return event.Value{}
}
