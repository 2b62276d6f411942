-- What led to an incident: for every restriction, ban or danger flag of a number all that happened to it in
-- the 48 h before, flags, words of the platform and counts by the hour. Ask for one number.
CREATE OR REPLACE VIEW {database}.incident
(
    `number_id` String COMMENT 'The business number',
    `incident_at` DateTime64(3, 'UTC') COMMENT 'When the incident happened, event time',
    `incident` String COMMENT 'What happened: restricted, banned, or danger and the factor',
    `time` DateTime64(3, 'UTC') COMMENT 'When the step happened, event time; of an hour its start',
    `kind` Enum8('account' = 0, 'flag' = 1, 'hour' = 2) COMMENT 'Where the step comes from: account_events, flags or hourly',
    `step` String COMMENT 'What happened at that time, in words'
)
AS
WITH
    said AS
    (
        SELECT a.number_id AS number_id, a.time AS time, a.type AS type, a.state AS state, a.quality AS quality, a.template AS template, a.limit AS limit
        FROM {database}.account_events AS a FINAL
        WHERE a.number_id != ''
        UNION ALL
        SELECT n.number_id, a.time, a.type, a.state, a.quality, a.template, a.limit
        FROM {database}.account_events AS a FINAL
        INNER JOIN {database}.numbers AS n ON n.waba_id = a.waba_id
        WHERE a.number_id = '' AND a.waba_id != '' AND a.scope != 'portfolio'
        UNION ALL
        SELECT n.number_id, a.time, a.type, a.state, a.quality, a.template, a.limit
        FROM {database}.account_events AS a FINAL
        INNER JOIN {database}.numbers AS n ON n.portfolio_id = a.portfolio_id
        WHERE a.number_id = '' AND a.portfolio_id != '' AND (a.scope = 'portfolio' OR a.type = 'portfolio.limit')
    ),
    incidents AS
    (
        SELECT DISTINCT s.number_id AS number_id, s.time AS incident_at, s.state AS incident
        FROM said AS s
        WHERE s.type = 'account.update' AND s.state IN ('restricted', 'banned')
        UNION ALL
        SELECT f.number_id, f.event_time, concat('danger ', f.factor)
        FROM {database}.flags AS f FINAL
        WHERE f.subject = 'number' AND f.level = 'danger' AND f.transition IN ('raised', 'escalated') AND NOT f.shadow
    ),
    steps AS
    (
        SELECT DISTINCT s.number_id AS number_id, s.time AS time, 'account' AS kind,
            multiIf(
                s.type = 'account.update', concat('account ', s.state),
                s.type = 'number.quality', concat('quality ', s.state),
                s.type = 'portfolio.limit', concat('limit ', ifNull(toString(s.limit), 'unknown')),
                concat('template ', s.template, ' ', s.state, if(s.state != '' AND s.quality != '', ', ', ''), if(s.quality != '', concat('quality ', s.quality), ''))) AS step
        FROM said AS s
        UNION ALL
        SELECT f.number_id, f.event_time, 'flag',
            concat(f.factor, if(f.key = '', '', concat(' ', f.key)), ' ', toString(f.transition), if(f.level = 'none', '', concat(' to ', toString(f.level))))
        FROM {database}.flags AS f FINAL
        WHERE f.subject = 'number' AND NOT f.shadow
        UNION ALL
        SELECT h.number_id, h.hour, 'hour',
            concat(
                'sent ', toString(h.sent), ', initiated ', toString(h.initiated), ', received ', toString(h.received), ', answered ', toString(h.answered),
                ', unanswered ', toString(h.unanswered), ', failed ', toString(h.failed), ', blocks ', toString(h.blocks), ', stops ', toString(h.stops))
        FROM {database}.hourly AS h
    )
SELECT
    i.number_id AS number_id,
    i.incident_at AS incident_at,
    i.incident AS incident,
    s.time AS time,
    s.kind AS kind,
    s.step AS step
FROM incidents AS i
INNER JOIN steps AS s ON s.number_id = i.number_id
WHERE s.time > i.incident_at - INTERVAL 48 HOUR AND s.time <= i.incident_at
COMMENT 'What happened to a number in the 48 h before each restriction, ban or danger flag'
