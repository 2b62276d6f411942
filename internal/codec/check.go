package codec

import (
	"bytes"

	"github.com/cespare/xxhash/v2"

	"sendwatch/internal/event"
)

// MaxAhead is how far an event's time may lie after its record's timestamp, in ms,
// where the record has one.
const MaxAhead = 5 * 60 * 1000

// MinTime is the first accepted time of an event: 2009-01-01, in ms. A record
// whose own timestamp lies before it has none.
const MinTime = 1_230_768_000_000

// MaxInteger is the largest whole number accepted in a field, in both
// directions: up to there every JSON parser reads the same (RFC 7493), and sums
// of many stay within 64 bits.
const MaxInteger = 1<<53 - 1

// MaxID is the longest event id in bytes.
const MaxID = 256

// check turns the fields that were found into an event. Only the fields of the
// event's own type are looked at.
func (d *Decoder) check(ev *event.Event, recordTime int64) {
	ev.Type = event.ParseType(d.required(fieldType))
	if ev.ID = d.required(fieldID); len(ev.ID) > MaxID {
		d.reject(ReasonValue, fieldID, "longer than 256 bytes")
	}
	ev.Time = d.eventTime(recordTime)
	switch ev.Type {
	case event.TypeUnknown, event.TypeClock:
		return
	case event.TypePolicy:
		ev.PolicyVersion = d.required(fieldVersion)
		return
	case event.TypeAccount:
		d.checkAccount(ev)
	case event.TypeTemplate:
		ev.WABAID = d.required(fieldWABAID)
		ev.PortfolioID = d.optional(fieldPortfolioID)
		d.template(ev, true)
		ev.TemplateStatus = d.optional(fieldStatus)
		ev.TemplateQuality = word(d, fieldQuality, false, event.ParseRating, listRatings)
		ev.Pauses, ev.HasPauses = d.atLeastZero(fieldPauses, false)
	case event.TypeLimit:
		ev.WABAID = d.optional(fieldWABAID)
		ev.PortfolioID = d.required(fieldPortfolioID)
		if ev.Limit, _ = d.integer(fieldLimit, true); ev.Limit < 1 && ev.Limit != -1 {
			d.reject(ReasonValue, fieldLimit, "accepted are whole numbers from 1, and -1 for unlimited")
		}
	default:
		d.checkOwn(ev)
	}
}

// The words of the lists, for rejections.
const (
	listStatuses    = "accepted are sent, delivered, read, played and failed"
	listPreferences = "accepted are stop and resume"
	listConnections = "accepted are cloud_api, business_app and web_session"
	listOrigins     = "accepted are sim and voip"
	listRatings     = "accepted are GREEN, YELLOW, RED and UNKNOWN"
	listScopes      = "accepted are number, waba and portfolio"
	listStates      = "accepted are warned, restricted, banned and reinstated"
	listInputs      = "accepted is a list of inbound, status, account and template"
	listCapStatuses = "accepted are NONE, FIRST_WARNING, SECOND_WARNING and CAPPED"
	listCountries   = "accepted are two letters (ISO 3166)"
)

// checkOwn reads an event that names a number of its own.
func (d *Decoder) checkOwn(ev *event.Event) {
	ev.NumberID = d.required(fieldNumberID)
	ev.WABAID = d.optional(fieldWABAID)
	ev.PortfolioID = d.optional(fieldPortfolioID)
	switch ev.Type {
	case event.TypeSent:
		d.checkSent(ev)
	case event.TypeStatus:
		d.message(ev)
		d.identifiers(ev, false)
		ev.Status = word(d, fieldStatus, true, event.ParseStatus, listStatuses)
		ev.ErrorCode, ev.HasError = d.integer(fieldErrorCode, false)
	case event.TypeReceived:
		d.message(ev)
		d.identifiers(ev, !ev.InGroup)
		ev.Kind = event.ParseKind(d.required(fieldKind))
		d.optional(fieldContextMessageID)
		ev.Text = d.preference(d.optional(fieldText))
	case event.TypePreference:
		d.identifiers(ev, true)
		ev.Preference = word(d, fieldPreference, true, event.ParsePreference, listPreferences)
	case event.TypeAlias:
		d.checkAlias(ev)
	case event.TypeBlock, event.TypeReport:
		d.identifiers(ev, true)
	case event.TypeProfile:
		ev.Country = word(d, fieldCountry, true, event.ParseCountry, listCountries)
		ev.RegisteredAt, ev.HasRegistered = d.time(fieldRegisteredAt, false)
		ev.LastActiveAt, ev.HasLastActive = d.time(fieldLastActiveAt, false)
		ev.Connection = word(d, fieldConnection, false, event.ParseConnection, listConnections)
		ev.Origin = word(d, fieldOrigin, false, event.ParseOrigin, listOrigins)
		ev.Inputs, ev.HasInputs = d.readInputs()
	case event.TypeQuality:
		ev.Rating = word(d, fieldRating, true, event.ParseRating, listRatings)
	case event.TypeConnection:
		ev.IPCountry = word(d, fieldIPCountry, true, event.ParseCountry, listCountries)
		ev.IPHash = hashOrZero(d.optional(fieldIPHash))
		d.optional(fieldDeviceHash)
		ev.LinkedAt, ev.HasLinked = d.time(fieldLinkedAt, false)
	case event.TypeCap:
		d.checkCap(ev)
	case event.TypeGroup:
		ev.NonContactsAdded, _ = d.atLeastZero(fieldNonContactsAdded, true)
	}
}

