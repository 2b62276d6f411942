package wording

import (
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Count returns a count and its noun, whose plural ends in s: "1 row", "2,000 rows".
func Count[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Thousands(int64(n)) + " " + noun + "s"
}

// Thousands returns n with a comma between its thousands: 1234567 as 1,234,567.
func Thousands(n int64) string { return message.NewPrinter(language.English).Sprintf("%d", n) }
