package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestHelpNamesDefaults: a placeholder hides a flag's default, so that the words beside it
// have to give it.
func TestHelpNamesDefaults(t *testing.T) {
	for _, node := range newParser(new(cli)).Model.Leaves(false) {
		for _, f := range node.Flags {
			if !f.HasDefault || f.PlaceHolder == "" || f.Default == "" || saysDefault(f) {
				continue
			}
			t.Errorf("%s --%s: its help %q does not name its default, %s", node.Path(), f.Name, f.Help, f.Default)
		}
	}
}

// saysDefault reports whether a flag's help, or the place of its value, gives its default.
func saysDefault(f *kong.Flag) bool {
	host, port, _ := strings.Cut(f.Default, ":")
	return strings.Contains(f.Help, f.Default) || strings.HasPrefix(f.PlaceHolder, f.Default) ||
		port == "0" && strings.Contains(f.Help, "a free port of "+host)
}
