package clouds

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// TestSDKLogsToUs reads an object without a checksum, which the SDK of S3 says for debugging: our log is to have it, at its level.
func TestSDKLogsToUs(t *testing.T) {
	f, host := newFake(t)
	var log bytes.Buffer
	s, err := Open(t.Context(), "s3://bucket?region=eu-west-1&anonymous=true&use_path_style=true&endpoint=http://"+host, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	if err := claimed(t, s).Owner.Save(t.Context(), state(100)); err != nil {
		t.Fatal(err)
	}
	if again := claimed(t, s); again.Newest == nil || again.Newest.Offset != 100 {
		t.Errorf("went on from %+v", again.Newest)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.unknown) > 0 || len(f.unconditional) > 0 {
		t.Errorf("asked for what the fake does not know, %q, or without the condition, %q", f.unknown, f.unconditional)
	}
	if !strings.Contains(log.String(), "level=DEBUG") || !strings.Contains(log.String(), "checksum") {
		t.Errorf("the log says:\n%s", log.String())
	}
}
