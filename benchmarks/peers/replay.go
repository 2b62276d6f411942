package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// measureReplay writes the log to one file and to two, as two partitions would have it, and has
// `sendwatch replay` read the one on one core and the two on two cores at a time.
func measureReplay(ctx context.Context, o *options) error {
	whole, halves, size, err := writeLogs(o)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d records of %d bytes\n", o.events, size)
	var one, two, ratio, cpu []float64
	for i := range o.runs {
		alone, used, err := replayAll(ctx, o, []string{whole})
		if err != nil {
			return err
		}
		both, _, err := replayAll(ctx, o, halves)
		if err != nil {
			return err
		}
		n := float64(o.events)
		one, two = append(one, n/alone.Seconds()), append(two, n/both.Seconds())
		ratio, cpu = append(ratio, alone.Seconds()/both.Seconds()), append(cpu, float64(used)/n)
		fmt.Fprintf(os.Stderr, "run %d: %.1f s by one, %.1f s by two; load %s\n", i+1, alone.Seconds(), both.Seconds(), load())
	}
	fmt.Println("| replay | events/s by the clock on the wall | ns of processor time an event | times one core |")
	fmt.Println("|---|---|---|---|")
	fmt.Printf("| one file, one core | %s | %s | |\n", spreadOf(one).write("%.0f"), spreadOf(cpu).write("%.0f"))
	fmt.Printf("| two files by number, two cores | %s | | %s |\n", spreadOf(two).write("%.0f"), spreadOf(ratio).write("%.2f"))
	return nil
}

// writeLogs writes the log as newline-delimited JSON, whole and by number's parity.
func writeLogs(o *options) (whole string, halves []string, size int, err error) {
	var outs []*bufio.Writer
	for _, name := range []string{"whole", "even", "odd"} {
		f, err := os.Create(filepath.Join(o.folder, name+".ndjson"))
		if err != nil {
			return "", nil, 0, err
		}
		defer f.Close() //nolint:errcheck // flushed below, and read again
		outs = append(outs, bufio.NewWriterSize(f, 1<<20))
		halves = append(halves, f.Name())
	}
	g := newGenerator(o.events, o.numbers, o.seed)
	var h happening
	var line []byte
	for g.take(&h) {
		line = append(strconv.AppendInt(append(line[:0], `{"_record_time":`...), h.at, 10), ',')
		start := len(line)
		line = h.appendJSON(line)
		size += len(line) - start
		copy(line[start:], line[start+1:]) // the brace
		line[len(line)-1] = '\n'
		for _, out := range []*bufio.Writer{outs[0], outs[1+h.number%2]} {
			if _, err := out.Write(line); err != nil {
				return "", nil, 0, err
			}
		}
	}
	for _, out := range outs {
		err = errors.Join(err, out.Flush())
	}
	return halves[0], halves[1:], size / o.events, err
}

// replayAll reads the files at a time, each by a process on a core of its own, and returns how
// long it took and the processor time of all.
func replayAll(ctx context.Context, o *options, files []string) (lasted, used time.Duration, err error) {
	var commands []*exec.Cmd
	start := time.Now()
	for i, file := range files {
		out := file + ".out"
		if err := os.RemoveAll(out); err != nil {
			return 0, 0, err
		}
		args := pinned([]string{coreOfChild, coreOfRest}[i], o.sendwatch, "replay", file, "--out", out)
		c := exec.CommandContext(ctx, args[0], args[1:]...)
		c.Env = append(os.Environ(), "GOMAXPROCS=1")
		if err := c.Start(); err != nil {
			return 0, 0, err
		}
		commands = append(commands, c)
	}
	for _, c := range commands {
		err = errors.Join(err, c.Wait())
		used += c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	}
	return time.Since(start), used, err
}
