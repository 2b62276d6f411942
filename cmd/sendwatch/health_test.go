package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestHealthFailsUnlessTheAnswerIsYes(t *testing.T) {
	answers := map[string]int{"/readyz": http.StatusServiceUnavailable, "/livez": http.StatusOK}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(answers[r.URL.Path])
	}))
	address := strings.TrimPrefix(server.URL, "http://")

	ready := healthCmd{Address: address, Timeout: time.Minute}
	if err := ready.Run(t.Context()); !errors.Is(err, errReported) {
		t.Errorf("not ready gave %v", err)
	}
	live := healthCmd{Address: address, Live: true, Timeout: time.Minute}
	if err := live.Run(t.Context()); err != nil {
		t.Errorf("alive gave %v", err)
	}

	server.Close()
	if err := live.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "http.listen") {
		t.Errorf("nobody there gave %v", err)
	}
}
