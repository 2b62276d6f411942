package apachekafka

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// How long the broker may take. They are generous: the machine may be busy.
const (
	readyTimeout = 90 * time.Second // from start to the first answer
	stopTimeout  = 15 * time.Second // from SIGTERM to the end
	readyPoll    = 50 * time.Millisecond
)

var (
	errPortTaken = errors.New("another process took the port of Apache Kafka")
	errRuns      = errors.New("the broker runs already")
	errStopped   = errors.New("the broker does not run")
)

// process is the Java process and what belongs to it.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // ended is closed when the process has ended.
}

// Restart starts a stopped broker on the data and ports it had.
func (b *Broker) Restart(ctx context.Context) error {
	if b.process != nil {
		return errRuns
	}
	output, err := os.Create(b.files.output)
	if err != nil {
		return err
	}
	cmd := exec.Command("java", b.javaArgs("kafka.Kafka", b.files.properties)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = b.files.root, output, output
	err = cmd.Start()
	if err := errors.Join(err, output.Close()); err != nil {
		return fmt.Errorf("start Apache Kafka: %w", err)
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	b.process = p
	guard, guardErr := startGuard(cmd.Process.Pid)
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // How it ended is in its log.
		guard.stop()
	}()
	if guardErr != nil {
		return errors.Join(guardErr, b.Kill())
	}
	if err := b.waitReady(ctx); err != nil {
		return errors.Join(err, b.Kill())
	}
	return nil
}

// waitReady asks the broker until it answers.
func (b *Broker) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		last := answers(ctx, b.Addr())
		if last == nil {
			return nil
		}
		select {
		case <-b.process.ended:
			log := b.log()
			if bytes.Contains(log, []byte("Address already in use")) {
				return errPortTaken
			}
			return fmt.Errorf("Apache Kafka ended while starting: its log ends with\n%s", tail(string(log))) //nolint:staticcheck // A name.
		case <-ctx.Done():
			return fmt.Errorf("Apache Kafka does not answer on %s (%w, %w): its log ends with\n%s", b.Addr(), ctx.Err(), last, tail(string(b.log()))) //nolint:staticcheck // A name.
		case <-tick.C:
		}
	}
}

// log is what the broker wrote so far.
func (b *Broker) log() []byte {
	var all []byte
	for _, f := range []string{b.files.output, b.files.log} {
		text, err := os.ReadFile(f)
		if err == nil {
			all = append(all, text...)
		}
	}
	return all
}

// answers sends the smallest request of Kafka's protocol and reads the answer:
// a port that accepts is not yet a broker that works.
//
//	size int32 | api key int16 | version int16 | correlation id int32 | client id int16 (-1: none)
func answers(ctx context.Context, addr string) (err error) {
	const apiVersions = 18
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	request := binary.BigEndian.AppendUint32(nil, 10)
	request = binary.BigEndian.AppendUint16(request, apiVersions)
	request = binary.BigEndian.AppendUint16(request, 0)
	request = binary.BigEndian.AppendUint32(request, 1)
	request = binary.BigEndian.AppendUint16(request, 0xffff)
	if _, err := conn.Write(request); err != nil {
		return err
	}
	var answer [10]byte // size, correlation id, error code
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return err
	}
	if code := binary.BigEndian.Uint16(answer[8:]); code != 0 {
		return fmt.Errorf("error code %d", code)
	}
	return nil
}

// Stop ends the broker tidily and keeps its data. A broker that does not end
// in time is killed.
func (b *Broker) Stop() error { return b.end(syscall.SIGTERM) }

// Kill ends the broker at once, as kill -9 does, and keeps its data.
func (b *Broker) Kill() error { return b.end(syscall.SIGKILL) }

func (b *Broker) end(signal os.Signal) error {
	p := b.process
	if p == nil {
		return errStopped
	}
	b.process = nil
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop Apache Kafka: %w", err)
	}
	timeout := time.NewTimer(stopTimeout)
	defer timeout.Stop()
	select {
	case <-p.ended:
		return nil
	case <-timeout.C:
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill Apache Kafka: %w", err)
	}
	<-p.ended
	return nil
}
