package scenario

import (
	"slices"
	"strconv"
	"strings"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/strictyaml"
)

// action is one line of a case: events of one kind, one or many.
type action struct {
	line     int
	at       int64 // ms, of the first
	recorded int64 // ms, the records' timestamp; 0 for each event's own time
	sender   int   // in Case.senders
	typ      event.Type
	shared   bool
	count    int
	every    int64 // ms between two events
	contacts contacts
	as       identity       // by which identifiers the contacts are known
	tie      bool           // an alias names the contact's user id
	distinct bool           // each has a content of its own
	repeat   bool           // the line before again
	raw      bool           // written as JSON: may be anything
	fields   map[string]any // what all events of the line have
}

// contacts says whom the events of a action are about, in turn.
type contacts struct {
	first, size int    // numbered contacts
	id          string // or one by id
}

// identity says by which of its identifiers an event knows a contact.
type identity uint8

const (
	asContact identity = iota
	asUserID           // by the business-scoped user id alone
	asBoth
)

// Limits of a case.
const (
	maxCount   = 100_000   // events a line
	maxRecords = 200_000   // events a case
	maxContact = 1_000_000 // the largest number of a contact
)

const exampleAction = `"at 0s: 40 sends, one every 3s, template promo/en (marketing), to new contacts"`

// word is a word that a line may begin with and what may follow it.
type word struct {
	names    []string // all mean the same
	typ      event.Type
	counted  bool // a number may stand before it
	contact  bool // is about contacts
	argument string
	phrases  []string
}

var ownPhrases = []string{"id", "recorded"}

var words = []word{
	{names: []string{"send", "sends"}, typ: event.TypeSent, counted: true, contact: true, phrases: []string{
		"every", "to", "as", "template", "text", "kind", "media", "link", "content", "opt-in", "no-opt-in", "in", "held", "group",
	}},
	{names: []string{"reply", "replies"}, typ: event.TypeReceived, counted: true, contact: true, phrases: []string{"every", "from", "as", "text", "kind", "group"}},
	{names: []string{"delivered"}, typ: event.TypeStatus, counted: true, contact: true, phrases: []string{"every", "to", "as", "group"}},
	{names: []string{"read"}, typ: event.TypeStatus, counted: true, contact: true, phrases: []string{"every", "by", "as", "group"}},
	{names: []string{"failed"}, typ: event.TypeStatus, counted: true, contact: true, phrases: []string{"every", "to", "as", "code", "group"}},
	{names: []string{"stop", "stops"}, typ: event.TypePreference, counted: true, contact: true, phrases: []string{"every", "from", "as"}},
	{names: []string{"resume", "resumes"}, typ: event.TypePreference, counted: true, contact: true, phrases: []string{"every", "from", "as"}},
	{names: []string{"block", "blocks"}, typ: event.TypeBlock, counted: true, contact: true, phrases: []string{"every", "from", "as"}},
	{names: []string{"report", "reports"}, typ: event.TypeReport, counted: true, contact: true, phrases: []string{"every", "from", "as"}},
	{names: []string{"alias", "aliases"}, typ: event.TypeAlias, counted: true, contact: true, phrases: []string{"every", "of", "as", "previous", "previous-user-id"}},
	{names: []string{"profile"}, typ: event.TypeProfile, phrases: []string{"country", "registered", "last-active", "connection", "origin", "inputs"}},
	{names: []string{"connection"}, typ: event.TypeConnection, argument: "the country of its address, two letters", phrases: []string{"ip", "device", "linked"}},
	{names: []string{"cap"}, typ: event.TypeCap, argument: acceptedCap, phrases: []string{"status", "until"}},
	{names: []string{"group"}, typ: event.TypeGroup, argument: "how many who are no contacts were added"},
	{names: []string{"quality"}, typ: event.TypeQuality, argument: "GREEN, YELLOW, RED or UNKNOWN"},
	{names: []string{"warned"}, typ: event.TypeAccount, phrases: []string{"for", "until", "waba", "portfolio"}},
	{names: []string{"restricted"}, typ: event.TypeAccount, phrases: []string{"for", "until", "waba", "portfolio"}},
	{names: []string{"banned"}, typ: event.TypeAccount, phrases: []string{"for", "until", "waba", "portfolio"}},
	{names: []string{"reinstated"}, typ: event.TypeAccount, phrases: []string{"waba", "portfolio"}},
	{names: []string{"template"}, typ: event.TypeTemplate, argument: acceptedTemplate, phrases: []string{"status", "quality", "pauses", "waba"}},
	{names: []string{"limit"}, typ: event.TypeLimit, argument: "unique contacts a day, -1 for unlimited", phrases: []string{"portfolio"}},
	{names: []string{"clock"}, typ: event.TypeClock},
	{names: []string{"repeat"}},
}

const acceptedTemplate = "NAME/LANGUAGE (or NAME, which is in en), with (CATEGORY) behind it or not"

const acceptedCap = "USED/TOTAL, two whole numbers such as 40/50; a total of -1 is none"

// wordNames lists what a line may begin with.
func wordNames() []string {
	var names []string
	for i := range words {
		names = append(names, words[i].names[len(words[i].names)-1])
	}
	return names
}

