//go:build !unix

package fetch

import (
	"context"
	"errors"
	"runtime"
)

// lock refuses: nothing that is fetched runs on this system.
func lock(context.Context, string) (unlock func(), err error) {
	return nil, errors.New("fetching engines is not supported on " + runtime.GOOS)
}
