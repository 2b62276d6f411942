package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/traffic"
	eventsv1 "sendwatch/schemas/events/v1"
)

// start is when the logs begin.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// demoLog returns n records of the demo's traffic, some 210 bytes each: half of
// them statuses, the rest sends of texts and templates and what contacts write.
// The first day, in which numbers make themselves known, is left out, and so are
// the few records that no program can read.
func demoLog(n int) ([][]byte, error) {
	g, err := traffic.New(traffic.Config{Seed: 1, Numbers: 200, Start: start})
	if err != nil {
		return nil, err
	}
	var list [][]byte
	var r traffic.Record
	var ev event.Event
	d := codec.NewDecoder(codec.Config{})
	for len(list) < n && g.Next(&r) {
		if r.Time > start.Add(24*time.Hour).UnixMilli() && d.Decode(&ev, r.Value, codec.ContentJSON, r.Time) == nil {
			list = append(list, bytes.Clone(r.Value))
		}
	}
	return list, nil
}

// sendsLog returns n records of some 400 bytes of 5,000 numbers, four in five of
// them sends of templates.
func sendsLog(n int) ([][]byte, error) {
	random := rand.New(rand.NewPCG(1, 2))
	list := make([][]byte, 0, n)
	for i := range n {
		at := start.UnixMilli() + int64(i)*5
		number := int(5000 * random.Float64() * random.Float64())
		contact, message := fmt.Sprintf("49151%08d", random.IntN(1e8)), fmt.Sprintf("wamid.HBgLNDkxNTE%012x", i)
		from := fmt.Sprintf(`"time":%d,"number_id":"number-%06d","waba_id":"waba-%05d","portfolio_id":"portfolio-%04d"`, at, number, number/4, number/40)
		var value string
		switch {
		case i%5 != 4:
			value = fmt.Sprintf(`{"id":"out:%s","type":"message.sent",%s,"message_id":"%s","contact":"%s","kind":"template","template":{"name":"campaign_%03d","language":"en_GB","category":"MARKETING"},"text":"Dear customer %d, your order is on its way and will arrive between nine and noon.","opt_in":true}`,
				message, from, message, contact, random.IntN(200), random.IntN(1e6))
		case i%10 == 9:
			value = fmt.Sprintf(`{"id":"st:%s:delivered","type":"message.status",%s,"message_id":"%s","contact":"%s","status":"delivered"}`, message, from, message, contact)
		default:
			value = fmt.Sprintf(`{"id":"in:%s","type":"message.received",%s,"message_id":"in.%s","contact":"%s","kind":"text","text":"Thank you, that suits me well."}`,
				message, from, message, contact)
		}
		list = append(list, []byte(value))
	}
	return list, nil
}

// textsLog returns n sends of some 430 bytes, each with a text and a link that
// no other has.
func textsLog(n int) ([][]byte, error) {
	random := rand.New(rand.NewPCG(3, 4))
	list := make([][]byte, 0, n)
	for i := range n {
		order := random.IntN(1e6)
		list = append(list, fmt.Appendf(nil, `{"id":"01JD8F3K7Q9ZC4V2N5%08X","type":"message.sent","time":%d,"number_id":"1065403522%05d","waba_id":"1022901293%05d","portfolio_id":"506914307656634","message_id":"wamid.HBgLMTY0NjcwNDM1OTUVAgARGBI1RjQyNUE3NEYxMzAz%08XAA==","contact":"+49151%08d","kind":"text","text":"Hello Anna, your order %d has left our house and arrives on 24 November.","opt_in":true,"links":["https://example.com/t/%d?x=1"]}`,
			i, start.UnixMilli()+int64(i)*5, i%997, i%97, i, random.IntN(1e8), order, order))
	}
	return list, nil
}

// shuffled returns the records with the members of each in an order of its own.
func shuffled(list [][]byte) ([][]byte, error) {
	random := rand.New(rand.NewPCG(5, 6))
	out := make([][]byte, 0, len(list))
	for _, record := range list {
		d := json.NewDecoder(bytes.NewReader(record))
		if _, err := d.Token(); err != nil {
			return nil, err
		}
		var members [][]byte
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			var v json.RawMessage
			if err := d.Decode(&v); err != nil {
				return nil, err
			}
			members = append(members, fmt.Appendf(nil, "%q:%s", key, v))
		}
		random.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		out = append(out, append(append([]byte("{"), bytes.Join(members, []byte(","))...), '}'))
	}
	return out, nil
}

// inProtobuf returns the records as Protobuf messages.
func inProtobuf(list [][]byte) ([][]byte, error) {
	out := make([][]byte, 0, len(list))
	for _, record := range list {
		var members map[string]any
		if err := json.Unmarshal(record, &members); err != nil {
			return nil, err
		}
		for _, name := range []string{"time", "registered_at", "last_active_at", "linked_at", "cycle_end"} {
			if s, ok := members[name].(string); ok {
				at, err := time.Parse(time.RFC3339Nano, s)
				if err != nil {
					return nil, err
				}
				members[name] = at.UnixMilli()
			}
		}
		if names, ok := members["inputs"]; ok {
			members["inputs"] = map[string]any{"names": names}
		}
		text, err := json.Marshal(members)
		if err != nil {
			return nil, err
		}
		var e eventsv1.Event
		if err := protojson.Unmarshal(text, &e); err != nil {
			return nil, err
		}
		b, err := proto.Marshal(&e)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}
