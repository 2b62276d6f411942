package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// mark is what a process had used when it had applied so many events.
type mark struct {
	events int
	cpu    time.Duration // user and system, of all threads
	wall   time.Duration // since the process was started
}

// measured is one run of one system under test.
type measured struct {
	third, done mark
	rss         int64 // the most that was resident
	answer      *answer
	notes       map[string]string
}

// whole is ns of processor time an event, the start of the process included.
func (m *measured) whole() float64 { return float64(m.done.cpu) / float64(m.done.events) }

// steady is ns of processor time an event once a third of the log is over: a virtual machine
// has compiled its code by then.
func (m *measured) steady() float64 {
	return float64(m.done.cpu-m.third.cpu) / float64(m.done.events-m.third.events)
}

// wall is events a second of the same part by the clock on the wall.
func (m *measured) wall() float64 {
	return float64(m.done.events-m.third.events) / (m.done.wall - m.third.wall).Seconds()
}

// child is a process under test, alone on its core.
type child struct {
	command *exec.Cmd
	started time.Time
	lines   chan string
	ended   chan struct{} // closed when it has
	log     string
}

// core of the system under test, and of everything else.
const (
	coreOfChild = "1"
	coreOfRest  = "0"
)

// pinned puts a command on a core, if this process has been put on one. How many there are
// cannot be asked any more: a pinned process sees its own alone.
func pinned(core string, args ...string) []string {
	if os.Getenv(pinnedMark) == "" {
		return args
	}
	return append([]string{"taskset", "-c", core}, args...)
}

// start runs a command on the core of its own, with one processor for Go's scheduler. What
// it says on standard error goes to a file that is shown if it fails.
func start(ctx context.Context, o *options, name string, env []string, args ...string) (*child, error) {
	args = pinned(coreOfChild, args...)
	c := &child{lines: make(chan string, 64), ended: make(chan struct{}), log: filepath.Join(o.folder, name+".log")}
	c.command = exec.CommandContext(ctx, args[0], args[1:]...)
	c.command.Env = append(append(os.Environ(), "GOMAXPROCS=1"), env...)
	c.command.Cancel = func() error { return c.command.Process.Signal(syscall.SIGTERM) }
	c.command.WaitDelay = 10 * time.Second
	log, err := os.Create(c.log)
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the child has its own handle
	c.command.Stderr = log
	out, err := c.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.started = time.Now()
	if err := c.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			c.lines <- lines.Text()
		}
		close(c.lines)
		_ = c.command.Wait() // how it ends says nothing: it is told to
		close(c.ended)
	}()
	return c, nil
}

// now reads what the process has used so far.
func (c *child) now(events int) (mark, error) {
	cpu, err := processorTime(c.command.Process.Pid)
	return mark{events: events, cpu: cpu, wall: time.Since(c.started)}, err
}

// stop ends the process and waits for it.
func (c *child) stop() {
	_ = c.command.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(10*time.Second, func() { _ = c.command.Process.Kill() })
	defer timer.Stop()
	for range c.lines {
	}
	<-c.ended
}

// follow reads the lines of a peer (ready, third, done, answer, note) until its answer.
func (c *child) follow(ctx context.Context, events int) (*measured, error) {
	m := &measured{notes: map[string]string{}}
	limit := time.NewTimer(10 * time.Minute)
	defer limit.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-limit.C:
			return nil, errors.New("no answer within 10 minutes" + c.tail())
		case line, ok := <-c.lines:
			if !ok {
				return nil, errors.New("it ended without an answer" + c.tail())
			}
			if last, err := c.take(m, line, events); err != nil || last {
				return m, err
			}
		}
	}
}

// take notes one line, and reports whether it was the last.
func (c *child) take(m *measured, line string, events int) (last bool, err error) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "third":
		if n, bad := strconv.Atoi(rest); bad == nil { // it takes events in larger steps
			events = 3 * n
		}
		m.third, err = c.now(events / 3)
	case "done":
		if m.done, err = c.now(events); err == nil {
			m.rss, err = peakMemory(c.command.Process.Pid)
		}
	case "note":
		name, value, _ := strings.Cut(rest, "=")
		m.notes[name] = value
	case "answer":
		m.answer = new(answer)
		return true, json.Unmarshal([]byte(rest), m.answer)
	}
	return false, err
}

// tail is the end of what the process said on standard error.
func (c *child) tail() string {
	data, err := os.ReadFile(c.log)
	if err != nil {
		return ""
	}
	return ": " + string(data[max(0, len(data)-2000):])
}

// processorTime is the user and system time of a process, its ended threads included.
func processorTime(pid int) (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err1, err2) // USER_HZ is 100 on Linux
}

// peakMemory is the most that a process had resident, in bytes.
func peakMemory(pid int) (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(data), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, fmt.Errorf("/proc/%d/status has no VmHWM", pid)
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	return kib << 10, err
}
