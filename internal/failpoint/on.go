//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Enabled reports whether points do anything.
const Enabled = true

// variable says what happens where.
const variable = "SENDWATCH_FAILPOINTS"

// exitStatus is that of a process which a point has ended.
const exitStatus = 86

// action is what happens at one point.
type action struct {
	verb  string // exit, sleep, error
	sleep time.Duration
	at    int // which time, 0 for every

	mu      sync.Mutex
	reached int
}

// actions are what the environment says, read once. A mistake in it ends the process:
// the test that made it must not go on as if nothing had been said.
//
//nolint:gochecknoglobals // The environment is the process's, and so is what it says.
var actions = sync.OnceValue(func() map[Point]*action {
	all, err := parse(os.Getenv(variable))
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", variable, err)
		os.Exit(2)
	}
	return all
})

// parse reads what the environment says.
func parse(text string) (map[Point]*action, error) {
	all := map[Point]*action{}
	for part := range strings.SplitSeq(text, ",") {
		if part == "" {
			continue
		}
		name, what, _ := strings.Cut(part, "=")
		if !slices.Contains(All(), Point(name)) {
			return nil, fmt.Errorf("%q is no point; accepted are %v", name, All())
		}
		a := &action{}
		what, times, some := strings.Cut(what, "@")
		if some {
			var err error
			if a.at, err = strconv.Atoi(times); err != nil || a.at < 1 {
				return nil, fmt.Errorf("%s: %q is no count; give one from 1 on", name, times)
			}
		}
		verb, duration, _ := strings.Cut(what, ":")
		a.verb = verb
		switch verb {
		case "exit", "error":
		case "sleep":
			var err error
			if a.sleep, err = time.ParseDuration(duration); err != nil {
				return nil, fmt.Errorf("%s: %q is no duration: give one as in sleep:2s", name, duration)
			}
		default:
			return nil, fmt.Errorf("%s: %q is no action; accepted are exit, sleep:DURATION and error", name, verb)
		}
		all[Point(name)] = a
	}
	return all, nil
}

// Here does what the environment says of a point.
func Here(p Point) error {
	a := actions()[p]
	if a == nil {
		return nil
	}
	a.mu.Lock()
	a.reached++
	n := a.reached
	a.mu.Unlock()
	if a.at != 0 && n != a.at {
		return nil
	}
	fmt.Fprintf(os.Stderr, "failpoint %s: %s the %d. time\n", p, a.verb, n)
	switch a.verb {
	case "exit":
		os.Exit(exitStatus)
	case "sleep":
		time.Sleep(a.sleep)
		return nil
	}
	return fmt.Errorf("failpoint %s", p)
}
