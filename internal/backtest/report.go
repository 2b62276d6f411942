package backtest

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Print writes the figures as tables for a terminal.
func (f *Figures) Print(out io.Writer) error {
	w := &printer{out: out}
	w.line("policy %s, seeds %v, %d senders a seed over %d days, %d records\n", f.PolicyVersion, f.Seeds, f.Numbers, f.Days, f.Records)
	w.line("%d healthy numbers (%.0f number-weeks), %d misbehaving; %d restricted, %d of them for no visible reason\n\n",
		f.Healthy, f.Weeks, f.Misbehaving, f.Restricted, f.Unexplained)
	w.line("recall                %6.1f %%   of restricted numbers had a warning before (explained ones %.1f %%)\n", 100*f.Recall, 100*f.ExplainedRecall)
	w.line("lead time, median     %6.1f h   from the first warning in force to the restriction, at most %d\n", f.Lead.Median, Horizon/hour)
	w.line("lead time, 10th pct   %6.1f h\n", f.Lead.P10)
	w.line("false danger          %6.2f     episodes per 100 healthy numbers a week\n", f.FalsePerWeek)
	w.line("false score warnings  %6.2f     likewise, trust_score at warn or worse\n", f.FalseScorePerWeek)
	w.line("warned in vain        %6d     misbehaving numbers that were not restricted\n\n", f.WarnedInVain)

	w.tab("factor\twarned of\tmedian h\tp10 h\tfalse\tper 100 healthy a week\n")
	for i := range f.Factors {
		x := &f.Factors[i]
		w.tab("%s\t%d of %d\t%s\t%d\t%.2f\n", x.Factor, x.Warned, f.Restricted, x.Lead.cells(x.Warned), x.False, x.FalsePerWeek)
	}
	w.flush()
	w.line("\n")
	w.tab("hidden cause\twarned of\tmedian h\tp10 h\n")
	for i := range f.Causes {
		x := &f.Causes[i]
		w.tab("%s\t%d of %d\t%s\n", x.Cause, x.Warned, x.Restricted, x.Lead.cells(x.Warned))
	}
	w.flush()
	w.danger(&f.Danger, f.FalsePerWeek)
	return w.err
}

// danger writes the figures of flags at danger alone, by factor and by kind.
func (p *printer) danger(f *DangerFigures, perWeek float64) {
	p.line("\nflags at danger alone: %.1f %% of %d foreseeable restrictions, %.1f %% with 6 h and %.1f %% with 24 h to go\n",
		100*f.Recall, f.Foreseeable, 100*f.Recall6h, 100*f.Recall24h)
	p.line("lead %s h in the median, %.1f h p10; delay from the beginning %s h in the median\n",
		hours(&f.Lead.Median), f.Lead.P10, hours(f.Delay))
	p.line("false danger %.2f episodes per 100 healthy numbers a week; %.1f %% of them ever; precision %.1f %% of numbers\n\n",
		perWeek, 100*f.HealthyEver, 100*f.Precision)
	p.tab("factor at danger\twarned of\tfirst\tfalse\n")
	for i := range f.Factors {
		x := &f.Factors[i]
		p.tab("%s\t%d\t%d\t%d\n", x.Factor, x.Warned, x.First, x.False)
	}
	p.flush()
	p.line("\n")
	p.tab("kind\tnumbers\trestricted\twarned of\tlead h\tdelay h\tat danger\tfalse\tby factor\n")
	for i := range f.Kinds {
		k := &f.Kinds[i]
		var factors []string
		for _, name := range slices.Sorted(maps.Keys(k.ByFactor)) {
			factors = append(factors, fmt.Sprintf("%s %d", name, k.ByFactor[name]))
		}
		p.tab("%s\t%d\t%d\t%d\t%s\t%s\t%d\t%d\t%s\n", k.Kind, k.Numbers, k.Restricted, k.Warned,
			strings.SplitN(k.Lead.cells(k.Warned), "\t", 2)[0], hours(k.Delay), k.Flagged, k.False, strings.Join(factors, ", "))
	}
	p.flush()
}

// PrintMisses writes a line for each restriction that no flag at danger foresaw.
func (f *Figures) PrintMisses(out io.Writer) error {
	w := &printer{out: out}
	w.line("\nrestricted without a flag at danger before\n\n")
	w.tab("seed\tnumber\tkind\th from beginning\tat warn before\n")
	for i := range f.Danger.Misses {
		m := &f.Danger.Misses[i]
		w.tab("%d\t%s\t%s\t%.1f\t%s\n", m.Seed, m.ID, m.Kind, m.Hours, strings.Join(m.Warned, ", "))
	}
	w.flush()
	return w.err
}

// hours writes hours, "never" for none.
func hours(h *float64) string {
	if h == nil {
		return "never"
	}
	return fmt.Sprintf("%.1f", *h)
}

// cells writes lead times of so many warnings as two cells of a table. Without a
// warning there is no lead, which is not one of 0 hours.
func (l *Lead) cells(warned int) string {
	if warned == 0 {
		return "-\t-"
	}
	return fmt.Sprintf("%.1f\t%.1f", l.Median, l.P10)
}

// printer writes until the first error.
type printer struct {
	out   io.Writer
	table *tabwriter.Writer
	err   error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format, args...)
	}
}

func (p *printer) tab(format string, args ...any) {
	if p.table == nil {
		p.table = tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	}
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.table, format, args...)
	}
}

// flush ends a table.
func (p *printer) flush() {
	if p.table != nil && p.err == nil {
		p.err = p.table.Flush()
	}
	p.table = nil
}
