//go:build unix

package apachekafka

import "syscall"

// Pause halts the broker as it is: it keeps its connections and says nothing,
// like a machine that hangs.
func (b *Broker) Pause() error {
	if b.process == nil {
		return errStopped
	}
	return b.process.cmd.Process.Signal(syscall.SIGSTOP)
}

// Resume lets a paused broker go on.
func (b *Broker) Resume() error {
	if b.process == nil {
		return errStopped
	}
	return b.process.cmd.Process.Signal(syscall.SIGCONT)
}

// guardAttributes puts the guard into a process group of its own.
func guardAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
