-- Copies each row that is inserted into number_status to number_latest, within the insert: one that fails is repeated
-- as a whole.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.number_latest_feed TO {database}.number_latest
AS
SELECT
    `number_id`, `minute`, `partition`, `version`, `clock`, `waba_id`, `portfolio_id`, `score`, `band`,
    `top_factors`, `top_keys`, `top_points`, `sent_1m`, `sent_1h`, `sent_24h`, `initiated_1m`, `initiated_1h`,
    `initiated_24h`, `identical_1h`, `answered_7d`, `unanswered_7d`, `answered_30d`, `unanswered_30d`,
    `reply_ratio_7d`, `reply_ratio_30d`, `foreign_share_24h`, `no_opt_in_share_24h`,
    `reply_ratio_nowcast`, `reply_ratio_cold`, `conversation_pressure`, `pending`, `awaited`, `received_7d`,
    `unlinked_7d`, `read_ratio_24h`, `aged_24h`, `delivery_ratio_24h`, `blocks_7d`, `reports_7d`, `block_rate_7d`,
    `stops_7d`, `sent_after_stop_24h`, `failed_24h_account`, `failed_24h_reputation`, `failed_24h_contact`,
    `failed_24h_fatigue`, `failed_24h_pace`, `failed_24h_window`, `failed_24h_neutral`, `failed_24h_operational`,
    `spam_errors_1h`, `reachout_errors_24h`, `interval_cv`, `active_hours_24h`, `media_repeat_24h`, `link_repeat_1h`,
    `foreign_24h`, `country_24h`, `no_opt_in_24h`, `opt_in_given_24h`, `groups_24h`, `day`, `restriction`, `strikes`,
    `wake`, `linked`, `cap`, `cap_share`, `level_velocity_hour`, `level_velocity_burst`, `level_daily_volume`,
    `level_reply_ratio`, `level_reply_nowcast`, `level_cold_start`, `level_unanswered`, `level_mechanical_timing`,
    `level_active_hours`, `level_conversation_pressure`, `level_group_add`, `level_block_rate`, `level_opt_out`,
    `level_opt_in`, `level_delivery`, `level_invalid_contacts`, `level_identical_batch`, `level_media_repeat`,
    `level_link_repeat`, `level_region`, `level_foreign_contacts`, `level_dormancy`, `level_new_link`,
    `level_quality`, `level_template_quality`, `level_spam_errors`, `level_reachout`, `level_new_chat_cap`,
    `level_account_errors`, `level_restriction`, `level_restart`, `level_trust_score`, `silent`, `answered_sender`,
    bitShiftLeft(toUInt128(toUnixTimestamp64Milli(minute)), 64) + version AS `place`
FROM {database}.number_status
COMMENT 'Copies rows of number_status to number_latest'
