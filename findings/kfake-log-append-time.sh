#!/usr/bin/env bash
# kfake (franz-go's in-process broker): message.timestamp.type=LogAppendTime.
#
# Expected: records of such a topic carry the time at which the broker took them,
#           as Apache Kafka's do.
# Seen:     the setting is accepted and can be read back, but records keep the
#           producer's timestamp, and the batch says CreateTime.
# So:       what depends on broker time is tested on a real broker.
# Versions: kfake v0.0.0-20260918054303-01f206a7e32c, franz-go v1.22.2, Go 1.26.
# Output:   config LogAppendTime | record 2001-09-09T01:46:40Z
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >go.mod <<'MOD'
module finding

go 1.26.0

require (
	github.com/twmb/franz-go v1.22.2
	github.com/twmb/franz-go/pkg/kadm v1.17.1
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
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		panic(err)
	}
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics("t"))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	appendTime := "LogAppendTime"
	if _, err := admin.CreateTopic(ctx, 1, 1, map[string]*string{"message.timestamp.type": &appendTime}, "t"); err != nil {
		panic(err)
	}
	configs, err := admin.DescribeTopicConfigs(ctx, "t")
	if err != nil {
		panic(err)
	}
	config := ""
	for _, c := range configs[0].Configs {
		if c.Key == "message.timestamp.type" {
			config = c.MaybeValue()
		}
	}
	given := time.Unix(1_000_000_000, 0).UTC()
	if err := client.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: []byte("x"), Timestamp: given}).FirstErr(); err != nil {
		panic(err)
	}
	var seen time.Time
	for seen.IsZero() {
		client.PollFetches(ctx).EachRecord(func(r *kgo.Record) { seen = r.Timestamp.UTC() })
	}
	fmt.Printf("config %s | record %s\n", config, seen.Format(time.RFC3339))
	if config != appendTime || !seen.Equal(given) {
		fmt.Fprintln(os.Stderr, "changed")
		os.Exit(1)
	}
}
GO
GOFLAGS=-mod=mod go run .
