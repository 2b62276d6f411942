package pipeline

import (
	"context"
	"slices"
	"strconv"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
)

const (
	// maxLetter bounds a dead letter's value so that it fits a broker's default
	// limit for a message with its key and headers. What is cut is said.
	maxLetter = 768 << 10
	// headerTruncated gives the length that a cut dead letter had.
	headerTruncated = "sendwatch-truncated-from"
	// maxLetterHead bounds a dead letter's key and the headers that its record
	// came with, together. Where more is left out, headerLeftOut says what.
	maxLetterHead = 128 << 10
	headerLeftOut = "sendwatch-left-out"
	// maxRowsMessage and maxRowsOfOne bound one record of the rows topic: so
	// many bytes, beyond which the next row begins a new one, and so many rows.
	maxRowsMessage = 256 << 10
	maxRowsOfOne   = 2_000
)

// outbox is memory for messages, used again and again.
type outbox struct {
	messages []event.Message
	bytes    []byte
	headers  []event.Header
	rows     codec.Rows
}

func (o *outbox) reset() {
	o.messages, o.bytes, o.headers = o.messages[:0], o.bytes[:0], o.headers[:0]
}

// rows counts the rows and flags of out.
func rows(out *event.Output) int {
	return len(out.Flags) + len(out.NumberMinutes) + len(out.FingerprintHours) + len(out.NumberStatuses) +
		len(out.ContactOutcomes) + len(out.AccountEvents) + len(out.PortfolioStatus)
}

// emit sends the dead letters and flags that have not been sent. Flags stay in
// out: they go into the rows as well.
func (p *partition) emit(ctx context.Context) error {
	if len(p.letters) > 0 {
		if err := p.produce(ctx, p.role.config.DeadLetter, p.outbox.letters(p.letters, p.rejects)); err != nil {
			return err
		}
		m := p.role.config.Telemetry.Metrics()
		for i := range p.letters {
			m.Add(telemetry.DeadLetters, 1, p.letters[i].Reason)
		}
		p.letters, p.rejects = p.letters[:0], p.rejects[:0]
	}
	if p.sent == len(p.out.Flags) {
		return nil
	}
	fresh := p.out.Flags[p.sent:]
	now := p.role.config.Now().UnixMilli()
	for i := range fresh {
		fresh[i].EmittedAt = now
	}
	messages := p.outbox.flags(fresh)
	if err := p.produce(ctx, p.role.config.Flags, messages); err != nil {
		return err
	}
	m := p.role.config.Telemetry.Metrics()
	for i := range fresh {
		f := &fresh[i]
		m.Add(telemetry.Flags, 1, f.Factor.String(), f.Level.String(), f.Transition.String())
	}
	for i := range messages {
		p.role.newest.add(slices.Clone(messages[i].Value))
	}
	p.sent = len(p.out.Flags)
	return nil
}

// letters makes messages of dead letters: the original key, value and headers,
// and the reason and position as headers. Entries without a record stand for a
// run of offsets.
func (o *outbox) letters(letters []event.DeadLetter, rejects []*event.Record) []event.Message {
	o.reset()
	for i := range letters {
		l := &letters[i]
		first := len(o.headers)
		key, room := l.Key, maxLetterHead-len(l.Key)
		if room < 0 {
			key, room = nil, maxLetterHead
			o.headers = append(o.headers, event.Header{Key: []byte(headerLeftOut), Value: []byte("key")})
		}
		if r := rejects[i]; r != nil {
			for _, h := range r.Headers {
				// A header takes 48 bytes of memory, however short it is.
				if room -= len(h.Key) + len(h.Value) + 48; room < 0 {
					o.headers = append(o.headers, event.Header{Key: []byte(headerLeftOut), Value: []byte("headers")})
					break
				}
				o.headers = append(o.headers, h)
			}
		}
		o.headers = codec.AppendDeadLetterHeaders(o.headers, l)
		value := l.Value
		if len(value) > maxLetter {
			o.headers = append(o.headers, event.Header{Key: []byte(headerTruncated), Value: strconv.AppendInt(nil, int64(len(value)), 10)})
			value = value[:maxLetter]
		}
		o.messages = append(o.messages, event.Message{Key: key, Value: value, Headers: o.headers[first:len(o.headers):len(o.headers)]})
	}
	return o.messages
}

// flags makes messages of flags, but for those of a shadow policy.
func (o *outbox) flags(flags []event.Flag) []event.Message {
	o.reset()
	for i := range flags {
		f := &flags[i]
		if f.Shadow {
			continue
		}
		first := len(o.bytes)
		o.bytes = codec.AppendFlag(o.bytes, f)
		key := f.NumberID
		if key == "" {
			key = f.PortfolioID
		}
		o.messages = append(o.messages, event.Message{Key: []byte(key), Value: o.bytes[first:len(o.bytes):len(o.bytes)]})
	}
	return o.messages
}

// sendRows sends all rows of out.
func (p *partition) sendRows(ctx context.Context) error {
	return p.produce(ctx, p.role.config.Rows, p.outbox.batches(p.claim, &p.out))
}

