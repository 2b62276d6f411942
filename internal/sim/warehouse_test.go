package sim

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
)

// table is what a reader of ReplacingMergeTree tables sees: of rows with equal keys the
// one with the largest version.
type table struct {
	rows map[string]row
	// says is what each key and version said first. A row is a function of the log up to its
	// version, so that it says the same whenever it is written again.
	says      map[said]string
	repeated  int    // rows that came again
	problem   string // the first row that said something else
	key, text []byte // of a row, while it is written
}

type said struct {
	key     string
	version int64
}

type row struct {
	key     string
	version int64
	text    string
}

func newTable() *table { return &table{rows: map[string]row{}, says: map[said]string{}} }

// put stores the row whose key and text were written.
func (t *table) put(version int64) {
	old, known := t.rows[string(t.key)]
	key := old.key
	if !known {
		key = string(t.key)
	}
	at := said{key, version}
	text, again := t.says[at]
	switch {
	case !again:
		text = string(t.text)
		t.says[at] = text
	case text != string(t.text):
		if t.repeated++; t.problem == "" {
			t.problem = fmt.Sprintf("%s of version %d says\n  %s\nand\n  %s", key, version, text, t.text)
		}
		text = string(t.text)
		t.says[at] = text
	default:
		t.repeated++
	}
	if !known || version >= old.version {
		t.rows[key] = row{key, version, text}
	}
}

// take stores the rows of an output.
func (t *table) take(out *event.Output) {
	for kind := range event.NumStoredTables {
		t.takeTable(out, kind)
	}
}

// of writes the key of a row: its table's name and what follows.
func (t *table) of(kind event.Table, parts ...any) {
	t.key = fmt.Append(append(append(t.key[:0], kind.String()...), ' '), parts...)
}

// takeTable stores the rows of one table under their keys, of which schemas/clickhouse has
// the same.
func (t *table) takeTable(out *event.Output, kind event.Table) {
	for i := range out.Rows(kind) {
		var version int64
		t.text = codec.AppendRowJSON(t.text[:0], out, event.Row{Table: kind, Index: i})
		switch kind {
		case event.TableNumberMinutes:
			r := &out.NumberMinutes[i]
			version = r.Version
			t.of(kind, r.Partition, " ", r.NumberID, " ", r.Minute, " ", r.Pane.Pane)
			t.text = fmt.Append(t.text, r.Contacts)
		case event.TableFingerprintHours:
			r := &out.FingerprintHours[i]
			version = r.Version
			t.of(kind, r.Partition, " ", r.NumberID, " ", r.Fingerprint, " ", r.Hour, " ", r.Template, " ", r.Pane.Pane)
		case event.TableContactOutcomes:
			r := &out.ContactOutcomes[i]
			version = r.Version
			t.of(kind, r.Partition, " ", r.NumberID, " ", r.Contact, " ", r.Pane.Pane)
		case event.TableNumberStatus:
			r := &out.NumberStatuses[i]
			version = r.Version
			t.of(kind, r.Partition, " ", r.NumberID, " ", r.Minute)
		case event.TablePortfolioStatus:
			r := &out.PortfolioStatus[i]
			version = r.Version
			t.of(kind, r.PortfolioID, " ", r.Minute)
		case event.TableAccountEvents:
			r := &out.AccountEvents[i]
			t.of(kind, r.Partition, " ", r.Offset, " ", r.NumberID)
		case event.TableFlags:
			f := out.Flags[i]
			f.EmittedAt = 0
			t.of(kind, f.FlagID, " ", f.Sequence)
			t.text = codec.AppendFlag(t.text[:0], &f)
		}
		t.put(version)
	}
}

// warehouse stands for ClickHouse: inserts store whole tables, one after another, and their
// replies may be lost. It remembers no insert, so that one that is repeated stores its rows
// again, as ClickHouse does an hour later.
type warehouse struct {
	away atomic.Bool // everything is refused
	mu   sync.Mutex
	*table
}

// warehouseOf is the warehouse as a process reaches it.
type warehouseOf struct{ process *process }

// Write stores rows, or does what the schedule says.
func (o warehouseOf) Write(ctx context.Context, out *event.Output) error {
	f := o.process.reach("insert")
	w := o.process.world.warehouse
	if w.away.Load() {
		return errRefused
	}
	if f.late > 0 { // it hangs
		select {
		case <-time.After(f.late):
		case <-ctx.Done():
		case <-o.process.world.healed:
		}
		f.err = errRefused
	}
	if f.err != nil {
		return f.err
	}
	all := new(event.Output)
	all.Append(out)
	if err := codec.ReadBlocks(all); err != nil {
		return err
	}
	w.mu.Lock()
	for kind := range event.NumStoredTables {
		if (f.lost || f.after != nil) && int(kind) > out.Len()%int(event.NumStoredTables) {
			break // an insert into several tables is not atomic
		}
		w.takeTable(all, kind)
	}
	w.mu.Unlock()
	o.process.act(f.after)
	if f.lost || f.after != nil {
		return errLost
	}
	return o.process.await()
}
