package gateway

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sendwatch/internal/event"
	"sendwatch/internal/webhook"
	eventsv1 "sendwatch/schemas/events/v1"
)

// maxNumbers is how many numbers' inputs are remembered. Beyond that none is reported
// of a further number, and its factors judge as if nothing were known of it.
const maxNumbers = 200_000

// An input is one kind of what reaches us of a number, a bit of a set.
type inputs uint8

const (
	inbound inputs = 1 << iota
	status
	account
	template
)

// names returns the contract's words for a set.
func (s inputs) names() []string {
	list := []string{}
	for i, name := range []string{"inbound", "status", "account", "template"} {
		if s&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return list
}

// sender is what is remembered of a number of ours.
type sender struct {
	Inputs inputs `json:"inputs"`
	WABA   string `json:"waba,omitempty"`
	Digits string `json:"digits,omitempty"`
	// Provider is whose webhooks showed the newest input.
	Provider string `json:"provider,omitempty"`
}

// inputOf returns the input that an event shows to be alive.
func inputOf(e *eventsv1.Event) inputs {
	switch e.Type {
	case "message.received":
		return inbound
	case "message.status":
		return status
	case "account.update", "portfolio.limit":
		return account
	case "template.update":
		return template
	}
	return 0
}

// beside returns the events that a body makes beside its own: number.profile for a
// number of which an input is seen for the first time, or all end, and
// contact.alias for the phone behind a hidden id. changed are the numbers whose
// memory is to be written down, before what was remembered of them.
func (d *directory) beside(p webhook.Provider, result *webhook.Result, fresh []webhook.Fact, at int64) (events []*eventsv1.Event, changed, before map[string]sender) {
	d.mu.Lock()
	defer d.mu.Unlock()
	changed, before = map[string]sender{}, map[string]sender{}
	was := func(number string) {
		if _, noted := before[number]; !noted {
			before[number] = d.senders[number]
		}
	}
	for _, f := range fresh {
		switch f.Kind {
		case webhook.FactNumber:
			was(f.Value)
			d.name(f.Value, f.Key, changed)
		case webhook.FactStream:
			if f.Value == webhook.StreamEnded {
				d.end(f.Key, was, changed)
			}
		case webhook.FactPhone:
			if e := f.Alias(); e != nil {
				events = append(events, e)
			}
		case webhook.FactPortfolio, webhook.FactHeld, webhook.FactAddressee:
		}
	}
	for i := range result.Updates {
		for _, e := range result.Updates[i].Events {
			d.saw(p.Name(), e, was, changed)
		}
	}
	for _, number := range slices.Sorted(maps.Keys(changed)) {
		if e := d.profile(p, number, at); e != nil {
			events = append(events, e)
		}
	}
	return events, changed, before
}

// name remembers a number's digits.
func (d *directory) name(number, digits string, changed map[string]sender) {
	s, known := d.senders[number]
	if !known && len(d.senders) >= maxNumbers || s.Digits == digits {
		return
	}
	s.Digits = digits
	d.senders[number] = s
	if s.Inputs != 0 {
		changed[number] = s // there was no country to report it with
	}
}

// saw adds what an event shows. An event of a WABA shows it of all its numbers.
func (d *directory) saw(provider string, e *eventsv1.Event, was func(string), changed map[string]sender) {
	seen := inputOf(e)
	if seen == 0 {
		return
	}
	if e.NumberId == "" {
		d.sawOfWABA(e.WabaId, seen, was, changed)
		return
	}
	s, known := d.senders[e.NumberId]
	if !known && len(d.senders) >= maxNumbers {
		return
	}
	moved := e.WabaId != "" && e.WabaId != s.WABA
	if moved {
		s.WABA = e.WabaId
	}
	if s.WABA != "" {
		seen |= d.senders[keyWABA+s.WABA].Inputs
	}
	if s.Inputs&seen == seen && !moved {
		return
	}
	was(e.NumberId)
	grown := s.Inputs|seen != s.Inputs
	s.Inputs |= seen
	s.Provider = provider
	if s.Digits == "" && isDigits(provider, e.NumberId) {
		s.Digits = e.NumberId
	}
	d.senders[e.NumberId] = s
	if grown {
		changed[e.NumberId] = s
	}
}

// isDigits reports whether a number_id is the number's own digits. Meta's ids, of 15
// digits or more, and the ten digits of a GREEN-API instance look like a phone number,
// mostly of another country.
func isDigits(provider, number string) bool {
	switch provider {
	case "greenapi":
		return false
	case "meta", "360dialog", "gupshup":
		return len(number) < 15 && event.IsPhoneNumber([]byte(number))
	}
	return event.IsPhoneNumber([]byte(number))
}

// sawOfWABA adds what was seen of a WABA to its numbers, and keeps it for those
// that come later. It looks at all numbers, and so only at the first of its kind: a
// WABA may have a thousand templates updated in one body.
func (d *directory) sawOfWABA(waba string, seen inputs, was func(string), changed map[string]sender) {
	key := keyWABA + waba
	before := d.senders[key]
	if waba == "" || before.Inputs&seen == seen {
		return
	}
	if len(d.senders) < maxNumbers || before.WABA != "" {
		d.senders[key] = sender{WABA: waba, Inputs: before.Inputs}
	}
	for number, s := range d.senders {
		if s.WABA == waba && s.Inputs&seen == 0 {
			was(number)
			s.Inputs |= seen
			d.senders[number], changed[number] = s, s
		}
	}
}

// end empties the inputs of a WABA's numbers, or of the one with these digits.
func (d *directory) end(key string, was func(string), changed map[string]sender) {
	for number, s := range d.senders {
		if (s.WABA == key || s.Digits == key) && s.Inputs != 0 {
			was(number)
			s.Inputs = 0
			d.senders[number], changed[number] = s, s
		}
	}
}

// mainCountries are the countries that most numbers of a shared calling code are
// of; the configuration knows better where it names a number.
var mainCountries = map[event.CallingCode]string{
	1: "US", 7: "RU", 39: "IT", 44: "GB", 47: "NO", 61: "AU", 212: "MA", 262: "RE", 290: "SH", 358: "FI", 590: "GP", 599: "CW",
}

// profile makes a number.profile, nil if the number's country is not known: the
// contract wants one. It also says how the number is connected, since that is what
// the provider is.
func (d *directory) profile(p webhook.Provider, number string, at int64) *eventsv1.Event {
	s := d.senders[number]
	country := d.numbers[s.Digits].Country
	if code := event.ParseCallingCode([]byte(s.Digits)); country == "" && code != 0 {
		if country = code.Country(); country == "" {
			country = mainCountries[code]
		}
	}
	if country == "" {
		return nil
	}
	names := s.Inputs.names()
	connection := d.numbers[s.Digits].Connection
	switch {
	case connection != "":
	case p.Official():
		connection = "cloud_api"
	default:
		connection = "web_session"
	}
	return &eventsv1.Event{
		Id: "profile:" + number + ":" + strings.Join(names, "+") + ":" + strconv.FormatInt(at, 10), Type: "number.profile", Time: new(at),
		NumberId: number, WabaId: s.WABA, Country: country, Connection: connection, Inputs: &eventsv1.Inputs{Names: names},
	}
}

// keyWABA stands before a WABA among the senders: what was seen of it holds for
// each of its numbers, also for those that are not known yet.
const keyWABA = "waba:"

// The keys of the context topic: a number of ours, and a fact.
const (
	keyNumber = "number:"
	keyFact   = "fact:"
)

// record writes down what is remembered of a number.
func (s sender) record(number string) event.Message {
	value, err := json.Marshal(s)
	if err != nil {
		value = nil // three plain fields: it never is
	}
	return event.Message{Key: []byte(keyNumber + number), Value: value}
}

// factRecord writes down a fact. Phones behind hidden ids, held sends and whom a
// message went to are not: the engine has the first from the alias, and the others
// are texts and contacts.
func factRecord(f webhook.Fact) (event.Message, bool) {
	if f.Kind == webhook.FactPhone || f.Kind == webhook.FactHeld || f.Kind == webhook.FactAddressee {
		return event.Message{}, false
	}
	return event.Message{Key: []byte(keyFact + strconv.Itoa(int(f.Kind)) + ":" + f.Key), Value: []byte(f.Value)}, true
}

// Restore takes one record of the context topic, in the order of its partition: one
// that this gateway wrote, or another. What two of them saw of a number adds up.
func (g *Gateway) Restore(key, value []byte) {
	d := g.known
	d.mu.Lock()
	defer d.mu.Unlock()
	if number, ok := strings.CutPrefix(string(key), keyNumber); ok {
		var s sender
		if err := json.Unmarshal(value, &s); err != nil || len(d.senders) >= maxNumbers && d.senders[number] == (sender{}) {
			return
		}
		if s.Inputs != 0 {
			s.Inputs |= d.senders[number].Inputs
		}
		if s.Digits == "" {
			s.Digits = d.senders[number].Digits
		}
		d.senders[number] = s
		return
	}
	rest, ok := strings.CutPrefix(string(key), keyFact)
	kind, name, _ := strings.Cut(rest, ":")
	n, err := strconv.Atoi(kind)
	if !ok || err != nil || n < 0 || n > int(webhook.FactStream) || len(value) == 0 {
		return
	}
	if webhook.FactKind(n) == webhook.FactPortfolio && d.fixed[name] {
		return
	}
	d.memory.Learn(webhook.Fact{Kind: webhook.FactKind(n), Key: name, Value: string(value)})
}

// Unseen is what the remembered numbers lack.
type Unseen struct {
	Template, Account []string // WABAs of which no webhook about templates, or about the account, was ever seen
	Twilio            []string // numbers behind Twilio, whose spam limit looks like pace
}

// Unseen returns what is missing, sorted. A WABA counts once it has a number of
// which anything was seen.
func (g *Gateway) Unseen() Unseen {
	d := g.known
	d.mu.Lock()
	defer d.mu.Unlock()
	seen := map[string]inputs{}
	var u Unseen
	for number, s := range d.senders {
		if s.Inputs != 0 && s.WABA != "" {
			seen[s.WABA] |= s.Inputs
		}
		if s.Provider == "twilio" {
			u.Twilio = append(u.Twilio, number)
		}
	}
	for _, waba := range slices.Sorted(maps.Keys(seen)) {
		if seen[waba]&template == 0 {
			u.Template = append(u.Template, waba)
		}
		if seen[waba]&account == 0 {
			u.Account = append(u.Account, waba)
		}
	}
	slices.Sort(u.Twilio)
	return u
}
