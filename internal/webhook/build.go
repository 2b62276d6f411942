package webhook

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	eventsv1 "sendwatch/schemas/events/v1"
)

// message is what a provider's file has found out about one message, before it
// becomes an event. What a file leaves empty is absent.
type message struct {
	id           string
	localID      string // another id of the same message, the provider's own
	number, waba string
	who          person
	group        string // the group's id, of a message to or from a group
	own          string // our own number's digits, where the body has them
	kind         string
	text         string
	context      string // the id of the message that is answered
	time         int64
	// Of sends only.
	template   *eventsv1.Template
	mediaRef   string // what names the medium: an id or an address
	links      []string
	held       bool
	optIn      *bool
	country    string
	contentRef string // the sender's own fingerprint of the content
}

// complete fills in what the source says and reports whether an event can be
// made; if not, the update has its outcome.
func (c *call) complete(field string, m *message, v any) bool {
	m.number = first(m.number, c.source.NumberID)
	m.waba = first(m.waba, c.source.WABAID)
	switch {
	case m.id == "":
		c.unknown(field, "no_message_id", v)
	case m.number == "" || len(m.number) > maxID:
		c.unknown(field, "no_number", v)
	case m.time == 0:
		c.unknown(field, "no_time", v)
	default:
		return true
	}
	return false
}

// id makes an event's id: what it is about, the number where message ids are
// unique within a chat only, the message, and what else distinguishes it.
func (c *call) id(kind, number string, parts ...string) string {
	if c.p.local {
		parts = append([]string{number}, parts...)
	}
	return short(kind + ":" + strings.Join(parts, ":"))
}

// maxID is the longest id that the contract takes, in bytes.
const maxID = 256

// short keeps an id within the contract's bounds.
func short(id string) string {
	if len(id) <= maxID {
		return id
	}
	return strings.ToValidUTF8(id[:maxID-17], "") + ":" + hash(id)
}

// hash names a thing by 16 hexadecimal digits.
func hash(s string) string {
	h := strconv.FormatUint(xxhash.Sum64String(s), 16)
	return strings.Repeat("0", 16-len(h)) + h
}

// base begins an event of a number.
func (c *call) base(m *message, id, typ string) *eventsv1.Event {
	return &eventsv1.Event{
		Id: id, Type: typ, Time: new(m.time), NumberId: m.number, WabaId: m.waba, PortfolioId: c.source.PortfolioID,
		MessageId: m.id, Contact: m.who.contact(), ContactUserId: m.who.user, GroupId: m.group,
	}
}

// inbound ends an update with a message.received.
func (c *call) inbound(field string, m message, v any) {
	if !c.complete(field, &m, v) {
		return
	}
	switch {
	case m.who.none() && m.group == "":
		c.unknown(field, "no_contact", v)
		return
	case m.own != "" && m.who.user == "" && digits(m.own) == m.who.phone:
		c.nothing(field, "own_message")
		return
	}
	e := c.base(&m, c.id("in", m.number, m.id), "message.received")
	e.Kind, e.Text, e.ContextMessageId = m.kind, start(m.text), m.context
	c.made(field, e)
}

// sent returns a message.sent, nil if the update has its outcome already.
func (c *call) sent(field string, m message, v any) *eventsv1.Event {
	if !c.complete(field, &m, v) {
		return nil
	}
	if m.who.none() && m.group == "" {
		c.unknown(field, "no_contact", v)
		return nil
	}
	e := c.base(&m, c.id("out", m.number, m.id), "message.sent")
	e.Kind, e.Text, e.Template = m.kind, start(m.text), m.template
	e.Links, e.OptIn, e.ContactCountry, e.ContentHash = m.links, m.optIn, m.country, m.contentRef
	if len(e.Links) == 0 {
		e.Links = links(m.text)
	}
	if m.held {
		e.Held = new(true)
	}
	if m.mediaRef != "" {
		e.MediaHash = hash(m.mediaRef)
	}
	if c.p.nameless && m.group == "" {
		c.address(&m)
	}
	return e
}

// address remembers whom a message went to, for its statuses.
func (c *call) address(m *message) {
	for _, id := range []string{m.id, m.localID} {
		if id != "" {
			c.learn(Fact{Kind: FactAddressee, Key: c.p.name + ":" + id, Value: strings.Join([]string{m.number, m.who.phone, m.who.user}, "\n"), NumberID: m.number, Time: m.time})
		}
	}
}

