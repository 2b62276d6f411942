//go:build unix

package apachekafka

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// asGuarded makes this test binary play the process that is killed.
const asGuarded = "SENDWATCH_TEST_GUARDED"

// TestGuardEndsTheChild kills a process that guards a child. The child holds
// that process's standard output, which ends when both are gone.
func TestGuardEndsTheChild(t *testing.T) {
	if os.Getenv(asGuarded) != "" {
		guardAChild(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestGuardEndsTheChild$")
	cmd.Env = append(os.Environ(), asGuarded+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe() // It waits for the end of this.
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	if line, err := r.ReadString('\n'); err != nil || strings.TrimSpace(line) != "guarding" {
		t.Fatalf("the process says %q, %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, r)
		ended <- err
	}()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the child outlived its parent")
	}
	_ = cmd.Wait() // It was killed.
}

func guardAChild(t *testing.T) {
	t.Helper()
	child := exec.Command("sleep", "60")
	child.Stdout = os.Stdout
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := startGuard(child.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stdout.WriteString("guarding\n"); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}
