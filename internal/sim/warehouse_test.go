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
	says     map[string]string
	repeated int    // rows that came again
	problem  string // the first row that said something else
}

type row struct {
	version int64
	text    string
}

func newTable() *table { return &table{rows: map[string]row{}, says: map[string]string{}} }

// put stores a row.
func (t *table) put(key string, version int64, text string) {
	at := fmt.Sprint(key, " of version ", version)
	if before, ok := t.says[at]; ok {
		t.repeated++
		if before != text && t.problem == "" {
			t.problem = fmt.Sprintf("%s says\n  %s\nand\n  %s", at, before, text)
		}
	}
	t.says[at] = text
	if old, ok := t.rows[key]; !ok || version >= old.version {
		t.rows[key] = row{version, text}
	}
}

// take stores the rows of an output.
func (t *table) take(out *event.Output) {
	for kind := range event.NumStoredTables {
		t.takeTable(out, kind)
	}
}

// takeTable stores the rows of one table under their keys, of which schemas/clickhouse has
// the same.
func (t *table) takeTable(out *event.Output, kind event.Table) {
	for i := range out.Rows(kind) {
		var key string
		var version int64
		text := string(codec.AppendRowJSON(nil, out, event.Row{Table: kind, Index: i}))
		switch kind {
		case event.TableNumberMinutes:
			r := &out.NumberMinutes[i]
			key, version = fmt.Sprint(r.Partition, " ", r.NumberID, " ", r.Minute, " ", r.Pane.Pane), r.Version
			text = fmt.Sprint(text, r.Contacts)
		case event.TableFingerprintHours:
			r := &out.FingerprintHours[i]
			key, version = fmt.Sprintf("%d %s %x %d %s %d", r.Partition, r.NumberID, r.Fingerprint, r.Hour, r.Template, r.Pane.Pane), r.Version
		case event.TableContactOutcomes:
			r := &out.ContactOutcomes[i]
			key, version = fmt.Sprintf("%d %s %x %d", r.Partition, r.NumberID, r.Contact, r.Pane.Pane), r.Version
		case event.TableNumberStatus:
			r := &out.NumberStatuses[i]
			key, version = fmt.Sprint(r.Partition, " ", r.NumberID, " ", r.Minute), r.Version
		case event.TablePortfolioStatus:
			r := &out.PortfolioStatus[i]
			key, version = fmt.Sprint(r.PortfolioID, " ", r.Minute), r.Version
		case event.TableAccountEvents:
			r := &out.AccountEvents[i]
			key = fmt.Sprint(r.Partition, " ", r.Offset, " ", r.NumberID)
		case event.TableFlags:
			f := out.Flags[i]
			f.EmittedAt = 0
			key, text = fmt.Sprint(f.FlagID, " ", f.Sequence), string(codec.AppendFlag(nil, &f))
		}
		t.put(kind.String()+" "+key, version, text)
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
	w.mu.Lock()
	for kind := range event.NumStoredTables {
		if (f.lost || f.after != nil) && int(kind) > out.Len()%int(event.NumStoredTables) {
			break // an insert into several tables is not atomic
		}
		w.takeTable(out, kind)
	}
	w.mu.Unlock()
	o.process.act(f.after)
	if f.lost || f.after != nil {
		return errLost
	}
	return o.process.await()
}
