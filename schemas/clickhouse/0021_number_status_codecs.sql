-- What takes least on the demo's rows (benchmarks/README.md): 21.8 bytes a row become 18.8. Parts that lie there keep
-- their codecs until they are merged. Strings that repeat from row to row need more than the first level of ZSTD to be
-- found at all; a clock or an offset rises a little from row to row; the commonest counts of 30 and 7 days hardly move.
ALTER TABLE {database}.number_status
    MODIFY COLUMN IF EXISTS `number_id` CODEC(ZSTD(3)),
    MODIFY COLUMN IF EXISTS `waba_id` CODEC(ZSTD(3)),
    MODIFY COLUMN IF EXISTS `portfolio_id` CODEC(ZSTD(3)),
    MODIFY COLUMN IF EXISTS `top_factors` CODEC(ZSTD(6)),
    MODIFY COLUMN IF EXISTS `top_keys` CODEC(ZSTD(6)),
    MODIFY COLUMN IF EXISTS `top_points` CODEC(ZSTD(6)),
    MODIFY COLUMN IF EXISTS `score` CODEC(ZSTD(3)),
    MODIFY COLUMN IF EXISTS `minute` CODEC(GCD, Delta(8), T64, ZSTD(1)),
    MODIFY COLUMN IF EXISTS `clock` CODEC(Delta(8), T64, ZSTD(1)),
    MODIFY COLUMN IF EXISTS `version` CODEC(Delta(8), T64, ZSTD(1)),
    MODIFY COLUMN IF EXISTS `sent_1h` CODEC(T64, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `sent_24h` CODEC(T64, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `aged_24h` CODEC(T64, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `initiated_24h` CODEC(T64, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `country_24h` CODEC(T64, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `opt_in_given_24h` CODEC(T64, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `pending` CODEC(T64, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `answered_7d` CODEC(T64, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `awaited` CODEC(Delta(4), T64, ZSTD(1)),
    MODIFY COLUMN IF EXISTS `received_7d` CODEC(Delta(4), T64, ZSTD(1)),
    MODIFY COLUMN IF EXISTS `unanswered_7d` CODEC(Delta(4), T64, ZSTD(1)),
    MODIFY COLUMN IF EXISTS `answered_30d` CODEC(Delta(4), T64, ZSTD(1)),
    MODIFY COLUMN IF EXISTS `unanswered_30d` CODEC(Delta(4), T64, ZSTD(1)),
    MODIFY COLUMN IF EXISTS `day` CODEC(Delta(4), T64, ZSTD(1))
