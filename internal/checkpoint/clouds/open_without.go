//go:build noclouds

package clouds

import (
	"context"
	"log/slog"

	"sendwatch/internal/checkpoint"
)

// Open opens a store as checkpoint.Open does: this build knows no cloud.
func Open(ctx context.Context, address string, _ *slog.Logger) (*checkpoint.Store, error) {
	return checkpoint.Open(ctx, address)
}
