package main

import (
	"slices"
	"strings"
	"testing"
)

func TestParseSeeds(t *testing.T) {
	for text, want := range map[string][]uint64{
		"1-5":     {1, 2, 3, 4, 5},
		"7, 11":   {7, 11},
		"3-3,1":   {3, 1},
		"100-102": {100, 101, 102},
	} {
		got, err := parseSeeds(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("parseSeeds(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "5-1", "1-", "-1", "1,,2", "1-1000", "1-150,1-150", "18446744073709551616"} {
		if got, err := parseSeeds(text); err == nil || !strings.Contains(err.Error(), "--seeds") {
			t.Errorf("parseSeeds(%q) = %v, %v; want an error that names --seeds", text, got, err)
		}
	}
}
