// Package embedded holds the engines Sendwatch can run inside its own
// process or start beside it, so that the demo and the tests need no server:
//
//   - fetch brings a pinned package into the user's cache folder and checks it;
//   - chdb is the real ClickHouse engine behind its native wire protocol;
//   - memkafka is an in-process Kafka broker that speaks the real protocol;
//   - apachekafka starts a real Apache Kafka on loopback, for tests;
//   - scratch makes temporary folders that a killed process does not leave;
//   - embeddedtest hands these to tests, one of each for a test binary.
//
// All of them listen on free loopback ports and are reached by the same clients
// as a real cluster. None is meant for production data. This package itself
// is empty: import the one that is needed.
package embedded
