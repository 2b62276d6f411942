package sim

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"sendwatch/internal/checkpoint"
)

// disk is what the store of checkpoints lies on. It knows what was synced: a power cut
// loses or tears the rest.
type disk struct {
	world *world

	mu      sync.Mutex
	files   map[string]*file // partial files by path
	names   map[string]*file // by path: names that their folder was not synced since
	durable map[string]saved // the newest durable states, by topic and partition
	history []saved          // all of them, in the order in which they became durable
	rotten  map[string]bool  // partitions one of whose states was damaged
	spared  map[string]bool  // those whose states must not be
}

// file is the content behind one or two names.
type file struct {
	info   fs.FileInfo
	synced bool
}

// saved is a durable state.
type saved struct {
	topic     string
	partition int32
	offset    int64
	key       string
	flags     []int64 // ends of the flags topic when it became durable, by partition
	letters   int64   // end of the topic of dead letters then
}

func newDisk(w *world) *disk {
	return &disk{world: w, files: map[string]*file{}, names: map[string]*file{}, durable: map[string]saved{}, rotten: map[string]bool{}, spared: map[string]bool{}}
}

// step does one step of a process on the store.
func (p *process) step(name, path string, do func() error) error {
	f := p.reach("store " + name)
	d := p.world.disk
	if f.err != nil || f.late > 0 { // a disk is not late
		if name == checkpoint.StepWrite {
			d.tear(path, do) // cut at any byte
		}
		if f.err == nil {
			return errRefused
		}
		return f.err
	}
	err := d.do(p, name, path, do)
	if f.after != nil {
		p.act(f.after)
		return errDead
	}
	if f.lost {
		return errLost
	}
	if err == nil {
		err = p.await()
	}
	return err
}

// tear writes a part.
func (d *disk) tear(path string, do func() error) {
	if do() != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	cut(path)
}

// cut leaves a random part of a file.
func cut(path string) {
	if info, err := os.Stat(path); err == nil {
		_ = os.Truncate(path, rand.Int64N(info.Size()+1))
	}
}

// do does a step and remembers what it makes durable. What only syncs is not done: the
// machine that the tests run on need not survive. Nothing is done for who has died in this very
// instant: no disk takes a step after the power has gone.
func (d *disk) do(p *process, name, path string, do func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p.isDead() {
		return errDead
	}
	switch name {
	case checkpoint.StepWrite:
		err := do()
		if info, stat := os.Stat(path); stat == nil {
			d.files[path] = &file{info: info}
		}
		return err
	case checkpoint.StepSync:
		if f := d.files[path]; f != nil {
			f.synced = true
		}
		return nil
	case checkpoint.StepLink:
		err := do()
		if info, stat := os.Stat(path); err == nil && stat == nil {
			for _, f := range d.files {
				if os.SameFile(f.info, info) {
					d.names[path] = f
				}
			}
		}
		return err
	case checkpoint.StepUnlink:
		delete(d.files, path)
		return do()
	case checkpoint.StepSyncFolders:
		for name, f := range d.names {
			if filepath.Dir(name) == filepath.Dir(path) {
				delete(d.names, name)
				d.became(name, f)
			}
		}
		return nil
	default:
		return do()
	}
}

// became records a state that is durable now.
func (d *disk) became(path string, f *file) {
	data, err := os.ReadFile(path)
	if err != nil || !f.synced {
		return
	}
	h, _, err := checkpoint.DecodeHead(bytes.NewReader(data), int64(len(data)))
	if err != nil || h.Kind != checkpoint.KindState {
		return
	}
	s := saved{
		topic: h.Topic, partition: h.Partition.Partition, offset: h.Offset, key: path,
		flags: d.world.ends(topicFlags), letters: d.world.ends(topicLetters)[0],
	}
	of := s.topic + "/" + strconv.Itoa(int(s.partition))
	if s.offset >= d.durable[of].offset {
		d.durable[of] = s
	}
	d.history = append(d.history, s)
}

// newest returns the largest offset of a durable state of a partition, -1 for none.
func (d *disk) newest(topic string, partition int32) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.durable[topic+"/"+strconv.Itoa(int(partition))]
	if !ok {
		return -1
	}
	return s.offset
}

// isRotten reports whether a state of a partition was damaged.
func (d *disk) isRotten(topic string, partition int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rotten[topic+"/"+strconv.Itoa(partition)]
}

// powerCut loses what was not synced: names, and the content behind those that stay.
func (d *disk) powerCut(r *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for path, f := range d.names {
		if r.IntN(2) == 0 {
			_ = os.Remove(path)
			continue
		}
		if !f.synced {
			cut(path)
		}
		d.became(path, f) // what outlives a power cut is durable
	}
	for path, f := range d.files {
		if !f.synced {
			cut(path)
		}
	}
	clear(d.names)
	clear(d.files)
}

// spare has no state of a partition be damaged from now on.
func (d *disk) spare(topic string, partition int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spared[topic+"/"+strconv.Itoa(partition)] = true
}

// rot changes a byte of the newest durable state of a partition. Each partition suffers it once:
// two damaged states in a row are for an operator. So is a log that begins behind the state before.
func (d *disk) rot(r *rand.Rand, topic string, partition int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	of := topic + "/" + strconv.Itoa(partition)
	names, err := filepath.Glob(filepath.Join(d.world.folder, topic, strconv.Itoa(partition), "*"))
	if err != nil || d.rotten[of] || d.spared[of] {
		return
	}
	var states []string
	for _, name := range names { // in order
		if _, fresh := d.names[name]; fresh { // not durable yet: its owner has not been told that it is saved
			continue
		}
		if !strings.HasSuffix(name, "-0000000000") && !strings.HasSuffix(name, "-0000000001") {
			states = append(states, name)
		}
	}
	if len(states) < 2 {
		return
	}
	path := states[len(states)-1]
	data, err := os.ReadFile(path)
	if err != nil || len(data) == 0 {
		return
	}
	d.rotten[of] = true
	data[r.IntN(len(data))] ^= 1 << r.IntN(8)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		d.world.fail("damage %s: %v", path, err)
	}
	d.world.note("damaged %s", strings.TrimPrefix(path, d.world.folder))
}
