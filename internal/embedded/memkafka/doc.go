// Package memkafka is a Kafka broker inside this process, behind Kafka's real
// wire protocol: topics, consumer groups, transactions, SASL and TLS work with
// any client. It wraps franz-go's kfake.
//
//	b, err := memkafka.Start(memkafka.Config{Topics: []memkafka.Topic{{Name: "t", Partitions: 4}}})
//	addrs := b.Addrs()      // "127.0.0.1:port"
//	b.Cluster().Fault(...)  // what tests break
//	b.Close()
//
// It promises that a started broker already listens and has its topics, and
// that records live in memory only. It refuses nothing a real broker accepts
// on purpose, but it is no real broker: one node, no replication, no disk, and
// a record keeps the time its producer gave it, whatever the topic's
// "message.timestamp.type" says. So the acceptance tests run on a real Apache
// Kafka as well (apachekafka). Records of any age are kept, unlike there.
//
// The broker's goroutines belong to it and end in Close.
package memkafka
