//go:build linux && (amd64 || arm64)

package hugepages

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// Of madvise(2).
const (
	adviseHuge   = 14
	adviseNoHuge = 15
)

// enabled returns the setting of transparent huge pages, "" if it cannot be read.
func enabled() string {
	b, _ := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	return string(b)
}

// heapSpans returns where the heap lies now, none if that cannot be known.
func heapSpans() []span {
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // it was read
	object, err := strconv.ParseUint(fmt.Sprintf("%p", new([64]byte)), 0, 64)
	if err != nil {
		return nil
	}
	return parseMaps(f, uintptr(object))
}

// advise says whether huge pages are wanted for a span. What Linux says to it is of no use: it
// need not give any.
func advise(s span, huge bool) {
	advice := uintptr(adviseNoHuge)
	if huge {
		advice = adviseHuge
	}
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, s.from, s.to-s.from, advice)
}