// readActions reads the lines of a case.
func (c *Case) readActions(v strictyaml.Value) {
	items, _ := v.List("a list of lines such as " + exampleAction)
	p := parser{c: c}
	records := 0
	for _, item := range items {
		d, ok := p.read(item)
		if !ok {
			continue
		}
		if d.repeat {
			d.count = 0
			if len(c.actions) > 0 {
				d.count = c.actions[len(c.actions)-1].count
			}
		}
		if records += d.count; records > maxRecords {
			item.Wrong("the case has too many events", "at most "+strconv.Itoa(maxRecords))
			return
		}
		c.actions = append(c.actions, d)
	}
	if v.IsList() && len(items) == 0 {
		v.Wrong("is empty", "at least one line")
	}
}

// parser reads the lines of one case. It counts the contacts.
type parser struct {
	c     *Case
	known int // the largest number of a contact so far
}

// read reads one line.
func (p *parser) read(v strictyaml.Value) (action, bool) {
	before := v.Mistakes()
	at, on, body, text, ok := p.c.entry(v, exampleAction)
	if !ok {
		return action{}, false
	}
	d := action{line: v.Line(), at: at, count: 1, fields: map[string]any{}}
	if d.sender, ok = p.c.sender(on); !ok {
		v.Wrong("no such number: "+quote(on), p.c.senderNames())
		return d, false
	}
	if at < codec.MinTime {
		v.Wrong("lies before 2009", acceptedTime)
	}
	if body.IsMapping() {
		d.raw = true
		d.fields, _ = body.Any().(map[string]any)
		if _, ok := d.fields["time"]; ok {
			body.Wrong("has a time of its own", "the time in front alone, and _record_time for the record's")
		}
		return d, v.Mistakes() == before
	}
	if text == "" {
		if text, ok = body.Text("a line such as " + exampleAction + ", or an event as a mapping"); !ok {
			return d, false
		}
	}
	list, ok := tokens(text)
	if !ok {
		v.Wrong("a quote does not end", `"..."`)
		return d, false
	}
	p.line(v, &reader{list}, &d)
	return d, v.Mistakes() == before
}

// line reads a action and its phrases.
func (p *parser) line(v strictyaml.Value, r *reader, d *action) {
	counted := false
	if n, err := strconv.Atoi(r.peek()); err == nil {
		if n < 1 || n > maxCount {
			v.Wrong(r.peek()+" is out of range", "a count from 1 to "+strconv.Itoa(maxCount))
		}
		d.count, counted = min(max(n, 1), maxCount), true
		r.rest = r.rest[1:]
	}
	name := r.peek()
	i := slices.IndexFunc(words, func(w word) bool { return slices.Contains(w.names, name) })
	if i < 0 {
		unknown(v, name, "action", wordNames())
		return
	}
	w := &words[i]
	r.rest = r.rest[1:]
	d.typ = w.typ
	if counted && !w.counted {
		v.Wrong("a count before "+name, name+" without one")
	}
	if w.argument != "" {
		p.argument(v, r, d, w)
	}
	switch w.names[0] {
	case "delivered", "read", "failed":
		d.fields["status"] = name
	case "stop", "resume":
		d.fields["preference"] = w.names[0]
	case "warned", "restricted", "banned", "reinstated":
		d.fields["state"], d.fields["scope"] = name, "number"
	case "repeat":
		d.repeat = true
		if len(p.c.actions) == 0 || p.c.actions[len(p.c.actions)-1].repeat {
			v.Wrong("there is nothing to repeat", "repeat behind a line with events")
		}
	}
	to := recipients{}
	for len(r.rest) > 0 {
		if !p.phrase(v, r, d, w, &to) {
			return
		}
	}
	if w.contact {
		p.choose(v, d, to, counted)
	}
	p.complete(v, d)
}

// unknown notes a word that is none of the known ones.
func unknown(v strictyaml.Value, name, what string, known []string) {
	problem := quote(name) + " is no " + what
	if name == "" {
		problem = "no " + what
	} else if near := strictyaml.Nearest(name, known); near != "" {
		problem += ", did you mean " + near + "?"
	}
	v.Wrong(problem, strings.Join(known, ", "))
}

// argument reads what stands right behind a action.
func (p *parser) argument(v strictyaml.Value, r *reader, d *action, w *word) {
	if d.typ == event.TypeTemplate {
		d.fields["template"] = p.template(v, r)
		return
	}
	t, ok := r.next()
	if !ok {
		v.Wrong(w.names[0]+" says nothing", w.argument)
		return
	}
	number := func() int64 {
		n, err := strconv.ParseInt(t.text, 10, 53)
		if err != nil {
			v.Wrong(quote(t.text)+" is no whole number", w.argument)
		}
		return n
	}
	switch d.typ {
	case event.TypeQuality:
		if _, ok := event.ParseRating([]byte(t.text)); !ok {
			v.Wrong(quote(t.text)+" is no rating", w.argument)
		}
		d.fields["rating"] = t.text
	case event.TypeGroup:
		d.fields["non_contacts_added"] = number()
	case event.TypeLimit:
		d.fields["limit"] = number()
	case event.TypeConnection:
		d.fields["ip_country"] = country(v, t.text)
	case event.TypeCap:
		used, total, _ := strings.Cut(t.text, "/")
		for field, text := range map[string]string{"used": used, "total": total} {
			n, err := strconv.ParseInt(text, 10, 53)
			if err != nil {
				v.Wrong(quote(t.text)+" is no quota", w.argument)
				break
			}
			d.fields[field] = n
		}
	}
}

