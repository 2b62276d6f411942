package oracle

import (
	"fmt"
	"strings"
	"testing"
)

// TestReplayAgreesOnEdges replays records that are only just right or only just
// wrong, which random logs seldom have: the model's reader is lenient where
// encoding/json and time.Parse are, unless it is told otherwise.
func TestReplayAgreesOnEdges(t *testing.T) {
	const line = `{"_record_time":1760000000000,"id":"%d","type":"message.status","time":%s,"number_id":"n","message_id":"m","contact":"c","status":"failed","error_code":%s}%s`
	var lines []string
	add := func(time, code, tail string) {
		lines = append(lines, fmt.Sprintf(line, len(lines), time, code, tail))
	}
	for _, offset := range []string{"Z", "+00:00", "-00:00", "+23:59", "+24:00", "+23:60", "-24:00", "+0000", "z", ""} {
		add(`"2025-10-09T08:53:20`+offset+`"`, "0", "")
	}
	for _, clock := range []string{"23:59:59", "24:00:00", "23:60:00", "23:59:60", "8:53:20", "08:53:20,5", "08:53:20.", "08:53:20.0009"} {
		add(`"2025-10-08T`+clock+`Z"`, "0", "")
	}
	for _, time := range []string{"1760000300000", "1760000300001", "1230768000000", "1230767999999", "1.76e12", "1760000000000.0"} {
		add(time, "0", "")
	}
	for _, code := range []string{
		"9007199254740991", "9007199254740992", "-9007199254740991", "-9007199254740992",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "1.0", "1e3", "-0", "01", `"131048"`, "131048", "null", `""`,
	} {
		add("1760000000000", code, "")
	}
	for _, tail := range []string{" ", "\t", "\v", "\f", "\u00a0", "\x00", "x", "{}", "//"} {
		add("1760000000000", "0", tail)
	}
	if d := replayDiffers(t, lines, 1); d != "" {
		t.Error(d)
	}
}

// TestReplayAgreesOnRecordTimes lets a broken line between an event and its copy
// state a time three hours on. Where that can be read the id is forgotten, where
// it cannot be the line has the time of the line before.
func TestReplayAgreesOnRecordTimes(t *testing.T) {
	const event = `{"id":"a","type":"contact.block","time":1760000000000,"number_id":"n","contact":"c"}`
	for _, broken := range []string{
		`{"time":1760010800000}`,
		`{"time":1760010800000}x`,
		`{"time":1760010800000,"z":"\ud800"}`,
		"{\"time\":1760010800000,\"z\":\"\xff\"}",
		`{"time":1760010800000,"z":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`,
		`{"time":1760010800000,"z":"` + strings.Repeat("z", 256<<10) + `"}`,
		`{"time":1760010800000,"_record_time":1760000000000}`,
		`{"time":1760010800000,"_record_time":"1760000000000"}`,
		`{"time":1760000000000,"_record_time":1760010800000}`,
		`{"time":"2025-10-09T12:53:20+01:00"}`,
		`{"time":"2025-10-08T12:53:20-24:00"}`,
		`{"time":1.7600108e12}`,
	} {
		if d := replayDiffers(t, []string{event, broken, event}, 1); d != "" {
			t.Errorf("%.80s: %s", broken, d)
		}
	}
}
