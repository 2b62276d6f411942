package traffic

// action is something that a number will do or see. It is small and without
// pointers, because a number holds one for every status and reply to come.
type action struct {
	at      int64 // ms
	seq     uint32
	contact uint32
	message uint32 // the message it speaks of
	arg     int32
	do      verb
	depth   uint8 // how far a chat has gone
}

// verb is what an action does.
type verb uint8

const (
	doJoin verb = iota // the number appears
	doOnset
	doOutreach // the next conversation it begins
	doSend     // a message to a given contact, outside the turn
	doAnswer   // an answer in a chat
	doVisit    // a contact begins a chat
	doInbound  // a contact writes; arg is a wish
	doStatus   // arg is the error code, depth the status
	doWish     // a contact.preference; arg is a wish
	doAlias    // a contact's other identifiers become known
	doCap      // the quota of new chats is shown
	doBlock
	doReport
	doConnection
	doLink // its session is linked again
	doRating
	doGroup
	doRestrict
	doTemplate // arg counts the steps of its decline
	doLimit    // arg is the portfolio
	doUnreadable
	doDelayed // a record that was held up arrives; arg is its slot
)

// wish is what an inbound asks for.
const (
	wishNone = iota
	wishStop
	wishResume
)

// queue is a binary heap of actions by time, then by the order of their making.
type queue []action

func (q queue) less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}

func (q *queue) push(a action) {
	*q = append(*q, a)
	h := *q
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h.less(i, parent) {
			break
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

func (q *queue) pop() action {
	h := *q
	top, last := h[0], len(h)-1
	h[0] = h[last]
	h = h[:last]
	*q = h
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(h); c++ {
			if h.less(c, least) {
				least = c
			}
		}
		if least == i {
			return top
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

// merge is a heap of numbers by the time of what each does next, then by their
// index, so that equal times always come in the same order.
type merge struct {
	order []int32
	at    []int64 // by number
}

func (m *merge) less(i, j int) bool {
	a, b := m.order[i], m.order[j]
	return m.at[a] < m.at[b] || m.at[a] == m.at[b] && a < b
}

// down restores the heap below i after the time of the number there has grown.
func (m *merge) down(i int) {
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(m.order); c++ {
			if m.less(c, least) {
				least = c
			}
		}
		if least == i {
			return
		}
		m.order[i], m.order[least] = m.order[least], m.order[i]
		i = least
	}
}
