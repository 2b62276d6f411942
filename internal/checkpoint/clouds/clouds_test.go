package clouds

import (
	"errors"
	"testing"

	"sendwatch/internal/checkpoint"
)

var events = checkpoint.Partition{Topic: "events", TopicID: [16]byte{1}, Partition: 3, Partitions: 12}

// each runs a test on the store of each cloud.
func each(t *testing.T, run func(t *testing.T, f *fake, s *checkpoint.Store)) {
	t.Helper()
	for name, open := range map[string]func(t *testing.T, host string) string{
		"s3": func(_ *testing.T, host string) string {
			return "s3://bucket?region=eu-west-1&anonymous=true&use_path_style=true&endpoint=http://" + host
		},
		"gs": func(t *testing.T, host string) string {
			t.Helper()
			t.Setenv("STORAGE_EMULATOR_HOST", host)
			return "gs://bucket?anonymous=true"
		},
		"azblob": func(t *testing.T, host string) string {
			t.Helper()
			t.Setenv("AZURE_STORAGE_ACCOUNT", "account")
			t.Setenv("AZURE_STORAGE_KEY", "b25seSBmb3IgdGVzdHM=")
			return "azblob://bucket?localemu=true&protocol=http&domain=" + host
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, host := newFake(t)
			s, err := checkpoint.Open(t.Context(), open(t, host))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				f.mu.Lock()
				defer f.mu.Unlock()
				if len(f.unknown) > 0 {
					t.Errorf("asked for what the fake does not know: %q", f.unknown)
				}
			})
			run(t, f, s)
		})
	}
}

func claimed(t *testing.T, s *checkpoint.Store) *checkpoint.Claimed {
	t.Helper()
	c, err := s.Claim(t.Context(), events, 42)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func state(offset int64) *checkpoint.State {
	return &checkpoint.State{Offset: offset, PolicyVersion: "v1", Sections: []checkpoint.Section{{Name: "numbers", Data: []byte("what is known")}}}
}

// TestCheckpointsInClouds writes states, reads the newest, fences an owner, goes back and cleans.
func TestCheckpointsInClouds(t *testing.T) {
	each(t, func(t *testing.T, f *fake, s *checkpoint.Store) {
		first := claimed(t, s)
		if first.Newest != nil {
			t.Fatalf("an empty bucket has %+v", first.Newest)
		}
		for _, offset := range []int64{100, 200, 300} {
			if err := first.Owner.Save(t.Context(), state(offset)); err != nil {
				t.Fatal(err)
			}
		}
		second := claimed(t, s)
		if data, ok := second.Newest.Section("numbers"); second.Newest.Offset != 300 || !ok || string(data) != "what is known" {
			t.Fatalf("went on from %+v", second.Newest)
		}
		if err := first.Owner.Save(t.Context(), state(400)); !errors.Is(err, checkpoint.ErrFenced) {
			t.Errorf("an owner that was replaced could save: %v", err)
		}
		objects, err := s.Objects(t.Context(), events.Topic, events.Partition)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Rewind(t.Context(), &objects[3]); err != nil { // behind claim and beginning, the second state
			t.Fatal(err)
		}
		third := claimed(t, s)
		if third.Newest.Offset != 200 {
			t.Errorf("went on from %d after going back to %s", third.Newest.Offset, objects[3].Key)
		}
		for _, offset := range []int64{210, 220, 230} {
			if err := third.Owner.Save(t.Context(), state(offset)); err != nil {
				t.Fatal(err)
			}
		}
		if err := third.Owner.Clean(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		if objects, err = s.Objects(t.Context(), events.Topic, events.Partition); err != nil || len(objects) > 6 {
			t.Errorf("%d objects after cleaning, %v", len(objects), err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.unconditional) > 0 {
			t.Errorf("written without the condition that nothing is there: %q", f.unconditional)
		}
	})
}

// TestNoNameIsWrittenTwice has somebody else write the next name first.
func TestNoNameIsWrittenTwice(t *testing.T) {
	each(t, func(t *testing.T, f *fake, s *checkpoint.Store) {
		owner := claimed(t, s).Owner
		const next, theirs = "events/3/0000000001-0000000002", "of somebody else"
		f.mu.Lock()
		f.objects[next] = []byte(theirs)
		f.mu.Unlock()
		err := owner.Save(t.Context(), state(100))
		f.mu.Lock()
		defer f.mu.Unlock()
		if string(f.objects[next]) != theirs {
			t.Fatalf("it was overwritten: %v", err)
		}
		if err == nil {
			t.Error("the save says that it succeeded")
		}
	})
}
