package codec

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"sendwatch/internal/event"
	"sendwatch/schemas"
)

// jsonSchema is the part of JSON Schema that the contracts use.
type jsonSchema struct {
	Ref        string                `json:"$ref"`
	Required   []string              `json:"required"`
	Properties map[string]jsonSchema `json:"properties"`
	Enum       []any                 `json:"enum"`
	Const      any                   `json:"const"`
	AnyOf      []jsonSchema          `json:"anyOf"`
	AllOf      []jsonSchema          `json:"allOf"`
	If         *jsonSchema           `json:"if"`
	Then       *jsonSchema           `json:"then"`
	Defs       map[string]jsonSchema `json:"$defs"`
}

func readSchema(t *testing.T, name string) jsonSchema {
	t.Helper()
	data, err := schemas.Wire.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var s jsonSchema
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestEventSchema holds the JSON Schema of the events against the decoder: the
// same types, the same required fields, the same words.
func TestEventSchema(t *testing.T) {
	root := readSchema(t, "events/v1/event.schema.json")
	accepts := func(line []byte) bool {
		var ev event.Event
		return testDecoder().Decode(&ev, line, ContentJSON, math.MaxInt64) == nil
	}
	words := func(p jsonSchema) (list []string) {
		if name, ok := strings.CutPrefix(p.Ref, "#/$defs/"); ok {
			p = root.Defs[name]
		}
		all := p.Enum
		for _, a := range p.AnyOf {
			all = append(all, a.Enum...)
			if name, ok := strings.CutPrefix(a.Ref, "#/$defs/"); ok {
				all = append(all, root.Defs[name].Enum...)
			}
		}
		for _, w := range all {
			if s, ok := w.(string); ok && s != "" {
				list = append(list, s)
			}
		}
		return list
	}
	known := map[string]bool{"id": true, "type": true, "time": true}
	types := map[string]bool{"clock": true}
	for _, b := range root.AllOf {
		typ := b.If.Properties["type"].Const.(string)
		types[typ] = true
		if !accepts(record(typ)) {
			t.Errorf("the smallest %s is rejected", typ)
		}
		for _, f := range append(slices.Clone(root.Required), b.Then.Required...) {
			if accepts(record(typ, f+"=")) {
				t.Errorf("%s without %s is accepted, but the schema requires it", typ, f)
			}
		}
		for f, p := range b.Then.Properties {
			if known[f] = true; fieldNamed([]byte(f)) == noField {
				t.Errorf("the decoder does not know %s of %s", f, typ)
			}
			list := words(p)
			for _, w := range list {
				extra := `portfolio_id="p"`
				if !accepts(record(typ, f+`="`+w+`"`, `waba_id="w"`, extra)) {
					t.Errorf("%s with %s %q is rejected, but the schema has it", typ, f, w)
				}
			}
			if len(list) > 0 && accepts(record(typ, f+`="something else"`)) {
				t.Errorf("%s with another word as %s is accepted", typ, f)
			}
			if !slices.Contains(b.Then.Required, f) && !accepts(record(typ, f+"=null")) && f != "number_id" {
				t.Errorf("%s with %s null is rejected, but the schema does not require it", typ, f)
			}
		}
		for _, scope := range b.Then.AllOf {
			word := scope.If.Properties["scope"].Const.(string)
			for _, f := range scope.Then.Required {
				known[f] = true
				given := []string{`scope="` + word + `"`, `number_id="n"`, `waba_id="w"`, `portfolio_id="p"`}
				if !accepts(record(typ, given...)) || accepts(record(typ, append(given, f+"=")...)) {
					t.Errorf("scope %s does not require %s, but the schema does", word, f)
				}
			}
		}
	}
	for typ := event.TypeSent; typ <= event.TypePolicy; typ++ {
		if !types[typ.String()] {
			t.Errorf("the schema lacks the type %v", typ)
		}
	}
	for f := range numEventFields {
		if !known[f.String()] {
			t.Errorf("the schema lacks the field %v", f)
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
	s := readSchema(t, "flags/v1/flag.schema.json")
	var got map[string]any
	if err := json.Unmarshal(AppendFlag(nil, testFlag()), &got); err != nil {
		t.Fatal(err)
	}
	for k := range got {
		if _, ok := s.Properties[k]; !ok {
			t.Errorf("the schema lacks %s", k)
		}
	}
	for k := range s.Properties {
		if _, ok := got[k]; !ok {
			t.Errorf("a flag lacks %s", k)
		}
	}
	var least map[string]any
	if err := json.Unmarshal(AppendFlag(nil, &event.Flag{Score: -1, ETA: -1}), &least); err != nil {
		t.Fatal(err)
	}
	for _, k := range s.Required {
		if _, ok := least[k]; !ok {
			t.Errorf("an empty flag lacks %s, which the schema requires", k)
		}
	}
	for f := range event.NumFactors {
		if f.Flags() != slices.Contains(s.Properties["factor"].Enum, any(f.String())) {
			t.Errorf("the schema and the code differ on whether %v raises flags", f)
		}
	}
}
