package processor

import (
	"fmt"
	"reflect"
	"time"

	"sendwatch/internal/engine"
	"sendwatch/internal/flat"
)

// Snapshot is the state of a Processor between two records, in bytes, which are complete once
// Finish has returned. Its memory is used again by the next one.
type Snapshot struct {
	Policy string // the version in force
	Head   []byte // what the state was computed by beside the log
	Engine []byte
	Shadow []byte // empty without a shadow policy

	held []*flat.Snapshot
}

// Finish copies what has not been copied yet. Another goroutine may do so while the Processor
// goes on.
func (s *Snapshot) Finish() {
	for _, h := range s.held {
		h.Finish()
	}
	s.held = nil
}

// hold begins a snapshot of an engine in the memory of dst.
func (s *Snapshot) hold(dst []byte, e *engine.Engine) []byte {
	h := flat.Begin(dst, e.Copy)
	s.held = append(s.held, h)
	return h.Bytes()
}

// head is what a state was computed by beside the log and the policy in force. With
// another one the same log gives another state.
type head struct {
	dedup  int64  // ms
	secret uint64 // of the contact hashes: a check, from which it cannot be found
	pane   uint8  // bits
	shadow string // version of the shadow policy, empty without
}

func (h *head) copy(c *flat.Copier) {
	flat.Value(c, &h.dedup)
	flat.Value(c, &h.secret)
	flat.Value(c, &h.pane)
	flat.String(c, &h.shadow)
}

func (p *Processor) head() head {
	h := head{dedup: p.cfg.Engine.DedupHorizon, secret: p.cfg.Secret.Check(), pane: p.cfg.Engine.PaneBits}
	if h.dedup == 0 {
		h.dedup = engine.DefaultDedupHorizon
	}
	if p.cfg.Shadow != nil {
		h.shadow = p.cfg.Shadow.Version
	}
	return h
}

// SettingError is the error of a state that was computed by another setting.
type SettingError struct {
	Setting    string // as the configuration names it
	Have, Want string // of the snapshot, of this process
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("the state was computed with %s, and this process has %s: set %s back, or have the logs of both roles read again from their beginning", e.Have, e.Want, e.Setting)
}

// differs compares what a state was computed by with what this process has.
func (h *head) differs(now *head) error {
	switch {
	case h.dedup != now.dedup:
		return &SettingError{"numbers.dedup_horizon", inWords(h.dedup), inWords(now.dedup)}
	case h.secret != now.secret:
		return &SettingError{"contacts.secret_file", "another contact secret", "its own"}
	case h.pane != now.pane:
		return &SettingError{"numbers.pane_size", fmt.Sprintf("panes of %d records", 1<<h.pane), fmt.Sprintf("panes of %d", 1<<now.pane)}
	}
	return nil
}

// inWords returns how long ids are remembered, of milliseconds.
func inWords(ms int64) string {
	return "ids remembered for " + (time.Duration(ms) * time.Millisecond).String()
}

// Snapshot begins to write the state to s, as it is now: between two records, after a Flush
// that left nothing. The Processor stands still for a small part of it only; s.Finish copies
// the rest.
func (p *Processor) Snapshot(s *Snapshot) {
	h := p.head()
	s.Policy = p.policy.Version
	s.Head = flat.Append(s.Head[:0], h.copy)
	s.held = nil
	s.Engine = s.hold(s.Engine, p.engine)
	s.Shadow = s.Shadow[:0]
	if p.shadow != nil {
		s.Shadow = s.hold(s.Shadow, p.shadow.engine)
	}
}

// Restore makes the state that of a snapshot, whatever it was. It ends once ended, which may be nil,
// returns an error, with that one. It fails with a
// *SettingError if the snapshot was computed by another setting, and if the policy that
// was in force is not known; the processor is of no use then. shadowed is false if
// there is a shadow policy and the snapshot has no state of it: it begins empty, and
// knows nothing of what was before.
func (p *Processor) Restore(s *Snapshot, ended func() error) (shadowed bool, err error) {
	var was head
	if err := flat.Read(s.Head, was.copy); err != nil {
		return false, err
	}
	now := p.head()
	if err := was.differs(&now); err != nil {
		return false, err
	}
	policy := p.cfg.Engine.Policy
	if s.Policy != policy.Version {
		if p.cfg.Policies == nil {
			return false, fmt.Errorf("the state was computed by policy %q, this process knows %q only", s.Policy, policy.Version)
		}
		if policy, err = p.cfg.Policies.Find(s.Policy); err != nil {
			return false, fmt.Errorf("restore a state: %w", err)
		}
	}
	config := p.cfg.Engine
	config.Policy = policy
	restored := engine.New(config)
	if err := flat.ReadUntil(ended, s.Engine, restored.Copy); err != nil {
		return false, err
	}
	p.policy, p.engine, p.naming = policy, restored, false
	p.decoder = p.newDecoder(policy)
	if p.shadow == nil {
		return true, nil
	}
	p.shadow = newShadow(p)
	if was.shadow != now.shadow {
		return false, nil
	}
	return true, flat.ReadUntil(ended, s.Shadow, p.shadow.engine.Copy)
}

// StateTypes returns the types of the values that a snapshot copies, in order.
func StateTypes() []reflect.Type {
	var h head
	e := engine.New(engine.Config{})
	return append(flat.Types(h.copy), flat.Types(e.Copy)...)
}
