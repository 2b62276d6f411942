package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sendwatch/internal/embedded/chdb"
	"sendwatch/internal/embedded/fetch"
)

// clickhouseTables are the topic as a table and what its blocks go into: sends by number,
// template and second; conversations with their first send and last inbound message; the newest
// time of a number. A view cannot close a conversation and open it again; on this log, where nobody
// is written to after an answer, the first send and the last answer tell the same.
//
//nolint:gochecknoglobals // A constant.
var clickhouseTables = []string{
	`CREATE TABLE queue (id String, type LowCardinality(String), time Int64, number_id LowCardinality(String), contact String, template Tuple(name String))
ENGINE = Kafka SETTINGS kafka_broker_list = '%s', kafka_topic_list = '%s', kafka_group_name = '%s', kafka_format = 'JSONEachRow',
kafka_num_consumers = 1, kafka_max_block_size = 262144, kafka_poll_max_batch_size = 65536`,
	`CREATE TABLE sends (number_id LowCardinality(String), template LowCardinality(String), second UInt32, n UInt64)
ENGINE = SummingMergeTree ORDER BY (number_id, template, second)`,
	`CREATE TABLE conversations (number_id LowCardinality(String), contact String, first SimpleAggregateFunction(min, Int64), answer SimpleAggregateFunction(max, Int64))
ENGINE = AggregatingMergeTree ORDER BY (number_id, contact)`,
	`CREATE TABLE numbers (number_id LowCardinality(String), at SimpleAggregateFunction(max, Int64), records SimpleAggregateFunction(sum, UInt64))
ENGINE = AggregatingMergeTree ORDER BY number_id`,
	`CREATE MATERIALIZED VIEW to_numbers TO numbers AS SELECT number_id, max(time) AS at, count() AS records FROM queue GROUP BY number_id`,
	`CREATE MATERIALIZED VIEW to_sends TO sends AS SELECT number_id, template.name AS template, toUInt32(intDiv(time, 1000)) AS second, count() AS n
FROM queue WHERE type = 'message.sent' GROUP BY number_id, template, second`,
	`CREATE MATERIALIZED VIEW to_conversations TO conversations AS
SELECT number_id, contact, min(if(type = 'message.sent', time, 9223372036854775807)) AS first, maxIf(time, type = 'message.received') AS answer
FROM queue WHERE type IN ('message.sent', 'message.received') GROUP BY number_id, contact`,
}

// clickhouseFacts are the three facts of every number at its newest time.
const clickhouseFacts = `WITH newest AS (SELECT number_id, max(at) AS at FROM numbers GROUP BY number_id),
hour AS (SELECT number_id, sum(k) AS sent, max(k) AS identical FROM
  (SELECT number_id, template, sum(n) AS k FROM sends INNER JOIN newest USING number_id WHERE second > intDiv(newest.at, 1000) - 3600 GROUP BY number_id, template) GROUP BY number_id),
talks AS (SELECT number_id, countIf(NOT answered AND first + 172800000 <= now) AS unanswered, countIf(NOT answered AND first + 172800000 > now) AS open FROM
  (SELECT number_id, contact, min(c.first) AS first, max(c.answer) AS answer, answer >= first AND answer <= first + 172800000 AS answered,
   (SELECT max(at) FROM numbers) AS now FROM conversations AS c GROUP BY number_id, contact) GROUP BY number_id)
SELECT toString(newest.number_id), toInt64(hour.sent), toInt64(hour.identical), toInt64(talks.unanswered), toInt64(talks.open)
FROM newest LEFT JOIN hour USING number_id LEFT JOIN talks USING number_id`

// runClickHouse is the process of ClickHouse's engine.
func runClickHouse(ctx context.Context, o *options) (err error) {
	server := chdb.New(chdb.Config{MaxMemory: 6 << 30, MaxThreads: 1, Report: fetch.Bar(os.Stderr)})
	if err := server.Open(ctx); err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(serving) }()
	defer func() { stop(); err = errors.Join(err, <-ended) }()
	conn, err := clickhouse.Open(&clickhouse.Options{Addr: []string{server.Addr()}})
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is left to be written
	for _, sql := range clickhouseTables {
		if strings.Contains(sql, "%s") {
			sql = fmt.Sprintf(sql, o.brokers, o.topic, o.flags)
		}
		if err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%w: %s", err, sql)
		}
	}
	fmt.Println("ready")
	for _, step := range []struct {
		word   string
		events int
	}{{"third", o.events / 3}, {"done", o.events}} {
		n, err := awaitBlocks(ctx, o, step.events)
		if err != nil {
			return err
		}
		fmt.Println(step.word, n)
	}
	return tellFacts(ctx, conn, o.events)
}

// awaitBlocks waits until so many records have passed through all views, which is when the
// engine commits their offset, and returns how many have.
func awaitBlocks(ctx context.Context, o *options, events int) (int, error) {
	for {
		if n := committed(ctx, o.brokers, o.flags, o.topic); n >= int64(events) {
			return int(n), nil
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return 0, err
		}
	}
}

// tellFacts asks for the facts once, when all is in: no view raises flags.
func tellFacts(ctx context.Context, conn driver.Conn, events int) error {
	start := time.Now()
	rows, err := conn.Query(ctx, clickhouseFacts)
	if err != nil {
		return err
	}
	a := answer{Events: events}
	for rows.Next() {
		var number string
		var sent, identical, unanswered, open int64
		if err := rows.Scan(&number, &sent, &identical, &unanswered, &open); err != nil {
			return err
		}
		a.close(number, int(sent), int(identical), int(unanswered), int(open))
	}
	if err := rows.Err(); err != nil {
		return err
	}
	fmt.Printf("note facts=%d ms\n", time.Since(start).Milliseconds())
	return tell(a)
}
