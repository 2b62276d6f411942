package demo

import (
	"strings"
	"testing"
)

func TestOptionsNameEveryMistake(t *testing.T) {
	err := (&Options{Numbers: -1, Days: 0, Partitions: 65, For: -1}).Check()
	for _, want := range []string{"--numbers", "--days", "--partitions", "--for"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}
