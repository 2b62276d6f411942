-- What happened at a number in one minute of event time. A row is absolute: it holds all
-- that one pane of the log says of that minute, so it may be written again and again.
CREATE TABLE IF NOT EXISTS {database}.number_minutes
(
    `number_id` String COMMENT 'The business number that sends' CODEC(ZSTD(1)),
    `minute` DateTime64(3, 'UTC') COMMENT 'Start of the minute, event time' CODEC(Delta(8), ZSTD(1)),
    `partition` UInt32 COMMENT 'Partition of the input topic that the row speaks of' CODEC(ZSTD(1)),
    `pane` UInt64 COMMENT 'Run of offsets of that partition that the row speaks of (offset / 2^k); readers sum over panes' CODEC(Delta(8), ZSTD(1)),
    `version` UInt64 COMMENT 'Last offset that went into the row; of rows with an equal key the largest is the one that counts' CODEC(Delta(8), ZSTD(1)),
    `portfolio_id` String COMMENT 'Portfolio the number belonged to when the row was written; empty if unknown' CODEC(ZSTD(1)),
    `sent` UInt32 COMMENT 'Sends: messages that are neither reactions nor held' CODEC(T64, ZSTD(1)),
    `initiated` UInt32 COMMENT 'Sends outside the customer service window' CODEC(T64, ZSTD(1)),
    `held` UInt32 COMMENT 'Messages accepted but held back by pacing; counted nowhere else' CODEC(T64, ZSTD(1)),
    `late` UInt32 COMMENT 'Sends that came more than 24 h behind the partition\'s watermark; counted, but not tracked for a reply' CODEC(T64, ZSTD(1)),
    `delivered` UInt32 COMMENT 'Delivered statuses' CODEC(T64, ZSTD(1)),
    `read` UInt32 COMMENT 'Read statuses' CODEC(T64, ZSTD(1)),
    `received` UInt32 COMMENT 'Messages from contacts' CODEC(T64, ZSTD(1)),
    `failed_account` UInt32 COMMENT 'Failed statuses that speak of the account (368, 131031, 130497, 131064)' CODEC(T64, ZSTD(1)),
    `failed_reputation` UInt32 COMMENT 'Failed statuses for reputation: spam, paused or disabled templates (131048, 132015, 132016)' CODEC(T64, ZSTD(1)),
    `failed_contact` UInt32 COMMENT 'Failed statuses for a contact that cannot receive (131026, 130403)' CODEC(T64, ZSTD(1)),
    `failed_fatigue` UInt32 COMMENT 'Failed statuses because the contact gets too much marketing (131049, 131050)' CODEC(T64, ZSTD(1)),
    `failed_pace` UInt32 COMMENT 'Failed statuses because of too high a pace (131056, 130429, 80007, 4)' CODEC(T64, ZSTD(1)),
    `failed_window` UInt32 COMMENT 'Failed statuses outside the 24 h window (131047)' CODEC(T64, ZSTD(1)),
    `failed_neutral` UInt32 COMMENT 'Failed statuses of an experiment of the platform (130472)' CODEC(T64, ZSTD(1)),
    `failed_operational` UInt32 COMMENT 'Failed statuses with any other code or none' CODEC(T64, ZSTD(1)),
    `answered` UInt32 COMMENT 'Initiated sends answered in this minute, within 48 h of the send' CODEC(T64, ZSTD(1)),
    `unanswered` UInt32 COMMENT 'Initiated sends whose 48 h ended in this minute without an answer' CODEC(T64, ZSTD(1)),
    `withdrawn` UInt32 COMMENT 'Initiated sends that failed in this minute and so wait for no answer' CODEC(T64, ZSTD(1)),
    `blocks` UInt32 COMMENT 'Blocks by contacts' CODEC(T64, ZSTD(1)),
    `reports` UInt32 COMMENT 'Reports by contacts' CODEC(T64, ZSTD(1)),
    `stops` UInt32 COMMENT 'Stop words and stop preferences' CODEC(T64, ZSTD(1)),
    `sent_after_stop` UInt32 COMMENT 'Initiated or marketing sends to contacts who had asked to stop' CODEC(T64, ZSTD(1)),
    `templates_sent` UInt32 COMMENT 'Sends of templates, service templates too' CODEC(T64, ZSTD(1)),
    `contacts` Array(UInt64) COMMENT 'Keyed hashes of the distinct contacts of initiated sends, the 1,024 smallest in rising order: fewer are all of them, 1,024 are a sketch' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(minute)
ORDER BY (number_id, minute, partition, pane)
TTL toDateTime(minute) + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1
COMMENT 'Counts of a number per minute of event time, one row a pane; read it through hourly and daily, or with FINAL and sum()'
