package kafka

import (
	"strconv"
	"sync"

	"sendwatch/internal/event"
)

// A commit carries, as its metadata, when the newest record before its offset was
// written. If retention deletes what comes next before anybody reads it, the next owner
// can say from when on records are missing; the log itself no longer tells.

// readTimes remembers when the newest records of the batches that were fetched and not
// committed yet were written. Fetch and Commit may be called beside each other.
type readTimes struct {
	mu   sync.Mutex
	read []readTo
}

// readTo is the end of a batch and the timestamp of its newest record, in ms.
type readTo struct{ next, time int64 }

// committedTo is what a group has of a partition: -1 for no offset, 0 for no time.
type committedTo struct{ offset, time int64 }

// note takes a batch that was fetched.
func (t *readTimes) note(b *event.Batch) {
	if b == nil || len(b.Records) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.read = append(t.read, readTo{b.Next, b.Records[len(b.Records)-1].Timestamp})
	if len(t.read) < maxReadTimes {
		return
	}
	for i := range t.read { // what is left is coarser, and says too early a time
		if i%2 == 1 {
			t.read[i/2] = t.read[i]
		}
	}
	t.read = t.read[:len(t.read)/2]
}

// maxReadTimes bounds how many batches are remembered while nothing is committed.
const maxReadTimes = 1024

// before returns the time of the newest record before an offset, 0 if it is not known, and
// forgets those of the batches before that one.
func (t *readTimes) before(offset int64) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := -1
	for i := range t.read {
		if t.read[i].next <= offset {
			at = i
		}
	}
	if at < 0 {
		return 0
	}
	t.read = append(t.read[:0], t.read[at:]...)
	return t.read[0].time
}

// timeText and timeOf write a time as metadata and read it. Anything else that stands
// there is no time.
func timeText(ms int64) string {
	if ms <= 0 {
		return ""
	}
	return strconv.FormatInt(ms, 10)
}

func timeOf(metadata string) int64 {
	ms, err := strconv.ParseInt(metadata, 10, 64)
	if err != nil || ms < 0 {
		return 0
	}
	return ms
}
