package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"sendwatch/internal/policy"
	"sendwatch/internal/replay"
	"sendwatch/internal/wording"
)

// replayCmd runs the engine over files of events.
type replayCmd struct {
	Files   []string      `arg:"" name:"file" help:"Files of newline-delimited JSON events, one after the other; - is standard input; gzip, zstd and bzip2 are recognised and unpacked."`
	Out     string        `required:"" type:"path" placeholder:"DIR" help:"Folder for the results; made if need be."`
	Policy  string        `type:"existingfile" placeholder:"FILE" help:"Policy to compute flags by, instead of the one shipped."`
	Against string        `type:"existingfile" placeholder:"FILE" help:"A second policy: also print and write the flags on which the two differ."`
	Until   string        `placeholder:"TIME" help:"Move the watermark there at the end (RFC 3339 or ms)."`
	Merge   bool          `help:"Read partitions that stand one after another in the files side by side, in the order of time."`
	Dedup   time.Duration `default:"1h" help:"How long an event's id is remembered."`
}

// Run replays the files and writes what came out.
func (c *replayCmd) Run(ctx context.Context) error {
	cfg := replay.Config{Files: c.Files, Stdin: os.Stdin, DedupHorizon: c.Dedup.Milliseconds(), Merge: c.Merge}
	if cfg.DedupHorizon <= 0 {
		return fmt.Errorf("--dedup is %s: give a duration above zero, such as 1h", c.Dedup)
	}
	if c.Against != "" && slices.Contains(c.Files, "-") {
		return errors.New("--against reads the log twice, and standard input can be read once: give a file")
	}
	var err error
	if cfg.Policy, err = loadPolicy(c.Policy); err != nil {
		return err
	}
	var other *policy.Policy
	if c.Against != "" {
		if other, err = loadPolicy(c.Against); err != nil {
			return err
		}
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
	printSummary(&result.Summary)
	for _, hint := range hints(result, cfg.Until) {
		fmt.Fprintln(os.Stderr, hint)
	}
	if c.Against == "" {
		return nil
	}
	cfg.Policy = other
	return c.backtest(ctx, cfg, result)
}

// backtest replays the same files by the second policy, which cfg holds, and
// prints how its flags differ.
func (c *replayCmd) backtest(ctx context.Context, cfg replay.Config, a *replay.Result) error {
	b, err := replay.Run(ctx, cfg)
	if err != nil {
		return err
	}
	differences := replay.Compare(a.Rows.Flags, b.Rows.Flags)
	if err := replay.WriteDifferences(c.Out, differences); err != nil {
		return err
	}
	return replay.PrintDifferences(os.Stdout, a, b, differences)
}

// hints say what a user may have overlooked.
func hints(result *replay.Result, until int64) []string {
	var list []string
	s := &result.Summary
	if n := len(result.Jumps); n > 0 {
		first := result.Jumps[0]
		list = append(list, fmt.Sprintf("The time goes back by %s at line %d of %s and stays there, %s in all: these are partitions one after another, "+
			"and what follows was counted as late, after its windows were over. Give --merge to read them side by side, in the order of time.",
			(time.Duration(first.Back)*time.Millisecond).Round(time.Minute), first.Line, first.File, wording.Count(n, "jump")))
	}
	if s.Applied == 0 && s.Rejected > 0 {
		list = append(list, "No record was applied: dead_letter.ndjson has the reasons.")
	}
	if until != 0 && until < s.Watermark {
		list = append(list, "--until lies before the watermark, "+time.UnixMilli(s.Watermark).UTC().Format(time.RFC3339)+", and moved nothing.")
	}
	return list
}

func printSummary(s *replay.Summary) {
	fmt.Fprintf(os.Stderr, "%s: %d applied, %d duplicate, %d ignored, %d rejected; %s. "+
		"%s, %s. %.1f s, %.0f events/s, peak memory %d MiB.\n",
		wording.Count(s.Records, "record"), s.Applied, s.Duplicate, s.Ignored, s.Rejected, wording.Count(s.Late, "late send"), wording.Count(s.Numbers, "number"), wording.Count(s.Flags, "flag transition"),
		s.Seconds, s.PerSecond, s.PeakMemory>>20)
	if found := anomalies(s); found != "" {
		fmt.Fprintf(os.Stderr, "Anomalies, events applied in contradiction to what was known: %s.\n", found)
	}
}

// anomalies lists the kinds of anomalies there were, with their counts.
func anomalies(s *replay.Summary) string {
	var list []string
	for _, kind := range slices.Sorted(maps.Keys(s.Anomalies)) {
		if n := s.Anomalies[kind]; n > 0 {
			list = append(list, fmt.Sprintf("%s %d", kind, n))
		}
	}
	return strings.Join(list, ", ")
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
