package clickhouse

import (
	"encoding/hex"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"sendwatch/schemas"
	flagsv1 "sendwatch/schemas/flags/v1"
)

// Flags that are kept as Protobuf: ClickHouse's Protobuf formats (26.7) take an
// integer for seconds where the column is a DateTime64, so that our milliseconds
// come out tens of thousands of years from now. Read as Int64 and converted, as
// schemas/flags/v1/flag.proto says, they are right.
func TestFlagsAsProtobufReadRight(t *testing.T) {
	c := open(t)
	t.Chdir(t.TempDir()) // the engine keeps schemas given as text in files below the working folder
	flag, err := proto.Marshal(&flagsv1.Flag{FlagId: "f", Sequence: 2, EventTime: 1_768_000_000_007, EmittedAt: 1_768_000_000_500})
	if err != nil {
		t.Fatal(err)
	}
	schema, err := schemas.Wire.ReadFile("flags/v1/flag.proto")
	if err != nil {
		t.Fatal(err)
	}
	read := func(columns, structure string) string {
		return strings.TrimSpace(ask(t, c, "SELECT "+columns+" FROM format(ProtobufSingle, '"+structure+"', unhex('"+hex.EncodeToString(flag)+
			"')) SETTINGS format_schema_source = 'string', format_schema_message_name = 'Flag', format_schema = '"+strings.ReplaceAll(string(schema), "'", "''")+"'"))
	}
	const columns = "flag_id, sequence, fromUnixTimestamp64Milli(event_time, 'UTC') AS at, fromUnixTimestamp64Milli(emitted_at, 'UTC') AS written"
	got := read(columns, "flag_id String, sequence Int64, event_time Int64, emitted_at Int64")
	if want := `{"flag_id":"f","sequence":2,"at":"2026-01-09T23:06:40.007Z","written":"2026-01-09T23:06:40.5Z"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if as := read("toInt64(event_time) AS seconds", "event_time DateTime64(0)"); as != `{"seconds":1768000000007}` && as != `{"seconds":"1768000000007"}` {
		t.Errorf("a DateTime64 reads %s: if it is no longer taken for seconds, say so in flag.proto", as)
	}
}

// The flags topic itself is JSON, with times as bare numbers. ClickHouse's JSON formats
// take such a number for a DateTime64 in the column's unit in 26.7 and for seconds in
// 26.9.2.1 (its pull request 108091). Read as Int64, as schemas/README.md says, they
// are right in both.
func TestFlagsAsJSONReadRight(t *testing.T) {
	c := open(t)
	const flag = `{"flag_id":"f","sequence":2,"event_time":1768000000007,"emitted_at":1768000000500}`
	got := strings.TrimSpace(ask(t, c, "SELECT flag_id, fromUnixTimestamp64Milli(event_time, 'UTC') AS at, fromUnixTimestamp64Milli(emitted_at, 'UTC') AS written "+
		"FROM format(JSONEachRow, 'flag_id String, event_time Int64, emitted_at Int64', '"+flag+"')"))
	if want := `{"flag_id":"f","at":"2026-01-09T23:06:40.007Z","written":"2026-01-09T23:06:40.5Z"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	const asTime = "SELECT toUnixTimestamp64Milli(event_time) AS ms FROM format(JSONEachRow, 'event_time DateTime64(3)', '" + flag + "')"
	if as := strings.TrimSpace(ask(t, c, asTime)); as != `{"ms":1768000000007}` {
		t.Errorf("a DateTime64 reads %s: this engine takes it for seconds too, so say so in schemas/README.md", as)
	}
}
