-- What was known of a portfolio, one row for every portfolio minute in which anything changed.
CREATE TABLE IF NOT EXISTS {database}.portfolio_status
(
    `portfolio_id` String COMMENT 'The business portfolio' CODEC(ZSTD(1)),
    `minute` DateTime64(3, 'UTC') COMMENT 'The portfolio minute, event time' CODEC(Delta(8), ZSTD(1)),
    `partition` UInt32 COMMENT 'Partition of the input topic that the row comes from' CODEC(ZSTD(1)),
    `version` UInt64 COMMENT 'Offset of the record that caused the row; of rows with an equal key the largest is the one that counts' CODEC(Delta(8), ZSTD(1)),
    `clock` DateTime64(3, 'UTC') COMMENT 'The event time up to which the row speaks' CODEC(Delta(8), ZSTD(1)),
    `unique_initiated_24h` UInt64 COMMENT 'Distinct contacts of initiated sends in the last 24 h: exact up to 1,000, above that within 1 % 95 times in 100' CODEC(T64, ZSTD(1)),
    `limit` Nullable(Int64) COMMENT 'Unique contacts a moving 24 h that the platform allows, -1 for unlimited; NULL if unknown' CODEC(ZSTD(1)),
    `headroom` Nullable(UInt64) COMMENT 'How many more contacts the limit leaves; NULL if unlimited or unknown' CODEC(ZSTD(1)),
    `restricted_7d` UInt32 COMMENT 'Numbers restricted or banned in the last 7 d' CODEC(T64, ZSTD(1)),
    `shared_connection` UInt32 COMMENT 'Largest count of numbers behind one address' CODEC(T64, ZSTD(1)),
    `numbers_high` UInt32 COMMENT 'Numbers in band high' CODEC(T64, ZSTD(1)),
    `numbers_medium` UInt32 COMMENT 'Numbers in band medium' CODEC(T64, ZSTD(1)),
    `numbers_low` UInt32 COMMENT 'Numbers in band low' CODEC(T64, ZSTD(1)),
    `score` Nullable(UInt8) COMMENT 'Lowest score of its numbers; NULL without numbers' CODEC(ZSTD(1)),
    `level_limit_usage` Enum8('none' = 0, 'warn' = 1, 'danger' = 2) COMMENT 'Flag level for the use of the limit' CODEC(ZSTD(1)),
    `level_contagion` Enum8('none' = 0, 'warn' = 1, 'danger' = 2) COMMENT 'Flag level for restrictions spreading among its numbers' CODEC(ZSTD(1)),
    `level_shared_connection` Enum8('none' = 0, 'warn' = 1, 'danger' = 2) COMMENT 'Flag level for numbers behind one address' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(minute)
ORDER BY (portfolio_id, minute)
TTL toDateTime(minute) + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1
COMMENT 'Contacts, limit and numbers of a portfolio, one row a minute in which anything changed; portfolios shows the latest'
