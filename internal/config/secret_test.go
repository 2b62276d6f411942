package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestSecretsHide tries every way in which a value gets printed by mistake.
func TestSecretsHide(t *testing.T) {
	const word = "00112233445566778899aabbccddeeff"
	contacts, err := parseContactSecret(word)
	if err != nil {
		t.Fatal(err)
	}
	type all struct {
		Password Secret
		Contacts ContactSecret
		Pointer  *Secret
	}
	password := NewSecret(word)
	v := all{password, contacts, &password}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", v, v.Password, v.Contacts)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "all", v, "password", v.Password, "contacts", v.Contacts)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(data)
	for _, trace := range []string{word, "1122334455", "[0 17 34", "0x11, 0x22", "3030313132"} {
		if strings.Contains(out.String(), trace) {
			t.Errorf("%q shows a secret:\n%s", trace, out.String())
		}
	}
	if n := strings.Count(out.String(), hidden); n < 20 {
		t.Errorf("only %d times hidden: the test prints nothing", n)
	}
	if v.Password.Reveal() != word {
		t.Error("Reveal does not return the secret")
	}
}

func TestContactSecret(t *testing.T) {
	for _, bad := range []string{"", "0011", "00112233445566778899aabbccddeefg", "00112233445566778899aabbccddeeff00", "0011223344556677889 aabbccddeeff", "00000000000000000000000000000000"} {
		if _, err := parseContactSecret(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	if _, err := (ContactSecret{}).Reveal(); err == nil || !strings.Contains(err.Error(), "openssl rand -hex 16") {
		t.Errorf("a missing secret gives %v", err)
	}
}
