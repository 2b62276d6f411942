//go:build !(linux && (amd64 || arm64))

package hugepages

func enabled() string { return "" }

func heapSpans() []span { return nil }

func advise(span, bool) {}
