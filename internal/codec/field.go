package codec

// field is one field of an event that some type looks at.
type field uint8

// The fields. The first 50 are those of the event, in the order of their
// Protobuf numbers (number = field + 1); the last three are those of template.
const (
	fieldID field = iota
	fieldType
	fieldTime
	fieldNumberID
	fieldWABAID
	fieldPortfolioID
	fieldMessageID
	fieldContact
	fieldKind
	fieldTemplate
	fieldText
	fieldStatus
	fieldOptIn
	fieldLinks
	fieldHeld
	fieldContentHash
	fieldTextLength
	fieldMediaHash
	fieldContactCountry
	fieldErrorCode
	fieldContextMessageID
	fieldPreference
	fieldCountry
	fieldRegisteredAt
	fieldLastActiveAt
	fieldConnection
	fieldOrigin
	fieldRating
	fieldIPCountry
	fieldIPHash
	fieldDeviceHash
	fieldNonContactsAdded
	fieldScope
	fieldState
	fieldRestrictions
	fieldExpiresAt
	fieldReason
	fieldQuality
	fieldLimit
	fieldVersion
	fieldContactUserID
	fieldPrevious
	fieldPreviousUserID
	fieldGroupID
	fieldInputs
	fieldLinkedAt
	fieldUsed
	fieldTotal
	fieldCycleEnd
	fieldPauses
	numEventFields

	fieldTemplateName     = numEventFields
	fieldTemplateLanguage = numEventFields + 1
	fieldTemplateCategory = numEventFields + 2
	numFields             = numEventFields + 3
	noField               = numFields
	noTemplateField       = numFields + 1 // as noField, inside of template
	ownField              = numFields + 2 // ownKey, which is of the file and not of the event
)

// shape is the Protobuf type of a field.
type shape uint8

const (
	shapeString shape = iota
	shapeInt
	shapeBool
	shapeStrings
	shapeMessage
	shapeNames // a message of its own in Protobuf, a list of strings in JSON
)

var fields = [numFields]struct {
	name  string
	shape shape
}{
	fieldID:               {"id", shapeString},
	fieldType:             {"type", shapeString},
	fieldTime:             {"time", shapeInt},
	fieldNumberID:         {"number_id", shapeString},
	fieldWABAID:           {"waba_id", shapeString},
	fieldPortfolioID:      {"portfolio_id", shapeString},
	fieldMessageID:        {"message_id", shapeString},
	fieldContact:          {"contact", shapeString},
	fieldKind:             {"kind", shapeString},
	fieldTemplate:         {"template", shapeMessage},
	fieldText:             {"text", shapeString},
	fieldStatus:           {"status", shapeString},
	fieldOptIn:            {"opt_in", shapeBool},
	fieldLinks:            {"links", shapeStrings},
	fieldHeld:             {"held", shapeBool},
	fieldContentHash:      {"content_hash", shapeString},
	fieldTextLength:       {"text_length", shapeInt},
	fieldMediaHash:        {"media_hash", shapeString},
	fieldContactCountry:   {"contact_country", shapeString},
	fieldErrorCode:        {"error_code", shapeInt},
	fieldContextMessageID: {"context_message_id", shapeString},
	fieldPreference:       {"preference", shapeString},
	fieldCountry:          {"country", shapeString},
	fieldRegisteredAt:     {"registered_at", shapeInt},
	fieldLastActiveAt:     {"last_active_at", shapeInt},
	fieldConnection:       {"connection", shapeString},
	fieldOrigin:           {"origin", shapeString},
	fieldRating:           {"rating", shapeString},
	fieldIPCountry:        {"ip_country", shapeString},
	fieldIPHash:           {"ip_hash", shapeString},
	fieldDeviceHash:       {"device_hash", shapeString},
	fieldNonContactsAdded: {"non_contacts_added", shapeInt},
	fieldScope:            {"scope", shapeString},
	fieldState:            {"state", shapeString},
	fieldRestrictions:     {"restrictions", shapeStrings},
	fieldExpiresAt:        {"expires_at", shapeInt},
	fieldReason:           {"reason", shapeString},
	fieldQuality:          {"quality", shapeString},
	fieldLimit:            {"limit", shapeInt},
	fieldVersion:          {"version", shapeString},
	fieldContactUserID:    {"contact_user_id", shapeString},
	fieldPrevious:         {"previous", shapeString},
	fieldPreviousUserID:   {"previous_user_id", shapeString},
	fieldGroupID:          {"group_id", shapeString},
	fieldInputs:           {"inputs", shapeNames},
	fieldLinkedAt:         {"linked_at", shapeInt},
	fieldUsed:             {"used", shapeInt},
	fieldTotal:            {"total", shapeInt},
	fieldCycleEnd:         {"cycle_end", shapeInt},
	fieldPauses:           {"pauses", shapeInt},
	fieldTemplateName:     {"template.name", shapeString},
	fieldTemplateLanguage: {"template.language", shapeString},
	fieldTemplateCategory: {"template.category", shapeString},
}

