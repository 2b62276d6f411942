package gateway

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Auth says whose bodies are taken. Of each list every entry counts: two during a
// change of a secret, one of each app.
type Auth struct {
	// Open takes bodies that nothing vouches for: on a private network only.
	Open bool
	// Tokens are shared with those that cannot sign: in the header Authorization
	// (Bearer), in X-Sendwatch-Token, or as the parameter token of the address.
	Tokens []string
	// AppSecrets are those of Meta's apps, for X-Hub-Signature-256.
	AppSecrets []string
	// VerifyToken answers Meta's question at set-up; empty: it is not answered.
	VerifyToken string
	// TwilioTokens are the auth tokens that Twilio signs with, and TwilioURL the
	// address under which it calls, up to the path: its signature covers it.
	TwilioTokens []string
	TwilioURL    string
}

// allowed reports whether a body may be taken. A provider that signs, and whose
// secrets are given, must sign; the others bring a token or a client certificate.
func (a *Auth) allowed(provider string, sends bool, r *http.Request, body []byte) bool {
	switch {
	case !sends && provider == "meta" && len(a.AppSecrets) > 0:
		return a.metaSigned(r.Header.Get("X-Hub-Signature-256"), body)
	case !sends && provider == "twilio" && len(a.TwilioTokens) > 0:
		return a.twilioSigned(r, body)
	}
	if len(a.Tokens) > 0 && a.hasToken(r) {
		return true
	}
	return a.Open || r.TLS != nil && len(r.TLS.VerifiedChains) > 0
}

// metaSigned checks HMAC-SHA256 over the bytes as they came.
func (a *Auth) metaSigned(header string, body []byte) bool {
	given, err := hex.DecodeString(strings.TrimPrefix(header, "sha256="))
	if err != nil || len(given) != sha256.Size || !strings.HasPrefix(header, "sha256=") {
		return false
	}
	ok := false
	for _, secret := range a.AppSecrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		ok = hmac.Equal(mac.Sum(nil), given) || ok
	}
	return ok
}

// twilioSigned checks Twilio's signature: HMAC-SHA1 over the address and, of a
// form, its parameters sorted by name, each name followed by its value; a body
// that is no form is covered by its hash in the address (twilio.com/docs/usage/security).
func (a *Auth) twilioSigned(r *http.Request, body []byte) bool {
	given, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Twilio-Signature"))
	if err != nil || len(given) != sha1.Size {
		return false
	}
	address := strings.TrimSuffix(a.TwilioURL, "/") + r.URL.RequestURI()
	signed := address
	if hash := r.URL.Query().Get("bodySHA256"); hash != "" {
		sum := sha256.Sum256(body)
		if !same(hash, hex.EncodeToString(sum[:])) {
			return false
		}
	} else {
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return false
		}
		var b strings.Builder
		b.WriteString(address)
		for _, name := range slices.Sorted(maps.Keys(values)) {
			list := slices.Clone(values[name])
			slices.Sort(list)
			for _, value := range slices.Compact(list) {
				b.WriteString(name)
				b.WriteString(value)
			}
		}
		signed = b.String()
	}
	ok := false
	for _, token := range a.TwilioTokens {
		mac := hmac.New(sha1.New, []byte(token))
		mac.Write([]byte(signed))
		ok = hmac.Equal(mac.Sum(nil), given) || ok
	}
	return ok
}

// hasToken looks for a shared token.
func (a *Auth) hasToken(r *http.Request) bool {
	given := r.Header.Get("X-Sendwatch-Token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		given = bearer
	}
	if given == "" {
		given = r.URL.Query().Get("token")
	}
	ok := false
	for _, token := range a.Tokens {
		ok = same(given, token) || ok
	}
	return ok
}

// same compares in constant time, whatever the lengths are.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