// isPhrase reports whether a phrase of any action begins with the word.
func isPhrase(name string) bool {
	return slices.Contains(ownPhrases, name) || slices.Contains(prepositions, name) ||
		slices.ContainsFunc(words, func(w word) bool { return slices.Contains(w.phrases, name) })
}

// template reads NAME/LANGUAGE (CATEGORY).
func (p *parser) template(v strictyaml.Value, r *reader) map[string]any {
	t, _ := r.next()
	name, language, ok := strings.Cut(t.text, "/")
	if !ok && (t.quoted || !isPhrase(name)) { // else the name was forgotten
		language = "en"
	}
	if name == "" || language == "" {
		v.Wrong(quote(t.text)+" is no template", acceptedTemplate)
	}
	fields := map[string]any{"name": name, "language": language}
	if next := r.peek(); strings.HasPrefix(next, "(") {
		category, ok := strings.CutSuffix(next[1:], ")")
		if !ok || category == "" {
			v.Wrong(quote(next)+" is no category", "(marketing), (utility) or (authentication)")
		}
		fields["category"] = category
		r.rest = r.rest[1:]
	}
	return fields
}

// choose decides whom the events are about, and how many they are.
func (p *parser) choose(v strictyaml.Value, d *action, w recipients, counted bool) {
	if w == (recipients{}) && d.fields["group_id"] != nil {
		return // a message of a group needs no contact
	}
	fresh := w.fresh || w == recipients{} && d.typ == event.TypeSent
	switch {
	case w.id != "":
		d.contacts = contacts{id: w.id, size: 1}
		return
	case fresh:
		if p.known+d.count > maxContact {
			v.Wrong("too many contacts", "at most "+strconv.Itoa(maxContact))
			return
		}
		d.contacts = contacts{first: p.known + 1, size: d.count}
		p.known += d.count
		return
	case w.first > 0:
		d.contacts = contacts{first: w.first, size: w.last - w.first + 1}
		p.known = max(p.known, w.last)
	default: // the last ones
		n := w.newest
		if n == 0 {
			n = d.count
		}
		if n > p.known {
			v.Wrong("there are only "+strconv.Itoa(p.known)+" contacts so far, not "+strconv.Itoa(n), "as many as were written to, or contact N")
			return
		}
		d.contacts = contacts{first: p.known - n + 1, size: n}
	}
	if !counted {
		d.count = d.contacts.size
	}
}

// complete adds what an event of this type cannot do without.
func (p *parser) complete(v strictyaml.Value, d *action) {
	s := &p.c.senders[d.sender]
	need := func(field, value string) {
		if d.fields[field] == nil {
			d.fields[field] = value
			if value == "" {
				v.Wrong("the number has no "+strings.TrimSuffix(field, "_id"), strings.TrimSuffix(field, "_id")+" ID here or where the number is declared")
			}
		}
	}
	switch d.typ {
	case event.TypeSent:
		d.distinct = d.fields["template"] == nil && d.fields["text"] == nil && d.fields["media_hash"] == nil && d.fields["content_hash"] == nil
		if d.fields["kind"] == nil {
			d.fields["kind"] = "text"
			if d.fields["template"] != nil {
				d.fields["kind"] = "template"
			}
		}
	case event.TypeReceived:
		if d.fields["kind"] == nil {
			d.fields["kind"] = "text"
		}
	case event.TypeAlias:
		d.tie = d.fields["previous"] == nil && d.fields["previous_user_id"] == nil
	case event.TypeProfile:
		if s.profile != nil && d.fields["country"] == nil {
			d.fields["country"] = s.profile["country"]
		}
		if d.fields["country"] == nil {
			v.Wrong("a profile without a country", "profile country CC")
		}
	case event.TypeTemplate:
		d.shared = true
		need("waba_id", s.waba)
	case event.TypeLimit:
		d.shared = true
		need("portfolio_id", s.portfolio)
	case event.TypeClock:
		d.shared = true
	case event.TypeAccount:
		d.shared = d.fields["scope"] != "number"
	}
	if d.fields["id"] != nil && d.count > 1 {
		v.Wrong("one id for "+strconv.Itoa(d.count)+" events", "id with a single event")
	}
	last := d.at + int64(d.count-1)*d.every
	if last-p.c.start > maxSpan || d.every > 0 && int64(d.count) > maxSpan/d.every {
		v.Wrong("goes on for too long", "at most 1000 days from the case's start")
	}
}

// quote shows a word of the file in a problem, cut where it is long.
func quote(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "..."
	}
	return strconv.Quote(s)
}
