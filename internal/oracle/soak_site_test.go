package oracle

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is the real binary with a configuration, as an operator runs it.
type process struct {
	name, binary, config, log string
	base                      string   // of its HTTP server
	env                       []string // beside what all have
	cmd                       *exec.Cmd
	ended                     chan struct{}
}

// start starts the process and returns once its HTTP server answers.
func (p *process) start() error {
	if err := p.spawn(); err != nil {
		return err
	}
	return p.answers(30 * time.Second)
}

// spawn starts the process.
func (p *process) spawn() error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	p.cmd = exec.Command(p.binary, "run", "--config", p.config)
	p.cmd.Env = append(os.Environ(), "SENDWATCH_CONTACT_SECRET=00112233445566778899aabbccddeeff", "SOAK_PASSWORD="+soakUser.Password)
	p.cmd.Env = append(p.cmd.Env, p.env...)
	p.cmd.Stderr, p.cmd.Stdout = log, log
	if err := errors.Join(p.cmd.Start(), log.Close()); err != nil {
		return err
	}
	// A shell ends the process if this one is ended, however that happens.
	guard := exec.Command("sh", "-c", `read -r _; kill -9 "$1"`, "sh", strconv.Itoa(p.cmd.Process.Pid))
	alive, err := guard.StdinPipe()
	if err := errors.Join(err, guard.Start()); err != nil {
		return err
	}
	ended, cmd := make(chan struct{}), p.cmd
	p.ended = ended
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		_ = guard.Process.Kill()
		_ = guard.Wait() // it was killed
		_ = alive.Close()
		close(ended)
	}()
	return nil
}

// answers waits until the HTTP server of the process answers.
func (p *process) answers(within time.Duration) error {
	for deadline := time.Now().Add(within); time.Now().Before(deadline); pause(50 * time.Millisecond) {
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended at its start; see %s", p.name, p.log)
		default:
		}
		if _, err := p.problems(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s does not answer at %s; see %s", p.name, p.base, p.log)
}

// signal sends a signal to the process; nothing if it does not run.
func (p *process) signal(s syscall.Signal) error {
	if p.cmd == nil {
		return nil
	}
	return p.cmd.Process.Signal(s)
}

// stop lets the process drain and waits for its end; a process that does not end is
// killed, and an error.
func (p *process) stop() error {
	if p.cmd == nil {
		return nil
	}
	defer func() { p.cmd = nil }()
	if err := p.signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("%s: %w; see %s", p.name, err, p.log)
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(40 * time.Second):
		return errors.Join(fmt.Errorf("%s does not end when asked to; see %s", p.name, p.log), p.kill())
	}
}

// kill ends the process at once.
func (p *process) kill() error {
	if p.cmd == nil {
		return nil
	}
	defer func() { p.cmd = nil }()
	if err := p.signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	return nil
}

