// Command mklog writes a log of the demo's traffic as newline-delimited JSON,
// for replays of any length:
//
//	go run ./benchmarks/mklog -events 5000000 -numbers 400 > log.ndjson
//
// Each line carries _record_time, the time at which the record arrived.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"

	"sendwatch/internal/traffic"
)

func main() {
	events := flag.Int("events", 1_000_000, "how many records")
	numbers := flag.Int("numbers", traffic.DefaultNumbers, "how many senders")
	seed := flag.Uint64("seed", 1, "the same seed makes the same log")
	flag.Parse()
	if err := write(*events, *numbers, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "mklog:", err)
		os.Exit(1)
	}
}

func write(events, numbers int, seed uint64) error {
	g, err := traffic.New(traffic.Config{Seed: seed, Numbers: numbers, Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	var r traffic.Record
	var line []byte
	for i := 0; i < events && g.Next(&r); i++ {
		value := bytes.ReplaceAll(r.Value, []byte{'\n'}, []byte{' '})
		line = line[:0]
		if bytes.HasPrefix(value, []byte(`{"`)) {
			line = append(line, `{"_record_time":`...)
			line = strconv.AppendInt(line, r.Time, 10)
			line = append(line, ',')
			value = value[1:]
		}
		line = append(append(line, value...), '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return out.Flush()
}
