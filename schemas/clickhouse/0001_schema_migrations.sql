-- What has been applied to this database, one row a file of this folder.
-- It comes first, so that there is a place to note the others.
CREATE TABLE IF NOT EXISTS {database}.schema_migrations
(
    `version` UInt32 COMMENT 'Number of the file, the digits before its name',
    `name` String COMMENT 'Name of the file without its number',
    `checksum` String COMMENT 'SHA-256 of the file\'s text, hexadecimal: an applied file must not change',
    `applied_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was applied'
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY version
COMMENT 'Statements of schemas/clickhouse that have been applied here'
