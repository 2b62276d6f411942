-- What became of the sends to one contact, for list hygiene: nearly a row a send, and the one table
-- that can be switched off. A pane may tell nothing but an expiry, so the row has no event time of its
-- own to be kept by: written_at is there for the retention alone.
CREATE TABLE IF NOT EXISTS {database}.contact_outcomes
(
    `number_id` String COMMENT 'The business number that sends' CODEC(ZSTD(1)),
    `contact` UInt64 COMMENT 'Keyed hash of the contact' CODEC(ZSTD(1)),
    `partition` UInt32 COMMENT 'Partition of the input topic that the row speaks of' CODEC(ZSTD(1)),
    `pane` UInt64 COMMENT 'Run of offsets of that partition that the row speaks of (offset / 2^k); readers sum over panes' CODEC(Delta(8), ZSTD(1)),
    `version` UInt64 COMMENT 'Last offset that went into the row; of rows with an equal key the largest is the one that counts' CODEC(Delta(8), ZSTD(1)),
    `portfolio_id` String COMMENT 'Portfolio the number belonged to when the row was written; empty if unknown' CODEC(ZSTD(1)),
    `answered` UInt32 COMMENT 'Initiated sends that were answered' CODEC(T64, ZSTD(1)),
    `unanswered` UInt32 COMMENT 'Initiated sends that stayed without an answer for 48 h' CODEC(T64, ZSTD(1)),
    `unanswered_since` UInt32 COMMENT 'Those of unanswered after the pane\'s last message from the contact; all if there was none' CODEC(T64, ZSTD(1)),
    `last_sent` DateTime64(3, 'UTC') COMMENT 'Time of the last send to the contact; 1970-01-01 if the pane saw none' CODEC(Delta(8), ZSTD(1)),
    `last_received` DateTime64(3, 'UTC') COMMENT 'Time of the last message from the contact; 1970-01-01 if the pane saw none' CODEC(Delta(8), ZSTD(1)),
    `written_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written' CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (number_id, contact, partition, pane)
TTL toDateTime(written_at) + INTERVAL 180 DAY
COMMENT 'Outcomes of a number\'s sends by contact, one row a pane; read it through hygiene'
