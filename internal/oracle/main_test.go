package oracle

import (
	"runtime/debug"
	"testing"

	"sendwatch/internal/embedded/embeddedtest"
)

// TestMain lets the collector run seldom: the model leaves much, and there is memory.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	embeddedtest.Main(m)
}
