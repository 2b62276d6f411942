#!/usr/bin/env bash
# kafka-go: Reader with IsolationLevel ReadCommitted, and a transaction that was aborted.
#
# Expected: only records of committed transactions and of none come out, which is what the
#           library's comment on the level promises and what Java's client does.
# Seen:     the aborted record comes out as a message, and so does the marker at the end
#           of each transaction: six bytes that mean nothing to a reader of values.
#           There is no error, and nothing in a Message tells which is which. The
#           broker answers a read-committed fetch with all records and a list of
#           what was aborted; to leave it out is the client's part, which franz-go does.
# So:       what must not see aborted events is not built on Reader.
# Versions: kafka-go v0.4.51, franz-go v1.22.2 and its in-process broker kfake
#           v0.0.0-20260918054303-01f206a7e32c, Go 1.26.
# Output:   franz-go  0:first 4:last
#           kafka-go  0:first 1:000000000000 2:aborted 3:000000000000 4:last 5:000000000000
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

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// show writes an offset and a value: a word as it is, anything else as hexadecimal digits.
func show(offset int64, value []byte) string {
	if len(value) > 0 && value[0] >= 'a' {
		return fmt.Sprintf("%d:%s", offset, value)
	}
	return fmt.Sprintf("%d:%x", offset, value)
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cluster := must(kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t")))
	defer cluster.Close()
	address := cluster.ListenAddrs()[0]

	// Three transactions of one record each, and a last record outside of any, so that both readers know when to stop.
	writer := must(kgo.NewClient(kgo.SeedBrokers(address), kgo.TransactionalID("w"), kgo.DefaultProduceTopic("t")))
	defer writer.Close()
	for _, word := range []string{"first", "aborted", "last"} {
		check(writer.BeginTransaction())
		check(writer.ProduceSync(ctx, kgo.StringRecord(word)).FirstErr())
		check(writer.EndTransaction(ctx, kgo.TransactionEndTry(word != "aborted")))
	}
	plain := must(kgo.NewClient(kgo.SeedBrokers(address), kgo.DefaultProduceTopic("t")))
	defer plain.Close()
	check(plain.ProduceSync(ctx, kgo.StringRecord("stop")).FirstErr())

	var franz, segmentio []string
	f := must(kgo.NewClient(kgo.SeedBrokers(address), kgo.ConsumeTopics("t"), kgo.FetchIsolationLevel(kgo.ReadCommitted())))
	defer f.Close()
	for done := false; !done; {
		f.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			if done = string(r.Value) == "stop"; !done {
				franz = append(franz, show(r.Offset, r.Value))
			}
		})
		check(ctx.Err())
	}
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{address}, Topic: "t", IsolationLevel: kafka.ReadCommitted, MaxWait: 100 * time.Millisecond})
	defer r.Close()
	for {
		m := must(r.ReadMessage(ctx))
		if string(m.Value) == "stop" {
			break
		}
		segmentio = append(segmentio, show(m.Offset, m.Value))
	}

	seen := "franz-go  " + strings.Join(franz, " ") + "\nkafka-go  " + strings.Join(segmentio, " ")
	fmt.Println(seen)
	if seen != "franz-go  0:first 4:last\n"+
		"kafka-go  0:first 1:000000000000 2:aborted 3:000000000000 4:last 5:000000000000" {
		fmt.Fprintln(os.Stderr, "changed")
		os.Exit(1)
	}
}
GO
GOFLAGS=-mod=mod go run .
