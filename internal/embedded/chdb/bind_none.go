//go:build !((linux || darwin) && (amd64 || arm64)) || noengine

package chdb

// loadLibrary refuses: this build has no way to call the engine.
func loadLibrary(string) (*library, error) { return nil, ErrUnsupported }
