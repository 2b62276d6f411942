package codec

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/event"
)

// at is the time of the events of these tests and of their records.
const at = 1760000000000

// base returns the smallest event of each type, field by field.
func base(typ string) map[string]string {
	m := map[string]string{"id": `"e1"`, "type": `"` + typ + `"`, "time": "1760000000000", "number_id": `"n1"`}
	maps.Copy(m, map[string]map[string]string{
		"message.sent":       {"message_id": `"m"`, "contact": `"+491511234567"`, "kind": `"text"`},
		"message.status":     {"message_id": `"m"`, "contact": `"c"`, "status": `"read"`},
		"message.received":   {"message_id": `"m"`, "contact": `"c"`, "kind": `"text"`},
		"contact.preference": {"contact": `"c"`, "preference": `"stop"`},
		"contact.alias":      {"contact": `"c"`, "previous": `"d"`},
		"contact.block":      {"contact": `"c"`},
		"contact.report":     {"contact": `"c"`},
		"number.profile":     {"country": `"de"`},
		"number.quality":     {"rating": `"RED"`},
		"number.connection":  {"ip_country": `"FR"`},
		"number.cap":         {"used": "3", "total": "250"},
		"group.update":       {"non_contacts_added": "3"},
		"account.update":     {"scope": `"number"`, "state": `"banned"`},
		"template.update":    {"waba_id": `"w"`, "template": `{"name":"t","language":"en"}`},
		"portfolio.limit":    {"portfolio_id": `"p"`, "limit": "250"},
		"clock":              {},
		"policy":             {"version": `"v1"`},
		"some.thing":         {},
	}[typ])
	return m
}

// record writes the smallest event of a type with some fields changed, as in
// `kind=5`; `kind=` leaves the field out.
func record(typ string, changes ...string) []byte {
	m := base(typ)
	order := []string{"id", "type", "time", "number_id"}
	for _, c := range changes {
		k, v, _ := strings.Cut(c, "=")
		m[k] = v
	}
	for k := range m {
		if !slices.Contains(order[:4], k) {
			order = append(order, k)
		}
	}
	var b bytes.Buffer
	for _, k := range order {
		if v := m[k]; v != "" {
			fmt.Fprintf(&b, `,%q:%s`, k, v)
		}
	}
	if b.Len() == 0 {
		return []byte("{}")
	}
	return []byte("{" + b.String()[1:] + "}")
}