// message reads what every message.* event has.
func (d *Decoder) message(ev *event.Event) {
	d.required(fieldMessageID)
	ev.InGroup = len(d.optional(fieldGroupID)) > 0
}

// checkAlias reads other identifiers of a contact, one of them at least.
func (d *Decoder) checkAlias(ev *event.Event) {
	d.identifiers(ev, true)
	if previous := d.contact(fieldPrevious); previous != nil {
		ev.Previous, ev.HasPrevious = d.secret.hash(previous), true
	}
	if user := d.optional(fieldPreviousUserID); len(user) > 0 {
		ev.PreviousUserID, ev.HasPreviousUserID = d.secret.hash(user), true
	}
	if !ev.HasPrevious && !ev.HasPreviousUserID {
		d.reject(ReasonMissing, fieldPrevious, "required, or previous_user_id; accepted is a string that is not empty")
	}
}

// checkCap reads the quota of new chats of an app sender.
func (d *Decoder) checkCap(ev *event.Event) {
	ev.CapUsed, _ = d.atLeastZero(fieldUsed, true)
	if ev.CapTotal, _ = d.integer(fieldTotal, true); ev.CapTotal < 1 && ev.CapTotal != -1 {
		d.reject(ReasonValue, fieldTotal, "accepted are whole numbers from 1, and -1 for none")
	}
	ev.CapStatus = word(d, fieldStatus, false, event.ParseCapStatus, listCapStatuses)
	ev.CycleEnd, ev.HasCycleEnd = d.time(fieldCycleEnd, false)
}

// readInputs reads what of a number reaches the topic. An empty list is one.
func (d *Decoder) readInputs() (in event.Inputs, given bool) {
	if d.get(fieldInputs).isAbsent() {
		return 0, false
	}
	for _, name := range d.strings(fieldInputs) {
		one, ok := event.ParseInput(name)
		if !ok {
			d.reject(ReasonValue, fieldInputs, listInputs)
		}
		in |= one
	}
	return in, true
}

// atLeastZero reads a whole number that counts something.
func (d *Decoder) atLeastZero(f field, isRequired bool) (n int64, ok bool) {
	if n, ok = d.integer(f, isRequired); ok && n < 0 {
		d.reject(ReasonValue, f, "accepted are whole numbers from 0")
	}
	return n, ok
}

// checkSent reads what a message.sent has beyond the common fields.
func (d *Decoder) checkSent(ev *event.Event) {
	d.message(ev)
	d.identifiers(ev, !ev.InGroup)
	ev.Kind = event.ParseKind(d.required(fieldKind))
	d.template(ev, false)
	text := d.optional(fieldText)
	contentHash := d.optional(fieldContentHash)
	d.integer(fieldTextLength, false)
	media := d.optional(fieldMediaHash)
	ev.MediaHash = hashOrZero(media)
	switch given, yes := d.boolean(fieldOptIn); {
	case given && yes:
		ev.OptIn = event.OptInTrue
	case given:
		ev.OptIn = event.OptInFalse
	}
	if given := word(d, fieldContactCountry, false, event.ParseCountry, listCountries); given != 0 {
		ev.ContactCountry, ev.ContactCalling = given, 0
	}
	_, ev.Held = d.boolean(fieldHeld)
	d.hosts = d.hosts[:0]
	if links := d.strings(fieldLinks); len(links) > 0 {
		// They count for link_repeat whatever the fingerprint is made of.
		d.readLinks(links)
		ev.Links = d.linkHashes
	}
	if d.rejection == nil {
		ev.Fingerprint = d.fingerprint(ev, text, contentHash, media)
	}
}