// addressee fills in whom a message went to, if its send was seen.
func (c *call) addressee(m *message) {
	for _, id := range []string{m.id, m.localID} {
		if v := strings.Split(c.known(FactAddressee, c.p.name+":"+id), "\n"); len(v) == 3 {
			m.number, m.who = first(m.number, v[0]), person{phone: v[1], user: v[2]}
			return
		}
	}
}

// outbound ends an update with a message.sent.
func (c *call) outbound(field string, m message, v any) {
	if e := c.sent(field, m, v); e != nil {
		c.made(field, e)
	}
}

// status ends an update with a message.status. word is the provider's own. A
// status needs no contact (contract, section 2). member distinguishes the members
// of a group, who each have a status of the one message.
func (c *call) status(field, word string, code *int64, m message, member string, v any) {
	status, reason := c.p.status(word)
	switch {
	case reason != "":
		c.nothing(field, reason)
		return
	case status == "":
		c.unknown(field, "status_word", v)
		return
	}
	if e := c.statusEvent(field, status, code, m, member, v); e != nil {
		c.made(field, e)
	}
}

// statusEvent returns a message.status of the contract's word, nil if the update
// has its outcome already.
func (c *call) statusEvent(field, status string, code *int64, m message, member string, v any) *eventsv1.Event {
	if c.p.nameless && m.who.none() {
		c.addressee(&m)
	}
	if !c.complete(field, &m, v) {
		return nil
	}
	parts := []string{m.id, status}
	if member != "" {
		parts = append(parts, member)
	}
	e := c.base(&m, c.id("st", m.number, parts...), "message.status")
	e.Status = status
	if status == "failed" {
		e.ErrorCode = code
	}
	return e
}

// preference ends an update with a contact.preference. Its time, in seconds, is
// part of the id: one wish and the next differ.
func (c *call) preference(field, wish string, m message, v any) {
	m.id = first(m.id, "-")
	if !c.complete(field, &m, v) {
		return
	}
	if m.who.none() {
		c.unknown(field, "no_contact", v)
		return
	}
	e := c.base(&m, short("pref:"+m.who.contact()+":"+strconv.FormatInt(m.time/1000, 10)+":"+wish), "contact.preference")
	e.MessageId, e.Preference = "", wish
	c.made(field, e)
}

// alias returns a contact.alias: now is who the person is, before what else the
// person was called; nil if that says nothing.
func (c *call) alias(m message, now, before person) *eventsv1.Event {
	if before.phone == now.phone {
		before.phone = ""
	}
	if before.user == now.user && now.phone == "" {
		before.user = ""
	}
	m.number = first(m.number, c.source.NumberID)
	m.waba = first(m.waba, c.source.WABAID)
	if now.none() || before.none() || m.id == "" || m.number == "" || m.time == 0 {
		return nil
	}
	m.who = now
	e := c.base(&m, c.id("alias", m.number, m.id), "contact.alias")
	e.MessageId = ""
	if e.Previous, e.PreviousUserId = before.phone, before.user; e.ContactUserId == e.PreviousUserId {
		e.ContactUserId = ""
	}
	return e
}

// account describes an account.update of a number, or of a WABA if number is
// empty.
type account struct {
	id           string
	number, waba string
	state        string
	restrictions []string
	expires      int64 // 0 for none
	reason       string
	time         int64
}

// accountEvent returns an account.update, nil if the update has its outcome already.
func (c *call) accountEvent(field string, a account, v any) *eventsv1.Event {
	if a.time == 0 {
		c.unknown(field, "no_time", v)
		return nil
	}
	e := &eventsv1.Event{
		Id: short(a.id), Type: "account.update", Time: new(a.time), NumberId: a.number, WabaId: a.waba,
		State: a.state, Restrictions: a.restrictions, Reason: a.reason,
	}
	switch {
	case a.number != "":
		e.Scope = "number"
		e.WabaId, e.PortfolioId = first(a.waba, c.source.WABAID), c.source.PortfolioID
	case a.waba != "":
		e.Scope = "waba"
	default:
		c.unknown(field, "no_number", v)
		return nil
	}
	if a.expires != 0 {
		e.ExpiresAt = new(a.expires)
	}
	return e
}

// accountUpdate ends an update with an account.update.
func (c *call) accountUpdate(field string, a account, v any) {
	if e := c.accountEvent(field, a, v); e != nil {
		c.made(field, e)
	}
}