func TestRejections(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct {
		record []byte
		reason string
		field  string
	}{
		{nil, ReasonUnparsable, ""},
		{[]byte(""), ReasonUnparsable, ""},
		{[]byte("not json"), ReasonUnparsable, ""},
		{[]byte("null"), ReasonUnparsable, ""},
		{[]byte("[]"), ReasonUnparsable, ""},
		{[]byte(`{}`), ReasonMissing, "type"},
		{[]byte(`{"id": "x", `), ReasonUnparsable, ""},
		{[]byte(`{"id":"x",}`), ReasonUnparsable, ""},
		{append(record("clock"), '}'), ReasonUnparsable, ""},
		{append(record("clock"), record("clock")...), ReasonUnparsable, ""},
		{append([]byte("\xef\xbb\xbf"), record("clock")...), ReasonUnparsable, ""},
		{record("clock", "x=NaN"), ReasonUnparsable, ""},
		{record("clock", "x=Infinity"), ReasonUnparsable, ""},
		{record("clock", "x=01"), ReasonUnparsable, ""},
		{record("clock", "x=1."), ReasonUnparsable, ""},
		{record("clock", "x=.5"), ReasonUnparsable, ""},
		{record("clock", "x=1e"), ReasonUnparsable, ""},
		{record("clock", "x=-"), ReasonUnparsable, ""},
		{record("clock", "x=+1"), ReasonUnparsable, ""},
		{record("clock", "x=tru"), ReasonUnparsable, ""},
		{record("clock", "x=[1,]"), ReasonUnparsable, ""},
		{record("clock", "x=[1 2]"), ReasonUnparsable, ""},
		{record("clock", `x={"a":1,}`), ReasonUnparsable, ""},
		{record("clock", `x={"a"}`), ReasonUnparsable, ""},
		{record("clock", `x=[}`), ReasonUnparsable, ""},
		{record("clock", "x=\"\xff\""), ReasonUnparsable, ""},
		{record("clock", "x=\"\xed\xa0\x80\""), ReasonUnparsable, ""},
		{record("clock", `x="\ud800"`), ReasonUnparsable, ""},
		{record("clock", `x="\udc00"`), ReasonUnparsable, ""},
		{record("clock", `x="\ud800\ud800"`), ReasonUnparsable, ""},
		{record("clock", `x="\ud800A"`), ReasonUnparsable, ""},
		{record("clock", `x=[{"\ud800":1}]`), ReasonUnparsable, ""},
		{record("clock", `x="\u12g4"`), ReasonUnparsable, ""},
		{record("clock", `x="\x"`), ReasonUnparsable, ""},
		{record("clock", "x=\"a\nb\""), ReasonUnparsable, ""},
		{record("clock", "x='a'"), ReasonUnparsable, ""},
		{record("clock", "x=1/*c*/"), ReasonUnparsable, ""},
		{record("clock", "x="+deep(32)), ReasonTooDeep, ""},
		{record("clock", "x="+deep(5000)), ReasonTooDeep, ""},
		{record("clock", `x="`+strings.Repeat("a", MaxRecord)+`"`), ReasonTooLarge, ""},

		{record("clock", "id="), ReasonMissing, "id"},
		{record("clock", "id=null"), ReasonMissing, "id"},
		{record("clock", `id=""`), ReasonMissing, "id"},
		{record("clock", "id=5"), ReasonType, "id"},
		{record("clock", `id="`+strings.Repeat("a", 257)+`"`), ReasonValue, "id"},
		{record("clock", `id="`+strings.Repeat("é", 129)+`"`), ReasonValue, "id"},
		{record("clock", "type="), ReasonMissing, "type"},
		{record("clock", `type=""`), ReasonMissing, "type"},
		{record("clock", "type=true"), ReasonType, "type"},
		{record("clock", "time="), ReasonMissing, "time"},
		{record("clock", `time=""`), ReasonMissing, "time"},
		{record("clock", "time=1760000000000.0"), ReasonType, "time"},
		{record("clock", "time=1.76e12"), ReasonType, "time"},
		{record("clock", "time=true"), ReasonType, "time"},
		{record("clock", "time=99999999999999999999"), ReasonValue, "time"},
		{record("clock", `time="1760000000000"`), ReasonValue, "time"},
		{record("clock", `time="yesterday"`), ReasonValue, "time"},
		{record("clock", "time=1230767999999"), ReasonTooOld, "time"},
		{record("clock", "time=-5"), ReasonTooOld, "time"},
		{record("clock", "time=1760000300001"), ReasonFuture, "time"},
		{record("clock", `time="2099-01-01T00:00:00Z"`), ReasonFuture, "time"},
		{record("some.thing", "id="), ReasonMissing, "id"},
		{record("some.thing", "time="), ReasonMissing, "time"},
		{record("some.thing", "time=1760000300001"), ReasonFuture, "time"},
		{record("some.thing", "time=1230767999999"), ReasonTooOld, "time"},
		{record("policy", "version="), ReasonMissing, "version"},
		{record("policy", "version=5"), ReasonType, "version"},

		{record("message.sent", "number_id="), ReasonMissing, "number_id"},
		{record("message.sent", "number_id=5"), ReasonType, "number_id"},
		{record("message.sent", "waba_id=5"), ReasonType, "waba_id"},
		{record("message.sent", "portfolio_id={}"), ReasonType, "portfolio_id"},
		{record("message.sent", "message_id="), ReasonMissing, "message_id"},
		{record("message.sent", "contact="), ReasonMissing, "contact"},
		{record("message.sent", `contact="+"`), ReasonValue, "contact"},
		{record("message.sent", `contact="whatsapp:"`), ReasonValue, "contact"},
		{record("message.sent", `contact="(00)"`), ReasonValue, "contact"},
		{record("message.sent", `contact="00@c.us"`, `contact_user_id="u"`), ReasonValue, "contact"},
		{record("message.sent", `contact=null`, `contact_user_id=""`), ReasonMissing, "contact"},
		{record("message.sent", `contact_user_id=5`), ReasonType, "contact_user_id"},
		{record("message.sent", `contact="+"`, `group_id="g"`), ReasonValue, "contact"},
		{record("message.sent", `group_id=5`), ReasonType, "group_id"},
		{record("message.sent", "kind=", `group_id="g"`), ReasonMissing, "kind"},
		{record("message.sent", "contact=", `group_id=""`), ReasonMissing, "contact"},
		{record("message.sent", "contact=491511234567"), ReasonType, "contact"},
		{record("message.sent", "kind="), ReasonMissing, "kind"},
		{record("message.sent", "kind=1"), ReasonType, "kind"},
		{record("message.sent", "template=[]"), ReasonType, "template"},
		{record("message.sent", `template="t"`), ReasonType, "template"},
		{record("message.sent", "template={}"), ReasonMissing, "template.name"},
		{record("message.sent", `template={"name":"","language":"en"}`), ReasonMissing, "template.name"},
		{record("message.sent", `template={"name":"a"}`), ReasonMissing, "template.language"},
		{record("message.sent", `template={"name":"a","language":7}`), ReasonType, "template.language"},
		{record("message.sent", `template={"name":"a","language":"en","category":1}`), ReasonType, "template.category"},
		{record("message.sent", "text=5"), ReasonType, "text"},
		{record("message.sent", "content_hash=5"), ReasonType, "content_hash"},
		{record("message.sent", "text_length=5.0"), ReasonType, "text_length"},
		{record("message.sent", `text_length="5"`), ReasonType, "text_length"},
		{record("message.sent", "media_hash=[]"), ReasonType, "media_hash"},
		{record("message.sent", `links="x.com"`), ReasonType, "links"},
		{record("message.sent", `links={}`), ReasonType, "links"},
		{record("message.sent", `links=["x.com",null]`), ReasonType, "links"},
		{record("message.sent", `links=[["x.com"]]`), ReasonType, "links"},
		{record("message.sent", `opt_in="yes"`), ReasonType, "opt_in"},
		{record("message.sent", "opt_in=1"), ReasonType, "opt_in"},
		{record("message.sent", "held=0"), ReasonType, "held"},
		{record("message.sent", "contact_country=49"), ReasonType, "contact_country"},
		{record("message.sent", `contact_country="DEU"`), ReasonValue, "contact_country"},
		{record("message.sent", `contact_country="D1"`), ReasonValue, "contact_country"},
		{record("message.status", "status="), ReasonMissing, "status"},
		{record("message.status", `status="READ"`), ReasonValue, "status"},
		{record("message.status", `status="pending"`), ReasonValue, "status"},
		{record("message.status", `error_code="131048"`), ReasonType, "error_code"},
		{record("message.status", "error_code=131048.0"), ReasonType, "error_code"},
		{record("message.status", "error_code=9223372036854775808"), ReasonValue, "error_code"},
		{record("message.status", `contact="+"`), ReasonValue, "contact"},
		{record("message.status", "contact=5"), ReasonType, "contact"},
		{record("message.received", "contact="), ReasonMissing, "contact"},
		{record("contact.alias", "contact="), ReasonMissing, "contact"},
		{record("contact.alias", "previous="), ReasonMissing, "previous"},
		{record("contact.alias", `previous=""`, "previous_user_id=null"), ReasonMissing, "previous"},
		{record("contact.alias", `previous="whatsapp:+"`, `previous_user_id="u"`), ReasonValue, "previous"},
		{record("contact.alias", `previous_user_id=[]`), ReasonType, "previous_user_id"},
		{record("number.profile", `inputs="inbound"`), ReasonType, "inputs"},
		{record("number.profile", `inputs=[null]`), ReasonType, "inputs"},
		{record("number.profile", `inputs=["inbound","Status"]`), ReasonValue, "inputs"},
		{record("number.profile", `inputs=[""]`), ReasonValue, "inputs"},
		{record("number.connection", `linked_at="soon"`), ReasonValue, "linked_at"},
		{record("number.cap", "used="), ReasonMissing, "used"},
		{record("number.cap", "used=-1"), ReasonValue, "used"},
		{record("number.cap", "used=1.0"), ReasonType, "used"},
		{record("number.cap", "total="), ReasonMissing, "total"},
		{record("number.cap", "total=0"), ReasonValue, "total"},
		{record("number.cap", "total=-2"), ReasonValue, "total"},
		{record("number.cap", `status="none"`), ReasonValue, "status"},
		{record("number.cap", "cycle_end=true"), ReasonType, "cycle_end"},
		{record("template.update", "pauses=-1"), ReasonValue, "pauses"},
		{record("template.update", `pauses="1"`), ReasonType, "pauses"},
		{record("message.received", "context_message_id=1"), ReasonType, "context_message_id"},
		{record("message.received", "text={}"), ReasonType, "text"},
		{record("message.received", "message_id="), ReasonMissing, "message_id"},
		{record("contact.preference", "preference="), ReasonMissing, "preference"},
		{record("contact.preference", `preference="Stop"`), ReasonValue, "preference"},
		{record("contact.block", "contact="), ReasonMissing, "contact"},
		{record("contact.report", "contact=false"), ReasonType, "contact"},
		{record("number.profile", "country="), ReasonMissing, "country"},
		{record("number.profile", `country="Germany"`), ReasonValue, "country"},
		{record("number.profile", `registered_at="soon"`), ReasonValue, "registered_at"},
		{record("number.profile", "last_active_at=1.5"), ReasonType, "last_active_at"},
		{record("number.profile", `connection="Cloud_API"`), ReasonValue, "connection"},
		{record("number.profile", `origin="esim"`), ReasonValue, "origin"},
		{record("number.quality", "rating="), ReasonMissing, "rating"},
		{record("number.quality", `rating="green"`), ReasonValue, "rating"},
		{record("number.connection", "ip_country="), ReasonMissing, "ip_country"},
		{record("number.connection", "ip_hash=1"), ReasonType, "ip_hash"},
		{record("number.connection", "device_hash=1"), ReasonType, "device_hash"},
		{record("group.update", "non_contacts_added="), ReasonMissing, "non_contacts_added"},
		{record("group.update", "non_contacts_added=-1"), ReasonValue, "non_contacts_added"},
		{record("group.update", "non_contacts_added=1.0"), ReasonType, "non_contacts_added"},
		{record("account.update", "scope="), ReasonMissing, "scope"},
		{record("account.update", `scope="team"`), ReasonValue, "scope"},
		{record("account.update", "number_id="), ReasonMissing, "number_id"},
		{record("account.update", `scope="waba"`), ReasonMissing, "waba_id"},
		{record("account.update", `scope="portfolio"`), ReasonMissing, "portfolio_id"},
		{record("account.update", "state="), ReasonMissing, "state"},
		{record("account.update", `state="none"`), ReasonValue, "state"},
		{record("account.update", `restrictions="all"`), ReasonType, "restrictions"},
		{record("account.update", `restrictions=[1]`), ReasonType, "restrictions"},
		{record("account.update", `expires_at=true`), ReasonType, "expires_at"},
		{record("account.update", `reason=[]`), ReasonType, "reason"},
		{record("template.update", "waba_id="), ReasonMissing, "waba_id"},
		{record("template.update", "template="), ReasonMissing, "template"},
		{record("template.update", "template=null"), ReasonMissing, "template"},
		{record("template.update", `template=""`), ReasonMissing, "template"},
		{record("template.update", "status=1"), ReasonType, "status"},
		{record("template.update", `quality="BLUE"`), ReasonValue, "quality"},
		{record("portfolio.limit", "portfolio_id="), ReasonMissing, "portfolio_id"},
		{record("portfolio.limit", "limit="), ReasonMissing, "limit"},
		{record("portfolio.limit", "limit=0"), ReasonValue, "limit"},
		{record("portfolio.limit", "limit=-2"), ReasonValue, "limit"},
		{record("portfolio.limit", `limit="250"`), ReasonType, "limit"},
		{record("portfolio.limit", `waba_id=7`), ReasonType, "waba_id"},
	} {
		var ev event.Event
		err := testDecoder().Decode(&ev, c.record, ContentJSON, at)
		short := c.record
		if len(short) > 200 {
			short = short[:200]
		}
		var r *Rejection
		if !errors.As(err, &r) {
			t.Errorf("%s: accepted, want %s of %s", short, c.reason, c.field)
			continue
		}
		if r.Reason != c.reason || r.Field != c.field || r.Detail == "" {
			t.Errorf("%s: got %v, want %s of %s", short, r, c.reason, c.field)
		}
		if strings.ToLower(r.Detail[:1]) != r.Detail[:1] && !strings.HasPrefix(r.Detail, "RFC") {
			t.Errorf("detail %q does not go on a sentence", r.Detail)
		}
	}
}

