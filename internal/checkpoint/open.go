package checkpoint

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/memblob" // mem://
)

// Open opens the store of a URL: file:///folder, which is created if it is
// missing, mem://, or where package clouds is linked one of s3://bucket?region=...,
// gs://bucket and azblob://container.
func Open(ctx context.Context, address string) (*Store, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %q is no URL: give one as in file:///var/lib/sendwatch or s3://bucket?region=eu-west-1", address)
	}
	if u.Scheme == "" || u.Scheme == "file" && u.Host != "" {
		return nil, fmt.Errorf("checkpoint: %q names no store: give a URL as in file:///var/lib/sendwatch (three slashes) or s3://bucket?region=eu-west-1", address)
	}
	if !blob.DefaultURLMux().ValidBucketScheme(u.Scheme) {
		return nil, fmt.Errorf("checkpoint: %q names no store: give a URL that begins with one of %s://", u.Redacted(), strings.Join(slices.DeleteFunc(
			blob.DefaultURLMux().BucketSchemes(), func(s string) bool { return s == "mem" }), "://, "))
	}
	if u.Scheme == "file" {
		return openFolder(filepath.FromSlash(u.Path))
	}
	bucket, err := blob.OpenBucket(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: open %s: %w", u.Redacted(), err)
	}
	return OpenBucket(bucket), nil
}

// OpenBucket makes a store of a bucket whose library has the condition that an object must not exist go with its
// write. Closing the store closes the bucket.
func OpenBucket(bucket *blob.Bucket) *Store {
	s := newStore(bucket)
	s.create = s.put
	return s
}

// Exists returns an error if the store of a URL is a folder that is not there: Open would create it, and who
// looks into a store has mistyped one that is not.
func Exists(address string) error {
	if u, err := url.Parse(address); err == nil && u.Scheme == "file" && u.Host == "" {
		if _, err := os.Stat(filepath.FromSlash(u.Path)); err != nil {
			return fmt.Errorf("checkpoint: no store is at %q (%w): give the URL of checkpoints.store", address, err)
		}
	}
	return nil
}

// openFolder opens a directory: the library reads it, and file.go writes.
func openFolder(path string) (*Store, error) { return OpenFolder(path, doStep) }

// OpenFolder opens a directory as Open does, each of whose steps is done by step: tests
// break off there.
func OpenFolder(path string, step Step) (*Store, error) {
	if err := os.MkdirAll(filepath.Join(path, partial), 0o750); err != nil {
		return nil, fmt.Errorf("checkpoint: %w: name a folder that can be written", err)
	}
	bucket, err := fileblob.OpenBucket(path, &fileblob.Options{NoTempDir: true, Metadata: fileblob.MetadataDontWrite})
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	s, f := newStore(bucket), folder{path: path, step: step}
	s.create, s.objects, s.sweep, s.step = f.create, f.objects, f.sweep, step
	return s, nil
}

func newStore(bucket *blob.Bucket) *Store {
	s := &Store{bucket: bucket, now: time.Now, sweep: func(time.Time) error { return nil }, step: doStep}
	s.objects = s.listAll
	return s
}
