// Package clouds makes checkpoint.Open know the stores of clouds: s3://, gs:// and
// azblob://, each by the SDK of its maker. Its Open beside has the SDK of S3 write to a logger.
//
// It stands apart because the three SDKs are a third of the command and most of the time
// that building it takes: what only keeps checkpoints, and every test of it, is linked
// without them, and so is a command that is built with the tag noclouds. Its test holds what the
// fence rests on: each of the three sends the condition that an object must not exist
// with the write itself, and reports one that does as such.
package clouds
