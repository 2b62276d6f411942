//go:build !noclouds

package clouds

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"
	"gocloud.dev/blob/s3blob"

	"sendwatch/internal/checkpoint"
)

// Open opens a store as checkpoint.Open does. What the SDK of S3 says goes to logger: left alone, it
// writes to the process's standard error, whatever level the log has. It is not asked to log requests, which would show signatures.
func Open(ctx context.Context, address string, logger *slog.Logger) (*checkpoint.Store, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != s3blob.Scheme {
		return checkpoint.Open(ctx, address)
	}
	opener := &s3blob.URLOpener{}
	bucket, err := opener.OpenBucketURL(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: open %s: %w", u.Redacted(), err)
	}
	var client *s3.Client
	if bucket.As(&client) {
		// The opener takes no logger. It leaves in its options what it read of the URL beside the client's own.
		client = s3.New(client.Options(), func(o *s3.Options) { o.Logger = sdkLogger(logger) })
		if bucket, err = s3blob.OpenBucket(ctx, client, u.Host, &opener.Options); err != nil {
			return nil, fmt.Errorf("checkpoint: open %s: %w", u.Redacted(), err)
		}
	}
	return checkpoint.OpenBucket(bucket), nil
}

// sdkLogger returns a logger of the SDK's kind that writes to ours.
func sdkLogger(logger *slog.Logger) logging.Logger {
	return logging.LoggerFunc(func(c logging.Classification, format string, v ...any) {
		level := slog.LevelDebug
		if c == logging.Warn {
			level = slog.LevelWarn
		}
		logger.Log(context.Background(), level, "the S3 library of the store of checkpoints says", "message", fmt.Sprintf(format, v...))
	})
}
