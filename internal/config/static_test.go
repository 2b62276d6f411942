package config

import (
	"strings"
	"testing"
)

func TestStatic(t *testing.T) {
	const store = "\ncheckpoints: {store: \"mem://\"}"
	for text, want := range map[string]Static{
		"roles: [sink]\nkafka: {static: {of: 3, ordinal: 2}}":    {Ordinal: 2, Of: 3},
		"kafka: {static: {of: 3, ordinal: 0}}" + store:           {Of: 3},
		"kafka: {static: {of: 12}}" + store:                      {Ordinal: 11, Of: 12},
		"kafka: {static: {ordinal: 1, of: 2}}" + store:           {Ordinal: 1, Of: 2},
		"roles: [gateway]\nkafka: {static: {of: 2, ordinal: 1}}": {Ordinal: 1, Of: 2},
	} {
		c, err := surroundings{env: map[string]string{"HOSTNAME": "sendwatch-11"}}.parse(text)
		if err != nil || c.Kafka.Static != want {
			t.Errorf("%s: %+v, %v, want %+v", text, c.Kafka.Static, err, want)
		}
	}
	for text, says := range map[string]string{
		"kafka: {static: {ordinal: 1}}" + store:         "how many processes",
		"kafka: {static: {of: 2, ordinal: 2}}" + store:  "kafka.static.ordinal",
		"kafka: {static: {of: 2, ordinal: -1}}" + store: "kafka.static.ordinal",
		"kafka: {static: {of: 2}}" + store:              "nothing would be left",
		"kafka: {static: {of: 12}}":                     "nothing fences",
	} {
		if _, err := (surroundings{env: map[string]string{"HOSTNAME": "sendwatch-11"}}).parse(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want an error that says %q", text, err, says)
		}
	}
	for _, name := range []string{"", "laptop", "node7", "a-1-b"} {
		_, err := surroundings{env: map[string]string{"HOSTNAME": name}}.parse("kafka: {static: {of: 2}}" + store)
		if err == nil || !strings.Contains(err.Error(), "does not end in one") {
			t.Errorf("HOSTNAME %q: %v", name, err)
		}
	}
}