func TestAccepted(t *testing.T) {
	for _, c := range []struct {
		record []byte
		check  func(*event.Event) bool
	}{
		{record("clock"), func(e *event.Event) bool { return e.Type == event.TypeClock && e.Time == at && string(e.ID) == "e1" }},
		{record("clock", "number_id=5", "waba_id=[]", "text=7"), func(e *event.Event) bool { return len(e.NumberID) == 0 }},
		{record("policy", "number_id=5"), func(e *event.Event) bool { return string(e.PolicyVersion) == "v1" && len(e.NumberID) == 0 }},
		{record("some.thing", "number_id=5", "contact={}"), func(e *event.Event) bool { return e.Type == event.TypeUnknown }},
		{record("clock", "x="+strings.Repeat("[", 31)+strings.Repeat("]", 31)), func(*event.Event) bool { return true }},
		{record("clock", "time=1760000300000"), func(e *event.Event) bool { return e.Time == at+MaxAhead }},
		{record("clock", "time=1230768000000"), func(e *event.Event) bool { return e.Time == MinTime }},
		{record("clock", `time="2009-01-01T00:00:00Z"`), func(e *event.Event) bool { return e.Time == MinTime }},
		{record("clock", `id="`+strings.Repeat("a", 256)+`"`), func(e *event.Event) bool { return len(e.ID) == 256 }},
		{record("clock", `id="\u0041\n\"\\\/\b\f\r\t\ud83d\ude00é"`), func(e *event.Event) bool { return string(e.ID) == "A\n\"\\/\b\f\r\t😀é" }},
		{record("clock", `x="\u0000"`, `y=-0.5E+10`, `z={"a":[{},[],null,true,false,"",0]}`), func(*event.Event) bool { return true }},
		{[]byte(" \t\r\n{ \"\\u0069d\" : \"e\" , \"type\":\"clock\",\n\"time\" : 1760000000000 } \n"), func(e *event.Event) bool { return string(e.ID) == "e" }},
		{[]byte(`{"time":5,"id":"a","type":"policy","id":"b","time":1760000000000,"type":"clock"}`), func(e *event.Event) bool { return string(e.ID) == "b" && e.Type == event.TypeClock }},

		{record("message.sent"), func(e *event.Event) bool {
			return e.Type == event.TypeSent && string(e.NumberID) == "n1" && e.HasContact && e.Kind == event.KindText &&
				e.ContactCalling == 49 && e.ContactCountry == 0 && e.OptIn == event.OptInNone && !e.Held && !e.HasTemplate &&
				e.Contact == testSecret.hash([]byte("491511234567")) && e.MediaHash == 0 && e.Links == nil
		}},
		{record("message.sent", `contact="++4915"`), func(e *event.Event) bool {
			return e.Contact == testSecret.hash([]byte("+4915")) && e.ContactCalling == 0
		}},
		{record("message.sent", `contact_country="us"`), func(e *event.Event) bool { return e.ContactCountry.String() == "US" && e.ContactCalling == 0 }},
		{record("message.sent", `contact_country=""`), func(e *event.Event) bool { return e.ContactCountry == 0 && e.ContactCalling == 49 }},
		{record("message.sent", "opt_in=false", "held=true"), func(e *event.Event) bool { return e.OptIn == event.OptInFalse && e.Held }},
		{record("message.sent", "opt_in=true", "held=false"), func(e *event.Event) bool { return e.OptIn == event.OptInTrue && !e.Held }},
		{record("message.sent", "opt_in=null", `held=""`, `links=""`, `template=""`, `text_length=""`), func(e *event.Event) bool {
			return e.OptIn == event.OptInNone && !e.Held && !e.HasTemplate
		}},
		{record("message.sent", `kind="carousel"`), func(e *event.Event) bool { return e.Kind == event.KindOther }},
		{record("message.sent", `kind="Text"`), func(e *event.Event) bool { return e.Kind == event.KindOther }},
		{record("message.sent", `template={"language":"en","x":{"y":[1]},"name":"a","category":"Utility"}`), func(e *event.Event) bool {
			return e.HasTemplate && e.Template.Category.IsService() && string(e.Template.Name) == "a" && string(e.Template.Language) == "en"
		}},
		{record("message.sent", `template={"name":"a","language":"en","category":""}`), func(e *event.Event) bool { return e.Template.Category == event.CategoryNone }},
		{record("message.sent", `template={"name":"a","language":"en","category":"MARKETING"}`), func(e *event.Event) bool { return e.Template.Category == event.CategoryMarketing }},
		{record("message.sent", `template={"name":"a","language":"en","category":"authentiCATION"}`), func(e *event.Event) bool { return e.Template.Category == event.CategoryAuthentication }},
		{record("message.sent", `template={"name":"a","language":"en","category":"service"}`), func(e *event.Event) bool { return e.Template.Category == event.CategoryOther }},
		{[]byte(`{"id":"e","type":"message.sent","time":1760000000000,"number_id":"n","message_id":"m","contact":"c","kind":"text","template":{"name":"a","language":"b","category":"utility"},"template":{"name":"c","language":"d"}}`), func(e *event.Event) bool {
			return string(e.Template.Name) == "c" && e.Template.Category == event.CategoryNone
		}},
		{[]byte(`{"id":"e","type":"message.sent","time":1760000000000,"number_id":"n","message_id":"m","contact":"c","kind":"text","template":{"name":"a","language":"b"},"template":null}`), func(e *event.Event) bool { return !e.HasTemplate }},
		{record("message.sent", "status=5", "rating=[]", "limit=0"), func(*event.Event) bool { return true }},
		{record("message.sent", `waba_id="w"`, `portfolio_id=null`), func(e *event.Event) bool { return string(e.WABAID) == "w" && len(e.PortfolioID) == 0 }},
		{record("message.status", "error_code=131048"), func(e *event.Event) bool {
			return e.Status == event.StatusRead && e.HasError && e.ErrorCode == 131048
		}},
		{record("message.status", "error_code=-0"), func(e *event.Event) bool { return e.HasError && e.ErrorCode == 0 }},
		{record("message.status", "error_code=null"), func(e *event.Event) bool { return !e.HasError }},
		{record("message.received", `text=" Stop "`), func(e *event.Event) bool { return e.Text == event.PreferenceStop }},
		{record("message.received", `text="\u0053TOP"`), func(e *event.Event) bool { return e.Text == event.PreferenceStop }},
		{record("message.received", `text="please stop"`), func(e *event.Event) bool { return e.Text == event.PreferenceNone }},
		{record("message.received", `kind="reaction"`, `text="start"`), func(e *event.Event) bool {
			return e.Kind == event.KindReaction && e.Text == event.PreferenceResume
		}},
		{record("contact.preference", `preference="resume"`), func(e *event.Event) bool { return e.Preference == event.PreferenceResume }},
		{record("number.profile", `registered_at=-5`, `last_active_at="2025-01-01T00:00:00.9999+01:00"`, `connection="cloud_api"`, `origin="voip"`), func(e *event.Event) bool {
			return e.Country.String() == "DE" && e.HasRegistered && e.RegisteredAt == -5 && e.HasLastActive && e.LastActiveAt == 1735686000999 &&
				e.Connection == event.ConnectionCloudAPI && e.Origin == event.OriginVoIP
		}},
		{record("number.profile", `connection=null`, `registered_at=""`), func(e *event.Event) bool { return e.Connection == 0 && !e.HasRegistered }},
		{record("number.profile"), func(e *event.Event) bool { return !e.HasInputs }},
		{record("number.profile", `inputs=""`), func(e *event.Event) bool { return !e.HasInputs }},
		{record("number.profile", "inputs=[]"), func(e *event.Event) bool { return e.HasInputs && e.Inputs == 0 }},
		{record("number.profile", `inputs=["template","in\u0062ound","template"]`), func(e *event.Event) bool {
			return e.HasInputs && e.Inputs == event.InputTemplate|event.InputInbound
		}},
		{record("number.cap", "total=-1"), func(e *event.Event) bool {
			return e.CapUsed == 3 && e.CapTotal == -1 && e.CapStatus == event.CapAbsent && !e.HasCycleEnd
		}},
		{record("number.cap", "used=0", `status="SECOND_WARNING"`, "cycle_end=5"), func(e *event.Event) bool {
			return e.CapUsed == 0 && e.CapTotal == 250 && e.CapStatus == event.CapSecondWarning && e.HasCycleEnd && e.CycleEnd == 5
		}},
		{record("number.connection", "linked_at=0"), func(e *event.Event) bool { return e.HasLinked && e.LinkedAt == 0 }},
		{record("template.update", "pauses=0"), func(e *event.Event) bool { return e.HasPauses && e.Pauses == 0 }},
		{record("template.update", "pauses=null"), func(e *event.Event) bool { return !e.HasPauses }},
		{record("number.quality"), func(e *event.Event) bool { return e.Rating == event.RatingRed }},
		{record("number.connection", `ip_hash="h"`), func(e *event.Event) bool { return e.IPCountry.String() == "FR" && e.IPHash != 0 }},
		{record("number.connection"), func(e *event.Event) bool { return e.IPHash == 0 }},
		{record("group.update", "non_contacts_added=0"), func(e *event.Event) bool { return e.NonContactsAdded == 0 }},
		{record("account.update", `restrictions=["a","b\n"]`, `expires_at=0`, `reason="r"`), func(e *event.Event) bool {
			return e.State == event.StateBanned && !e.Shared() && e.HasExpires && e.ExpiresAt == 0 && len(e.Restrictions) == 2 &&
				string(e.Restrictions[1]) == "b\n" && string(e.Reason) == "r"
		}},
		{record("account.update", `scope="waba"`, `waba_id="w"`, "number_id=7"), func(e *event.Event) bool { return e.Shared() && len(e.NumberID) == 0 && !e.HasExpires }},
		{record("account.update", `scope="portfolio"`, `portfolio_id="p"`, "number_id="), func(e *event.Event) bool { return e.Shared() && string(e.PortfolioID) == "p" }},
		{record("template.update", `status="PAUSED"`, `quality="YELLOW"`, "number_id=7"), func(e *event.Event) bool {
			return string(e.TemplateStatus) == "PAUSED" && e.TemplateQuality == event.RatingYellow && string(e.Template.Name) == "t" && len(e.NumberID) == 0
		}},
		{record("template.update", `status="whatever it is"`), func(e *event.Event) bool { return string(e.TemplateStatus) == "whatever it is" }},
		{record("portfolio.limit", "limit=-1", "number_id=[]"), func(e *event.Event) bool { return e.Limit == -1 && string(e.PortfolioID) == "p" }},
		{record("portfolio.limit", "limit=1"), func(e *event.Event) bool { return e.Limit == 1 }},
	} {
		var ev event.Event
		if err := testDecoder().Decode(&ev, c.record, ContentJSON, at); err != nil {
			t.Errorf("%s: %v", c.record, err)
			continue
		}
		if !c.check(&ev) {
			t.Errorf("%s: got %+v", c.record, ev)
		}
	}
}

