package webhook

// maxFacts is how many facts of a kind a Memory holds, and maxHeld how many sends
// that pacing holds back: these are larger. The oldest half goes
// when it is full: bodies report again what is still in use.
const (
	maxFacts = 1 << 16
	maxHeld  = 1 << 12
)

// maxFact and maxHeldSize are how long a fact may be, in bytes; a longer one is not
// learnt.
const (
	maxFact     = 512
	maxHeldSize = 4096
)

// Memory is a Directory that remembers facts, at most 131,072 of a kind, of
// bounded size. The
// zero value is empty and ready. It serves one goroutine at a time.
type Memory struct {
	young, old [FactAddressee + 1]map[string]string
}

// Learn remembers a fact and reports whether it is new. The phone behind a hidden id is
// one for all numbers, and new for each of them: each has contacts of its own.
func (m *Memory) Learn(f Fact) bool {
	most := maxFact
	if f.Kind == FactHeld {
		most = maxHeldSize
	}
	if len(f.NumberID)+len(f.Key)+len(f.Value) > most {
		return false
	}
	isNew := m.Known(f.Kind, f.Key) != f.Value
	if isNew {
		m.put(f.Kind, f.Key, f.Value)
	}
	if told := f.told(); told != "" && m.Known(f.Kind, told) != f.Value {
		m.put(f.Kind, told, f.Value)
		isNew = true
	}
	return isNew
}

// told is the key under which it is remembered that a fact was told of its number; ""
// for a fact that concerns no number by itself.
func (f Fact) told() string {
	if f.Kind != FactPhone || f.NumberID == "" {
		return ""
	}
	return f.NumberID + "\n" + f.Key
}

// Forget takes a fact back.
func (m *Memory) Forget(f Fact) {
	for _, key := range []string{f.Key, f.told()} {
		delete(m.young[f.Kind], key)
		delete(m.old[f.Kind], key)
	}
}

// Known returns what is known of a key, "" for nothing.
func (m *Memory) Known(kind FactKind, key string) string {
	if v, ok := m.young[kind][key]; ok {
		return v
	}
	v, ok := m.old[kind][key]
	if ok {
		m.put(kind, key, v) // in use: it stays
	}
	return v
}

func (m *Memory) put(kind FactKind, key, value string) {
	most := maxFacts
	if kind == FactHeld {
		most = maxHeld
	}
	if len(m.young[kind]) >= most {
		m.young[kind], m.old[kind] = nil, m.young[kind]
	}
	if m.young[kind] == nil {
		m.young[kind] = map[string]string{}
	}
	m.young[kind][key] = value
}
