package engine

import (
	"sendwatch/internal/event"
	"sendwatch/internal/window"
)

// Who is who (contract, section 9): the identifiers of a number's contacts are
// tied by links, and a conversation is that of the name at the end of them.
//
// A link that has passed holds on only while the preference of the name it leads
// to is a stop, and one that does not hold at any one moment is gone for good. So
// every link is decided at the first event that finds it passed, before the event
// ties or counts anything: it is held, or deleted. What is held is decided again
// when the preference of its name stops being a stop; each conversation counts the
// links held for it, so that only then somebody has to look for them.

// contact is the name of the person that an event is about.
type contact struct {
	name  uint64
	known bool // the event carries an identifier
}

// contactOf ties what an event of a number says of one person, and returns the
// name of the contact.
func (e *Engine) contactOf(i numberIndex, ev *event.Event) contact {
	if ev.InGroup {
		return contact{}
	}
	id, known := ev.Contact, ev.HasContact
	if !known {
		id, known = ev.UserID, ev.HasUserID
	}
	name, tied := uint64(0), false
	if ev.HasContact && ev.HasUserID {
		name, tied = e.tie(i, ev.UserID, id, ev.Time)
	}
	if ev.Type == event.TypeAlias {
		if ev.HasPrevious {
			name, tied = e.tie(i, ev.Previous, id, ev.Time)
		}
		if ev.HasPreviousUserID {
			name, tied = e.tie(i, ev.PreviousUserID, id, ev.Time)
		}
	}
	if !tied {
		name = e.name(i, id)
	}
	return contact{name, known}
}

// name returns the name of an identifier.
func (e *Engine) name(i numberIndex, id uint64) uint64 {
	if e.numbers.look(i).ties == 0 {
		return id
	}
	for {
		to, ok := e.links.To(uint32(i), id)
		if !ok {
			return id
		}
		id = to
	}
}

// tie ties the identifier u to c, as seen at t: the links on the way from both are
// renewed, and u's name gets a link to c's, unless the limit is reached, or the
// number is one of those beyond 16 million that links have no room for. It returns the name
// of c, false if t is so long ago that nothing happens.
func (e *Engine) tie(i numberIndex, u, c uint64, t int64) (name uint64, ok bool) {
	n := e.numbers.at(i)
	if e.watermark >= t+window.LinkAge {
		return 0, false
	}
	a, b := e.renew(i, u, t), e.renew(i, c, t)
	if a == b {
		return b, true
	}
	if e.cfg.MaxLinks > 0 && int(n.ties) >= e.cfg.MaxLinks || !e.links.Put(uint32(i), a, b, t, e.watermark) {
		e.stats.Dropped++
		return b, true
	}
	n.ties++
	if _, ok := e.replies.Find(uint32(i), a); !ok {
		// Nothing is merged, but b's preference becomes that of a too.
		to, ok := e.replies.Find(uint32(i), b)
		if !ok || !e.replies.Preferred(to) {
			return b, true
		}
	}
	from, to := e.replies.Open(uint32(i), a), e.replies.Open(uint32(i), b)
	e.resolved = e.replies.Merge(from, to, e.watermark, e.resolved[:0])
	e.countResolved()
	if _, stopped := e.replies.StoppedAt(to); !stopped {
		e.releaseLinks(i, b, to)
	}
	return b, true
}

// renew renews the links on the way from an identifier and returns its name.
func (e *Engine) renew(i numberIndex, id uint64, t int64) uint64 {
	n := e.numbers.at(i)
	if n.ties == 0 {
		return id
	}
	renewed := 0 // of those that were held
	for {
		to, wasHeld, ok := e.links.Renew(uint32(i), id, t, e.watermark)
		if !ok {
			break
		}
		if wasHeld {
			renewed++
			for k := range n.held.Len() {
				if *e.held.At(&n.held, k) == id {
					e.held.Remove(&n.held, k)
					break
				}
			}
		}
		id = to
	}
	if renewed > 0 {
		if c, ok := e.replies.Find(uint32(i), id); ok {
			e.replies.Hold(c, -renewed)
		}
	}
	return id
}

// passLinks decides every link that has passed at the watermark.
func (e *Engine) passLinks() {
	for {
		owner, from, ok := e.links.Passing(e.watermark)
		if !ok {
			return
		}
		e.decideLinks(numberIndex(owner), from)
	}
}

// decideLinks holds or deletes each link on the way from an identifier that has
// passed, the last one first: whether one holds depends on those behind it.
func (e *Engine) decideLinks(i numberIndex, from uint64) {
	n := e.numbers.at(i)
	e.way = e.way[:0]
	for id, ok := from, true; ok; {
		e.way = append(e.way, id)
		id, ok = e.links.To(uint32(i), id)
	}
	name := e.way[len(e.way)-1]
	for k := len(e.way) - 2; k >= 0; k-- {
		id := e.way[k]
		if !e.links.Passed(uint32(i), id, e.watermark) {
			continue
		}
		c, ok := e.replies.Find(uint32(i), name)
		if ok {
			_, ok = e.replies.StoppedAt(c)
		}
		if !ok {
			e.links.Delete(uint32(i), id)
			n.ties--
			name = id
			continue
		}
		e.links.Hold(uint32(i), id)
		e.replies.Hold(c, 1)
		e.held.PushBack(&n.held, id)
	}
}

// releaseLinks decides again the links that are held for a name, whose preference
// is no stop any more.
func (e *Engine) releaseLinks(i numberIndex, name uint64, c window.Conversation) {
	if e.replies.Held(c) == 0 {
		return
	}
	n := e.numbers.at(i)
	var released, kept []uint64
	for k := range n.held.Len() {
		if id := *e.held.At(&n.held, k); e.name(i, id) == name {
			released = append(released, id)
		} else {
			kept = append(kept, id)
		}
	}
	e.replies.Hold(c, -len(released))
	e.held.Free(&n.held)
	for _, id := range kept {
		e.held.PushBack(&n.held, id)
	}
	for _, id := range released {
		e.links.Release(uint32(i), id)
	}
	for _, id := range released {
		e.decideLinks(i, id)
	}
}

// prefer applies a contact's stop or resume to the name and to every identifier
// that the event carries.
func (e *Engine) prefer(n number, ev *event.Event, who contact, p event.Preference) {
	if p == event.PreferenceNone {
		return
	}
	e.replies.NextPreference()
	apply := func(id uint64) {
		c := e.replies.Open(uint32(n.index), id)
		if p == event.PreferenceStop {
			e.replies.Stop(c, ev.Time)
			return
		}
		e.replies.Resume(c)
		e.releaseLinks(n.index, id, c)
	}
	if ev.HasContact && ev.Contact != who.name {
		apply(ev.Contact)
	}
	if ev.HasUserID && ev.UserID != who.name {
		apply(ev.UserID)
	}
	apply(who.name)
	if p == event.PreferenceStop {
		e.minuteRow(n, ev.Time).counts.Stops++
		e.addHour(n, 1<<colStops, ev.Time)
	}
}