// TestRejectionKeepsTheValueToItself looks for the contact and the text in
// what is said about a record.
func TestRejectionKeepsTheValueToItself(t *testing.T) {
	for _, changes := range [][]string{
		{`contact_country="4915199999"`}, {"contact=4915199999"}, {`text=["4915199999"]`}, {`id=4915199999`}, {`time="4915199999"`}, {`x=4915199999x`},
	} {
		var ev event.Event
		err := testDecoder().Decode(&ev, record("message.sent", changes...), ContentJSON, at)
		if err == nil || strings.Contains(err.Error(), "4915199999") {
			t.Errorf("%v: %v", changes, err)
		}
	}
}

func TestFraming(t *testing.T) {
	clockJSON := record("clock")
	clockProtobuf := protobufOf(t, clockJSON)
	frame := func(rest ...[]byte) []byte { return bytes.Join(append([][]byte{{0, 0, 0, 1, 2}}, rest...), nil) }
	for _, c := range []struct {
		name   string
		record []byte
		ct     ContentType
		ok     bool
	}{
		{"JSON", clockJSON, ContentJSON, true},
		{"JSON by its first byte", clockJSON, ContentUnknown, true},
		{"JSON that is said to be Protobuf", clockJSON, ContentProtobuf, false},
		{"Protobuf", clockProtobuf, ContentProtobuf, true},
		{"Protobuf by its first byte", clockProtobuf, ContentUnknown, true},
		{"Protobuf that is said to be JSON", clockProtobuf, ContentJSON, false},
		{"framed JSON", frame(clockJSON), ContentJSON, true},
		{"framed JSON by its first byte", frame(clockJSON), ContentUnknown, true},
		{"framed Protobuf without an index", frame(clockProtobuf), ContentProtobuf, true},
		{"framed Protobuf, first message", frame([]byte{0}, clockProtobuf), ContentProtobuf, true},
		{"framed Protobuf, first message, unknown type", frame([]byte{0}, clockProtobuf), ContentUnknown, true},
		{"framed Protobuf, one index", frame([]byte{2, 0}, clockProtobuf), ContentUnknown, true},
		{"framed Protobuf, three indexes", frame([]byte{6, 2, 0x80, 1, 4}, clockProtobuf), ContentProtobuf, true},
		{"a frame alone", frame(), ContentUnknown, false},
		{"half a frame", []byte{0, 0, 0}, ContentUnknown, false},
		{"a frame and an index", frame([]byte{0}), ContentProtobuf, false},
		{"a frame and half an index", frame([]byte{2}), ContentProtobuf, false},
		{"two frames", frame(frame(clockJSON)), ContentJSON, false},
	} {
		var ev event.Event
		err := testDecoder().Decode(&ev, c.record, c.ct, at)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil && (ev.Type != event.TypeClock || string(ev.ID) != "e1") {
			t.Errorf("%s: read as %+v", c.name, ev)
		}
	}
}

