package pipeline

import (
	"testing"
	"time"
)

// TestADearCheckpointWaits holds when a checkpoint is due whose predecessor was so large, and took
// so long, after so much time and so many records.
func TestADearCheckpointWaits(t *testing.T) {
	const large = 64 << 20
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		bytes   int64
		took    time.Duration
		since   time.Duration
		records int64
		worked  time.Duration
		credit  int64
		ended   bool
		failed  string
		want    bool
	}{
		"too early":                                     {bytes: 100, since: 59 * time.Second, records: 1e9},
		"a small state":                                 {bytes: freeBytes - 1, took: time.Hour, since: time.Minute, records: 1, want: true},
		"few records for a large one":                   {bytes: large, took: time.Second, since: time.Minute, records: large/bytesPerRecord - 1},
		"as many as it may take":                        {bytes: large, took: time.Second, since: time.Minute, records: large / bytesPerRecord, want: true},
		"as many, and the one before is not paid for":   {bytes: large, took: time.Second, since: time.Minute, records: large / bytesPerRecord, credit: -1},
		"as many as two may take":                       {bytes: large, took: time.Second, since: time.Minute, records: 2 * large / bytesPerRecord, credit: -large, want: true},
		"few records that were little work":             {bytes: large, took: time.Second, since: 14 * time.Minute, records: 1e6, worked: workAgain - 1},
		"few records that were much work":               {bytes: large, took: time.Second, since: time.Minute, records: 1, worked: workAgain, want: true},
		"much work and much of the time":                {bytes: large, took: 2 * time.Second, since: timeShare*2*time.Second - 1, records: 1, worked: workAgain},
		"much of the time":                              {bytes: large, took: 2 * time.Second, since: timeShare*2*time.Second - 1, records: 1e9},
		"the share of the time that it may":             {bytes: large, took: 2 * time.Second, since: timeShare * 2 * time.Second, records: 1e9, want: true},
		"dear for long":                                 {bytes: large, took: time.Hour, since: patience * time.Minute, records: 1, want: true},
		"one that failed":                               {bytes: large, took: time.Hour, since: time.Minute, records: 1, failed: "the store is away", want: true},
		"nothing new":                                   {bytes: large, since: time.Hour},
		"the claim has ended":                           {bytes: large, took: time.Hour, since: time.Second, records: 1, ended: true, want: true},
		"the claim has ended, and nothing new is there": {bytes: large, ended: true},
	} {
		now := start.Add(c.since)
		p := &partitionProgress{role: &role{now: func() time.Time { return now }}}
		p.worked = time.Hour + c.worked
		p.status.Checkpoint = CheckpointStatus{Offset: 1000, Bytes: c.bytes, Error: c.failed}
		k := &stateKeeper{
			Checkpoints: Checkpoints{Every: time.Minute}, progress: p, ended: func() bool { return c.ended }, begun: start, took: c.took, kept: time.Hour, credit: c.credit,
		}
		if got := k.due(1000 + c.records); got != c.want {
			t.Errorf("%s: due is %v", name, got)
		}
	}
}

