package scenario

import (
	"slices"
	"strconv"
	"strings"

	"sendwatch/internal/event"
	"sendwatch/internal/strictyaml"
)

// expect is what is expected at one time of one number or portfolio.
type expect struct {
	line      int
	at        int64
	number    string
	portfolio string // set where it is about a portfolio
	checks    []check
	flags     *flagList // nil: not looked at
}

// check is one value that is compared.
type check struct {
	group  group
	name   string // a field of the group
	minute int64  // of groupMinutes, ms
	label  string // such as facts.sent_1h
	want   string // as it is written
	value  strictyaml.Value
	time   bool // the value is a time
}

// group says where a check finds its value.
type group uint8

const (
	groupStatus  group = iota // score, band, clock, facts and levels
	groupCounts               // number_minutes, summed since the case began
	groupMinutes              // number_minutes of one minute
	groupRecords              // records by class
)

// flagList is the list of transitions since the last one that was written.
type flagList struct {
	value strictyaml.Value
	want  []wantedFlag
}

// none is the word for a value that is not there.
const none = "none"

var (
	expectKeys     = []string{"at", "number", "portfolio", "clock", "score", "band", "facts", "levels", "counts", "minutes", "records", "flags"}
	portfolioFacts = []string{"unique_initiated_24h", "limit", "headroom", "restricted_7d", "shared_connection", "numbers_high", "numbers_medium", "numbers_low"}
)

// readExpects reads the expectations of a case, which come in order of time.
func (c *Case) readExpects(v strictyaml.Value) {
	items, _ := v.List("a list of expectations, each with at")
	for _, item := range items {
		before := item.Mistakes()
		x := c.readExpect(item)
		if item.Mistakes() > before {
			continue
		}
		if n := len(c.expects); n > 0 && x.at < c.expects[n-1].at {
			item.Wrong("is earlier than the one before", "expectations in order of time")
		}
		if len(x.checks) == 0 && x.flags == nil {
			item.Wrong("expects nothing", strings.Join(expectKeys[3:], ", "))
		}
		c.expects = append(c.expects, x)
	}
	if v.IsList() && len(items) == 0 {
		v.Wrong("is empty", "at least one expectation")
	}
}

func (c *Case) readExpect(v strictyaml.Value) expect {
	x := expect{line: v.Line(), number: c.senders[0].id}
	if !v.IsMapping() {
		v.Wrong("is no expectation", "a mapping with "+strings.Join(expectKeys, ", "))
		return x
	}
	var at, number, portfolio strictyaml.Value
	v.Record(expectKeys, func(key string, v strictyaml.Value) {
		switch key {
		case "at":
			at = v
		case "number":
			number = v
		case "portfolio":
			portfolio = v
		}
	})
	if !at.Exists() {
		v.Missing(acceptedTime, "at")
	} else if text, ok := at.Text(acceptedTime); ok {
		if x.at, ok = parseTime(text, c.start); !ok {
			at.Wrong(quote(text)+" is no time", acceptedTime)
		}
	}
	if number.Exists() {
		id, _ := number.Text(c.senderNames())
		i, ok := c.sender(id)
		if !ok {
			number.Wrong("no such number: "+quote(id), c.senderNames())
		} else {
			x.number = c.senders[i].id
		}
	}
	if portfolio.Exists() {
		x.portfolio, _ = portfolio.Text("the id of a portfolio")
		if number.Exists() {
			portfolio.Wrong("there is a number too", "one of number and portfolio")
		}
	}
	v.Record(expectKeys, func(key string, v strictyaml.Value) { c.readGroup(&x, key, v) })
	return x
}

// readGroup reads one key of an expectation.
func (c *Case) readGroup(x *expect, key string, v strictyaml.Value) {
	if x.portfolio != "" && slices.Contains([]string{"band", "counts", "minutes"}, key) {
		v.Wrong("a portfolio has none", "clock, score, facts, levels, records, flags")
		return
	}
	switch key {
	case "clock", "score":
		x.numeric(c, v, groupStatus, key, 0, key == "clock")
	case "band":
		x.word(v, key, []string{event.BandHigh.String(), event.BandMedium.String(), event.BandLow.String()})
	case "facts":
		v.Record(x.factNames(), func(name string, v strictyaml.Value) {
			f, ok := event.ParseFact(name)
			switch {
			case ok && x.portfolio == "" && f.Type() == event.FactCapWord:
				x.word(v, name, []string{none, event.CapNone.String(), event.CapFirstWarning.String(), event.CapSecondWarning.String(), event.CapCapped.String()})
			case ok && x.portfolio == "" && f.Type() == event.FactWord:
				x.word(v, name, []string{none, event.StateWarned.String(), event.StateRestricted.String(), event.StateBanned.String()})
			default:
				x.numeric(c, v, groupStatus, name, 0, ok && x.portfolio == "" && f.Type() == event.FactTime)
			}
		})
	case "levels":
		v.Record(x.levelNames(), func(name string, v strictyaml.Value) {
			x.word(v, "level_"+name, []string{event.LevelNone.String(), event.LevelWarn.String(), event.LevelDanger.String()})
		})
	case "counts":
		v.Record(countNames(false), func(name string, v strictyaml.Value) { x.numeric(c, v, groupCounts, name, 0, false) })
	case "minutes":
		v.Fields(func(text string, v strictyaml.Value) {
			t, ok := parseTime(text, c.start)
			if !ok {
				v.Wrong(quote(text)+" is no time", acceptedTime)
			}
			v.Record(countNames(true), func(name string, v strictyaml.Value) { x.numeric(c, v, groupMinutes, name, t, false) })
		})
	case "records":
		var classes []string
		for class := range event.NumClasses {
			classes = append(classes, class.String())
		}
		v.Record(classes, func(name string, v strictyaml.Value) { x.numeric(c, v, groupRecords, name, 0, false) })
	case "flags":
		x.flags = c.readFlags(v)
	}
}