// Other registries' frames are stepped over where the configuration names them, and named
// in the rejection where it does not.
func TestFramingOfOtherRegistries(t *testing.T) {
	clockJSON := record("clock")
	clockProtobuf := protobufOf(t, clockJSON)
	apicurio := func(rest ...[]byte) []byte {
		return bytes.Join(append([][]byte{{0, 0, 0, 0, 0, 0, 0, 0, 7}}, rest...), nil)
	}
	ref := []byte("\x09\x0a\x07Events\x00")
	glue := append([]byte{3, 0}, bytes.Repeat([]byte{0xaa}, 16)...)
	for _, c := range []struct {
		name    string
		framing Framing
		record  []byte
		ok      bool
	}{
		{"Apicurio JSON", FramingApicurio, apicurio(clockJSON), true},
		{"Apicurio Protobuf", FramingApicurio, apicurio(clockProtobuf), true},
		{"Apicurio Protobuf with a name", FramingApicurio, apicurio(ref, clockProtobuf), true},
		{"Apicurio without a frame", FramingApicurio, clockJSON, true},
		{"Apicurio, Protobuf without a frame", FramingApicurio, clockProtobuf, true},
		{"Apicurio, a frame alone", FramingApicurio, apicurio(), false},
		{"Apicurio, a name alone", FramingApicurio, apicurio(ref), false},
		{"Glue JSON", FramingGlue, append(slices.Clone(glue), clockJSON...), true},
		{"Glue Protobuf", FramingGlue, append(slices.Clone(glue), clockProtobuf...), true},
		{"Glue, compressed", FramingGlue, append([]byte{3, 5}, append(slices.Clone(glue[2:]), clockJSON...)...), false},
		{"Glue without a frame", FramingGlue, clockProtobuf, true},
		{"Glue, a frame alone", FramingGlue, glue, false},
		{"Confluent's where Glue's is named", FramingGlue, append([]byte{0, 0, 0, 0, 7}, clockJSON...), false},
		{"Apicurio's where none is named", FramingConfluent, apicurio(clockJSON), false},
		{"Glue's where none is named", FramingConfluent, append(slices.Clone(glue), clockJSON...), false},
	} {
		var ev event.Event
		err := NewDecoder(Config{Framing: c.framing}).Decode(&ev, c.record, ContentUnknown, at)
		if (err == nil) != c.ok || err == nil && string(ev.ID) != "e1" {
			t.Errorf("%s: %+v, %v", c.name, ev, err)
		}
		if err != nil && !strings.Contains(c.name, "alone") && !strings.Contains(err.Error(), "kafka.framing") {
			t.Errorf("%s: the rejection does not say what to do: %v", c.name, err)
		}
	}
	for i, name := range Framings() {
		if f, ok := ParseFraming(name); !ok || f != Framing(i) {
			t.Errorf("%s is %d, %t", name, f, ok)
		}
	}
	if _, ok := ParseFraming("other"); ok {
		t.Error("other is a framing")
	}
}

