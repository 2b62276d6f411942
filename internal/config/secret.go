package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// hidden is what is shown of a secret.
const hidden = "[secret]"

// Secret is a password. It shows itself to nothing that prints, logs or
// marshals; Reveal returns it to the code that must know.
type Secret struct{ text string }

// NewSecret makes a Secret of a text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return s.text }

// Format writes [secret] for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// String returns [secret].
func (Secret) String() string { return hidden }

// LogValue returns [secret].
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText returns [secret], in JSON and elsewhere.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON returns "[secret]".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// ContactSecret is the 128-bit key of the contacts' hash. It hides itself as
// Secret does.
type ContactSecret struct {
	key [16]byte
	set bool
}

// ContactSecretVariable is the environment variable that holds the contact
// secret where no file is named.
const ContactSecretVariable = "SENDWATCH_CONTACT_SECRET"

const acceptedContactSecret = "32 hexadecimal digits, as `openssl rand -hex 16` makes them"

var errContactSecret = errors.New("is no key of 128 bits")

// parseContactSecret reads 32 hexadecimal digits. The error does not show them.
func parseContactSecret(s string) (ContactSecret, error) {
	c := ContactSecret{set: true}
	if hex.DecodedLen(len(s)) != len(c.key) || len(s)%2 != 0 {
		return ContactSecret{}, errContactSecret
	}
	if _, err := hex.Decode(c.key[:], []byte(s)); err != nil {
		return ContactSecret{}, errContactSecret
	}
	if c.key == [16]byte{} {
		return ContactSecret{}, errContactSecret
	}
	return c, nil
}

// Reveal returns the key. The error says how to set one that is not there.
func (s ContactSecret) Reveal() ([16]byte, error) {
	if !s.set {
		return [16]byte{}, errors.New("contacts.secret_file: missing, and " + ContactSecretVariable +
			" is not set; accepted: a file with " + acceptedContactSecret + "; keep it: with another secret every contact is a stranger")
	}
	return s.key, nil
}

// Format writes [secret] for every verb.
func (ContactSecret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// String returns [secret].
func (ContactSecret) String() string { return hidden }

// LogValue returns [secret].
func (ContactSecret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText returns [secret], in JSON and elsewhere.
func (ContactSecret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON returns "[secret]".
func (ContactSecret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }
