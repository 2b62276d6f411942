// Package apachekafka runs a real Apache Kafka on loopback: one process that is
// broker and controller (KRaft), from pinned and checked Maven jars, without
// Docker and without root. It is for tests and benchmarks.
//
//	b, err := apachekafka.Start(ctx, apachekafka.Config{})
//	addr := b.Addr()             // "127.0.0.1:port", plaintext
//	err = b.Kill()               // as a power cut does
//	err = b.Restart(ctx)         // on the same data and ports
//	b.Pause(); b.Resume()        // a broker that hangs
//	err = b.Close()              // ends the process, removes temporary data
//
// With Config.Users there are listeners that ask for SASL (PLAIN and SCRAM),
// with Config.TLS ones with a certificate made for this broker.
//
// It promises that a broker returned by Start or Restart answers requests, that
// Close ends it within seconds, and that it does not outlive this process even
// if that is killed. The first requests about groups and transactions may still
// get "coordinator not available" while the broker makes its internal topics:
// clients retry those against any cluster.
//
// It refuses to run without Java 17 or newer, and Maven for the first fetch: the
// error is a *fetch.MissingError that says what to install.
//
// A Broker owns the Java process, a shell that ends it if this process dies,
// and one goroutine that waits for it.
package apachekafka
