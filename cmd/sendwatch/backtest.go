package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"sendwatch/internal/backtest"
	"sendwatch/internal/event"
	"sendwatch/internal/traffic"
)

// backtestCmd measures how well warnings come before restrictions.
type backtestCmd struct {
	Seeds    string `default:"1-5" help:"Seeds of the labelled logs, such as 1-5 or 7,11."`
	Numbers  int    `default:"200" help:"Senders in each log, healthy and misbehaving."`
	Days     int    `default:"30" help:"Length of each log."`
	Policy   string `type:"existingfile" placeholder:"FILE" help:"Policy to compute flags by, instead of the one shipped."`
	Hard     bool   `help:"Portfolios after stories of restrictions, most of them below every threshold, and the honest who look alike."`
	WriteLog string `name:"write-log" placeholder:"FILE" help:"Write the log of each seed, as replay reads it, and stop; %d in the name is the seed."`
	Flags    string `placeholder:"FILE" help:"Measure these flags.ndjson of a replay of the written log, in place of the engine's; %d in the name is the seed."`
	Misses   bool   `help:"Also list the restrictions of misbehaving numbers that no flag at danger foresaw, with what was at warn."`
	JSON     bool   `name:"json" help:"Print JSON instead of tables."`
}

// Help says what is measured and how long it takes.
func (*backtestCmd) Help() string {
	return "Plays labelled traffic: misbehaving numbers are restricted by a rule that the engine does not know, " +
		"written from published thresholds. A restricted number counts as found if a flag at danger, or trust_score " +
		"at warn or worse, was in force within the 7 days before its first restriction; what WhatsApp itself says " +
		"(restriction, account_errors, quality, template_quality) never counts. benchmarks/README.md has the " +
		"method and the results.\n\n" +
		"With --hard the numbers write to strangers, most of them below the published thresholds, and honest senders look like them; " +
		"another hidden rule restricts by whom they write to and how new they are. The last two tables are of flags at " +
		"danger alone: how soon they came once a number misbehaved, and for whom of the healthy, by kind and by factor. " +
		"--misses lists what they missed, with the factors that were at warn then.\n\n" +
		"--write-log and --flags measure another program, or another release, on the same logs.\n\n" +
		"It reads about 2.5 million records for a seed of 200 senders and 30 days: some 13 s of one core and 120 MiB. " +
		"The time grows with seeds, numbers and days, at most 200 seeds. The same seeds give the same figures."
}

// Run runs the back-test and prints its figures.
func (c *backtestCmd) Run(ctx context.Context) error {
	seeds, err := parseSeeds(c.Seeds)
	if err != nil {
		return err
	}
	if c.Numbers < 1 || c.Numbers > traffic.MaxNumbers {
		return fmt.Errorf("--numbers is %d: give 1 to %d", c.Numbers, traffic.MaxNumbers)
	}
	if c.Days < 1 || c.Days > 366 {
		return fmt.Errorf("--days is %d: give 1 to 366", c.Days)
	}
	p, err := loadPolicy(c.Policy)
	if err != nil {
		return err
	}
	config := backtest.Config{Seeds: seeds, Numbers: c.Numbers, Days: c.Days, Policy: p}
	if c.Hard {
		config.Cast = traffic.CastHard
	}
	if c.WriteLog != "" {
		return writeLogs(&config, c.WriteLog)
	}
	if c.Flags != "" {
		config.Flags = func(seed uint64) ([]event.Flag, error) {
			f, err := os.Open(ofSeed(c.Flags, seed))
			if err != nil {
				return nil, err
			}
			defer f.Close() //nolint:errcheck // was only read
			return backtest.ReadFlags(f)
		}
	}
	said := -1
	figures, err := backtest.Run(ctx, config,
		func(seed uint64, share float64) {
			if tenth := int(share * 10); tenth != said {
				said = tenth
				fmt.Fprintf(os.Stderr, "seed %d: %d %%\n", seed, 10*tenth)
			}
		})
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(figures)
	}
	err = figures.Print(os.Stdout)
	if c.Misses && err == nil {
		err = figures.PrintMisses(os.Stdout)
	}
	return err
}

// ofSeed puts a seed into a file's name.
func ofSeed(name string, seed uint64) string {
	return strings.ReplaceAll(name, "%d", strconv.FormatUint(seed, 10))
}

// writeLogs writes the log of each seed.
func writeLogs(c *backtest.Config, name string) error {
	if len(c.Seeds) > 1 && !strings.Contains(name, "%d") {
		return fmt.Errorf("--write-log %q is one file for %d seeds: put %%d where the seed belongs", name, len(c.Seeds))
	}
	for _, seed := range c.Seeds {
		l, err := c.NewLog(seed)
		if err != nil {
			return err
		}
		f, err := os.Create(ofSeed(name, seed))
		if err != nil {
			return err
		}
		if err := errors.Join(backtest.WriteLog(f, l), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// maxSeeds keeps one back-test within an hour or so.
const maxSeeds = 200

// parseSeeds reads a list of seeds and ranges of seeds.
func parseSeeds(s string) ([]uint64, error) {
	wrong := func() error {
		return fmt.Errorf("--seeds %q is no list of seeds: give numbers and ranges, such as 1-5 or 7,11, at most %d of them", s, maxSeeds)
	}
	var seeds []uint64
	for part := range strings.SplitSeq(s, ",") {
		low, high, ranged := strings.Cut(strings.TrimSpace(part), "-")
		first, err := strconv.ParseUint(low, 10, 64)
		last := first
		if ranged && err == nil {
			last, err = strconv.ParseUint(high, 10, 64)
		}
		if err != nil || last < first || last-first >= maxSeeds {
			return nil, wrong()
		}
		for seed := first; ; seed++ {
			seeds = append(seeds, seed)
			if seed == last {
				break
			}
		}
	}
	if len(seeds) > maxSeeds {
		return nil, wrong()
	}
	return seeds, nil
}
