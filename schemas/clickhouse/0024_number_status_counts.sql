-- Counts of a window rise and fall in runs: the difference of differences is mostly 0, and takes a third less than the
-- blocks of 64 of 0021 (benchmarks/README.md). Two nowcasts in a row share their first bits. A ratio of few sends comes
-- again and again, but farther away than a block of 64 KiB reaches. As in 0021 this costs nothing when it is applied
-- and holds for parts that are written or merged from then on.
ALTER TABLE {database}.number_status
    MODIFY COLUMN IF EXISTS `sent_1h` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `sent_24h` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `initiated_1h` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `initiated_24h` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `identical_1h` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `answered_7d` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `unanswered_7d` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `answered_30d` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `unanswered_30d` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `pending` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `awaited` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `received_7d` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `aged_24h` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `active_hours_24h` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `foreign_24h` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `country_24h` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `no_opt_in_24h` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `opt_in_given_24h` CODEC(DoubleDelta, ZSTD(3)),
    MODIFY COLUMN IF EXISTS `reply_ratio_nowcast` CODEC(Gorilla, ZSTD(1)),
    MODIFY COLUMN IF EXISTS `reply_ratio_cold` CODEC(Gorilla, ZSTD(1)),
    MODIFY COLUMN IF EXISTS `unlinked_7d` CODEC(ZSTD(3)),
    MODIFY COLUMN IF EXISTS `failed_24h_contact` CODEC(ZSTD(3)),
    MODIFY COLUMN IF EXISTS `read_ratio_24h` CODEC(ZSTD(6)) SETTINGS (min_compress_block_size = 1048576),
    MODIFY COLUMN IF EXISTS `delivery_ratio_24h` CODEC(ZSTD(6)) SETTINGS (min_compress_block_size = 1048576),
    MODIFY COLUMN IF EXISTS `block_rate_7d` CODEC(ZSTD(6)) SETTINGS (min_compress_block_size = 1048576)
