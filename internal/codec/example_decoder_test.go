package codec_test

import (
	"errors"
	"fmt"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	eventsv1 "sendwatch/schemas/events/v1"
)

// One event is reused for all records. Two forms of a contact have one hash, and
// a record that is no event names the field at fault and what is accepted.
func ExampleDecoder_Decode() {
	d := codec.NewDecoder(codec.Config{StopWords: []string{"STOP"}})
	const recordTime = 1_768_000_000_000
	var ev event.Event
	var dialled uint64
	for _, line := range []string{
		`{"id":"1","type":"message.sent","time":1768000000000,"number_id":"n","message_id":"a","contact":"+55 11 98765-4321","kind":"text","text":"Hi"}`,
		`{"id":"2","type":"message.received","time":1768000000000,"number_id":"n","message_id":"b","contact":"551187654321","kind":"text","text":"Stop!"}`,
		`{"id":"3","type":"message.status","time":1768000000000,"number_id":"n","message_id":"a","status":"seen"}`,
	} {
		err := d.Decode(&ev, []byte(line), codec.ContentJSON, recordTime)
		if r, rejected := errors.AsType[*codec.Rejection](err); rejected {
			fmt.Println("dead letter:", r)
			continue
		}
		if ev.Type == event.TypeSent {
			dialled = ev.Contact
		}
		fmt.Println(ev.Type, string(ev.NumberID), "same contact:", ev.Contact == dialled, "stop:", ev.Text == event.PreferenceStop)
	}
	// Output:
	// message.sent n same contact: true stop: false
	// message.received n same contact: true stop: true
	// dead letter: value: status: accepted are sent, delivered, read, played and failed
}

// The generated message is the raw event: what writes events fills it.
func ExampleAppendEventJSON() {
	at, agreed := int64(1_768_000_000_000), true
	line := codec.AppendEventJSON(nil, &eventsv1.Event{
		Id: "1", Type: event.TypeSent.String(), Time: &at, NumberId: "n", MessageId: "a", Contact: "+4915112345678",
		Kind: "template", Template: &eventsv1.Template{Name: "order_update", Language: "en"}, OptIn: &agreed,
	})
	fmt.Println(string(line))
	// Output:
	// {"id":"1","type":"message.sent","time":1768000000000,"number_id":"n","message_id":"a","contact":"+4915112345678","kind":"template","template":{"name":"order_update","language":"en"},"opt_in":true}
}