// String returns the field's name as in a rejection.
func (f field) String() string { return fields[f].name }

// fieldNamed finds a field of the event by its JSON key. The compiler turns the
// switch into a search by length and content, which beat a hash table here.
func fieldNamed(key []byte) field {
	switch string(key) {
	case "id":
		return fieldID
	case "type":
		return fieldType
	case "time":
		return fieldTime
	case "number_id":
		return fieldNumberID
	case "waba_id":
		return fieldWABAID
	case "portfolio_id":
		return fieldPortfolioID
	case "message_id":
		return fieldMessageID
	case "contact":
		return fieldContact
	case "kind":
		return fieldKind
	case "template":
		return fieldTemplate
	case "text":
		return fieldText
	case "status":
		return fieldStatus
	case "opt_in":
		return fieldOptIn
	case "links":
		return fieldLinks
	case "held":
		return fieldHeld
	case "content_hash":
		return fieldContentHash
	case "text_length":
		return fieldTextLength
	case "media_hash":
		return fieldMediaHash
	case "contact_country":
		return fieldContactCountry
	case "error_code":
		return fieldErrorCode
	case "context_message_id":
		return fieldContextMessageID
	case "preference":
		return fieldPreference
	case "country":
		return fieldCountry
	case "registered_at":
		return fieldRegisteredAt
	case "last_active_at":
		return fieldLastActiveAt
	case "connection":
		return fieldConnection
	case "origin":
		return fieldOrigin
	case "rating":
		return fieldRating
	case "ip_country":
		return fieldIPCountry
	case "ip_hash":
		return fieldIPHash
	case "device_hash":
		return fieldDeviceHash
	case "non_contacts_added":
		return fieldNonContactsAdded
	case "scope":
		return fieldScope
	case "state":
		return fieldState
	case "restrictions":
		return fieldRestrictions
	case "expires_at":
		return fieldExpiresAt
	case "reason":
		return fieldReason
	case "quality":
		return fieldQuality
	case "limit":
		return fieldLimit
	case "version":
		return fieldVersion
	case "contact_user_id":
		return fieldContactUserID
	case "previous":
		return fieldPrevious
	case "previous_user_id":
		return fieldPreviousUserID
	case "group_id":
		return fieldGroupID
	case "inputs":
		return fieldInputs
	case "linked_at":
		return fieldLinkedAt
	case "used":
		return fieldUsed
	case "total":
		return fieldTotal
	case "cycle_end":
		return fieldCycleEnd
	case "pauses":
		return fieldPauses
	}
	return noField
}

// templateFieldNamed finds a field of the template object by its JSON key.
func templateFieldNamed(key []byte) field {
	switch string(key) {
	case "name":
		return fieldTemplateName
	case "language":
		return fieldTemplateLanguage
	case "category":
		return fieldTemplateCategory
	}
	return noField
}

// valueKind is what a field's bytes are.
type valueKind uint8

const (
	absent   valueKind = iota // the record has no such field
	null                      // JSON null
	blank                     // an empty string
	plain                     // a string; the span is its content
	escaped                   // a JSON string with escapes; the span is its content as written
	integer                   // a JSON number without fraction and exponent
	fraction                  // any other JSON number
	boolean                   // start is 0 for false, 1 for true
	object                    // an object or a Protobuf message; its fields are already found
	array                     // a JSON array; the span goes from bracket to bracket
	list                      // Protobuf strings, in the decoder's list of the field
	varint                    // a Protobuf integer; the span is the varint
	illTyped                  // a Protobuf field of another wire type than its own
)

// value is where a field's bytes are in the record, and what they are, in one word:
// the kind, then 24 bits each of where they begin and end.
type value uint64

// spanOf makes a value.
func spanOf(kind valueKind, start, end int) value {
	return value(kind)<<48 | value(start)<<24 | value(end)
}

// textSpan makes the value of a string without escapes.
func textSpan(start, end int) value {
	kind := plain
	if start == end {
		kind = blank
	}
	return spanOf(kind, start, end)
}

func (v value) kind() valueKind { return valueKind(v >> 48) }
func (v value) start() int      { return int(v >> 24 & (1<<24 - 1)) }
func (v value) end() int        { return int(v & (1<<24 - 1)) }
