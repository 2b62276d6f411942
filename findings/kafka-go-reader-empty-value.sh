#!/usr/bin/env bash
# kafka-go: an empty value and a null value, through Reader.
#
# Expected: a record with an empty value and a tombstone (null value) can be told
#           apart, as they can be in the log and as other clients hand them out.
# Seen:     Reader hands out nil for both. Client.Fetch of the same library, and
#           franz-go, hand out an empty slice for the one and nil for the other.
# So:       a consumer that treats tombstones apart cannot be built on Reader.
# Versions: kafka-go v0.4.51, franz-go v1.22.2 and its in-process broker kfake
#           v0.0.0-20260918054303-01f206a7e32c, Go 1.26.
# Output:   Reader nil nil | Client.Fetch empty nil | franz-go empty nil
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
	"fmt"
	"os"
	"strings"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func word(isNil bool) string {
	if isNil {
		return "nil"
	}
	return "empty"
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cluster := must(kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t")))
	defer cluster.Close()
	address := cluster.ListenAddrs()[0]

	writer := must(kgo.NewClient(kgo.SeedBrokers(address), kgo.ConsumeTopics("t")))
	defer writer.Close()
	if err := writer.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: []byte{}}, &kgo.Record{Topic: "t"}).FirstErr(); err != nil {
		panic(err)
	}

	var reader, fetch, franz []string
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{address}, Topic: "t"})
	defer r.Close()
	for range 2 {
		reader = append(reader, word(must(r.ReadMessage(ctx)).Value == nil))
	}
	response := must((&kafka.Client{Addr: kafka.TCP(address)}).Fetch(ctx, &kafka.FetchRequest{
		Topic: "t", MinBytes: 1, MaxBytes: 1 << 20, MaxWait: time.Second,
	}))
	for range 2 {
		fetch = append(fetch, word(must(response.Records.ReadRecord()).Value == nil))
	}
	for len(franz) < 2 {
		writer.PollFetches(ctx).EachRecord(func(r *kgo.Record) { franz = append(franz, word(r.Value == nil)) })
	}

	join := func(w []string) string { return strings.Join(w, " ") }
	seen := fmt.Sprintf("Reader %s | Client.Fetch %s | franz-go %s", join(reader), join(fetch), join(franz))
	fmt.Println(seen)
	if seen != "Reader nil nil | Client.Fetch empty nil | franz-go empty nil" {
		fmt.Fprintln(os.Stderr, "changed")
		os.Exit(1)
	}
}
GO
GOFLAGS=-mod=mod go run .
