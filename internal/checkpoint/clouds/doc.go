// Package clouds makes checkpoint.Open know the stores of clouds: s3://, gs:// and
// azblob://, each by the SDK of its maker. It is imported for that alone.
//
// It stands apart because the three SDKs are half of the command: what only keeps
// checkpoints, and every test of it, is linked without them. Its test holds what the
// fence rests on: each of the three sends the condition that an object must not exist
// with the write itself, and reports one that does as such.
package clouds

import (
	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/gcsblob"   // gs://
	_ "gocloud.dev/blob/s3blob"    // s3://
)
