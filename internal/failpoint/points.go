package failpoint

// Point is a moment between two durable steps.
type Point string

// The points, in the order in which an event meets them. What lies before a colon is the
// state that a crash leaves.
const (
	// Joined: the group has a generation with this member, which has read nothing.
	Joined Point = "group.joined"
	// Claimed: an epoch of the partition's checkpoints is claimed and has no beginning.
	Claimed Point = "checkpoint.claimed"
	// Begun: the epoch has a beginning and no state.
	Begun Point = "checkpoint.begun"
	// Restoring: the newest checkpoint is read, and nothing of it is in the engine.
	Restoring Point = "state.restoring"
	// Restored: the state is the checkpoint's, and the log is not opened yet.
	Restored Point = "state.restored"
	// Fetched: a batch is in memory and not applied.
	Fetched Point = "log.fetched"
	// SendingLetters: a batch is applied, its dead letters are not written.
	SendingLetters Point = "letters.send"
	// SentLetters: dead letters are acknowledged, the flags of their batch are not.
	SentLetters Point = "letters.sent"
	// Applied: a batch is applied, its flags are on their way.
	Applied Point = "log.applied"
	// SendingFlags: flags are taken to be written.
	SendingFlags Point = "flags.send"
	// SentFlags: flags are acknowledged, and nobody has heard so.
	SentFlags Point = "flags.sent"
	// SendingRows: the flags of a portion are acknowledged, its rows are not written.
	SendingRows Point = "rows.send"
	// SentRows: the rows of a portion are acknowledged, its shared events are not written.
	SentRows Point = "rows.sent"
	// SendingProgress: everything before the offset is acknowledged, and no progress
	// vouches for it.
	SendingProgress Point = "progress.send"
	// Produced: the broker has stored a batch, and its acknowledgement is not taken yet.
	Produced Point = "kafka.produced"
	// Acknowledged: everything before the offset is acknowledged, the state is not saved.
	Acknowledged Point = "flush.acknowledged"
	// Saving: nothing of the checkpoint is written.
	Saving Point = "checkpoint.write"
	// Torn: half of a checkpoint is written.
	Torn Point = "checkpoint.torn"
	// Syncing: the checkpoint is written and not synced.
	Syncing Point = "checkpoint.sync"
	// Linking: the checkpoint is synced and has no name.
	Linking Point = "checkpoint.link"
	// Unlinking: the checkpoint has two names.
	Unlinking Point = "checkpoint.unlink"
	// SyncingFolders: the checkpoint has its name, and the folder is not synced.
	SyncingFolders Point = "checkpoint.sync-folders"
	// Saved: the state is durable, the offset is not committed.
	Saved Point = "state.saved"
	// Committed: the offset is committed.
	Committed Point = "offset.committed"
	// Cleaning: an old checkpoint is removed, others are not.
	Cleaning Point = "checkpoint.cleaned"
	// Inserting: rows are read from Kafka and not inserted.
	Inserting Point = "sink.insert"
	// Inserted: rows are in ClickHouse, the offset is not committed.
	Inserted Point = "sink.inserted"
	// Draining: the claim has ended, and nothing is flushed.
	Draining Point = "claim.draining"
	// Drained: all that was applied is durable, and the member has not left.
	Drained Point = "claim.drained"
)

// All returns every point.
func All() []Point {
	return []Point{
		Joined, Claimed, Begun, Restoring, Restored, Fetched, SendingLetters, SentLetters, Applied, SendingFlags, SentFlags, SendingRows, SentRows,
		SendingProgress, Produced, Acknowledged, Saving, Torn, Syncing, Linking, Unlinking, SyncingFolders, Saved, Committed, Cleaning, Inserting,
		Inserted, Draining, Drained,
	}
}
