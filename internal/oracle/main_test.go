package oracle

import (
	"testing"

	"sendwatch/internal/embedded/embeddedtest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }
