package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sendwatch/internal/event"
)

// digest returns 12 hexadecimal digits of the SHA-256 of all that the policy
// decides, written in one fixed way: comments, the order of keys and the way in
// which a profile came to its rules change nothing.
func (f *file) digest(p *Policy) string {
	var w strings.Builder
	fmt.Fprintf(&w, "hysteresis %d\n", p.Hysteresis)
	for _, words := range [...][]string{p.StopWords, p.ResumeWords} {
		words = slices.Clone(words)
		slices.Sort(words)
		fmt.Fprintf(&w, "words %q\n", slices.Compact(words))
	}
	for i := range conditionKeys {
		w.WriteString(conditionKeys[i].content(&f.conditions) + "\n")
	}
	for c, i := range p.byConnection {
		fmt.Fprintf(&w, "connection %s %s\n", connections[c], p.Profiles[i].Name)
	}
	for i := range p.Profiles[:len(f.profiles)] {
		fmt.Fprintf(&w, "profile %s\n", p.Profiles[i].Name)
		for factor := range event.NumFactors {
			fmt.Fprintf(&w, "%s %s\n", factor, p.Profiles[i].Rules[factor].content())
		}
	}
	for _, overrides := range [...]map[string]*override{f.portfolios, f.numbers} {
		w.WriteString("overrides\n")
		for _, id := range slices.Sorted(maps.Keys(overrides)) {
			fmt.Fprintf(&w, "%q %s", id, overrides[id].content())
		}
	}
	for factor := range event.NumFactors {
		fmt.Fprintf(&w, "advice %s %q\n", factor, p.advice[factor])
	}
	sum := sha256.Sum256([]byte(w.String()))
	return hex.EncodeToString(sum[:6])
}