// batches makes messages of rows: each of one portfolio, which is its key, and
// of bounded size. Rows without a portfolio have an empty key.
func (o *outbox) batches(claim Claim, out *event.Output) []event.Message {
	o.reset()
	byPortfolio := split(out)
	portfolios := make([]string, 0, len(byPortfolio))
	for id := range byPortfolio {
		portfolios = append(portfolios, id)
	}
	slices.Sort(portfolios)
	for _, id := range portfolios {
		o.rows = codec.Rows{Topic: claim.Topic, Partition: claim.Partition, PortfolioID: id}
		size, count := 0, 0
		flush := func() {
			if count == 0 {
				return
			}
			first := len(o.bytes)
			o.bytes = codec.AppendRows(o.bytes, &o.rows)
			o.messages = append(o.messages, event.Message{Key: []byte(id), Value: o.bytes[first:len(o.bytes):len(o.bytes)]})
			o.rows.Reset()
			size, count = 0, 0
		}
		for _, r := range byPortfolio[id] {
			n := r.size(out)
			if count > 0 && (size+n > maxRowsMessage || count >= maxRowsOfOne) {
				flush()
			}
			r.copy(out, &o.rows.Output)
			size, count = size+n, count+1
		}
		flush()
	}
	return o.messages
}

// row names a row of an Output by its table and index.
type row struct {
	table table
	index int
}

type table uint8

const (
	tableFlag table = iota
	tableMinute
	tableFingerprint
	tableStatus
	tableContact
	tableAccount
	tablePortfolio
	tableChange
)

// split sorts rows by portfolio, in the order in which they came.
func split(out *event.Output) map[string][]row {
	by := map[string][]row{}
	add := func(portfolio string, t table, i int) { by[portfolio] = append(by[portfolio], row{t, i}) }
	for i := range out.Flags {
		add(out.Flags[i].PortfolioID, tableFlag, i)
	}
	for i := range out.NumberMinutes {
		add(out.NumberMinutes[i].PortfolioID, tableMinute, i)
	}
	for i := range out.FingerprintHours {
		add(out.FingerprintHours[i].PortfolioID, tableFingerprint, i)
	}
	for i := range out.NumberStatuses {
		add(out.NumberStatuses[i].PortfolioID, tableStatus, i)
	}
	for i := range out.ContactOutcomes {
		add(out.ContactOutcomes[i].PortfolioID, tableContact, i)
	}
	for i := range out.AccountEvents {
		add(out.AccountEvents[i].PortfolioID, tableAccount, i)
	}
	for i := range out.PortfolioStatus {
		add(out.PortfolioStatus[i].PortfolioID, tablePortfolio, i)
	}
	for i := range out.Changes {
		add(out.Changes[i].PortfolioID, tableChange, i)
	}
	return by
}

// size estimates a row's encoded size, rather too large: fixed parts as the
// largest rows have them, and what varies without bound by its length.
func (r row) size(out *event.Output) int {
	switch r.table {
	case tableFlag:
		f := &out.Flags[r.index]
		n := 1_024 + lengths(f.Advice, f.NumberID, f.WABAID, f.Key, f.PolicyVersion, f.Position.Topic) + 64*len(f.Evidence.Counts)
		for _, contents := range [...][]event.FingerprintCount{f.Evidence.Fingerprints, f.Evidence.Templates} {
			for i := range contents {
				n += 128 + len(contents[i].Template)
			}
		}
		return n
	case tableMinute:
		m := &out.NumberMinutes[r.index]
		return 256 + len(m.NumberID) + 8*len(m.Contacts)
	case tableFingerprint:
		h := &out.FingerprintHours[r.index]
		return 256 + lengths(h.NumberID, h.Template)
	case tableStatus:
		s := &out.NumberStatuses[r.index]
		return 1_024 + lengths(s.NumberID, s.WABAID)
	case tableContact:
		return 256 + len(out.ContactOutcomes[r.index].NumberID)
	case tableChange:
		return 64 + len(out.Changes[r.index].NumberID)
	case tableAccount:
		a := &out.AccountEvents[r.index]
		n := 256 + lengths(a.ID, a.NumberID, a.WABAID, a.Topic, a.Template, a.State, a.Reason)
		for _, s := range a.Restrict {
			n += len(s) + 4
		}
		return n
	}
	return 256
}

// lengths adds up strings, each of which may be as long as a record.
func lengths(strings ...string) int {
	n := 0
	for _, s := range strings {
		n += len(s)
	}
	return n
}

func (r row) copy(from, to *event.Output) {
	switch r.table {
	case tableFlag:
		to.Flags = append(to.Flags, from.Flags[r.index])
	case tableMinute:
		to.NumberMinutes = append(to.NumberMinutes, from.NumberMinutes[r.index])
	case tableFingerprint:
		to.FingerprintHours = append(to.FingerprintHours, from.FingerprintHours[r.index])
	case tableStatus:
		to.NumberStatuses = append(to.NumberStatuses, from.NumberStatuses[r.index])
	case tableContact:
		to.ContactOutcomes = append(to.ContactOutcomes, from.ContactOutcomes[r.index])
	case tableAccount:
		to.AccountEvents = append(to.AccountEvents, from.AccountEvents[r.index])
	case tablePortfolio:
		to.PortfolioStatus = append(to.PortfolioStatus, from.PortfolioStatus[r.index])
	case tableChange:
		to.Changes = append(to.Changes, from.Changes[r.index])
	}
}
