package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// MissingError says that a program is not on this machine, and what to do.
type MissingError struct {
	Program string // Program is the command that was looked for.
	Advice  string // Advice is a clause that says what to do, without a full stop.
}

// Error is one sentence: the program and the advice.
func (e *MissingError) Error() string {
	return e.Program + " was not found on this machine: " + e.Advice
}

// killDelay is how long a client has to end by itself once it was asked to.
const killDelay = 5 * time.Second

// run runs a client in dir and waits. Its output is kept for the error only.
func run(ctx context.Context, dir, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	var out tail
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = killDelay
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%s %s: %w\n%s", program, args[0], err, out.String())
	}
	return nil
}

// look finds program on the path, or returns a *MissingError with the advice.
func look(program, advice string) error {
	if _, err := exec.LookPath(program); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return &MissingError{Program: program, Advice: advice}
		}
		return err
	}
	return nil
}

// tailBytes is how much of a client's output an error carries.
const tailBytes = 2 << 10

// tail keeps the last bytes written to it.
type tail struct {
	buf bytes.Buffer
}

// Write keeps p and drops what is older than tailBytes.
func (t *tail) Write(p []byte) (int, error) {
	t.buf.Write(p)
	if over := t.buf.Len() - tailBytes; over > 0 {
		t.buf.Next(over)
	}
	return len(p), nil
}

// String is the kept output without surrounding space.
func (t *tail) String() string { return strings.TrimSpace(t.buf.String()) }

// watchInterval is how often the growing folder is measured.
const watchInterval = 150 * time.Millisecond

// watch reports the bytes under dir until stop is called; stop waits for it.
func watch(dir string, step Step, report Report) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(watchInterval)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				step.Done = min(treeBytes(dir), step.Total)
				report(step)
			}
		}
	}()
	return func() { close(quit); <-done }
}

// treeBytes sums the sizes of the files under dir. Files may come and go
// meanwhile: an error only makes the sum smaller.
func treeBytes(dir string) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // A vanished file is not an error here.
		}
		if fi, err := d.Info(); err == nil {
			sum += fi.Size()
		}
		return nil
	})
	return sum
}
