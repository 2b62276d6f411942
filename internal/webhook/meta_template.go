package webhook

import (
	"regexp"
	"strings"

	eventsv1 "sendwatch/schemas/events/v1"
)

// templateTitles are the words of other_info.title. They say more than the
// event: a pause may come under LOCKED. The first two strike, the third is pace:
// its 0 is part of the event, since it says of this very pause that it counts for
// nothing, while the others' count is of the template's past and so taught.
var templateTitles = map[string]struct {
	status string
	pauses int64 // -1 for none
}{
	"FIRST_PAUSE": {"PAUSED", 1}, "SECOND_PAUSE": {"PAUSED", 2}, "RATE_LIMITING_PAUSE": {"PAUSED", 0},
	"UNPAUSE": {"APPROVED", -1}, "UNPAUSED": {"APPROVED", -1}, "DISABLED": {"DISABLED", -1},
}

// templateEvents are the events of a template: the status that it has from then
// on, or "-" and why that says nothing of it. LOCKED cannot be edited.
var templateEvents = map[string]string{
	"APPROVED": "APPROVED", "REINSTATED": "APPROVED", "UNARCHIVED": "APPROVED", "UNPAUSE": "APPROVED", "UNPAUSED": "APPROVED",
	"PAUSED": "PAUSED", "FLAGGED": "FLAGGED", "DISABLED": "DISABLED", "REJECTED": "REJECTED", "ARCHIVED": "ARCHIVED", "DELETED": "DELETED",
	"PENDING_DELETION": "PENDING_DELETION", "PENDING": "PENDING", "IN_APPEAL": "IN_APPEAL", "LIMIT_EXCEEDED": "LIMIT_EXCEEDED", "LOCKED": "-locked", "UNLOCKED": "-locked",
}

// metaTemplateStatus reads message_template_status_update.
func metaTemplateStatus(c *call, m *metaChange) {
	v := m.value
	event := strings.ToUpper(str(v, "event"))
	status, known := templateEvents[event]
	pauses := int64(-1)
	if title, ok := templateTitles[strings.ToUpper(str(v, "other_info", "title"))]; ok {
		status, pauses, known = title.status, title.pauses, true
	}
	if !known {
		c.unknown(m.field, "event", v)
		return
	}
	if reason, silent := strings.CutPrefix(status, "-"); silent {
		c.nothing(m.field, reason)
		return
	}
	e := c.template(m, "tpl", event)
	if e == nil {
		return
	}
	e.Status = status
	e.Template.Category = str(v, "message_template_category")
	switch {
	case pauses == 0:
		e.Pauses = new(pauses) // what kind of pause this is: no strike
	case pauses > 0:
		c.teachPauses(m, pauses)
	}
	c.made(m.field, e)
}

// teachPauses teaches how often a template has been paused for its quality.
func (c *call) teachPauses(m *metaChange, pauses int64) {
	if e := c.template(m, "tplp", stamp(pauses)); e != nil {
		e.Pauses = &pauses
		c.teach(e)
	}
}

// metaTemplateQuality reads message_template_quality_update.
func metaTemplateQuality(c *call, m *metaChange) {
	quality := rating(str(m.value, "new_quality_score"))
	if quality == "" {
		c.unknown(m.field, "quality", m.value)
		return
	}
	if e := c.template(m, "tpl", "q"+quality); e != nil {
		e.Quality = quality
		c.made(m.field, e)
	}
}

// rating brings a rating to the contract's words, "" for a word that is none.
func rating(word string) string {
	switch w := strings.ToUpper(word); w {
	case "GREEN", "HIGH":
		return "GREEN"
	case "YELLOW", "MEDIUM":
		return "YELLOW"
	case "RED", "LOW":
		return "RED"
	case "UNKNOWN", "NA", "PENDING", "NONE":
		return "UNKNOWN"
	}
	return ""
}

// metaTemplateCategory reads template_category_update. With correct_category it
// is a warning and new_category the present one; with previous_category it is done.
func metaTemplateCategory(c *call, m *metaChange) {
	v := m.value
	category := str(v, "new_category")
	switch {
	case str(v, "correct_category") != "":
		c.nothing(m.field, "impending")
		return
	case category == "":
		c.unknown(m.field, "category", v)
		return
	}
	if e := c.template(m, "tpl", "cat"); e != nil {
		e.Template.Category = category
		c.made(m.field, e)
	}
}

// template begins a template.update, nil if the update has its outcome already.
func (c *call) template(m *metaChange, kind, what string) *eventsv1.Event {
	v := m.value
	return c.templateEvent(m.field, templateUpdate{
		kind: kind,
		id:   first(str(v, "message_template_id"), str(v, "message_template_name")), waba: m.waba, what: what,
		name: str(v, "message_template_name"), language: str(v, "message_template_language"), time: c.at(m.time),
	}, v)
}

// templateUpdate is what names a template.update.
type templateUpdate struct {
	id, waba, name, language string
	kind                     string // what the event's id begins with; empty: tpl
	what                     string // what changed: part of the event's id
	time                     int64
}

// templateEvent returns a template.update, nil if the update has its outcome already.
func (c *call) templateEvent(field string, t templateUpdate, v any) *eventsv1.Event {
	t.waba = first(t.waba, c.source.WABAID)
	switch {
	case t.name == "" || t.language == "":
		c.unknown(field, "no_template", v)
		return nil
	case t.waba == "":
		c.unknown(field, "no_waba", v)
		return nil
	case t.time == 0:
		c.unknown(field, "no_time", v)
		return nil
	}
	if t.id == "" || t.id == t.name {
		t.id = t.waba + ":" + t.name + ":" + t.language // a name is of many WABAs and languages
	}
	m := metaChange{}
	return &eventsv1.Event{
		Id: short(first(t.kind, "tpl") + ":" + t.id + ":" + m.second(t.time) + ":" + t.what), Type: "template.update", Time: new(t.time), WabaId: t.waba,
		Template: &eventsv1.Template{Name: t.name, Language: language(t.language)},
	}
}

// region is a language with a region: en_GB, which webhooks also write en-GB.
var region = regexp.MustCompile(`^([A-Za-z]{2,3})[-_]([A-Za-z]{2})$`)

// language brings a language to the form of the contract's section 9.
func language(s string) string {
	m := region.FindStringSubmatch(s)
	if m == nil {
		return s
	}
	return strings.ToLower(m[1]) + "_" + strings.ToUpper(m[2])
}
