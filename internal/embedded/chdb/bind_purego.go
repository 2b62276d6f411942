//go:build (linux || darwin) && (amd64 || arm64) && !noengine

package chdb

import (
	"errors"
	"fmt"

	"github.com/ebitengine/purego"
)

// loadLibrary opens the shared library at path. Opening it again returns the
// same engine: it lives once in a process and is never unloaded.
func loadLibrary(path string) (*library, error) {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("load the ClickHouse engine: %w", err)
	}
	l := new(library)
	var missing []error
	for _, f := range []struct {
		name string
		fn   any
	}{
		{"chdb_set_signal_handlers_enabled", &l.setSignalHandlersEnabled},
		{"chdb_connect", &l.connect},
		{"chdb_close_conn", &l.closeConn},
		{"chdb_query_n", &l.query},
		{"chdb_stream_query_n", &l.streamQuery},
		{"chdb_stream_fetch_result", &l.streamFetch},
		{"chdb_stream_cancel_query", &l.streamCancel},
		{"chdb_stream_insert_n", &l.streamInsert},
		{"chdb_stream_append", &l.streamAppend},
		{"chdb_stream_done", &l.streamDone},
		{"chdb_stream_insert_error", &l.streamInsertError},
		{"chdb_destroy_insert_stream", &l.destroyInsertStream},
		{"chdb_result_buffer", &l.resultBuffer},
		{"chdb_result_length", &l.resultLength},
		{"chdb_result_error", &l.resultError},
		{"chdb_destroy_query_result", &l.destroyResult},
		{"chdb_classify_query_n", &l.classify},
	} {
		symbol, err := purego.Dlsym(handle, f.name)
		if err != nil {
			missing = append(missing, err)
			continue
		}
		purego.RegisterFunc(f.fn, symbol)
	}
	if err := errors.Join(missing...); err != nil {
		return nil, fmt.Errorf("the ClickHouse engine lacks a function: %w", err)
	}
	// Go owns the signals of this process. This must come before the first
	// connection, and calling it again changes nothing.
	l.setSignalHandlersEnabled(0)
	return l, nil
}
