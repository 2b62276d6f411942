package policy

import (
	"regexp"
	"strings"
	"testing"

	"sendwatch/internal/event"
)

// hiding are words of one who hides a pattern instead of changing it. Advice
// that needs one of them is no advice that Sendwatch gives.
var hiding = regexp.MustCompile(`(?i)jitter|random|prox(y|ies)|vpn|\bvary|variat|\bvaried|spintax|\bspin|synonym|rephras|` +
	`alter|modify|re-?encode|crop|watermark|rotat|spread|split|distribut|(another|other|more|several|different|second|new|backup) numbers?\b|` +
	`\bsims?\b|emulat|fake|hide|conceal|disguis|mask|camouflag|evad|evasion|bypass|circumvent|undetect|detect|trick|look (human|natural)|human-like|` +
	`fingerprint|algorithm|radar|shorten(er|ed)? link|delay between`)

// TestAdvice reads what is said about each factor: there is something, it is
// short, it says what to do, and it never says how to hide.
func TestAdvice(t *testing.T) {
	p := Default()
	seen := map[string]event.Factor{}
	for f := range event.NumFactors {
		text := p.Advice(f)
		if other, ok := seen[text]; ok {
			t.Errorf("%s says what %s says", f, other)
		}
		seen[text] = f
		if n := sentences(text); n < 1 || n > 3 {
			t.Errorf("%s has %d sentences, 1 to 3 are read: %s", f, n, text)
		}
		if len(text) < 40 || len(text) > 330 {
			t.Errorf("%s has %d bytes: %s", f, len(text), text)
		}
		if word := hiding.FindString(text); word != "" {
			t.Errorf("%s speaks of hiding (%q): %s", f, word, text)
		}
	}
}

func sentences(text string) int {
	n := 0
	for _, s := range regexp.MustCompile(`[.!?](\s+|$)`).Split(text, -1) {
		if strings.TrimSpace(s) != "" {
			n++
		}
	}
	return n
}

// TestHidingIsNoticed makes sure that the test above can fail.
func TestHidingIsNoticed(t *testing.T) {
	for _, text := range []string{
		"Add jitter between the messages.", "Vary the text a little.", "Use a proxy in the country of the number.",
		"Spread the load over more numbers.", "Crop the image before each send.", "Rotate your templates.",
	} {
		if !hiding.MatchString(text) {
			t.Errorf("not noticed: %s", text)
		}
	}
}
