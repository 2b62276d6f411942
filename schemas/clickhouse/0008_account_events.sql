-- What the platform said: restrictions, ratings, template and limit changes, as they came, late or
-- repeated ones too.
CREATE TABLE IF NOT EXISTS {database}.account_events
(
    `number_id` String COMMENT 'The number it is about; empty on an event of a whole WABA or portfolio' CODEC(ZSTD(1)),
    `time` DateTime64(3, 'UTC') COMMENT 'Event time' CODEC(Delta(8), ZSTD(1)),
    `partition` UInt32 COMMENT 'Partition of the record' CODEC(ZSTD(1)),
    `offset` UInt64 COMMENT 'Offset of the record' CODEC(Delta(8), ZSTD(1)),
    `topic` LowCardinality(String) COMMENT 'Topic of the record',
    `type` LowCardinality(String) COMMENT 'Event type: account.update, number.quality, template.update or portfolio.limit',
    `id` String COMMENT 'Id of the event; copies of a shared event carry the same' CODEC(ZSTD(1)),
    `waba_id` String COMMENT 'The WhatsApp Business Account it names; empty if none' CODEC(ZSTD(1)),
    `portfolio_id` String COMMENT 'The portfolio it names; empty if none' CODEC(ZSTD(1)),
    `scope` LowCardinality(String) COMMENT 'Of account.update what it speaks of: number, waba or portfolio',
    `state` LowCardinality(String) COMMENT 'The account state, the rating or the template\'s status',
    `quality` LowCardinality(String) COMMENT 'Of template.update the template\'s quality',
    `template` String COMMENT 'Of template.update the template as name/language' CODEC(ZSTD(1)),
    `limit` Nullable(Int64) COMMENT 'Of portfolio.limit the limit, -1 for unlimited; else NULL' CODEC(ZSTD(1)),
    `expires_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'Of account.update when the state ends; NULL if it does not' CODEC(ZSTD(1)),
    `restrictions` Array(String) COMMENT 'Of account.update what is restricted' CODEC(ZSTD(1)),
    `reason` String COMMENT 'Of account.update the reason given' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (number_id, time, partition, offset)
TTL toDateTime(time) + INTERVAL 2 YEAR
SETTINGS ttl_only_drop_parts = 1
COMMENT 'Restrictions, ratings, template and limit changes as they came'
