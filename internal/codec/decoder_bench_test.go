package codec

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"sendwatch/internal/event"
	eventsv1 "sendwatch/schemas/events/v1"
)

// usual is a send as a producer writes it, some 400 bytes.
const usual = `{"id":"01JD8F3K7Q9ZC4V2N5M6P7R8S9","type":"message.sent","time":1763800000123,"number_id":"106540352242922","waba_id":"102290129340398","portfolio_id":"506914307656634","message_id":"wamid.HBgLMTY0NjcwNDM1OTUVAgARGBI1RjQyNUE3NEYxMzAzMzQ5MkEA","contact":"+4915112345678","kind":"text","text":"Hello Anna, your order 10023 has left our house and arrives on 24 November.","opt_in":true,"links":["https://example.com/t/10023?x=1"]}`

// reversed is the same send with its keys the other way round and spaces between.
const reversed = `{"links": ["https://example.com/t/10023?x=1"], "opt_in": true, "text": "Hello Anna, your order 10023 has left our house and arrives on 24 November.", "kind": "text", "contact": "+4915112345678", "message_id": "wamid.HBgLMTY0NjcwNDM1OTUVAgARGBI1RjQyNUE3NEYxMzAzMzQ5MkEA", "portfolio_id": "506914307656634", "waba_id": "102290129340398", "number_id": "106540352242922", "time": 1763800000123, "type": "message.sent", "id": "01JD8F3K7Q9ZC4V2N5M6P7R8S9"}`

func usualProtobuf() []byte {
	optIn, at := true, int64(1763800000123)
	b, _ := proto.Marshal(&eventsv1.Event{
		Id: "01JD8F3K7Q9ZC4V2N5M6P7R8S9", Type: "message.sent", Time: &at,
		NumberId: "106540352242922", WabaId: "102290129340398", PortfolioId: "506914307656634",
		MessageId: "wamid.HBgLMTY0NjcwNDM1OTUVAgARGBI1RjQyNUE3NEYxMzAzMzQ5MkEA", Contact: "+4915112345678",
		Kind: "text", Text: "Hello Anna, your order 10023 has left our house and arrives on 24 November.",
		OptIn: &optIn, Links: []string{"https://example.com/t/10023?x=1"},
	})
	return b
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct {
		name   string
		record []byte
		ct     ContentType
	}{
		{"json/usual", []byte(usual), ContentJSON},
		{"json/reversed", []byte(reversed), ContentJSON},
		{"json/status", []byte(`{"id":"01JD8F3K7Q9ZC4V2N5M6P7R8S9","type":"message.status","time":1763800000123,"number_id":"106540352242922","message_id":"wamid.HBgLMTY0NjcwNDM1OTUVAgARGBI1RjQyNUE3NEYxMzAzMzQ5MkEA","contact":"+4915112345678","status":"delivered"}`), ContentJSON},
		{"protobuf", usualProtobuf(), ContentProtobuf},
	} {
		b.Run(c.name, func(b *testing.B) {
			d := testDecoder()
			var ev event.Event
			b.ReportAllocs()
			b.SetBytes(int64(len(c.record)))
			for b.Loop() {
				if err := d.Decode(&ev, c.record, c.ct, 1763800000123); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
