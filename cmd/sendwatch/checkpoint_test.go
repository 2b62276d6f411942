package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sendwatch/internal/checkpoint"
)

// TestCheckpointCommands lists, shows, verifies and rewinds what an owner wrote.
func TestCheckpointCommands(t *testing.T) {
	address := "file://" + filepath.ToSlash(t.TempDir())
	s, err := checkpoint.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // a test
	of := checkpoint.Partition{Topic: "events", Partition: 3, Partitions: 4}
	claimed, err := s.Claim(t.Context(), of, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{100, 200} {
		state := &checkpoint.State{Offset: offset, PolicyVersion: "v1", Sections: []checkpoint.Section{{Name: "engine", Data: []byte("state")}}}
		if err := claimed.Owner.Save(t.Context(), state); err != nil {
			t.Fatal(err)
		}
	}
	const older = "events/3/0000000001-0000000002"
	var out strings.Builder
	if err := listCheckpoints(t.Context(), &out, s); err != nil || strings.Count(out.String(), "state") != 2 || !strings.Contains(out.String(), older) {
		t.Errorf("ls: %v\n%s", err, out.String())
	}
	out.Reset()
	if err := showCheckpoint(t.Context(), &out, s, older); err != nil || !strings.Contains(out.String(), "next offset       100") || !strings.Contains(out.String(), "section engine    19 bytes stored") {
		t.Errorf("show: %v\n%s", err, out.String())
	}
	if err := showCheckpoint(t.Context(), &out, s, "events/3/none"); err == nil {
		t.Error("an object that is not there was shown")
	}
	out.Reset()
	if err := verifyCheckpoints(t.Context(), &out, s); err != nil || !strings.Contains(out.String(), "4 checkpoints, 0 of them") {
		t.Errorf("verify: %v\n%s", err, out.String())
	}
	rewind := checkpointRewind{storeArg{Store: address}, keyArg{older}}
	if err := rewind.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if claimed, err = s.Claim(t.Context(), of, 1); err != nil || claimed.Newest == nil || claimed.Newest.Offset != 100 {
		t.Errorf("after a rewind: %+v, %v", claimed, err)
	}
	out.Reset()
	if err := resetCheckpoints(t.Context(), &out, s, "events", nil); err != nil || out.String() != "partition 3 of events begins again without a checkpoint\n" {
		t.Fatalf("reset: %v\n%s", err, out.String())
	}
	if claimed, err = s.Claim(t.Context(), of, 1); err != nil || claimed.Newest != nil {
		t.Errorf("after a reset: %+v, %v", claimed, err)
	}
	if err := resetCheckpoints(t.Context(), &out, s, "event", nil); err == nil || !strings.Contains(err.Error(), "some of the topics events") {
		t.Errorf("of a topic that it does not know: %v", err)
	}
}

// TestCheckpointCommandsFindTheStore takes it from the configuration, and makes none.
func TestCheckpointCommandsFindTheStore(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for want, arg := range map[string]storeArg{
		"no store is at":           {Store: "file://" + filepath.ToSlash(missing)},
		"--store URL":              {Config: filepath.Join(dir, "none.yaml")},
		"has no checkpoints.store": {Config: write("without.yaml", "kafka: {brokers: [\"127.0.0.1:1\"]}\n")},
	} {
		verify := checkpointVerify{arg}
		if err := verify.Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, expected %q", arg, err, want)
		}
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("looking into a store made it")
	}
	list := checkpointLS{storeArg{Config: write("with.yaml", "kafka: {brokers: [\"127.0.0.1:1\"]}\ncheckpoints: {store: \"file://"+filepath.ToSlash(dir)+"\"}\n")}}
	if err := list.Run(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestStoresLogToUs has commands look into a store of S3 whose answers have no checksum, which the SDK says to whom it is told to,
// and else to the standard error in a form of its own.
func TestStoresLogToUs(t *testing.T) {
	const key = "events/3/0000000001-0000000000"
	object := func() []byte {
		address := "file://" + filepath.ToSlash(t.TempDir())
		s, err := checkpoint.Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close() //nolint:errcheck // a test
		if _, err := s.Claim(t.Context(), checkpoint.Partition{Topic: "events", Partition: 3, Partitions: 4}, 1); err != nil {
			t.Fatal(err)
		}
		claim, err := os.ReadFile(filepath.Join(strings.TrimPrefix(address, "file://"), filepath.FromSlash(key)))
		if err != nil {
			t.Fatal(err)
		}
		return claim
	}()
	bucket := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("list-type") {
			fmt.Fprintf(w, `<ListBucketResult><Contents><Key>%s</Key><Size>%d</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents></ListBucketResult>`, key, len(object))
			return
		}
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
		_, _ = w.Write(object)
	}))
	defer bucket.Close()
	path := filepath.Join(t.TempDir(), "sendwatch.yaml")
	text := fmt.Sprintf("checkpoints:\n  store: s3://bucket?region=eu-west-1&anonymous=true&use_path_style=true&endpoint=%s\nlog:\n  level: debug\n", bucket.URL)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	said := stderrOf(t, func() {
		verify := checkpointVerify{storeArg{Config: path}}
		if err := verify.Run(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if !strings.Contains(said, "level=DEBUG msg=\"the S3 library") || strings.Contains(said, "SDK ") {
		t.Errorf("the standard error has:\n%s", said)
	}
	said = stderrOf(t, func() {
		show := checkpointShow{storeArg{Store: strings.Fields(text)[2]}, keyArg{key}}
		if err := show.Run(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if said != "" {
		t.Errorf("the standard error has what is for debugging only:\n%s", said)
	}
}

// stderrOf returns what is written to the standard error while do runs.
func stderrOf(t *testing.T, do func()) string {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stderr
	os.Stderr = write
	defer func() { os.Stderr = before }()
	said := make(chan string)
	go func() {
		all, _ := io.ReadAll(read) // until the pipe is closed
		said <- string(all)
	}()
	do()
	_ = write.Close()
	return <-said
}
