// Package schemas carries the contracts of Sendwatch: the events that come in,
// the flags and rows that go out, the tables and views in ClickHouse, and the
// shipped policies. CONTRACT.md says what is computed.
//
// It promises that what is embedded here is what the program uses: there is no
// second copy. It holds no logic and imports no room of ours.
package schemas
