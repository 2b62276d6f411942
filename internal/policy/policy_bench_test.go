package policy

import (
	"os"
	"testing"

	"sendwatch/internal/event"
)

// BenchmarkIndex finds the profile of a number, with and without overrides.
func BenchmarkIndex(b *testing.B) {
	data, err := os.ReadFile("testdata/overrides.yaml")
	if err != nil {
		b.Fatal(err)
	}
	overridden, err := Load(data)
	if err != nil {
		b.Fatal(err)
	}
	number, portfolio := []byte("15550002"), []byte("acme")
	for name, p := range map[string]*Policy{"default": Default(), "overrides": overridden} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			sum := int32(0)
			for b.Loop() {
				sum += p.Index(number, portfolio, event.ConnectionWebSession)
			}
			if sum < 0 {
				b.Fatal("no profile")
			}
		})
	}
}

// BenchmarkLoad reads the shipped policy.
func BenchmarkLoad(b *testing.B) {
	data := shipped()
	for b.Loop() {
		if _, err := Load(data); err != nil {
			b.Fatal(err)
		}
	}
}
