package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"
	"time"
)

func TestLoggerRefusesUnknownWords(t *testing.T) {
	for _, c := range []struct {
		log  Log
		want string
	}{
		{Log{Level: "loud"}, `log level "loud": give debug, info, warn or error`},
		{Log{Format: "xml"}, `log format "xml": give text or json`},
	} {
		_, err := NewLogger(&bytes.Buffer{}, c.log)
		if err == nil || err.Error() != c.want {
			t.Errorf("NewLogger(%+v) gave the error %v, want %s", c.log, err, c.want)
		}
	}
}

func TestLoggerWritesTheLevelAndFormatAskedFor(t *testing.T) {
	var out bytes.Buffer
	logger, err := NewLogger(&out, Log{Level: "warn", Format: "json"})
	if err != nil {
		t.Fatal(err)
	}
	logger.Info("left out")
	logger.Warn("taken", "n", 3)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("want one JSON line, got %q: %v", out.String(), err)
	}
	if line["msg"] != "taken" || line["n"] != 3.0 {
		t.Errorf("got %v", line)
	}
}

// TestRepeatHandlerIsASlogHandler runs the standard library's own check.
func TestRepeatHandlerIsASlogHandler(t *testing.T) {
	var out bytes.Buffer
	handler := newRepeatHandler(slog.NewJSONHandler(&out, nil))
	err := slogtest.TestHandler(handler, func() []map[string]any {
		var lines []map[string]any
		for l := range strings.Lines(out.String()) {
			var m map[string]any
			if err := json.Unmarshal([]byte(l), &m); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, m)
		}
		return lines
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRepeatedErrorsAreHeldBackAndCounted(t *testing.T) {
	var out bytes.Buffer
	handler := newRepeatHandler(slog.NewTextHandler(&out, nil))
	base := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	send := func(h slog.Handler, after time.Duration, level slog.Level, text string) {
		t.Helper()
		if err := h.Handle(context.Background(), slog.NewRecord(base.Add(after), level, text, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		send(handler, time.Duration(i)*time.Millisecond, slog.LevelError, "broker gone")
		send(handler, time.Duration(i)*time.Millisecond, slog.LevelInfo, "calm")
	}
	send(handler, time.Second, slog.LevelError, "another")
	send(handler.WithAttrs([]slog.Attr{slog.Int("partition", 3)}), time.Second, slog.LevelError, "broker gone")
	send(handler, time.Minute, slog.LevelError, "broker gone")

	got := out.String()
	for text, want := range map[string]int{
		`msg="broker gone"`: repeatBurst + 2, // the burst, partition 3, and the one of the next minute
		"msg=calm":          100,
		"msg=another":       1,
		fmt.Sprintf("suppressed=%d", 100-repeatBurst): 1,
	} {
		if n := strings.Count(got, text); n != want {
			t.Errorf("%s: written %d times, want %d", text, n, want)
		}
	}
}

func TestRepeatHandlerForgetsRatherThanGrows(t *testing.T) {
	handler := newRepeatHandler(slog.DiscardHandler)
	for i := range 3 * repeatKeys {
		record := slog.NewRecord(time.Unix(0, 0), slog.LevelError, fmt.Sprint("error ", i), 0)
		if err := handler.Handle(context.Background(), record); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(handler.seen.runs); n > repeatKeys {
		t.Errorf("%d messages remembered, the limit is %d", n, repeatKeys)
	}
}