// fingerprint returns the fingerprint of a message.sent whose links have been read
// (contract, section 4). Nothing is normalised that does not go into it.
func (d *Decoder) fingerprint(ev *event.Event, text, contentHash, media []byte) uint64 {
	c := d.content[:0]
	switch {
	case ev.HasTemplate:
		c = append(c, "template\x00"...)
		c = append(c, ev.Template.Name...)
		c = append(c, 0)
		c = append(c, ev.Template.Language...)
	case len(contentHash) > 0:
		c = append(c, "content\x00"...)
		c = append(c, contentHash...)
	default:
		c = append(c, ev.Kind.String()...)
		c = append(c, 0)
		c = d.text.appendNormalised(c, text)
		c = append(c, 0)
		c = append(c, media...)
		for _, host := range d.hosts {
			c = append(c, 0)
			c = append(c, host...)
		}
	}
	d.content = c
	return xxhash.Sum64(c)
}

// checkAccount reads an account.update, whose scope says what it must name.
func (d *Decoder) checkAccount(ev *event.Event) {
	ev.Scope = word(d, fieldScope, true, event.ParseScope, listScopes)
	switch ev.Scope {
	case event.ScopeNumber:
		ev.NumberID = d.required(fieldNumberID)
		ev.WABAID = d.optional(fieldWABAID)
		ev.PortfolioID = d.optional(fieldPortfolioID)
	case event.ScopeWABA:
		ev.WABAID = d.required(fieldWABAID)
		ev.PortfolioID = d.optional(fieldPortfolioID)
	case event.ScopePortfolio:
		ev.WABAID = d.optional(fieldWABAID)
		ev.PortfolioID = d.required(fieldPortfolioID)
	}
	ev.State = word(d, fieldState, true, event.ParseState, listStates)
	ev.Restrictions = d.strings(fieldRestrictions)
	ev.ExpiresAt, ev.HasExpires = d.time(fieldExpiresAt, false)
	ev.Reason = d.optional(fieldReason)
}

// eventTime reads the time of the event itself.
func (d *Decoder) eventTime(recordTime int64) int64 {
	t, ok := d.time(fieldTime, true)
	switch {
	case !ok:
	case t < MinTime:
		d.reject(ReasonTooOld, fieldTime, "before 2009; accepted are times since 2009-01-01")
	case recordTime >= MinTime && t-MaxAhead > recordTime:
		d.reject(ReasonFuture, fieldTime, "more than 5 min after the record's own timestamp")
	}
	return t
}

// template reads the template object. A template is recognised by it, not by kind.
func (d *Decoder) template(ev *event.Event, isRequired bool) {
	switch v := d.get(fieldTemplate); {
	case v.kind() == object:
		ev.HasTemplate = true
	case v.isAbsent():
		if isRequired {
			d.reject(ReasonMissing, fieldTemplate, "required; accepted is an object with name, language and perhaps category")
		}
		return
	default:
		d.reject(ReasonType, fieldTemplate, "accepted is an object with name, language and perhaps category")
		return
	}
	ev.Template.Name = d.required(fieldTemplateName)
	ev.Template.Language = d.language(d.required(fieldTemplateLanguage))
	switch c := d.optional(fieldTemplateCategory); {
	case len(c) == 0:
	case bytes.EqualFold(c, []byte("authentication")):
		ev.Template.Category = event.CategoryAuthentication
	case bytes.EqualFold(c, []byte("utility")):
		ev.Template.Category = event.CategoryUtility
	case bytes.EqualFold(c, []byte("marketing")):
		ev.Template.Category = event.CategoryMarketing
	default:
		ev.Template.Category = event.CategoryOther
	}
}

// hashOrZero returns the xxHash64 of s, never 0, and 0 for an absent s.
func hashOrZero(s []byte) uint64 {
	if len(s) == 0 {
		return 0
	}
	return max(1, xxhash.Sum64(s))
}

// word reads a string that must be one of a list.
func word[T any](d *Decoder, f field, isRequired bool, parse func([]byte) (T, bool), accepted string) T {
	var zero T
	s := d.stringOf(f, isRequired)
	if len(s) == 0 {
		return zero
	}
	w, ok := parse(s)
	if !ok {
		d.reject(ReasonValue, f, accepted)
		return zero
	}
	return w
}
