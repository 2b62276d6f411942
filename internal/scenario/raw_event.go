package scenario

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	eventsv1 "sendwatch/schemas/events/v1"
)

// rawEvent returns the event with these fields. They come from the phrases of a
// line; one that no event has is an error of this package.
func rawEvent(fields map[string]any) (*eventsv1.Event, error) {
	e := new(eventsv1.Event)
	return e, setFields(e.ProtoReflect(), fields)
}

// setFields sets the fields of a message by their names.
func setFields(m protoreflect.Message, fields map[string]any) error {
	for name, v := range fields {
		f := m.Descriptor().Fields().ByName(protoreflect.Name(name))
		fits := false
		if f != nil {
			switch v := v.(type) {
			case map[string]any:
				if fits = f.Kind() == protoreflect.MessageKind; fits {
					if err := setFields(m.Mutable(f).Message(), v); err != nil {
						return err
					}
				}
			case []string:
				fits = setList(m, f, v)
			case int:
				if fits = f.Kind() == protoreflect.Int64Kind; fits {
					m.Set(f, protoreflect.ValueOfInt64(int64(v)))
				}
			case int64, bool, string:
				value := protoreflect.ValueOf(v)
				if fits = !f.IsList() && f.Kind() == kindOf(v); fits {
					m.Set(f, value)
				}
			}
		}
		if !fits {
			return fmt.Errorf("an event has no field %s that holds a %T", name, v)
		}
	}
	return nil
}

// setList sets a list of strings, or the one list that a message consists of;
// false if the field is neither.
func setList(m protoreflect.Message, f protoreflect.FieldDescriptor, v []string) bool {
	if f.Kind() == protoreflect.MessageKind && !f.IsList() {
		m = m.Mutable(f).Message()
		f = m.Descriptor().Fields().ByNumber(1)
	}
	if f == nil || !f.IsList() || f.Kind() != protoreflect.StringKind {
		return false
	}
	list := m.Mutable(f).List()
	for _, s := range v {
		list.Append(protoreflect.ValueOfString(s))
	}
	return true
}

// kindOf returns the kind of field that holds a value.
func kindOf(v any) protoreflect.Kind {
	switch v.(type) {
	case bool:
		return protoreflect.BoolKind
	case string:
		return protoreflect.StringKind
	}
	return protoreflect.Int64Kind
}
