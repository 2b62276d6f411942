package server

import (
	"embed"
	"net/http"
)

// pages is the live page: no build step, no library, nothing from elsewhere.
//
//go:embed page
var pages embed.FS

// asset serves one embedded file. A missing one is a mistake of the build,
// which the first test shows.
func asset(name, contentType string) http.HandlerFunc {
	data, err := pages.ReadFile(name)
	if err != nil {
		panic("server: " + err.Error())
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(data) // a failed write means that the reader is gone
	}
}
