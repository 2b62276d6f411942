package webhook

import (
	"slices"
	"testing"
	"unicode/utf8"
)

// TestDifferentThingsHaveDifferentIDs reads bodies, and calls, in which two things differ
// in little: the pipeline drops an event whose id was seen on the partition before.
func TestDifferentThingsHaveDifferentIDs(t *testing.T) {
	for _, c := range []struct {
		name, provider string
		bodies         []string
	}{
		{
			"a changed user id, told of two numbers", "meta",
			[]string{`{"entry":[{"id":"w","changes":[
				{"field":"user_id_update","value":{"metadata":{"phone_number_id":"n1"},"user_id_update":[{"user_id":{"previous":"GB.1","current":"GB.2"},"timestamp":1795860000}]}},
				{"field":"user_id_update","value":{"metadata":{"phone_number_id":"n2"},"user_id_update":[{"user_id":{"previous":"GB.1","current":"GB.2"},"timestamp":1795860000}]}}]}]}`},
		},
		{
			"a contact in the books of two numbers", "meta",
			[]string{`{"entry":[{"id":"w","changes":[
				{"field":"smb_app_state_sync","value":{"metadata":{"phone_number_id":"n1"},"state_sync":[{"action":"add","contact":{"phone_number":"447700900123","user_id":"GB.1"},"metadata":{"timestamp":"1795860000"}}]}},
				{"field":"smb_app_state_sync","value":{"metadata":{"phone_number_id":"n2"},"state_sync":[{"action":"add","contact":{"phone_number":"447700900123","user_id":"GB.1"},"metadata":{"timestamp":"1795860000"}}]}}]}]}`},
		},
		{
			"a template without an id, in two languages", "ycloud",
			[]string{
				`{"type":"whatsapp.template.reviewed","whatsappTemplate":{"wabaId":"w","name":"welcome","language":"en","status":"DISABLED","updateTime":"2026-11-28T10:00:00Z"}}`,
				`{"type":"whatsapp.template.reviewed","whatsappTemplate":{"wabaId":"w","name":"welcome","language":"pt_BR","status":"DISABLED","updateTime":"2026-11-28T10:00:00Z"}}`,
			},
		},
		{
			"a template without an id, of two accounts", "meta",
			[]string{`{"entry":[
				{"id":"w1","time":1795860000,"changes":[{"field":"message_template_quality_update","value":{"message_template_name":"a","message_template_language":"en","new_quality_score":"RED"}}]},
				{"id":"w2","time":1795860000,"changes":[{"field":"message_template_quality_update","value":{"message_template_name":"a","message_template_language":"en","new_quality_score":"RED"}}]}]}`},
		},
		{
			"two refusals of one call", "exotel",
			[]string{`{"request":{"whatsapp":{"messages":[{"from":"447700900001","to":"447700900123","content":{"type":"text","text":{"body":"x"}}},{"from":"447700900001","to":"447700900124","content":{"type":"text","text":{"body":"x"}}}]}},
				"response":{"response":{"whatsapp":{"messages":[{"status":"failure"},{"status":"failure"}]}}}}`},
		},
		{
			"a call refused with all its messages", "infobip",
			[]string{`{"request":{"messages":[{"from":"447700900001","to":"447700900123","content":{"templateName":"a","language":"en"}},{"from":"447700900001","to":"447700900124","content":{"templateName":"a","language":"en"}}]},
				"response":{"requestError":{"serviceException":{"messageId":"BAD_REQUEST"}}}}`},
		},
		{
			"a message to two, refused", "sinch",
			[]string{`{"request":{"to":["447700900123","447700900124"],"message":{"type":"text","text":"x"}},"response":{"error":{"code":400}}}`},
		},
		{
			"the statuses of a message to two", "sinch",
			[]string{
				`{"request":{"to":["447700900123","447700900124"],"message":{"type":"text","text":"x"}},"response":{"message_id":"01A"}}`,
				`{"type":"whatsapp","statuses":[{"message_id":"01A","recipient":"447700900123","state":"delivered","timestamp":"2026-11-28T10:00:00Z"},{"message_id":"01A","recipient":"447700900124","state":"delivered","timestamp":"2026-11-28T10:00:00Z"}]}`,
			},
		},
		{
			"two receivers without an account", "wati",
			[]string{`{"request":{"template_name":"a","channel_number":"447700900001"},"response":{"result":true,"receivers":[{"waId":"447700900123","isValidWhatsAppNumber":false},{"waId":"447700900124","isValidWhatsAppNumber":false}]}}`},
		},
	} {
		p, err := New(c.provider)
		if err != nil {
			t.Fatal(err)
		}
		memory := new(Memory)
		var ids []string
		for _, body := range c.bodies {
			r := p.Convert([]byte(body), Source{ReceivedAt: received, NumberID: "n", WABAID: "w", Directory: memory})
			for _, f := range r.Facts {
				memory.Learn(f)
			}
			for _, e := range slices.Concat(r.Events(), r.Taught()) {
				ids = append(ids, e.Id)
			}
		}
		sorted := slices.Clone(ids)
		slices.Sort(sorted)
		if n := len(slices.Compact(sorted)); len(ids) < 2 || len(ids)%2 != 0 || n != len(ids) {
			t.Errorf("%s: %q", c.name, ids)
		}
	}
}

