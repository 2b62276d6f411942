package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
)

// TestContactsHaveTheHashesOfEvents: each form of a contact in a list has the hash that an
// event with the contact has, and what has none is named by its line, without it.
func TestContactsHaveTheHashesOfEvents(t *testing.T) {
	secret := codec.Secret{1, 2, 3}
	list := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(list, []byte("+49 151 123-45678\n\nwhatsapp:\n  4915112345678@s.whatsapp.net\r\n+5511987654321"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, report bytes.Buffer
	wrong, err := hashFile(&out, &report, list, secret.Contact)
	if err != nil || wrong != 1 || !strings.Contains(report.String(), "list.txt:3: ") || strings.Contains(report.String(), "whatsapp:") {
		t.Errorf("%d wrong, error %v, said %q", wrong, err, &report)
	}
	german, brazilian := ofEvent(t, secret, `"contact": "4915112345678"`).Contact, ofEvent(t, secret, `"contact": "551187654321"`).Contact
	want := fmt.Sprintf("%016x\t+49 151 123-45678\n%016[1]x\t4915112345678@s.whatsapp.net\n%016[2]x\t+5511987654321\n", german, brazilian)
	if out.String() != want {
		t.Errorf("prints\n%s\nwant\n%s", &out, want)
	}
	if h, ok := secret.UserID([]byte("+BR.1")); !ok || h != ofEvent(t, secret, `"contact_user_id": "+BR.1"`).UserID {
		t.Errorf("a user id's hash is %016x, and that of an event another", h)
	}
}

// ofEvent decodes an event that is about a person.
func ofEvent(t *testing.T, secret codec.Secret, who string) event.Event {
	t.Helper()
	var ev event.Event
	value := `{"id": "1", "type": "contact.block", "time": 1790000000000, "number_id": "n", ` + who + `}`
	if err := codec.NewDecoder(codec.Config{Secret: secret}).Decode(&ev, []byte(value), codec.ContentJSON, 1790000000000); err != nil {
		t.Fatal(err)
	}
	return ev
}
