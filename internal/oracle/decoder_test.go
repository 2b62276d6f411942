package oracle

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/oracle/randlog"
	"sendwatch/internal/policy"
)

// TestDecoderAgrees compares what the product's decoder makes of each record of
// random logs with the model's reader: whether it is an event, and every field of
// it. Of identifiers, which the two hash differently, it compares which are equal.
func TestDecoderAgrees(t *testing.T) {
	d := codec.NewDecoder(codec.Config{StopWords: policy.Default().StopWords, ResumeWords: policy.Default().ResumeWords})
	names := pairs{}
	for seed := range uint64(200) {
		for _, line := range randlog.Log(*seedFrom + seed) {
			r := readLog([]byte(line))
			if len(r) == 0 {
				continue
			}
			var ev event.Event
			err := d.Decode(&ev, []byte(line), codec.ContentJSON, r[0].time)
			if (err == nil) != (r[0].err == nil) {
				t.Fatalf("the decoder says %v, the model %v: %s", err, r[0].err, line)
			}
			if err != nil || ev.Type == event.TypeUnknown {
				continue
			}
			want := *r[0].ev
			for i, pair := range [][2]*uint64{
				{&want.Contact, &ev.Contact}, {&want.UserID, &ev.UserID}, {&want.Previous, &ev.Previous}, {&want.PreviousUserID, &ev.PreviousUserID},
			} {
				if (*pair[0] == 0) != (*pair[1] == 0) || *pair[0] != 0 && !names.same(*pair[0], *pair[1]) {
					t.Fatalf("identifier %d is not the same to decoder and model: %s", i, line)
				}
				*pair[0], *pair[1] = 0, 0
			}
			if ev.Type != event.TypeSent { // whose country alone counts
				ev.ContactCountry, ev.ContactCalling = 0, 0
			}
			slices.Sort(want.Links)
			slices.Sort(ev.Links)
			if column := fieldThatDiffers(want, ev); column != "" {
				t.Fatalf("%s: %s", column, line)
			}
		}
	}
}

// pairs are the decoder's hashes of identifiers by the model's, and the other way.
type pairs map[uint64]uint64

// same reports whether the two hashes have always stood for each other.
func (p pairs) same(model, theirs uint64) bool {
	if _, known := p[model]; !known {
		p[model] = theirs
	}
	if _, known := p[theirs]; !known {
		p[theirs] = model
	}
	return p[model] == theirs && p[theirs] == model
}

// TestIdentifiersAgree does the same for identifiers put together at random from
// what the rules of section 9 look at.
func TestIdentifiersAgree(t *testing.T) {
	d := codec.NewDecoder(codec.Config{})
	r, names := rand.New(rand.NewPCG(*seedFrom, 4)), pairs{}
	pieces := []string{
		"whatsapp:", "+", "00", "0", " ", "-", ".", "(", ")", "55", "11", "9", "8", "521", "52", "549", "54", "15", "351", "2966", "229", "225", "4", "6", "7",
		"1", "87654321", "1234567", "123456", "7654321098", "@s.whatsapp.net", "@c.us", "@hosted", "@lid", "@hosted.lid", ":2", ":", "@", "user", "DE.", "\u0663",
		"\u00a0", "\\n", "\\u0000", "W", "\ufeff",
	}
	for range 100_000 {
		var contact strings.Builder
		for range 1 + r.IntN(6) {
			contact.WriteString(pieces[r.IntN(len(pieces))])
		}
		line := fmt.Sprintf(`{"id":"a","type":"message.sent","time":1760000000000,"number_id":"n","message_id":"m","kind":"text","contact":"%s"}`, contact.String())
		want := readLog([]byte(line))[0]
		var got event.Event
		err := d.Decode(&got, []byte(line), codec.ContentJSON, want.time)
		switch {
		case (err == nil) != (want.err == nil):
			t.Fatalf("the decoder says %v, the model %v: %s", err, want.err, line)
		case err == nil && !names.same(want.ev.Contact, got.Contact):
			t.Fatalf("decoder and model do not take %q for the same as before; it is canonically %q", contact.String(), canonical(contact.String()))
		case err == nil && (want.ev.ContactCountry != got.ContactCountry || want.ev.ContactCalling != got.ContactCalling):
			t.Fatalf("the country of %q is %v and %v to the decoder, %v and %v to the model", contact.String(),
				got.ContactCountry, got.ContactCalling, want.ev.ContactCountry, want.ev.ContactCalling)
		}
	}
}

// fieldThatDiffers names the first field of two events that is not the same.
func fieldThatDiffers(want, got event.Event) string {
	w, g := reflect.ValueOf(want), reflect.ValueOf(got)
	for i := range w.NumField() {
		name, text := w.Type().Field(i).Name, func(v reflect.Value) string { return fmt.Sprintf("%q", fmt.Sprint(v.Interface())) }
		if text(w.Field(i)) != text(g.Field(i)) {
			return fmt.Sprintf("%s is %s to the decoder, %s to the model", name, text(g.Field(i)), text(w.Field(i)))
		}
	}
	return ""
}
