#!/usr/bin/env bash
# kafka-go: two Writers of one process, and a topic that was made just now.
#
# Expected: a new Writer asks the broker which topics there are, so that a topic
#           that exists can be written to.
# Seen:     Writers without a Transport of their own share one package-wide
#           transport, whose metadata is asked for again only every few seconds. A
#           topic made in between is "unknown" to a Writer that was made after the
#           topic, although the broker has it; a Writer with its own Transport
#           writes at once.
# So:       give each writer its Transport, or retry UNKNOWN_TOPIC_OR_PARTITION for
#           longer than the transport's MetadataTTL (6 s unless set).
# Versions: kafka-go v0.4.51, in-process broker kfake v0.0.0-20260918054303-01f206a7e32c
#           of franz-go, Go 1.26.
# Output:   shared transport: [3] Unknown Topic Or Partition ... | own transport: <nil>
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >go.mod <<'MOD'
module finding

go 1.26.0

require (
	github.com/segmentio/kafka-go v0.4.51
	github.com/twmb/franz-go v1.22.2
	github.com/twmb/franz-go/pkg/kfake v0.0.0-20260918054303-01f206a7e32c
	github.com/twmb/franz-go/pkg/kmsg v1.15.0
)
MOD
cat >main.go <<'GO'
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "first"))
	if err != nil {
		panic(err)
	}
	defer cluster.Close()
	address := kafka.TCP(cluster.ListenAddrs()[0])
	write := func(topic string, transport kafka.RoundTripper) error {
		w := &kafka.Writer{
			Addr: address, Topic: topic, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
			MaxAttempts: 1, Transport: transport,
		}
		defer w.Close()
		return w.WriteMessages(ctx, kafka.Message{Value: []byte("x")})
	}

	if err := write("first", nil); err != nil {
		panic(err)
	}
	// A client with its own transport, so that only the writers are looked at.
	admin := &kafka.Client{Addr: address, Transport: &kafka.Transport{}}
	created, err := admin.CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: "second", NumPartitions: 1, ReplicationFactor: 1}},
	})
	if err == nil {
		err = created.Errors["second"]
	}
	if err != nil {
		panic(err)
	}

	shared := write("second", nil)
	own := write("second", &kafka.Transport{})
	fmt.Printf("shared transport: %v | own transport: %v\n", shared, own)
	var all kafka.WriteErrors
	if errors.As(shared, &all) && len(all) > 0 {
		shared = all[0]
	}
	if !errors.Is(shared, kafka.UnknownTopicOrPartition) || own != nil {
		fmt.Fprintln(os.Stderr, "changed")
		os.Exit(1)
	}
}
GO
GOFLAGS=-mod=mod go run .
