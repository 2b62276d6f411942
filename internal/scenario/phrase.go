package scenario

import (
	"slices"
	"strconv"
	"strings"

	"sendwatch/internal/event"
	"sendwatch/internal/strictyaml"
)

// recipients is what a line says of its contacts; the zero value: nothing.
type recipients struct {
	fresh       bool
	newest      int // the last so many
	first, last int // by number
	id          string
}

const acceptedRecipients = `new contacts, a new contact, the last contact, the last 3 contacts, contact 2, contacts 2-5, contact "ID"`

// prepositions all introduce whom a line is about.
var prepositions = []string{"to", "from", "by", "of"}

// phrase reads one phrase behind a action; false where the line makes no sense.
func (p *parser) phrase(v strictyaml.Value, r *reader, d *action, w *word, to *recipients) bool {
	r.skip("one")
	t, ok := r.next()
	if !ok {
		v.Wrong("ends in the midst of a phrase", "one every SPAN")
		return false
	}
	name := t.text
	if w.contact && slices.Contains(prepositions, name) && !t.quoted {
		return p.recipients(v, r, to)
	}
	known := slices.Concat(w.phrases, ownPhrases)
	if w.names[0] == "repeat" {
		known = nil
	}
	if t.quoted {
		v.Wrong(quote(name)+" stands in quotes where a phrase begins", strings.Join(known, ", "))
		return false
	}
	if !slices.Contains(known, name) {
		unknown(v, name, "phrase of "+w.names[len(w.names)-1], known)
		return false
	}
	switch name {
	case "opt-in", "no-opt-in":
		d.fields["opt_in"] = name == "opt-in"
		return true
	case "held":
		d.fields["held"] = true
		return true
	case "template":
		d.fields["template"] = p.template(v, r)
		return true
	}
	argument, ok := r.next()
	if !ok {
		v.Wrong(name+" says nothing", "a word behind "+name)
		return false
	}
	if name == "as" {
		names := []string{"contact", "user-id", "both"}
		i := slices.Index(names, argument.text)
		if i < 0 {
			unknown(v, argument.text, "way to know a contact", names)
			return false
		}
		d.as = identity(i)
		return true
	}
	if name == "every" || name == "for" {
		argument.text += r.unit(argument.text)
	}
	p.set(v, d, name, argument.text)
	return true
}

// set takes a phrase of one argument.
func (p *parser) set(v strictyaml.Value, d *action, name, s string) {
	f := d.fields
	switch name {
	case "every", "for":
		span, ok := parseSpan(s)
		if !ok {
			v.Wrong(quote(s)+" is no span of time", acceptedSpan)
		}
		if name == "for" {
			f["expires_at"] = d.at + span
		} else {
			d.every = span
		}
	case "until", "registered", "last-active", "linked", "recorded":
		p.setTime(v, d, name, s)
	case "code":
		n, err := strconv.ParseInt(s, 10, 53)
		if err != nil {
			v.Wrong(quote(s)+" is no code", "a whole number such as 131048")
		}
		f["error_code"] = n
	case "pauses":
		n, err := strconv.ParseInt(s, 10, 53)
		if err != nil {
			v.Wrong(quote(s)+" is no count", "how often the template was paused")
		}
		f["pauses"] = n
	case "inputs":
		f["inputs"] = inputs(v, s)
	case "group":
		f["group_id"] = s
	case "previous-user-id":
		f["previous_user_id"] = s
	case "link":
		links, _ := f["links"].([]string)
		f["links"] = append(links, s)
	case "in":
		f["contact_country"] = country(v, s)
	case "country":
		f["country"] = country(v, s)
	case "quality":
		if _, ok := event.ParseRating([]byte(s)); !ok {
			v.Wrong(quote(s)+" is no rating", "GREEN, YELLOW, RED, UNKNOWN")
		}
		f["quality"] = s
	case "waba", "portfolio":
		f[name+"_id"] = s
		if d.typ == event.TypeAccount {
			f["scope"] = name
		}
	case "media", "content", "ip", "device":
		f[name+"_hash"] = s
	case "connection":
		f[name] = connection(v, s)
	case "origin":
		f[name] = origin(v, s)
	case "kind":
		if event.ParseKind([]byte(s)) == event.KindOther && s != event.KindOther.String() {
			v.Wrong(quote(s)+" is no kind", "template, text, image, video, audio, document, sticker, interactive, location, contacts, reaction, other")
		}
		f[name] = s
	default: // text, status, previous, id
		f[name] = s
	}
}

// setTime takes a phrase whose argument is a time.
func (p *parser) setTime(v strictyaml.Value, d *action, name, s string) {
	t, ok := parseTime(s, p.c.start)
	if !ok {
		v.Wrong(quote(s)+" is no time", acceptedTime)
	}
	switch {
	case name == "recorded":
		d.recorded = t
	case name == "until" && d.typ == event.TypeCap:
		d.fields["cycle_end"] = t
	case name == "until":
		d.fields["expires_at"] = t
	default:
		d.fields[strings.ReplaceAll(name, "-", "_")+"_at"] = t
	}
}

// recipients reads whom a line is about.
func (p *parser) recipients(v strictyaml.Value, r *reader, to *recipients) bool {
	if *to != (recipients{}) {
		v.Wrong("says twice whom it is about", acceptedRecipients)
		return false
	}
	r.skip("the", "a")
	switch {
	case r.skip("new"):
		to.fresh = true
		if r.skip("contact", "contacts") {
			return true
		}
	case r.skip("last"):
		to.newest = 1
		if n, err := strconv.Atoi(r.peek()); err == nil && n > 0 && n <= maxContact {
			to.newest = n
			r.rest = r.rest[1:]
		}
		if r.skip("contact", "contacts") {
			return true
		}
	case r.skip("contact", "contacts"):
		t, ok := r.next()
		if ok && t.quoted && t.text != "" {
			to.id = t.text
			return true
		}
		first, last, isRange := strings.Cut(t.text, "-")
		if !isRange {
			last = first
		}
		a, err := strconv.Atoi(first)
		b, err2 := strconv.Atoi(last)
		if err == nil && err2 == nil && a > 0 && a <= b && b <= maxContact && b-a < maxCount {
			to.first, to.last = a, b
			return true
		}
	}
	v.Wrong("does not say which contacts", acceptedRecipients)
	return false
}

const acceptedInputs = "inbound, status, account and template, joined by +, or none"

// inputs reads what of a number reaches the topic, such as inbound+status.
func inputs(v strictyaml.Value, s string) []string {
	list := []string{}
	if s == none {
		return list
	}
	for name := range strings.SplitSeq(s, "+") {
		if _, ok := event.ParseInput([]byte(name)); !ok {
			v.Wrong(quote(name)+" is no input", acceptedInputs)
		}
		list = append(list, name)
	}
	return list
}

func country(v strictyaml.Value, s string) string {
	if _, ok := event.ParseCountry([]byte(s)); !ok {
		v.Wrong(quote(s)+" is no country", "two letters")
	}
	return s
}

func connection(v strictyaml.Value, s string) string {
	if _, ok := event.ParseConnection([]byte(s)); !ok {
		v.Wrong(quote(s)+" is no connection", "cloud_api, business_app, web_session")
	}
	return s
}

func origin(v strictyaml.Value, s string) string {
	if _, ok := event.ParseOrigin([]byte(s)); !ok {
		v.Wrong(quote(s)+" is no origin", "sim, voip")
	}
	return s
}