// numeric reads a value that is a number or none, or a time.
func (x *expect) numeric(c *Case, v strictyaml.Value, g group, name string, minute int64, isTime bool) {
	accepted := "a number, or none"
	if isTime {
		accepted = acceptedTime + ", or none"
	}
	text, ok := v.Text(accepted)
	if !ok {
		return
	}
	if isTime {
		_, ok = parseTime(text, c.start)
	} else {
		_, ok = strictyaml.ParseNumber(text)
	}
	if !ok && text != none {
		v.Wrong(quote(text)+" is not that", accepted)
	}
	x.checks = append(x.checks, check{group: g, name: name, minute: minute, label: label(v.Path), want: text, value: v, time: isTime})
}

// word reads a value that is one of some words.
func (x *expect) word(v strictyaml.Value, name string, allowed []string) {
	if text, ok := v.Word(allowed); ok {
		x.checks = append(x.checks, check{group: groupStatus, name: name, label: label(v.Path), want: text, value: v})
	}
}

// label takes from a path what stands before the keys of the expectation.
func label(path string) string {
	_, rest, _ := strings.Cut(path, "].expect[")
	_, rest, _ = strings.Cut(rest, "].")
	return rest
}

func (x *expect) factNames() []string {
	if x.portfolio != "" {
		return portfolioFacts
	}
	var names []string
	for f := range event.NumFacts {
		names = append(names, f.String())
	}
	return names
}

func (x *expect) levelNames() []string {
	var names []string
	for f := range event.NumFactors {
		if f.Flags() && (f < event.NumNumberFactors) == (x.portfolio == "") {
			names = append(names, f.String())
		}
	}
	return names
}

// countNames lists the counts of number_minutes. The distinct contacts of
// several minutes do not add up.
func countNames(ofMinute bool) []string {
	names := []string{"sent", "initiated", "held", "late", "delivered", "read", "received"}
	for class := range event.NumErrorClasses {
		names = append(names, "failed_"+class.String())
	}
	names = append(names, "answered", "unanswered", "withdrawn", "blocks", "reports", "stops", "sent_after_stop", "templates_sent", "group_messages")
	if ofMinute {
		names = append(names, "contacts")
	}
	return names
}

// met reports whether a value is what is written. A number with decimals is
// compared at so many decimals, a whole number exactly.
func (k *check) met(c *Case, got any) bool {
	number, isNumber := got.(float64)
	switch {
	case got == nil || k.want == none:
		return k.want == c.format(k, got)
	case k.time:
		t, ok := parseTime(k.want, c.start)
		return ok && isNumber && float64(t) == number
	case isNumber:
		want, ok := strictyaml.ParseNumber(k.want)
		if n := decimals(k.want); n > 0 {
			return ok && strconv.FormatFloat(number, 'f', n, 64) == strconv.FormatFloat(want, 'f', n, 64)
		}
		return ok && number == want
	}
	return k.want == got
}

// format writes a value as it is written in a file, with as many decimals as
// the expected one has.
func (c *Case) format(k *check, got any) string {
	switch v := got.(type) {
	case float64:
		if k.time {
			return formatTime(int64(v), c.start)
		}
		return formatNumber(v, decimals(k.want))
	case string:
		return v
	}
	return none
}

// decimals counts the digits behind the point.
func decimals(s string) int {
	_, behind, ok := strings.Cut(s, ".")
	if !ok || strings.Trim(behind, "0123456789") != "" {
		return 0
	}
	return min(len(behind), 15)
}

// formatNumber writes a number with at most n decimals, or 4 if n is 0.
func formatNumber(v float64, n int) string {
	short := strconv.FormatFloat(v, 'f', -1, 64)
	if n == 0 {
		n = 4
	}
	if decimals(short) <= n {
		return short
	}
	return strconv.FormatFloat(v, 'f', n, 64)
}
