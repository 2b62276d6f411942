-- Four ratios follow from counts of the same row, bit by bit (a test of the engine holds it to that), so that they need
-- not lie there: they are computed where they are asked for. They keep their names and places, but SELECT * of the
-- table leaves them out. A release before this one cannot insert into the table any more: stop it first.
-- What lay there is dropped, which rewrites nothing. There is no IF NOT EXISTS, for ClickHouse asks that before the first
-- DROP and would then add nothing; applied again, the statement drops what it made and makes it again.
ALTER TABLE {database}.number_status
    DROP COLUMN IF EXISTS `reply_ratio_7d`,
    ADD COLUMN `reply_ratio_7d` Nullable(Float64) ALIAS if(answered_7d + unanswered_7d = 0, NULL, answered_7d / (answered_7d + unanswered_7d)) COMMENT 'answered / (answered + unanswered) of 7 d; NULL when none is resolved' AFTER `unanswered_30d`,
    DROP COLUMN IF EXISTS `reply_ratio_30d`,
    ADD COLUMN `reply_ratio_30d` Nullable(Float64) ALIAS if(answered_30d + unanswered_30d = 0, NULL, answered_30d / (answered_30d + unanswered_30d)) COMMENT 'answered / (answered + unanswered) of 30 d; NULL when none is resolved' AFTER `reply_ratio_cold`,
    DROP COLUMN IF EXISTS `foreign_share_24h`,
    ADD COLUMN `foreign_share_24h` Nullable(Float64) ALIAS if(country_24h = 0, NULL, foreign_24h / country_24h) COMMENT 'foreign_24h / country_24h; NULL when no country is known' AFTER `country_24h`,
    DROP COLUMN IF EXISTS `no_opt_in_share_24h`,
    ADD COLUMN `no_opt_in_share_24h` Nullable(Float64) ALIAS if(opt_in_given_24h = 0, NULL, no_opt_in_24h / opt_in_given_24h) COMMENT 'no_opt_in_24h / opt_in_given_24h; NULL when none says' AFTER `opt_in_given_24h`