// numberAccount ends an update with an account.update of a number. what distinguishes
// its kinds in the id.
func (c *call) numberAccount(field, what string, a account, v any) {
	a.number = first(a.number, c.source.NumberID)
	a.id = accountID(a, what)
	c.accountUpdate(field, a, v)
}

// accountID is the id of a number's account.update.
func accountID(a account, what string) string {
	return "acc:" + a.number + ":" + instant(a.time) + ":" + what
}

// instant writes a time into an id as bodies have it: in seconds if it is a whole
// one, else in milliseconds. The two cannot be taken for each other.
func instant(ms int64) string {
	if ms%1000 == 0 {
		ms /= 1000
	}
	return strconv.FormatInt(ms, 10)
}

// maxText is how much of a text goes on, in bytes. The app takes 65,536 letters
// at most, the Cloud API 4,096.
const maxText = 64 << 10

// start returns the beginning of a text.
func start(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "")
}

// pointer returns a code that is known, nil for none.
func pointer(n int64, ok bool) *int64 {
	if !ok {
		return nil
	}
	return new(n)
}

// address of a page in a text; what closes a sentence behind it is cut off.
var page = regexp.MustCompile(`https?://[^\s<>"]+`)

// maxLinks is how many links of a message an event has.
const maxLinks = 32

// links returns the addresses in a text.
func links(text string) []string {
	if !strings.Contains(text, "://") {
		return nil
	}
	found := page.FindAllString(text, maxLinks)
	for i := range found {
		found[i] = strings.TrimRight(found[i], `.,;:!?)]}'*_~`)
	}
	return slices.Compact(found)
}

// kinds of the contract by the words of the providers, in lower case.
var kinds = map[string]string{
	"text": "text", "chat": "text", "extendedtext": "text", "link_preview": "text", "textmessage": "text", "extendedtextmessage": "text", "conversation": "text", "quotedmessage": "text",
	"template": "template", "hsm": "template",
	"image": "image", "gif": "image", "imagemessage": "image", "photo": "image",
	"video": "video", "ptv": "video", "short": "video", "videomessage": "video",
	"audio": "audio", "voice": "audio", "ptt": "audio", "audiomessage": "audio",
	"document": "document", "file": "document", "documentmessage": "document",
	"sticker": "sticker", "stickermessage": "sticker",
	"interactive": "interactive", "button": "interactive", "button_reply": "interactive", "list_reply": "interactive", "quick_reply": "interactive",
	"reply": "interactive", "interactive_button_reply": "interactive", "interactive_list_reply": "interactive", "interactive_flow_reply": "interactive",
	"nfm_reply": "interactive", "list_response": "interactive", "buttons_response": "interactive", "template_button_reply": "interactive",
	"buttons": "interactive", "list": "interactive", "flow": "interactive", "interactive_response": "interactive", "native_flow_response": "interactive",
	"buttonsresponsemessage": "interactive", "templatebuttonsreplymessage": "interactive", "templatebuttonreplymessage": "interactive",
	"listresponsemessage": "interactive", "interactivebuttonsresponse": "interactive", "interactivebuttonsreply": "interactive",
	"buttonsmessage": "interactive", "listmessage": "interactive", "templatemessage": "interactive", "interactivebuttons": "interactive", "poll": "other",
	"location": "location", "live_location": "location", "locationmessage": "location", "livelocation": "location",
	"contacts": "contacts", "contact": "contacts", "vcard": "contacts", "multi_vcard": "contacts", "contact_list": "contacts",
	"contactmessage": "contacts", "contactsarraymessage": "contacts",
	"reaction": "reaction", "reactionmessage": "reaction",
}

// kindOf returns the contract's kind for a provider's word; what is not known is other.
func kindOf(word string) string {
	return first(kinds[strings.ToLower(word)], "other")
}

// kindOfMedia returns the kind of a medium by its MIME type.
func kindOfMedia(mime string) string {
	switch top, _, _ := strings.Cut(strings.ToLower(mime), "/"); {
	case mime == "":
		return "other"
	case strings.HasPrefix(strings.ToLower(mime), "image/webp"):
		return "sticker"
	case top == "image", top == "video", top == "audio":
		return top
	case strings.Contains(strings.ToLower(mime), "vcard"):
		return "contacts"
	}
	return "document"
}
