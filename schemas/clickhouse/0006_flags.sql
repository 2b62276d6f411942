-- One transition of a flag. All fields but emitted_at follow from (flag_id, sequence), so a flag
-- delivered twice is one row.
CREATE TABLE IF NOT EXISTS {database}.flags
(
    `number_id` String COMMENT 'The number the flag is about; empty on a portfolio\'s flag' CODEC(ZSTD(1)),
    `portfolio_id` String COMMENT 'The portfolio the flag is about, or that of the number; empty if unknown' CODEC(ZSTD(1)),
    `flag_id` String COMMENT 'Names the episode: equal for all its transitions' CODEC(ZSTD(1)),
    `sequence` UInt32 COMMENT 'Place of the transition in its episode, 0 for raised' CODEC(ZSTD(1)),
    `event_time` DateTime64(3, 'UTC') COMMENT 'The subject\'s clock at the transition' CODEC(Delta(8), ZSTD(1)),
    `emitted_at` DateTime64(3, 'UTC') COMMENT 'When it was sent, wall clock' CODEC(Delta(8), ZSTD(1)),
    `transition` Enum8('raised' = 0, 'escalated' = 1, 'eased' = 2, 'cleared' = 3) COMMENT 'What happened to the flag',
    `level` Enum8('none' = 0, 'warn' = 1, 'danger' = 2) COMMENT 'The level after the transition',
    `subject` Enum8('number' = 0, 'portfolio' = 1) COMMENT 'What the flag is about',
    `waba_id` String COMMENT 'WhatsApp Business Account of the number; empty if unknown' CODEC(ZSTD(1)),
    `factor` LowCardinality(String) COMMENT 'What was judged',
    `layer` UInt8 COMMENT 'Where the risk comes from: 1 identity, 2 behaviour, 3 recipients, 4 content, 5 platform',
    `key` String COMMENT 'Of template_quality the template as name/language, else empty' CODEC(ZSTD(1)),
    `value` Nullable(Float64) COMMENT 'The fact that was judged; NULL if it is a word or there is none' CODEC(ZSTD(1)),
    `value_word` LowCardinality(String) COMMENT 'The fact where it is a word, else empty',
    `warn` Nullable(Float64) COMMENT 'The warn threshold; NULL if it is words or there is none' CODEC(ZSTD(1)),
    `warn_word` LowCardinality(String) COMMENT 'The warn threshold where it is words, else empty',
    `danger` Nullable(Float64) COMMENT 'The danger threshold; NULL if it is words or there is none' CODEC(ZSTD(1)),
    `danger_word` LowCardinality(String) COMMENT 'The danger threshold where it is words, else empty',
    `score` Nullable(UInt8) COMMENT 'Trust score of the number; NULL on a portfolio\'s flag',
    `eta` Nullable(UInt32) COMMENT 'Seconds to danger at the present pace; NULL if not foreseen',
    `evidence` String COMMENT 'Counts, top fingerprints and top templates at the time, as a JSON object' CODEC(ZSTD(1)),
    `advice` LowCardinality(String) COMMENT 'What to do, in words',
    `policy_version` LowCardinality(String) COMMENT 'The policy that decided',
    `shadow` Bool COMMENT 'true if a shadow policy decided: such a flag is only here, never in the topic',
    `topic` LowCardinality(String) COMMENT 'Topic of the record that caused the transition',
    `partition` UInt32 COMMENT 'Its partition' CODEC(ZSTD(1)),
    `offset` UInt64 COMMENT 'Its offset' CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(emitted_at)
PARTITION BY toYYYYMM(event_time)
ORDER BY (number_id, portfolio_id, flag_id, sequence)
TTL toDateTime(event_time) + INTERVAL 2 YEAR
SETTINGS ttl_only_drop_parts = 1
COMMENT 'Transitions of risk flags; read it with FINAL'
