package event

// Silence is why a factor of a number is silent: its level is none and it takes
// nothing off the score, because what it looks at does not reach the topic
// (contract, section 5).
type Silence uint8

// The four missing inputs are in the order of the bits of Inputs.
const (
	SilenceNone Silence = iota
	SilenceInbound
	SilenceStatus
	SilenceAccount
	SilenceTemplate
	SilenceNoStatus24h
	SilenceUnlinked
	NumSilences
)

var silenceWords = [NumSilences]string{
	SilenceInbound:     "the profile says that inbound messages do not reach the topic",
	SilenceStatus:      "the profile says that statuses do not reach the topic",
	SilenceAccount:     "the profile says that account updates do not reach the topic",
	SilenceTemplate:    "the profile says that template updates do not reach the topic",
	SilenceNoStatus24h: "no status came in 24 hours",
	SilenceUnlinked:    "too many replies come under user ids that nothing links to the contacts written to",
}

// String returns the reason in words, empty for SilenceNone.
func (s Silence) String() string {
	if s >= NumSilences {
		return "a reason that this version does not know"
	}
	return silenceWords[s]
}
