package backtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"sendwatch/internal/event"
	"sendwatch/internal/replay"
	"sendwatch/internal/traffic"
)

// WriteLog writes a log as newline-delimited JSON, as `sendwatch replay` and other
// programs read it, each line with the time at which it arrives.
func WriteLog(w io.Writer, l *Log) error {
	out := bufio.NewWriterSize(w, 1<<20)
	var r traffic.Record
	var line []byte
	for l.Next(&r) {
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
			return fmt.Errorf("write the log: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write the log: %w", err)
	}
	return nil
}

var errNoFlag = errors.New("has no flag_id")

// ReadFlags reads flags as `sendwatch replay` writes them, one JSON object a line.
// Flags of portfolios, and factors that are not known here, are left out.
func ReadFlags(r io.Reader) ([]event.Flag, error) {
	var flags []event.Flag
	in := json.NewDecoder(bufio.NewReaderSize(r, 1<<20))
	for n := 1; ; n++ {
		var f struct {
			ID         string `json:"flag_id"`
			Number     string `json:"number_id"`
			Factor     string `json:"factor"`
			Key        string `json:"key"`
			Level      string `json:"level"`
			Transition string `json:"transition"`
			Time       int64  `json:"event_time"`
		}
		err := in.Decode(&f)
		if errors.Is(err, io.EOF) {
			return flags, nil
		}
		if err == nil && f.ID == "" {
			err = errNoFlag
		}
		if err != nil {
			return nil, fmt.Errorf("flag %d: %w; give the flags.ndjson of a replay", n, err)
		}
		factor, known := event.ParseFactor(f.Factor)
		if !known || f.Number == "" {
			continue
		}
		flag := event.Flag{FlagID: f.ID, NumberID: f.Number, Factor: factor, Key: f.Key, EventTime: f.Time}
		for level := event.LevelNone; level <= event.LevelDanger; level++ {
			if level.String() == f.Level {
				flag.Level = level
			}
		}
		if f.Transition == event.TransitionCleared.String() {
			flag.Transition = event.TransitionCleared
		}
		flags = append(flags, flag)
	}
}

// ObserveFlags takes flags that another run made of the log, which stands at its
// beginning, in place of the engine's.
func ObserveFlags(l *Log, flags []event.Flag) *Observed {
	o := &Observed{End: l.End()}
	var r traffic.Record
	for ; l.Next(&r); o.Records++ {
		continue
	}
	o.Labels, o.Episodes = l.Labels(), replay.Episodes(flags)
	return o
}