// TestAPhoneIsToldOfEachNumber reads the same hidden id with its phone in the chats of two
// numbers: each has contacts of its own, and each is told once.
func TestAPhoneIsToldOfEachNumber(t *testing.T) {
	p, err := New("evolution")
	if err != nil {
		t.Fatal(err)
	}
	memory := new(Memory)
	var got []string
	for _, instance := range []string{"a", "b", "a", "b"} {
		body := `{"event":"messages.upsert","instance":"` + instance + `","data":{"key":{"remoteJid":"100000000000123@lid","remoteJidAlt":"447700900123@s.whatsapp.net","fromMe":false,"id":"3E"},"message":{"conversation":"x"},"messageTimestamp":1795860000}}`
		for _, f := range p.Read([]byte(body), jsonType, Source{ReceivedAt: received, Directory: memory}).Facts {
			if e := f.Alias(); memory.Learn(f) && e != nil {
				got = append(got, e.Id)
				memory.Forget(f)
				if !memory.Learn(f) {
					t.Errorf("%s was not forgotten", e.Id)
				}
			}
		}
	}
	if want := []string{"alias:a:100000000000123@lid", "alias:b:100000000000123@lid"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// TestLocalTimesOfEvolution reads statuses whose date_time is the server's local time with
// a Z behind it: three hours back in Brazil, five and a half ahead in India, where the
// pipeline would refuse them as of the future.
func TestLocalTimesOfEvolution(t *testing.T) {
	p, err := New("evolution")
	if err != nil {
		t.Fatal(err)
	}
	for _, local := range []string{"2026-11-28T07:00:00.000Z", "2026-11-28T15:30:00.000Z"} {
		for _, body := range []string{
			`{"event":"messages.update","instance":"d","data":{"keyId":"3E","remoteJid":"447700900123@s.whatsapp.net","fromMe":true,"status":"READ"},"date_time":"` + local + `"}`,
			`{"event":"connection.update","instance":"d","data":{"reachoutTimeLock":{"isActive":true,"timeEnforcementEnds":"1795870000"}},"date_time":"` + local + `"}`,
			`{"event":"connection.update","instance":"d","data":{"statusReason":403},"date_time":"` + local + `"}`,
		} {
			r := p.Read([]byte(body), jsonType, Source{ReceivedAt: received})
			events := r.Events()
			if len(events) != 1 || events[0].GetTime() != received {
				t.Errorf("%s: %v", body, events)
			}
		}
	}
}

// TestAContactBesideTwoIsNotOfBoth reads a value with a message, a status of somebody
// else's and one contact: that is the message's.
func TestAContactBesideTwoIsNotOfBoth(t *testing.T) {
	p, err := New("meta")
	if err != nil {
		t.Fatal(err)
	}
	body := `{"entry":[{"id":"w","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"n"},"contacts":[{"wa_id":"447700900123","user_id":"GB.1"}],
		"messages":[{"from":"447700900123","id":"wamid.1","timestamp":"1795860000","type":"text","text":{"body":"hi"}}],
		"statuses":[{"id":"wamid.2","status":"read","timestamp":"1795860000","recipient_id":"447700900124"}]}}]}]}`
	r := p.Read([]byte(body), jsonType, Source{})
	var got []string
	for _, e := range r.Events() {
		got = append(got, e.Contact+" "+e.ContactUserId)
	}
	if want := []string{"447700900123 GB.1", "447700900124 "}; !slices.Equal(got, want) {
		t.Errorf("contacts %q, want %q", got, want)
	}
}

// TestTagsAreText reads what a sender wrote into a status in another encoding: an event
// with it could not be written.
func TestTagsAreText(t *testing.T) {
	p, err := New("meta")
	if err != nil {
		t.Fatal(err)
	}
	body := `{"entry":[{"id":"w","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"n"},"statuses":[{"id":"wamid.2","status":"sent","timestamp":"1795860000","recipient_id":"447700900124","biz_opaque_callback_data":"sendwatch:template=promo%E7%E3o&language=%ff&fp=%ff&category=%ff"}]}}]}]}`
	r := p.Read([]byte(body), jsonType, Source{})
	events := r.Events()
	if len(events) != 2 {
		t.Fatalf("%v", events)
	}
	for _, s := range []string{events[0].Template.Name, events[0].Template.Language, events[0].Template.Category, events[0].ContentHash} {
		if s == "" || !utf8.ValidString(s) {
			t.Errorf("%q", s)
		}
	}
}
