package codec

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"sendwatch/internal/event"
	eventsv1 "sendwatch/schemas/events/v1"
)

// What protojson (google.golang.org/protobuf v1.36) prints of an event has
// lowerCamelCase names and 64-bit integers in quotes. It is not the contract's
// JSON, and its dead letter says so, whatever the type.
func TestProtobufJSONIsRefusedWithTheReason(t *testing.T) {
	when := int64(at)
	for _, m := range []*eventsv1.Event{
		{Id: "e", Type: "clock", Time: &when},
		{Id: "e", Type: "message.received", Time: &when, NumberId: "n", MessageId: "m", Contact: "c", Kind: "text"},
		{Id: "e", Type: "some.thing", Time: &when},
	} {
		line, err := protojson.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var ev event.Event
		err = testDecoder().Decode(&ev, line, ContentJSON, at)
		r, ok := errors.AsType[*Rejection](err)
		if !ok || r.Reason != ReasonValue || r.Field != "time" || !strings.Contains(r.Detail, "without quotes") {
			t.Errorf("%s: %v", line, err)
		}
		if err := testDecoder().Decode(&ev, AppendEventJSON(nil, m), ContentJSON, at); err != nil {
			t.Errorf("%s: %v", AppendEventJSON(nil, m), err)
		}
	}
}
