//go:build !unix

package apachekafka

import (
	"errors"
	"syscall"
)

// Pause refuses: this system cannot halt a process.
func (b *Broker) Pause() error { return errors.ErrUnsupported }

// Resume refuses: this system cannot halt a process.
func (b *Broker) Resume() error { return errors.ErrUnsupported }

func guardAttributes() *syscall.SysProcAttr { return nil }
