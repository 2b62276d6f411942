package embeddedtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"sendwatch/internal/embedded/apachekafka"
	"sendwatch/internal/embedded/chdb"
	"sendwatch/internal/embedded/fetch"
)

// startTimeout bounds the first start, which may fetch hundreds of megabytes.
const startTimeout = 10 * time.Minute

// engines is what runs in this test binary. Tests of one binary share it, so
// it has to be reachable from all of them: the one variable of this package.
type engines struct {
	mu      sync.Mutex
	managed bool // managed says that Main runs this binary.
	chdb    started[*chdb.Server]
	kafka   started[*apachekafka.Broker]
	stops   []func() error
	names   int
}

//nolint:gochecknoglobals // See engines.
var shared engines

// started is an engine that was asked for, with the error of that one attempt.
type started[T any] struct {
	asked  bool
	engine T
	err    error
}

// Main runs the tests and stops the shared engines. It does not return.
func Main(m *testing.M) {
	shared.mu.Lock()
	shared.managed = true
	shared.mu.Unlock()
	code := m.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "embeddedtest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func (e *engines) stop() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, v := range slices.Backward(e.stops) {
		errs = append(errs, v())
	}
	e.stops = nil
	return errors.Join(errs...)
}

// errNoMain is for a test binary that would leave its engines running.
var errNoMain = errors.New("add func TestMain(m *testing.M) { embeddedtest.Main(m) } to this package's tests: it stops the shared engines")

// get returns the engine, starting it if this is the first call.
func get[T any](e *engines, s *started[T], start func(context.Context) (T, func() error, error)) (T, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.managed {
		return s.engine, errNoMain
	}
	if !s.asked {
		s.asked = true
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		var stop func() error
		if s.engine, stop, s.err = start(ctx); s.err == nil {
			e.stops = append(e.stops, stop)
		}
	}
	return s.engine, s.err
}

// need ends the test if err says that its engine cannot be had.
func need(t testing.TB, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var missing *fetch.MissingError
	if (errors.As(err, &missing) || errors.Is(err, chdb.ErrUnsupported)) && os.Getenv("CI") != "true" {
		t.Skipf("%s is not available here: %v", what, err)
	}
	t.Fatalf("%s: %v", what, err)
}

// uniqueName is a name no other test of this binary gets.
func (e *engines) uniqueName(prefix string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.names++
	return fmt.Sprintf("%s%d", prefix, e.names)
}

// Eventually asks until the answer is yes, and fails the test if it is not by
// the deadline. what completes the sentence "waited 10s until ...".
func Eventually(t testing.TB, deadline time.Duration, what string, ask func() bool) {
	t.Helper()
	timeout := time.NewTimer(deadline)
	defer timeout.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ask() {
		select {
		case <-timeout.C:
			t.Fatalf("waited %v until %s", deadline, what)
		case <-tick.C:
		}
	}
}
