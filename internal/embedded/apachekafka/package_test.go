package apachekafka

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
)

// TestStoppedIsNotMissing stops a process while it asks Java for its version: who is told then
// that Java is missing looks in the wrong place.
func TestStoppedIsNotMissing(t *testing.T) {
	if _, err := exec.LookPath("java"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("Java is missing here")
		}
		t.Skip("Java is missing here")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := checkJava(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a look at Java that was stopped returned %v", err)
	}
}
