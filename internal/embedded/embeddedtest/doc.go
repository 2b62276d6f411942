// Package embeddedtest hands embedded engines to tests, one of each for a test
// binary, started when the first test asks.
//
//	func TestMain(m *testing.M) { embeddedtest.Main(m) }   // stops them at the end
//
//	addr, database := embeddedtest.ClickHouse(t)    // a fresh database for this test
//	broker := embeddedtest.Kafka(t, topics...)      // in-process, for this test alone
//	kafka := embeddedtest.ApacheKafka(t)            // the real one, shared
//
// It promises that nothing outlives the test binary that has such a TestMain.
// A test whose engine cannot be had on this machine (no npm, Java or Maven) is
// skipped with a sentence that says why; with CI=true in the environment it
// fails instead, so that nothing goes untested there in silence.
//
// It is imported by tests only, so that no production binary links testing.
package embeddedtest
