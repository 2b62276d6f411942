package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// task is one thing that runs until it is stopped.
type task struct {
	name   string
	cancel context.CancelFunc
	done   chan error
}

// tasks are stopped one by one in the order that the demo needs. One that fails
// before it was stopped ends the demo.
type tasks struct {
	fail    context.CancelCauseFunc
	running []*task
}

func (p *tasks) start(ctx context.Context, name string, run func(context.Context) error) *task {
	// Tasks outlive the signal: each is stopped when those that need it are.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	one := &task{name: name, cancel: cancel, done: make(chan error, 1)}
	go func() {
		err := run(ctx)
		if err != nil && ctx.Err() == nil {
			p.fail(fmt.Errorf("%s: %w", name, err))
		}
		one.done <- err
	}()
	p.running = append(p.running, one)
	return one
}

// stop ends a task and waits for it. More calls do nothing.
func (p *task) stop() error {
	if p == nil || p.done == nil {
		return nil
	}
	p.cancel()
	err := <-p.done
	p.done = nil
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}

// stopAll ends what still runs, the youngest first.
func (p *tasks) stopAll() error {
	var errs []error
	for _, one := range slices.Backward(p.running) {
		errs = append(errs, one.stop())
	}
	return errors.Join(errs...)
}
