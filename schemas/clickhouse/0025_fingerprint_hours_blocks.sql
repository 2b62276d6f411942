-- The same contents come hour after hour, farther apart than a block of 64 KiB reaches: in blocks of 1 MiB they are
-- found again. A question about one number unpacks more than it needs, once for all of its rows.
-- Versions are the ends of a few panes, again and again, so that they are words rather than a series.
ALTER TABLE {database}.fingerprint_hours
    MODIFY COLUMN IF EXISTS `fingerprint` CODEC(ZSTD(3)) SETTINGS (min_compress_block_size = 1048576),
    MODIFY COLUMN IF EXISTS `version` CODEC(ZSTD(3)),
    MODIFY COLUMN IF EXISTS `pane` CODEC(DoubleDelta, ZSTD(3))
