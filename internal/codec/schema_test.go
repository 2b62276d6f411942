package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sendwatch/internal/event"
	"sendwatch/schemas"
)

// compiled returns a schema of ours, ready to judge.
func compiled(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	data, err := schemas.Wire.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// isValid reports whether a schema lets a JSON text pass.
func isValid(t *testing.T, s *jsonschema.Schema, line []byte) bool {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return s.Validate(v) == nil
}

// trials are values for any field, right ones and wrong ones.
func trials() []string {
	values := []string{
		"", "null", `""`, `"x"`, `"+"`, "0", "-0", "1", "-1", "-2", "250", "9007199254740991", "9007199254740992", "-9007199254740992", "1.5", "true", "false",
		"[]", "{}", "[null]", `["x"]`, `[""]`, `["x",1]`, `["inbound","status"]`, `["account","template","x"]`, `"DE"`, `"de"`, `"DEU"`, `"d1"`,
		`{"name":"a","language":"b"}`, `{"name":"a","language":"b","category":null}`, `{"name":"a","language":"b","category":5}`, `{"name":"a"}`,
		`{"name":"","language":"b"}`, `{"name":"a","language":null}`, `{"name":5,"language":"b"}`,
		`"00"`, `"(0) 0"`, `"+00"`, `"000"`, `"0 0 0"`, `"00@c.us"`, `"+00:1@hosted"`, `"00@lid"`, `"00@g.us"`, `"whatsapp:"`, `"whatsapp:+"`, `"whatsapp:00"`, `"++"`,
	}
	for _, day := range []string{
		"2024-02-29", "2023-02-29", "2000-02-29", "2100-02-29", "2100-02-28", "2024-02-30", "2024-04-30", "2024-04-31", "2024-06-31", "2024-09-31",
		"2024-11-31", "2024-01-31", "2024-12-31", "2024-12-32", "2024-13-01", "2024-00-10", "2024-10-00", "24-10-10", "2024-1-10", "12024-01-01",
	} {
		values = append(values, strconv.Quote(day+"T00:00:00Z"))
	}
	for _, clock := range []string{
		"T23:59:59Z", "T23:59:60Z", "T24:00:00Z", "T12:60:00Z", "t12:00:00Z", "T12:00:00z", " 12:00:00Z", "T12:00:00", "T12:00Z", "T12:00:00.Z", "T12:00:00,5Z",
		"T12:00:00.123456789012Z", "T12:00:00+00:00", "T12:00:00-23:59", "T12:00:00+24:00", "T12:00:00+00:60", "T12:00:00+0000", "T12:00:00Z ", "T12:00:00.5+01:30",
	} {
		values = append(values, strconv.Quote("2024-05-05"+clock))
	}
	for _, words := range []string{
		"number waba portfolio warned restricted banned reinstated none stop resume Stop sent delivered read played failed READ GREEN YELLOW RED UNKNOWN green",
		"cloud_api business_app web_session sim voip esim NONE FIRST_WARNING SECOND_WARNING CAPPED text reaction PAUSED inbound",
	} {
		for w := range strings.FieldsSeq(words) {
			values = append(values, strconv.Quote(w))
		}
	}
	return values
}

// TestEventSchema holds the JSON Schema of the events against the decoder: both
// give the same answer to each value in each field of each type, alone and beside
// those that go with it. What the schema cannot say is in its description, and
// here: times of before 2009, and numbers such as `1.0`, which are integers to
// JSON Schema.
func TestEventSchema(t *testing.T) {
	schema := compiled(t, "events/v1/event.schema.json")
	d := testDecoder()
	compared := 0
	compare := func(line []byte) (accepted bool) {
		var ev event.Event
		err := d.Decode(&ev, line, ContentJSON, math.MaxInt64)
		if r, ok := errors.AsType[*Rejection](err); ok && r.Reason == ReasonTooOld {
			return false
		}
		compared++
		if valid := isValid(t, schema, line); valid != (err == nil) {
			t.Errorf("%s: the schema says %v, the decoder %v", line, valid, err)
		}
		return err == nil
	}
	values := trials()
	for typ := event.TypeSent; typ <= event.TypePolicy; typ++ {
		name := typ.String()
		if !compare(record(name)) {
			t.Errorf("the smallest %s is rejected", name)
		}
		for f := range numEventFields {
			if f == fieldType || compare(record(name, f.String()+`=[{}]`)) {
				continue // both look at it in no case
			}
			for _, v := range values {
				compare(record(name, f.String()+"="+v))
				switch f {
				case fieldContact, fieldContactUserID, fieldGroupID, fieldPrevious, fieldPreviousUserID:
					compare(record(name, "contact=", "contact_user_id="+`"u"`, f.String()+"="+v))
					compare(record(name, "contact=", "previous=", f.String()+"="+v))
				case fieldNumberID, fieldWABAID, fieldPortfolioID:
					for _, scope := range []string{"number", "waba", "portfolio"} {
						compare(record(name, `scope="`+scope+`"`, `waba_id="w"`, `portfolio_id="p"`, f.String()+"="+v))
					}
				}
			}
		}
	}
	if compared < 10_000 {
		t.Errorf("only %d records compared", compared)
	}
	compare(record("some.thing", "number_id=5"))
	for _, f := range []string{"error_code=1.0", "error_code=1e0"} {
		var ev event.Event
		if line := record("message.status", f); !isValid(t, schema, line) || d.Decode(&ev, line, ContentJSON, at) == nil {
			t.Errorf("%s: the schema refuses it or the decoder does not; mend the description of the schema", line)
		}
	}
	for _, name := range exampleLogs {
		for _, line := range readLines(t, name, "events.ndjson") {
			if json.Valid(line) && !bytes.Contains(line, []byte(`\u`)) && !bytes.Contains(line, []byte(`.0`)) && len(line) < MaxRecord {
				compare(line)
			}
		}
	}
}

// TestEventSchemaNamesEveryField keeps a field from being forgotten in the
// schema, which lets pass what it does not know.
func TestEventSchemaNamesEveryField(t *testing.T) {
	data, err := schemas.Wire.ReadFile("events/v1/event.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for f := range numFields {
		_, name, ok := strings.Cut(f.String(), ".")
		if !ok {
			name = f.String()
		}
		if !bytes.Contains(data, []byte(`"`+name+`": {`)) {
			t.Errorf("the schema lacks the field %v", f)
		}
	}
	for typ := event.TypeSent; typ <= event.TypePolicy; typ++ {
		if !bytes.Contains(data, []byte(`"const": "`+typ.String()+`"`)) && typ != event.TypeClock {
			t.Errorf("the schema lacks the type %v", typ)
		}
	}
}

// TestProtobufNumbers holds events.proto against the table of fields.
func TestProtobufNumbers(t *testing.T) {
	m := messageOf(t, []byte("{}")).ProtoReflect().Descriptor()
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		if n := int(f.Number()) - 1; n >= int(numEventFields) || field(n).String() != string(f.Name()) {
			t.Errorf("field %s has number %d, which is another field here", f.Name(), f.Number())
		}
	}
	if m.Fields().Len() != int(numEventFields) {
		t.Errorf("%d fields, want %d", m.Fields().Len(), numEventFields)
	}
	template := m.Fields().ByName("template").Message().Fields()
	for i := range template.Len() {
		f := template.Get(i)
		if name := (fieldTemplateName + field(f.Number()-1)).String(); name != "template."+string(f.Name()) {
			t.Errorf("field %s of template has number %d, which is %s here", f.Name(), f.Number(), name)
		}
	}
}

