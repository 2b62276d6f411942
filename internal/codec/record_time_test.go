package codec

import (
	"strings"
	"testing"
)

func TestRecordTimeAndTime(t *testing.T) {
	deep := strings.Repeat("[", 1000) + strings.Repeat("]", 1000)
	lines := NewLineReader()
	for _, c := range []struct {
		line   string
		record int64 // -1: none
		own    int64
	}{
		{line: `{"time":5,"_record_time":7}`, record: 7, own: 5},
		{line: `{"_record_time":7,"time":"2009-01-01T00:00:00Z","_record_time":8}`, record: 8, own: MinTime},
		{line: `{"_record_time":-7,"time":-5}`, record: -7, own: -5},
		{line: `{"\u005frecord_time":7,"t\u0069me":5}`, record: 7, own: 5},
		{line: `{"time":"\u0032009-01-01T00:00:00Z"}`, record: -1, own: MinTime},
		{line: `{"_record_time":7.0,"time":5.0}`, record: -1, own: -1},
		{line: `{"_record_time":"7","time":"5"}`, record: -1, own: -1},
		{line: `{"_record_time":null,"time":null}`, record: -1, own: -1},
		{line: `{"a":{"_record_time":7,"time":5}}`, record: -1, own: -1},
		{line: `{"a":` + deep + `,"_record_time":7,"time":5}`, record: 7, own: 5},
		{line: `{"a":"_record_time","time":5}`, record: -1, own: 5},
		{line: ` { "time" : 5 , "_record_time" : 7 } `, record: 7, own: 5},
		{line: `{"_record_time":7,"time":5`, record: -1, own: -1},
		{line: `{"_record_time":7,"time":5} x`, record: -1, own: -1},
		{line: `{"_record_time":7,"time":5,"x":"` + "\xff" + `"}`, record: -1, own: -1},
		{line: `{"_record_time":7,"time":5,"x":NaN}`, record: -1, own: -1},
		{line: `["_record_time",7]`, record: -1, own: -1},
		{line: `{"_record_time":99999999999999999999,"time":99999999999999999999}`, record: -1, own: -1},
		{line: `{"_record_time":}`, record: -1, own: -1},
		{line: `{"_record_time":`, record: -1, own: -1},
		{line: `{}`, record: -1, own: -1},
		{line: `_record_time`, record: -1, own: -1},
		{line: ``, record: -1, own: -1},
	} {
		want := c.record
		if want == -1 {
			want = c.own
		}
		if got, ok := lines.Time([]byte(c.line)); ok != (want != -1) || ok && got != want {
			t.Errorf("LineReader.Time of %.80s = %d %v, want %d", c.line, got, ok, want)
		}
		for name, f := range map[string]func([]byte) (int64, bool){"RecordTime": RecordTime, "Time": Time} {
			want := c.record
			if name == "Time" {
				want = c.own
			}
			got, ok := f([]byte(c.line))
			if ok != (want != -1) || ok && got != want {
				t.Errorf("%s of %.80s = %d %v, want %d", name, c.line, got, ok, want)
			}
		}
	}
}
