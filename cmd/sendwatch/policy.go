package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"text/tabwriter"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/policy"
	"sendwatch/internal/strictyaml"
	"sendwatch/internal/wording"
)

// loadPolicy reads a policy file; without a path it is the shipped policy. The
// error names the file and every mistake in it.
func loadPolicy(path string) (*policy.Policy, error) {
	if path == "" {
		return policy.Default(), nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("policy: %w; name a policy file that can be read, or none for the shipped one", err)
	}
	p, err := policy.Load(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// policyCheck prints what a policy file puts into force. The error names every
// mistake in it.
func policyCheck(path string) error {
	p, err := loadPolicy(path)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	describePolicy(&out, p)
	_, err = os.Stdout.Write(out.Bytes())
	return err
}

// describePolicy writes a policy as tables: the profiles in full, and of what
// overrides make of them only what differs.
func describePolicy(out io.Writer, p *policy.Policy) {
	fmt.Fprintf(out, "policy %s\n\nconnection\n", p.Version)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for c := event.ConnectionNone; c <= event.ConnectionWebSession; c++ {
		name := c.String()
		if c == event.ConnectionNone {
			name = "unknown"
		}
		fmt.Fprintf(table, "  %s\tprofile %s\n", name, p.Profiles[p.Index(nil, nil, c)].Name)
	}
	_ = table.Flush() // writes into memory or to the terminal; the caller sees what is missing
	fmt.Fprintf(out, "\nhysteresis  %s\n", strictyaml.Span(time.Duration(p.Hysteresis)*time.Millisecond))
	fmt.Fprintf(out, "stop        %s\nresume      %s\n", strings.Join(p.StopWords, ", "), strings.Join(p.ResumeWords, ", "))
	fmt.Fprint(out, "\nsilences, ceilings and priors\n")
	for _, c := range p.Conditions() {
		fmt.Fprintf(table, "  %s\t%s\n", c.Key, c.Value)
	}
	_ = table.Flush()
	if portfolios, numbers := p.Overrides(); portfolios+numbers > 0 {
		fmt.Fprintf(out, "\noverrides of %s and %s\n", wording.Count(portfolios, "portfolio"), wording.Count(numbers, "number"))
	}
	full := map[string]*policy.Profile{}
	for i := range p.Profiles {
		profile := &p.Profiles[i]
		base, changes, changed := strings.Cut(profile.Name, "+")
		if !changed {
			full[base] = profile
			fmt.Fprintf(out, "\nprofile %s\n", base)
			describeProfile(out, profile, nil)
			continue
		}
		var rules bytes.Buffer
		if describeProfile(&rules, profile, full[base]); rules.Len() > 0 {
			fmt.Fprintf(out, "\nprofile %s, changed by %s\n%s", base, strings.ReplaceAll(strings.ReplaceAll(changes, "+", " and "), ":", " "), rules.Bytes())
		}
	}
}

// describeProfile writes the rules of a profile, or those that differ from base.
func describeProfile(out io.Writer, profile, base *policy.Profile) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	header := "  factor\twarn\tdanger\tsample\tweight\n"
	var off []string
	for f := range event.NumFactors {
		r := &profile.Rules[f]
		if base != nil && (reflect.DeepEqual(*r, base.Rules[f]) || !r.On && !base.Rules[f].On) {
			continue
		}
		if !r.On {
			off = append(off, f.String())
			continue
		}
		fmt.Fprint(table, header)
		header = ""
		sample, weight := "", ""
		if r.Sample > 0 {
			sample = fmt.Sprint(r.Sample)
		}
		if r.Weight > 0 {
			weight = fmt.Sprint(r.Weight)
		}
		if len(r.Steps) == 0 {
			name := f.String()
			if r.Window != 0 {
				name += fmt.Sprintf(", over %d days", r.Window)
			}
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\n", name, blank(&r.Warn), blank(&r.Danger), sample, weight)
			continue
		}
		for i := range r.Steps {
			step := &r.Steps[i]
			fmt.Fprintf(table, "  %s, to day %d\t%s\t%s\t%s\t%s\n", f, step.UntilDay, blank(&step.Warn), blank(&step.Danger), sample, weight)
		}
	}
	_ = table.Flush()
	if off != nil {
		fmt.Fprintf(out, "  off: %s\n", strings.Join(off, ", "))
	}
}

// blank writes a threshold, and nothing where there is none.
func blank(t *policy.Threshold) string {
	if !t.Exists() {
		return ""
	}
	return t.String()
}
