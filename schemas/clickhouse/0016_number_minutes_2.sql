-- Version 2 of the contract: messages of groups, and the codes that joined a class.
ALTER TABLE {database}.number_minutes
    ADD COLUMN IF NOT EXISTS `group_messages` UInt32 COMMENT 'Messages of groups, of every kind; counted nowhere else' CODEC(T64, ZSTD(1)) AFTER `templates_sent`,
    COMMENT COLUMN IF EXISTS `failed_reputation` 'Failed statuses for reputation: spam, paused or disabled templates, refused first contacts (131048, 132015, 132016, 463, 131207, 131214)',
    COMMENT COLUMN IF EXISTS `failed_contact` 'Failed statuses for a contact that cannot receive (131026, 130403, 137000)',
    COMMENT COLUMN IF EXISTS `failed_pace` 'Failed statuses because of too high a pace (131056, 130429, 80007, 4, 131208, 133016)',
    COMMENT COLUMN IF EXISTS `sent` 'Sends: messages to one person that are neither reactions nor held'
