package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"sendwatch/internal/policy"
	"sendwatch/internal/scenario"
	"sendwatch/internal/wording"
)

// policyCmd groups what one does with a policy.
type policyCmd struct {
	Test policyTestCmd `cmd:"" help:"Run test files for a policy (schemas/policy/TESTING.md)."`
}

// policyTestCmd runs test files: events in short lines, and what is expected.
type policyTestCmd struct {
	Files  []string `arg:"" name:"file" help:"Test files."`
	Policy string   `type:"existingfile" placeholder:"FILE" help:"Policy to compute flags by, instead of what the files say."`
	Update bool     `help:"Write expectations that are not met again, in place."`
}

// Run plays every case of every file and says which failed and how.
func (c *policyTestCmd) Run(ctx context.Context) error {
	var p *policy.Policy
	if c.Policy != "" {
		var err error
		if p, err = loadPolicy(c.Policy); err != nil {
			return err
		}
	}
	var cases, failed, unread int
	for _, name := range c.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		var out bytes.Buffer
		n, bad, err := c.file(&out, name, p)
		if _, err := os.Stdout.Write(out.Bytes()); err != nil {
			return err
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			unread++
		}
		cases += n
		failed += bad
	}
	fmt.Fprintln(os.Stdout, tally(cases, failed, unread))
	if failed > 0 || unread > 0 {
		return errReported
	}
	return nil
}

// tally sums up. It says how to read a difference where there is one, and
// of files that could not be read, so that nobody takes "0 failed" for success.
func tally(cases, failed, unread int) string {
	text := fmt.Sprintf("%s, %d failed", wording.Count(cases, "case"), failed)
	if unread > 0 {
		text += fmt.Sprintf(", %s not run because of mistakes", wording.Count(unread, "file"))
	}
	if failed > 0 {
		text += " (- what was expected, + what came)"
	}
	return text
}

// file plays one file and returns how many cases it has and how many failed.
func (c *policyTestCmd) file(out io.Writer, name string, p *policy.Policy) (cases, failed int, err error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return 0, 0, err
	}
	f, err := scenario.Read(data, func(path string) ([]byte, error) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(name), path)
		}
		return os.ReadFile(path)
	})
	if err != nil {
		return 0, 0, err
	}
	results := f.Run(p)
	if c.Update {
		updated, err := f.Update(results)
		if err != nil {
			return len(results), 0, err
		}
		if f.Changed(updated) {
			if err := replaceFile(name, updated); err != nil {
				return len(results), 0, err
			}
		}
	}
	for i := range results {
		r := &results[i]
		failures := r.Failures
		state := "ok      "
		if c.Update && len(failures) > 0 {
			if failures = r.Unwritten(); len(failures) == 0 {
				state = "updated "
			}
		}
		if len(failures) > 0 {
			state = "FAIL    "
			failed++
		}
		fmt.Fprintf(out, "%s%s: %s\n", state, filepath.Base(name), r.Case.Name)
		for _, failure := range failures {
			fmt.Fprintf(out, "        %s\n", strings.ReplaceAll(failure.String(), "\n", "\n        "))
		}
	}
	return len(results), failed, nil
}

// replaceFile puts data in the place of a file that exists, with its rights. It
// is written beside it first, so that nobody ever sees half a file.
func replaceFile(name string, data []byte) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if e := f.Chmod(info.Mode().Perm()); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error says what is wrong
	}
	return err
}