// TestWhatCheckpointsCost plays partitions of several kinds for a day, or until they have written twenty checkpoints, and holds what all
// of them cost: the share of the time, the bytes for each record, and what a restart would have to do again.
func TestWhatCheckpointsCost(t *testing.T) {
	const batch = 4_000
	for name, c := range map[string]struct {
		every   time.Duration // between two batches
		work    time.Duration // that one is
		bytes   int64         // of a state
		took    time.Duration // until it is durable
		overrun bool          // more bytes for a record than it may, for the sake of a restart
	}{
		"catching up":                     {every: 40 * time.Millisecond, work: 40 * time.Millisecond, bytes: 60 << 20, took: 400 * time.Millisecond},
		"catching up with a slow store":   {every: 40 * time.Millisecond, work: 40 * time.Millisecond, bytes: 60 << 20, took: 4 * time.Second},
		"catching up with a large state":  {every: 40 * time.Millisecond, work: 40 * time.Millisecond, bytes: 400 << 20, took: 3 * time.Second, overrun: true},
		"a partition with much traffic":   {every: 400 * time.Millisecond, work: 40 * time.Millisecond, bytes: 60 << 20, took: 400 * time.Millisecond},
		"a partition with little traffic": {every: 40 * time.Second, work: 40 * time.Millisecond, bytes: 60 << 20, took: 400 * time.Millisecond, overrun: true},
		"a small state":                   {every: 40 * time.Second, work: 40 * time.Millisecond, bytes: freeBytes - 1, overrun: true},
	} {
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		now := start
		p := &partitionProgress{role: &role{now: func() time.Time { return now }}}
		p.status.Checkpoint.Offset = FromStart
		k := &stateKeeper{Checkpoints: Checkpoints{Every: time.Minute}, progress: p, ended: func() bool { return false }, begun: start}
		var next, written, first, again int64
		var saving, worst time.Duration
		saves := 0
		for now.Sub(start) < 24*time.Hour && saves < 20 {
			now, next, p.worked = now.Add(c.every), next+batch, p.worked+c.work
			worst = max(worst, p.worked-k.kept)
			if !k.due(next) {
				continue
			}
			if waited := now.Sub(k.begun); waited > patience*k.Every+c.every {
				t.Errorf("%s: one came %v after the one before", name, waited)
			}
			k.begun, k.worked, k.state.Offset, k.state.Stored, k.saving = now, p.worked, next, c.bytes, c.took
			now = now.Add(c.took)
			k.pay(p.status.Checkpoint.Offset)
			p.status.Checkpoint.Offset, p.status.Checkpoint.Bytes, k.took, k.kept = next, c.bytes, k.saving, k.worked
			if saves++; saves == 1 { // comes at its time
				first, again = c.bytes, next
			}
			written, saving = written+c.bytes, saving+c.took
			if perRecord := float64(written-first) / float64(max(next-again, 1)); !c.overrun && perRecord > bytesPerRecord {
				t.Errorf("%s: after %d checkpoints they come to %.1f bytes for each record since the first, want %d at most", name, saves, perRecord, bytesPerRecord)
			}
		}
		if perRecord := float64(written) / float64(next); !c.overrun && perRecord > bytesPerRecord {
			t.Errorf("%s: %d checkpoints come to %.1f bytes for each record, want %d at most", name, saves, perRecord, bytesPerRecord)
		}
		if share := saving.Seconds() / now.Sub(start).Seconds(); share > 0.03 {
			t.Errorf("%s: %d checkpoints take %.1f %% of the time", name, saves, 100*share)
		}
		if most := max(workAgain, timeShare*c.took) + c.work; worst > most {
			t.Errorf("%s: a restart would have %v of work to do again, want %v at most", name, worst, most)
		}
		if saves < 10 {
			t.Errorf("%s: %d checkpoints in %v", name, saves, now.Sub(start))
		}
	}
}

// TestADearCheckpointIsNoTrouble holds that what was not due is not late: five times the time between
// two counts from when the first try that failed was due.
func TestADearCheckpointIsNoTrouble(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	for name, c := range map[string]struct {
		saving, failing time.Time
		now             int
		want            bool
	}{
		"a save under way that came late":      {saving: at(9), now: 10},
		"a save that hangs":                    {saving: at(9), now: 15, want: true},
		"a first try that failed, and is late": {failing: at(9), now: 10},
		"tries that fail":                      {failing: at(9), now: 12},
		"tries that fail for long":             {failing: at(9), now: 13, want: true},
	} {
		s := PartitionStatus{Checkpoint: CheckpointStatus{At: start, Every: time.Minute, Saving: c.saving, Failing: c.failing}}
		if !c.failing.IsZero() {
			s.Checkpoint.Error = "the store is away"
		}
		if got := len(s.checkpointProblems(at(c.now).Add(time.Second))) > 0; got != c.want {
			t.Errorf("%s: it is a problem: %v", name, got)
		}
	}
}
