package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"sendwatch/internal/codec"
	"sendwatch/internal/engine"
	"sendwatch/internal/event"
	"sendwatch/internal/oracle"
	"sendwatch/internal/processor"
)

// answers are what has to come of logs. Schedules share logs, and so what follows from a
// log alone is computed once for all of them: that is most of what a schedule would take.
// It is kept by all that a log says, so that a log to which a schedule has added something,
// such as clock events, is another one.
type answers struct {
	mu      sync.Mutex
	logs    map[uint64]sharedLog // by seed
	model   map[[sha256.Size]byte][]oracle.Row
	numbers map[[sha256.Size]byte]*expected

	cuts atomic.Int64 // how often a schedule had the beginning of a log deleted
}

// mostAnswers bounds how many are kept: few logs are in use at a time.
const mostAnswers = 100

func newAnswers() *answers {
	return &answers{logs: map[uint64]sharedLog{}, model: map[[sha256.Size]byte][]oracle.Row{}, numbers: map[[sha256.Size]byte]*expected{}}
}

// log makes the log of a seed.
func (a *answers) log(seed uint64) sharedLog {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l, known := a.logs[seed]; known {
		return l
	}
	r := rand.New(rand.NewPCG(seed, 0x10c))
	l := sharedLog{events: pick[int32](r, 1, 1, 2), paneBits: pick[uint8](r, 3, 6, 16)}
	l.lines = makeLog(r, seed, l.events)
	if len(a.logs) >= mostAnswers {
		clear(a.logs)
	}
	a.logs[seed] = l
	return l
}

// hashOf returns a hash of everything that a log and what else counts say.
func hashOf(log []*kgo.Record, more ...byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	number := func(n int64) { h.Write(binary.LittleEndian.AppendUint64(nil, uint64(n))) }
	text := func(b []byte) {
		number(int64(len(b)))
		h.Write(b)
	}
	text(more)
	for _, r := range log {
		number(r.Offset)
		number(timeOf(r))
		text(r.Key)
		text(r.Value)
		number(int64(len(r.Headers)))
		for _, one := range r.Headers {
			text([]byte(one.Key))
			text(one.Value)
		}
	}
	h.Sum(sum[:0])
	return sum
}

// timeOf returns a record's timestamp, 0 for one from before 2009, which counts for nothing
// (contract, section 2): what the pipeline writes itself has that of the bubble it runs in, so that no
// two schedules have the same.
func timeOf(r *kgo.Record) int64 {
	at := r.Timestamp.UnixMilli()
	if at < codec.MinTime {
		return 0
	}
	return at
}

// ofModel returns the flags of the naive model, which nobody may change.
func (a *answers) ofModel(log []*kgo.Record) []oracle.Row {
	key := hashOf(log)
	a.mu.Lock()
	flags, known := a.model[key]
	a.mu.Unlock()
	if known {
		return flags
	}
	model := oracle.New(3_600_000)
	decoder := codec.NewDecoder(codec.Config{StopWords: shippedPolicy().StopWords, ResumeWords: shippedPolicy().ResumeWords})
	for _, r := range log {
		at := timeOf(r)
		var ev event.Event
		if decoder.Decode(&ev, r.Value, codec.ContentJSON, at) != nil {
			model.Skip(r.Offset, at)
			continue
		}
		model.Apply(&ev, r.Offset, at)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.model) >= mostAnswers {
		clear(a.model)
	}
	a.model[key] = model.Flags
	return model.Flags
}

// ofNumbers returns what the numbers role makes of a partition of the events topic in one go.
// Nobody may change it.
func (a *answers) ofNumbers(partition int32, paneBits uint8, log []*kgo.Record) (*expected, error) {
	key := hashOf(log, byte(partition), paneBits)
	a.mu.Lock()
	want := a.numbers[key]
	a.mu.Unlock()
	if want != nil {
		return want, nil
	}
	want = newExpected()
	p := processor.New(processor.Config{
		Engine: engine.Config{
			Topic: topicEvents, Partition: partition, Policy: shippedPolicy(), PaneBits: paneBits, Feed: true, AnyOrder: true,
		},
		Policies: shipped{},
	})
	var out event.Output
	for _, r := range log {
		record := event.Record{Offset: r.Offset, Timestamp: timeOf(r), Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			record.Headers = append(record.Headers, event.Header{Key: []byte(h.Key), Value: h.Value})
		}
		class, err := p.ApplyAll(&record, &out)
		if err != nil {
			return nil, err
		}
		if class == event.ClassRejected {
			want.letters[fmt.Sprint(partition, " ", r.Offset)] = true
		}
	}
	for p.Flush(&out) {
	}
	want.take(&out)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.numbers) >= mostAnswers {
		clear(a.numbers)
	}
	a.numbers[key] = want
	return want, nil
}
