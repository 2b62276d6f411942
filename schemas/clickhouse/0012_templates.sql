-- What became of each content of a number, by the day of the send.
CREATE OR REPLACE VIEW {database}.templates
(
    `number_id` String COMMENT 'The business number that sends',
    `portfolio_id` String COMMENT 'Portfolio of the number; empty if unknown',
    `day` Date COMMENT 'Day of the send, UTC, event time',
    `template` String COMMENT 'name/language of the template, empty for other content',
    `fingerprint` String COMMENT 'What the content is recognised by, 16 hexadecimal digits',
    `sent` UInt64 COMMENT 'Sends of this content',
    `initiated` UInt64 COMMENT 'Initiated sends of this content',
    `answered` UInt64 COMMENT 'Initiated sends of this day that were answered within 48 h, whenever that was',
    `unanswered` UInt64 COMMENT 'Initiated sends of this day that were not answered within 48 h',
    `withdrawn` UInt64 COMMENT 'Initiated sends of this day that failed',
    `reply_ratio` Nullable(Float64) COMMENT 'answered / (answered + unanswered) of the sends of this day; NULL when none is resolved'
)
AS
SELECT
    f.number_id AS number_id,
    argMax(f.portfolio_id, (f.hour, f.version, f.partition)) AS portfolio_id,
    toDate(f.hour) AS day,
    max(f.template) AS template,
    f.fingerprint AS fingerprint,
    sum(f.sent) AS sent,
    sum(f.initiated) AS initiated,
    sum(f.answered) AS answered,
    sum(f.unanswered) AS unanswered,
    sum(f.withdrawn) AS withdrawn,
    if(sum(f.answered) + sum(f.unanswered) = 0, NULL, sum(f.answered) / (sum(f.answered) + sum(f.unanswered))) AS reply_ratio
FROM {database}.fingerprint_hours AS f FINAL
GROUP BY f.number_id, day, f.fingerprint
COMMENT 'Sends of each template or other content of a number by the day of the send, and what became of them'
