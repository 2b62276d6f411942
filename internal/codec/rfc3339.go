package codec

// parseTime reads an RFC 3339 time with `T` and `Z` or an offset and returns ms
// since the Unix epoch. Digits beyond milliseconds are cut off; second 60 and
// dates that no calendar has are refused.
func parseTime(s []byte) (ms int64, ok bool) {
	// 2006-01-02T15:04:05Z is the shortest form.
	if len(s) < 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	century, ok1 := twoDigits(s, 0)
	year, ok2 := twoDigits(s, 2)
	month, ok3 := twoDigits(s, 5)
	day, ok4 := twoDigits(s, 8)
	hour, ok5 := twoDigits(s, 11)
	minute, ok6 := twoDigits(s, 14)
	second, ok7 := twoDigits(s, 17)
	year += 100 * century
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || !ok7 ||
		month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	ms = (daysSinceEpoch(year, month, day)*86400 + int64(hour*3600+minute*60+second)) * 1000
	i := 19
	if s[i] == '.' {
		first := i + 1
		if i = skipDigits(s, first); i == first {
			return 0, false
		}
		for k, unit := first, int64(100); k < i && unit > 0; k, unit = k+1, unit/10 {
			ms += int64(s[k]-'0') * unit
		}
	}
	switch rest := s[i:]; {
	case len(rest) == 1 && rest[0] == 'Z':
		return ms, true
	case len(rest) == 6 && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':':
		h, ok1 := twoDigits(rest, 1)
		m, ok2 := twoDigits(rest, 4)
		if !ok1 || !ok2 || h > 23 || m > 59 {
			return 0, false
		}
		offset := int64(h*60+m) * 60_000
		if rest[0] == '+' {
			offset = -offset
		}
		return ms + offset, true
	}
	return 0, false
}

// twoDigits reads two ASCII digits.
func twoDigits(s []byte, i int) (int, bool) {
	a, b := s[i]-'0', s[i+1]-'0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}

// daysIn returns the days of a month in the Gregorian calendar.
func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSinceEpoch counts the days from 1970-01-01 to a date of the years 0 to
// 9999. The year is taken to begin in March, which puts the leap day last; the
// days before a month are then a straight line, rounded down (Hinnant,
// "chrono-compatible low-level date algorithms").
func daysSinceEpoch(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	year += 400 // keeps the year 0 positive; 400 years are 146,097 days
	return int64(365*year+year/4-year/100+year/400+(153*(month-3)+2)/5+day-1) - 719468 - 146097
}
