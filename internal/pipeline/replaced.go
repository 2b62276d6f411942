package pipeline

import (
	"context"
	"fmt"
)

// observed is a Log whose group's offset others may move as well.
type observed interface {
	// CommittedNow returns the group's offset of the partition as it is now, FromStart without one.
	CommittedNow(ctx context.Context) (int64, error)
}

// replacedError ends the work on a partition of a role without checkpoints that another process has read on.
type replacedError struct{ committed int64 }

// Error says up to where.
func (e *replacedError) Error() string {
	return fmt.Sprintf("another process has committed %d, which is more of the partition than this one has read", e.committed)
}

// notReplaced returns a replacedError if the group's offset says that another process has read on. What is gone was
// not lost then.
func (p *partitionProgress) notReplaced(ctx context.Context, log Log) error {
	asked, ok := log.(observed)
	if !ok {
		return nil
	}
	now, err := asked.CommittedNow(ctx)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		p.logger.Warn("the group's offset cannot be asked for: what retention has deleted is reported as lost, although another process may have read it",
			"role", p.name, "partition", p.claim.String(), "error", err)
	case now > max(p.committed, p.flushed):
		return &replacedError{now}
	}
	return nil
}
