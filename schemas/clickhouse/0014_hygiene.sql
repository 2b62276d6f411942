-- Contacts to stop writing to: at least two sends went unanswered since they last wrote.
-- Since they last wrote means: in the pane with their latest message what expired after that message, and
-- all that expired in later panes. Panes are runs of offsets, so their order is the order in which things
-- were applied; of a contact who never wrote all panes count.
CREATE OR REPLACE VIEW {database}.hygiene
(
    `number_id` String COMMENT 'The business number that sends',
    `portfolio_id` String COMMENT 'Portfolio of the number; empty if unknown',
    `contact` String COMMENT 'Keyed hash of the contact, 16 hexadecimal digits',
    `unanswered_since` UInt64 COMMENT 'Initiated sends without an answer since the contact last wrote',
    `answered` UInt64 COMMENT 'Initiated sends that were answered',
    `unanswered` UInt64 COMMENT 'Initiated sends that stayed without an answer for 48 h',
    `last_sent` Nullable(DateTime64(3, 'UTC')) COMMENT 'Time of the last send to the contact',
    `last_received` Nullable(DateTime64(3, 'UTC')) COMMENT 'Time of the last message from the contact; NULL if they never wrote'
)
AS
SELECT
    number_id,
    portfolio_id,
    leftPad(lower(hex(hash)), 16, '0') AS contact,
    -- Without any message wrote is the pane (0, 0), of which unanswered_since is all there is.
    arraySum(p -> multiIf((p.1, p.2) > wrote, p.3, (p.1, p.2) = wrote, p.4, 0), panes) AS unanswered_since,
    answered,
    unanswered,
    nullIf(sent_at, fromUnixTimestamp64Milli(0, 'UTC')) AS last_sent,
    nullIf(received_at, fromUnixTimestamp64Milli(0, 'UTC')) AS last_received
FROM
(
    SELECT
        o.number_id AS number_id,
        o.contact AS hash,
        argMax(o.portfolio_id, (o.version, o.partition)) AS portfolio_id,
        groupArray((o.partition, o.pane, toUInt64(o.unanswered), toUInt64(o.unanswered_since))) AS panes,
        argMaxIf((o.partition, o.pane), (o.last_received, o.partition, o.pane), o.last_received > fromUnixTimestamp64Milli(0, 'UTC')) AS wrote,
        sum(o.answered) AS answered,
        sum(o.unanswered) AS unanswered,
        max(o.last_sent) AS sent_at,
        max(o.last_received) AS received_at
    FROM {database}.contact_outcomes AS o FINAL
    GROUP BY o.number_id, o.contact
)
WHERE unanswered_since >= 2
COMMENT 'Contacts with at least two unanswered sends since they last wrote'
