package apachekafka

import (
	"fmt"
	"io"
	"os/exec"
	"strconv"
)

// guard is a shell that waits for the end of a pipe which only this process
// holds open. When this process dies, however it dies, the shell ends the
// broker. Its folder is removed by the next one that starts.
type guard struct {
	shell *exec.Cmd
	alive io.WriteCloser // alive is our end of the pipe. It is never written to.
}

// startGuard guards the process with this id, a child that was not waited for.
func startGuard(pid int) (*guard, error) {
	g := &guard{shell: exec.Command("sh", "-c", `read -r _; kill -9 "$1"`, "sh", strconv.Itoa(pid))}
	// A signal to the whole group (Ctrl-C) must not end the guard first.
	g.shell.SysProcAttr = guardAttributes()
	var err error
	if g.alive, err = g.shell.StdinPipe(); err != nil {
		return nil, err
	}
	if err := g.shell.Start(); err != nil {
		return nil, fmt.Errorf("start the guard of Apache Kafka: %w", err)
	}
	return g, nil
}

// stop ends the shell before the pipe, so that it does nothing. A guard that
// was not started may be stopped.
func (g *guard) stop() {
	if g == nil {
		return
	}
	_ = g.shell.Process.Kill()
	_ = g.shell.Wait() // It was killed: that is no error. Waiting closes the pipe.
}