// unready is one reason for not being ready, as /readyz has it.
type unready struct {
	Reason    string `json:"reason"`
	Role      string `json:"role"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Detail    string `json:"detail"`
}

// problems asks /readyz.
func (p *process) problems() ([]unready, error) {
	var answer struct {
		Ready    bool      `json:"ready"`
		Problems []unready `json:"problems"`
	}
	if err := p.ask("/readyz", &answer); err != nil {
		return nil, err
	}
	if answer.Ready != (len(answer.Problems) == 0) {
		return nil, fmt.Errorf("/readyz says ready: %t, with the problems %v", answer.Ready, answer.Problems)
	}
	return answer.Problems, nil
}

// names waits until a reason stands on the process's page.
func (p *process) names(reason string) error {
	for deadline := time.Now().Add(leniency * reasonWithin); time.Now().Before(deadline); pause(50 * time.Millisecond) {
		problems, err := p.problems()
		if err == nil && slices.ContainsFunc(problems, func(one unready) bool { return one.Reason == reason }) {
			return nil
		}
	}
	return fmt.Errorf("%s does not name %s", p.name, reason)
}

// partition is how far a role is, as /api/status has it.
type partition struct {
	Role      string           `json:"role"`
	Partition int32            `json:"partition"`
	State     string           `json:"state"`
	Lag       int64            `json:"lag"`
	Watermark int64            `json:"watermark"`
	Entries   map[string]int64 `json:"entries"`
}

// partitions asks /api/status.
func (p *process) partitions() ([]partition, error) {
	var answer struct {
		Partitions []partition `json:"partitions"`
	}
	err := p.ask("/api/status", &answer)
	return answer.Partitions, err
}

// ask gets a page of JSON, of a process that is ready or not.
func (p *process) ask(path string, into any) error {
	client := http.Client{Timeout: 2 * time.Second}
	answer, err := client.Get(p.base + path)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	return json.NewDecoder(answer.Body).Decode(into)
}

// command runs another command of the binary under the process's configuration.
func (p *process) command(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.binary, args...)
	cmd.Args = append(cmd.Args, "--config", p.config)
	cmd.Env = append(os.Environ(), "SENDWATCH_CONTACT_SECRET=00112233445566778899aabbccddeeff", "SOAK_PASSWORD="+soakUser.Password)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("sendwatch %v: %w: %s", args, err, out)
	}
	return string(out), nil
}

// acknowledge acknowledges what the process has to have acknowledged.
func (p *process) acknowledge() error {
	_, err := p.command("acknowledge")
	return err
}

// generations counts how often the process was given partitions.
func (p *process) generations() (int, error) {
	log, err := os.ReadFile(p.log)
	return strings.Count(string(log), "partitions assigned"), err
}

// gate stands before a server: it lets through, refuses, or falls silent.
type gate struct {
	server, address string

	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
	open     chan struct{} // closed while bytes pass
}

// newGate returns a gate that is open.
func newGate(server string) (*gate, error) {
	g := &gate{server: server, address: "127.0.0.1:0", open: make(chan struct{})}
	close(g.open)
	return g, g.listen()
}

func (g *gate) listen() error {
	l, err := net.Listen("tcp", g.address)
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.listener, g.address = l, l.Addr().String()
	g.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go g.pass(c)
		}
	}()
	return nil
}

// pass copies both ways until one side ends.
func (g *gate) pass(c net.Conn) {
	s, err := net.Dial("tcp", g.server)
	if err != nil {
		_ = c.Close()
		return
	}
	g.mu.Lock()
	g.conns = append(g.conns, c, s)
	g.mu.Unlock()
	copying := func(to, from net.Conn) {
		defer func() { _, _ = to.Close(), from.Close() }()
		buffer := make([]byte, 32<<10)
		for {
			n, err := from.Read(buffer)
			g.mu.Lock()
			open := g.open
			g.mu.Unlock()
			<-open
			if _, failed := to.Write(buffer[:n]); err != nil || failed != nil {
				return
			}
		}
	}
	go copying(s, c)
	copying(c, s)
}

// refuse ends every connection and takes none.
func (g *gate) refuse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.listener.Close()
	for _, c := range g.conns {
		_ = c.Close()
	}
	g.conns = nil
}

// hang takes connections and lets nothing pass.
func (g *gate) hang() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = make(chan struct{})
}

// pass again what was held.
func (g *gate) resume() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.open)
}

// freePort returns a port that nobody has at present.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// build builds the binary, with the dear checks of its structures and these tags.
func build(t *testing.T, folder string, tags ...string) string {
	t.Helper()
	binary := filepath.Join(folder, "sendwatch")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", strings.Join(append(tags, "noengine", "invariants"), ","), "-o", binary, "../../cmd/sendwatch").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	return binary
}

// newProcess writes a configuration and returns the process that has it.
func (s *site) newProcess(t *testing.T, name string, roles []string, text string) *process {
	t.Helper()
	at := freePort(t)
	p := &process{
		name: name, binary: s.binary, config: filepath.Join(s.folder, name+".yaml"), log: filepath.Join(s.folder, name+".log"), base: "http://" + at,
	}
	deployment, _, _ := strings.Cut(name, "-")
	text = fmt.Sprintf(`roles: [%s]
http: {listen: "%s"}
kafka:
  brokers: ["%s"]
  client_id: soak-%s
  max_batch_mib: 32
  sasl: {mechanism: plain, username: %s, password_env: SOAK_PASSWORD}
  topics: {events: %[6]s.events, flags: %[6]s.flags, rows: %[6]s.rows, dead_letter: %[6]s.letters}
  groups: {numbers: %[6]s-numbers, portfolios: %[6]s-portfolios, sink: %[6]s-sink}
  create: {partitions: 2}
  session: %[8]s
%[7]s`, strings.Join(roles, ", "), at, s.broker.SASLAddr(), name, soakUser.Name, deployment, text, cmp.Or(s.session, 10*time.Second))
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.processes = append(s.processes, p)
	t.Cleanup(func() { _ = p.kill() })
	return p
}

// tail returns the last lines of a process's log that warn.
func (p *process) tail(n int) string {
	f, err := os.Open(p.log)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }()
	all, err := io.ReadAll(f)
	if err != nil {
		return err.Error()
	}
	lines := slices.DeleteFunc(strings.Split(string(all), "\n"), func(line string) bool { return line == "" || strings.Contains(line, "level=INFO") })
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// pause waits: the soak runs by the wall clock, as what it watches does.
func pause(d time.Duration) { <-time.After(d) }
