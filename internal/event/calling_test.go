package event

import (
	"slices"
	"testing"
)

func TestParseCallingCode(t *testing.T) {
	for _, c := range []struct {
		digits string
		want   CallingCode
		in     string // countries that share the code, joined
		out    string // countries that do not
	}{
		{"12025550123", 1, "USCAJMPRGU", "GBMX"},
		{"79161234567", 7, "RUKZ", "UAUS"},
		{"447700900123", 44, "GBGGIMJE", "IEUS"},
		{"4915100000001", 49, "DE", "ATCH"},
		{"390612345678", 39, "ITVA", "SM"},
		{"599912345678", 599, "CWBQ", "NL"},
		{"38349123456", 383, "XK", "RS"},
		{"2126612345678", 212, "MAEH", "DZ"},
		{"1234567", 1, "US", "DE"},
		{"123456789012345", 1, "US", "DE"},
		{"123456", 0, "", "US"},
		{"1234567890123456", 0, "", "US"},
		{"0912345678", 0, "", "US"},
		{"+4915100000001", 0, "", "DE"},
		{"49151 0000001", 0, "", "DE"},
		{"80012345678", 0, "", "US"},
		{"87812345678", 0, "", "US"},
		{"870123456789", 0, "", "US"},
		{"883123456789", 0, "", "US"},
		{"999123456789", 0, "", "US"},
		{"", 0, "", "US"},
	} {
		got := ParseCallingCode([]byte(c.digits))
		if got != c.want {
			t.Errorf("ParseCallingCode(%q) = %d, want %d", c.digits, got, c.want)
		}
		for i := 0; i < len(c.in); i += 2 {
			if k, _ := ParseCountry([]byte(c.in[i : i+2])); !got.Includes(k) {
				t.Errorf("%d does not include %v", got, k)
			}
		}
		for i := 0; i < len(c.out); i += 2 {
			if k, _ := ParseCountry([]byte(c.out[i : i+2])); got.Includes(k) {
				t.Errorf("%d includes %v", got, k)
			}
		}
	}
}

// countriesOf returns the countries that share a code.
func countriesOf(c CallingCode) (list []Country) {
	s := c.countries()
	for i := 0; i+1 < len(s); i += 2 {
		list = append(list, Country(s[i])<<8|Country(s[i+1]))
	}
	return list
}

func TestCallingCodesArePrefixFreeAndSorted(t *testing.T) {
	countries := map[Country]CallingCode{}
	for c := range CallingCode(len(callingCountries)) {
		list := countriesOf(c)
		if len(list) == 0 {
			continue
		}
		if !slices.IsSorted(list) {
			t.Errorf("countries of %d are not sorted: %v", c, list)
		}
		for _, k := range list {
			if other, ok := countries[k]; ok {
				t.Errorf("%v has the codes %d and %d", k, other, c)
			}
			countries[k] = c
		}
		for p := c / 10; p > 0; p /= 10 {
			if len(countriesOf(p)) > 0 {
				t.Errorf("code %d begins with code %d", c, p)
			}
		}
	}
	if len(countries) != 245 {
		t.Errorf("%d countries in the table, want 245", len(countries))
	}
	if got := countriesOf(60000); len(got) != 0 {
		t.Errorf("a code beyond the table has countries %v", got)
	}
}

func TestParseCallingCodeDoesNotAllocate(t *testing.T) {
	digits := []byte("447700900123")
	gb, _ := ParseCountry([]byte("GB"))
	if n := testing.AllocsPerRun(100, func() {
		if !ParseCallingCode(digits).Includes(gb) {
			t.Fatal("44 does not include GB")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
