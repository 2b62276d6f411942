#!/usr/bin/env bash
# Kafka clients: the partition of a key, beside Java's.
#
# Expected: a key goes to one partition of a topic, no matter which client produces it.
# Seen:     Java's producer hashes with murmur2, and so do kafka-python and
#           franz-go unless told otherwise. librdkafka (and with it every client
#           on top of it) takes CRC-32, Sarama and kafka-go's Hash FNV-1a, and
#           kafka-go's Writer without a balancer no hash at all: the key is
#           ignored. All of them can be told to agree with Java.
# So:       producers of one topic must be set to one partitioner, else a sender's
#           events lie on two partitions.
# Versions: confluent-kafka 2.12.1 (librdkafka 2.12.1), kafka-python 2.2.15,
#           kafka-go 0.4.51, Sarama 1.61.1, franz-go 1.22.3, Go 1.26.
# Output:   librdkafka: default as Java's on 10 of 40 keys, murmur2_random on 40;
#           kafka-go Hash 6, Murmur2Balancer 40; sarama default 6, murmur2 40;
#           franz-go default 40 (each on 12 partitions, librdkafka's on 4)
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder" && rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet confluent-kafka==2.12.1 kafka-python==2.2.15

venv/bin/python - 2>/dev/null <<'PY'
from confluent_kafka import Producer
from kafka.partitioner.default import murmur2

keys = [f"{106540352242900 + i}" for i in range(40)]

def java(key, partitions):
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions

def agreeing(partitioner):
    settings = {"bootstrap.servers": "none", "test.mock.num.brokers": 1}  # a broker inside the library
    if partitioner:
        settings["partitioner"] = partitioner
    producer, got = Producer(settings), {}
    for key in keys:
        producer.produce("t", key=key, value="v", on_delivery=lambda _, m: got.update({m.key().decode(): m.partition()}))
    producer.flush(30)
    return sum(got[key] == java(key, 4) for key in keys)

default, asked = agreeing(None), agreeing("murmur2_random")
print(f"librdkafka: default as Java's on {default} of {len(keys)} keys, murmur2_random on {asked}")
assert asked == len(keys), "changed: murmur2_random disagrees with Java"
assert default < len(keys) / 2, "changed: librdkafka's default"
with open("keys.txt", "w") as f:
    f.writelines(f"{key} {murmur2(key.encode())} {java(key, 12)}\n" for key in keys)
PY

cat >go.mod <<'MOD'
module partitioners

go 1.26
MOD
cat >main.go <<'GO'
package main

import (
	"fmt"
	"hash"
	"hash/fnv"
	"os"

	"github.com/IBM/sarama"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

// table is murmur2 as the file of keys has it.
type table struct {
	hash.Hash32
	sums map[string]uint32
	key  string
}

func (t *table) Write(p []byte) (int, error) { t.key = string(p); return len(p), nil }
func (t *table) Sum32() uint32               { return t.sums[t.key] }
func (t *table) Reset()                      {}

func main() {
	f, err := os.Open("keys.txt")
	if err != nil {
		panic(err)
	}
	sums, java := map[string]uint32{}, map[string]int{}
	for {
		var key string
		var sum uint32
		var partition int
		if n, _ := fmt.Fscan(f, &key, &sum, &partition); n < 3 {
			break
		}
		sums[key], java[key] = sum, partition
	}
	all := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	agree := func(name string, want bool, partition func(key string) int) {
		n := 0
		for key, p := range java {
			if partition(key) == p {
				n++
			}
		}
		fmt.Printf("%s %d\n", name, n)
		if (n == len(java)) != want {
			panic("changed: " + name)
		}
	}
	byGo := func(b kafka.Balancer) func(string) int {
		return func(key string) int { return b.Balance(kafka.Message{Key: []byte(key)}, all...) }
	}
	bySarama := func(c sarama.PartitionerConstructor) func(string) int {
		return func(key string) int {
			p, _ := c("t").Partition(&sarama.ProducerMessage{Key: sarama.StringEncoder(key)}, 12)
			return int(p)
		}
	}
	agree("kafka-go Hash", false, byGo(&kafka.Hash{}))
	agree("kafka-go Murmur2Balancer", true, byGo(kafka.Murmur2Balancer{}))
	agree("sarama default", false, bySarama(sarama.NewHashPartitioner))
	agree("sarama murmur2", true, bySarama(sarama.NewCustomPartitioner(sarama.WithAbsFirst(),
		sarama.WithCustomHashFunction(func() hash.Hash32 { return &table{fnv.New32a(), sums, ""} }))))
	franz := kgo.StickyKeyPartitioner(nil).ForTopic("t")
	agree("franz-go default", true, func(key string) int { return franz.Partition(&kgo.Record{Key: []byte(key)}, 12) })
}
GO
go get github.com/IBM/sarama@v1.61.1 github.com/segmentio/kafka-go@v0.4.51 github.com/twmb/franz-go@v1.22.3 2>/dev/null
go mod tidy 2>/dev/null
go run .
