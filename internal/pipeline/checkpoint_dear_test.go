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
		ended   bool
		failed  string
		want    bool
	}{
		"too early":                                     {bytes: 100, since: 59 * time.Second, records: 1e9},
		"a small state":                                 {bytes: freeBytes - 1, took: time.Hour, since: time.Minute, records: 1, want: true},
		"few records for a large one":                   {bytes: large, took: time.Second, since: time.Minute, records: large/bytesPerRecord - 1},
		"as many as it may take":                        {bytes: large, took: time.Second, since: time.Minute, records: large / bytesPerRecord, want: true},
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
			Checkpoints: Checkpoints{Every: time.Minute}, progress: p, ended: func() bool { return c.ended }, begun: start, took: c.took, kept: time.Hour,
		}
		if got := k.due(1000 + c.records); got != c.want {
			t.Errorf("%s: due is %v", name, got)
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
