-- The latest status of every portfolio.
CREATE OR REPLACE VIEW {database}.portfolios
(
    `portfolio_id` String COMMENT 'The business portfolio',
    `clock` DateTime64(3, 'UTC') COMMENT 'The event time up to which the row speaks',
    `unique_initiated_24h` UInt64 COMMENT 'Distinct contacts of initiated sends in the last 24 h: exact up to 1,000, above that within 1 % 95 times in 100',
    `limit` Nullable(Int64) COMMENT 'Unique contacts a moving 24 h that the platform allows, -1 for unlimited; NULL if unknown',
    `headroom` Nullable(UInt64) COMMENT 'How many more contacts the limit leaves; NULL if unlimited or unknown',
    `restricted_7d` UInt32 COMMENT 'Numbers restricted or banned in the last 7 d',
    `shared_connection` UInt32 COMMENT 'Largest count of numbers behind one address',
    `numbers_high` UInt32 COMMENT 'Numbers in band high',
    `numbers_medium` UInt32 COMMENT 'Numbers in band medium',
    `numbers_low` UInt32 COMMENT 'Numbers in band low',
    `score` Nullable(UInt8) COMMENT 'Lowest score of its numbers; NULL without numbers',
    `level_limit_usage` Enum8('none' = 0, 'warn' = 1, 'danger' = 2) COMMENT 'Flag level for the use of the limit',
    `level_contagion` Enum8('none' = 0, 'warn' = 1, 'danger' = 2) COMMENT 'Flag level for restrictions spreading among its numbers',
    `level_shared_connection` Enum8('none' = 0, 'warn' = 1, 'danger' = 2) COMMENT 'Flag level for numbers behind one address'
)
AS
SELECT
    s.`portfolio_id`,
    s.`clock`,
    s.`unique_initiated_24h`,
    s.`limit`,
    s.`headroom`,
    s.`restricted_7d`,
    s.`shared_connection`,
    s.`numbers_high`,
    s.`numbers_medium`,
    s.`numbers_low`,
    s.`score`,
    s.`level_limit_usage`,
    s.`level_contagion`,
    s.`level_shared_connection`
FROM {database}.portfolio_status AS s FINAL
WHERE (s.portfolio_id, s.minute) IN (SELECT portfolio_id, max(minute) FROM {database}.portfolio_status GROUP BY portfolio_id)
COMMENT 'The latest status of every portfolio: contacts against the limit, restrictions and numbers by band'
