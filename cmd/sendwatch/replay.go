package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"sendwatch/internal/replay"
)

// replayCmd runs the engine over files of events.
type replayCmd struct {
	Files  []string      `arg:"" name:"file" help:"Files of newline-delimited JSON events, one after the other; - is standard input, .gz and .zst are decompressed."`
	Out    string        `required:"" type:"path" placeholder:"DIR" help:"Folder for the results; made if need be."`
	Policy string        `type:"existingfile" placeholder:"FILE" help:"Policy to judge by, instead of the one shipped."`
	Until  string        `placeholder:"TIME" help:"Move the watermark there at the end (RFC 3339 or ms)."`
	Dedup  time.Duration `default:"1h" help:"How long an event's id is remembered."`
}

// Run replays the files and writes what came out.
func (c *replayCmd) Run(ctx context.Context) error {
	cfg := replay.Config{Files: c.Files, Stdin: os.Stdin, DedupHorizon: c.Dedup.Milliseconds()}
	if cfg.DedupHorizon <= 0 {
		return fmt.Errorf("--dedup is %s: give a duration above zero, such as 1h", c.Dedup)
	}
	var err error
	if cfg.Policy, err = loadPolicy(c.Policy); err != nil {
		return err
	}
	if cfg.Until, err = parseUntil(c.Until); err != nil {
		return err
	}
	result, err := replay.Run(ctx, cfg)
	if err != nil {
		return err
	}
	if err := result.Write(c.Out); err != nil {
		return err
	}
	s := &result.Summary
	fmt.Fprintf(os.Stderr, "%d records: %d applied, %d duplicate, %d ignored, %d rejected; %d late sends. "+
		"%d numbers, %d flag transitions. %.1f s, %.0f events/s, peak memory %d MiB.\n",
		s.Records, s.Applied, s.Duplicate, s.Ignored, s.Rejected, s.Late, s.Numbers, s.Flags,
		s.Seconds, s.PerSecond, s.PeakMemory>>20)
	return nil
}

// parseUntil reads a time in RFC 3339 or ms; 0 for none.
func parseUntil(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil && ms > 0 {
		return ms, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return 0, errors.New("--until is no time: give RFC 3339, such as 2026-11-22T08:00:00Z, or milliseconds since 1970")
	}
	return t.UnixMilli(), nil
}
