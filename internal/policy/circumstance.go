package policy

import "sendwatch/internal/event"

// FactorSet is a set of factors of numbers, a bit each.
type FactorSet uint64

// A factor of a number must have its bit.
const _ = FactorSet(1) << (event.NumNumberFactors - 1)

// Has reports whether a factor is in the set.
func (s FactorSet) Has(f event.Factor) bool { return s>>f&1 != 0 }

// Names returns the names of the factors of the set, in the order of the contract.
func (s FactorSet) Names() []string {
	var names []string
	for f := range event.NumNumberFactors {
		if s.Has(f) {
			names = append(names, f.String())
		}
	}
	return names
}

// Circumstances is what a number's facts say about how far they can be trusted,
// at its clock (contract, section 5, "Severity").
type Circumstances struct {
	Inputs              event.Inputs // those of the profile applied last that gave some, else event.AllInputs
	Statuses24h         uint64       // delivered, read and failed statuses
	Received7d          uint64
	Unlinked7d          uint64
	Answered7d          uint64
	Awaited             uint64 // answered_7d + unanswered_7d + pending
	RegistrationIsKnown bool   // a profile gave registered_at
}

// Silences says which factors are silent because what they look at does not
// reach the topic.
type Silences struct {
	// Without holds, by the place of an input's bit in event.Inputs, the factors
	// that need the input.
	Without [numInputs]FactorSet
	// NoStatus are silent while no status lies in the 24 h.
	NoStatus FactorSet
	// Unlinked are silent while at least UnlinkedInbounds inbounds of 7 d, and at
	// least the share UnlinkedShare of all, came under a user id that nothing links
	// to a contact: what they answer is not known.
	Unlinked         FactorSet
	UnlinkedInbounds float64
	UnlinkedShare    float64
}

// numInputs is how many bits event.AllInputs has.
const numInputs = 4

// Ceilings says which factors are at most at warn, and when.
type Ceilings struct {
	// Answered are held while the number awaits at least AnsweredAwaited answers
	// and at least the share AnsweredRatio of these came within 7 d. What is
	// pending counts against it, so that a burst lifts the ceiling within minutes.
	Answered        FactorSet
	AnsweredAwaited float64
	AnsweredRatio   float64
	// Unregistered are held while no profile has told when the number was
	// registered: its day of life then counts from its first event.
	Unregistered FactorSet
}

// Silent returns the factors that are silent under the circumstances: their level
// is none and their severity 0.
func (p *Policy) Silent(c *Circumstances) FactorSet {
	s := &p.Silences
	var silent FactorSet
	if c.Inputs != event.AllInputs {
		for i := range s.Without {
			if !c.Inputs.Has(1 << i) {
				silent |= s.Without[i]
			}
		}
	}
	if c.Statuses24h == 0 {
		silent |= s.NoStatus
	}
	if s.unlinked(c) {
		silent |= s.Unlinked
	}
	return silent
}

func (s *Silences) unlinked(c *Circumstances) bool {
	n := float64(c.Unlinked7d)
	return n >= s.UnlinkedInbounds && n >= s.UnlinkedShare*float64(c.Received7d)
}

// AtMostWarn returns the factors that are held at warn under the circumstances:
// apply Hold to what Judge says of them.
func (p *Policy) AtMostWarn(c *Circumstances) FactorSet {
	var held FactorSet
	if p.Ceilings.answered(c) {
		held |= p.Ceilings.Answered
	}
	if !c.RegistrationIsKnown {
		held |= p.Ceilings.Unregistered
	}
	return held
}

func (l *Ceilings) answered(c *Circumstances) bool {
	awaited := float64(c.Awaited)
	return awaited >= l.AnsweredAwaited && awaited > 0 && float64(c.Answered7d)/awaited >= l.AnsweredRatio
}

// heldSeverity is the most that a factor held at warn may weigh (contract,
// section 5).
const heldSeverity = 0.5

// Hold returns a level and a severity of a factor that is at most at warn.
func Hold(level event.Level, severity float64) (event.Level, float64) {
	return min(level, event.LevelWarn), min(severity, heldSeverity)
}

// Silence returns why a factor is silent under the circumstances, SilenceNone if
// it is not. Of several reasons it is the first.
func (p *Policy) Silence(f event.Factor, c *Circumstances) event.Silence {
	s := &p.Silences
	for i := range s.Without {
		if s.Without[i].Has(f) && !c.Inputs.Has(1<<i) {
			return event.SilenceInbound + event.Silence(i)
		}
	}
	switch {
	case s.NoStatus.Has(f) && c.Statuses24h == 0:
		return event.SilenceNoStatus24h
	case s.Unlinked.Has(f) && s.unlinked(c):
		return event.SilenceUnlinked
	}
	return event.SilenceNone
}

// AnsweredSender reports whether people answer the number so well that its
// volume is held at warn (contract, section 5, "Answered senders").
func (p *Policy) AnsweredSender(c *Circumstances) bool { return p.Ceilings.answered(c) }