func TestParseContentType(t *testing.T) {
	for s, want := range map[string]ContentType{
		"application/json":                ContentJSON,
		"application/json; charset=utf-8": ContentJSON,
		"application/protobuf":            ContentProtobuf,
		"application/x-protobuf":          ContentProtobuf,
		"Application/JSON":                ContentJSON,
		"APPLICATION/Protobuf;v=1":        ContentProtobuf,
		"text/plain":                      ContentUnknown,
		"":                                ContentUnknown,
	} {
		if got := ParseContentType([]byte(s)); got != want {
			t.Errorf("%q is %v, want %v", s, got, want)
		}
	}
}

// TestDecoderIsReused holds a decoder that has read many records against a
// fresh one: nothing of one record may show in the next.
func TestDecoderIsReused(t *testing.T) {
	used := testDecoder()
	for _, name := range exampleLogs {
		for _, line := range readLines(t, name, "events.ndjson") {
			var a, b event.Event
			errA := used.Decode(&a, line, ContentJSON, math.MaxInt64)
			errB := testDecoder().Decode(&b, line, ContentJSON, math.MaxInt64)
			if (errA == nil) != (errB == nil) {
				t.Fatalf("%s: %v and %v", line, errA, errB)
			}
			if errA == nil && !cmp.Equal(a, b) {
				t.Fatalf("%s: %s", line, cmp.Diff(a, b))
			}
		}
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	for name, b := range map[string][]byte{
		"json": []byte(usual), "json, any order": []byte(reversed), "protobuf": usualProtobuf(),
		"text beyond ASCII": bytes.Replace([]byte(usual), []byte("Hello Anna"), []byte("Grüße, Ànna ١٢"), 1),
		"escapes":           bytes.Replace([]byte(usual), []byte("Hello Anna"), []byte(`Hello\n\"Anna\"`), 1),
	} {
		d := testDecoder()
		var ev event.Event
		if n := testing.AllocsPerRun(100, func() {
			if err := d.Decode(&ev, b, ContentUnknown, math.MaxInt64); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}

// TestKeysOfOneLevelAreNotThoseOfAnother reads records whose template has keys
// of the event and whose event has keys of a template, twice, since the decoder
// remembers which key came after which.
func TestKeysOfOneLevelAreNotThoseOfAnother(t *testing.T) {
	const line = `{"":1,"name":"x","template":{"":1,"id":"no","name":"a","type":"no","language":"en","zzz":1,"category":"utility"},` +
		`"name":"y","language":"de","category":"marketing","zzz":2,"id":"e","type":"message.sent","time":1760000000000,` +
		`"number_id":"n","message_id":"m","contact":"c","kind":"text"}`
	d := testDecoder()
	for range 3 {
		var ev event.Event
		if err := d.Decode(&ev, []byte(line), ContentJSON, at); err != nil {
			t.Fatal(err)
		}
		if string(ev.ID) != "e" || string(ev.Template.Name) != "a" || string(ev.Template.Language) != "en" || ev.Template.Category != event.CategoryUtility {
			t.Fatalf("read as %+v", ev)
		}
	}
}
