-- What became of one content of one number, by the hour of the send.
CREATE TABLE IF NOT EXISTS {database}.fingerprint_hours
(
    `number_id` String COMMENT 'The business number that sends' CODEC(ZSTD(1)),
    `hour` DateTime64(3, 'UTC') COMMENT 'Start of the hour of the send, event time' CODEC(Delta(8), ZSTD(1)),
    `fingerprint` String COMMENT 'What the content is recognised by, 16 hexadecimal digits: equal templates, or equal normalised text, media and link hosts' CODEC(ZSTD(1)),
    `partition` UInt32 COMMENT 'Partition of the input topic that the row speaks of' CODEC(ZSTD(1)),
    `pane` UInt64 COMMENT 'Run of offsets of that partition that the row speaks of (offset / 2^k); readers sum over panes' CODEC(Delta(8), ZSTD(1)),
    `version` UInt64 COMMENT 'Last offset that went into the row; of rows with an equal key the largest is the one that counts' CODEC(Delta(8), ZSTD(1)),
    `portfolio_id` String COMMENT 'Portfolio the number belonged to when the row was written; empty if unknown' CODEC(ZSTD(1)),
    `template` String COMMENT 'name/language of the template, empty for other content' CODEC(ZSTD(1)),
    `sent` UInt32 COMMENT 'Sends of this content' CODEC(T64, ZSTD(1)),
    `initiated` UInt32 COMMENT 'Initiated sends of this content' CODEC(T64, ZSTD(1)),
    `answered` UInt32 COMMENT 'Initiated sends of this hour that were answered within 48 h, whenever that was' CODEC(T64, ZSTD(1)),
    `unanswered` UInt32 COMMENT 'Initiated sends of this hour that were not answered within 48 h' CODEC(T64, ZSTD(1)),
    `withdrawn` UInt32 COMMENT 'Initiated sends of this hour that failed' CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(hour)
ORDER BY (number_id, hour, fingerprint, partition, pane)
TTL toDateTime(hour) + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1
COMMENT 'Sends of one content of a number by the hour of the send, and what became of them, one row a pane; read it through templates'
