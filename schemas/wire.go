package schemas

import "embed"

// Wire holds the contracts of the topics: the events that come in, the flags
// and the rows that go out, as JSON Schema and Protobuf.
//
//go:embed events/v1/event.schema.json events/v1/events.proto
//go:embed flags/v1/flag.schema.json flags/v1/flag.proto
//go:embed rows/v1/rows.proto
var Wire embed.FS