// TestFlagSchema holds the JSON Schema of the flags against what is written.
func TestFlagSchema(t *testing.T) {
	schema := compiled(t, "flags/v1/flag.schema.json")
	var got map[string]any
	if err := json.Unmarshal(AppendFlag(nil, testFlag()), &got); err != nil {
		t.Fatal(err)
	}
	for k := range got {
		if _, ok := schema.Properties[k]; !ok {
			t.Errorf("the schema lacks %s", k)
		}
	}
	for k := range schema.Properties {
		if _, ok := got[k]; !ok {
			t.Errorf("a flag lacks %s", k)
		}
	}
	for f := range event.NumFactors {
		flag := testFlag()
		flag.Factor = f
		if f >= event.NumNumberFactors {
			flag.NumberID, flag.Score = "", -1
		}
		if line := AppendFlag(nil, flag); isValid(t, schema, line) != f.Flags() {
			t.Errorf("the schema and the code differ on whether %v raises flags: %s", f, line)
		}
	}
	for _, f := range []event.Flag{
		{Score: -1, ETA: -1, PortfolioID: "p", FlagID: "f"},
		{Score: -1, ETA: -1, NumberID: "n", FlagID: "f", Value: event.WordValue("x"), Warn: event.NumberValue(1)},
	} {
		line := AppendFlag(nil, &f)
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}
