package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// batchSize is how many updates Meta puts into a body at most.
const batchSize = 1000

// clients is how many connections the load has.
const clients = 64

// late is how long a body may wait for a free connection; Meta counts an answer
// after a second as a failure, and this is generous.
const late = 10 * time.Second

var errLate = errors.New("no connection was free in time")

// patience is after how long a client gives up.
const patience = 30 * time.Second

// result is what a part of the load found.
type result struct {
	mu           sync.Mutex
	latencies    []time.Duration
	sent, failed int
	updates      int
	lasted       time.Duration
	lastFailure  error
}

func (r *result) note(latency time.Duration, updates int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent++
	if err != nil {
		r.failed++
		r.lastFailure = err
		return
	}
	r.latencies = append(r.latencies, latency)
	r.updates += updates
}

// at returns a quantile of the latencies.
func (r *result) at(q float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	slices.Sort(r.latencies)
	return r.latencies[min(len(r.latencies)-1, int(q*float64(len(r.latencies))))].Round(10 * time.Microsecond)
}

var client = &http.Client{
	Timeout:   patience,
	Transport: &http.Transport{MaxIdleConnsPerHost: clients, MaxConnsPerHost: clients},
}

// post sends a body and wants a 200.
func (s *service) post(ctx context.Context, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read to its end
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", answer.Status)
	}
	return nil
}

// warmUp sends until the service answers.
func (s *service) warmUp(ctx context.Context) error {
	var err error
	for range 50 {
		if err = s.post(ctx, body(0, 1)); err == nil {
			return nil
		}
		timer := time.NewTimer(200 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return err
}

// load is what is sent on a schedule.
type load struct {
	rate int // bodies a second
	of   int // updates in a body
	body func(from, n int) []byte
}

// paced sends bodies on a schedule, however slow the answers are.
func (s *service) paced(ctx context.Context, l load, lasts time.Duration) (*result, error) {
	due := make(chan time.Time, l.rate*int(patience/time.Second))
	r := &result{}
	var next atomic.Int64
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for at := range due {
				if time.Since(at) > late {
					r.note(0, 0, errLate)
					continue
				}
				err := s.post(ctx, l.body(int(next.Add(1))*l.of, l.of))
				r.note(time.Since(at), l.of, err)
			}
		})
	}
	start := time.Now()
	for i := range int(lasts.Seconds() * float64(l.rate)) {
		at := start.Add(time.Duration(i) * time.Second / time.Duration(l.rate))
		if wait := time.Until(at); wait > time.Millisecond {
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
			}
		}
		if ctx.Err() != nil {
			break
		}
		due <- at
	}
	close(due)
	group.Wait()
	r.lasted = time.Since(start)
	return r, r.enough(ctx)
}

// batches sends full bodies from a few connections, each after the one before was
// answered.
func (s *service) batches(ctx context.Context, lasts time.Duration) (*result, error) {
	r := &result{}
	var next atomic.Int64
	var group sync.WaitGroup
	start := time.Now()
	for range 4 {
		group.Go(func() {
			for time.Since(start) < lasts && ctx.Err() == nil {
				one := body(int(next.Add(1))*batchSize, batchSize)
				begun := time.Now()
				r.note(time.Since(begun), batchSize, s.post(ctx, one))
			}
		})
	}
	group.Wait()
	r.lasted = time.Since(start)
	return r, r.enough(ctx)
}

// enough fails a part in which nothing was answered.
func (r *result) enough(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(r.latencies) == 0:
		return fmt.Errorf("nothing was answered: %w", r.lastFailure)
	}
	return nil
}

// body is one of Meta's bodies: three statuses and a message by turns, of 50
// numbers.
func body(from, n int) []byte {
	var messages, statuses []string
	for i := from; i < from+n; i++ {
		contact := 447700900000 + i%90000
		if i%4 == 0 {
			messages = append(messages, fmt.Sprintf(`{"from":"%d","from_user_id":"GB.%d","id":"wamid.HBgMNDQ3NzAwOTAwMTIzFQIAEhgg%012d","timestamp":"%d","type":"text","text":{"body":"yes, that is fine, thank you"}}`, contact, contact, i, time.Now().Unix()))
			continue
		}
		statuses = append(statuses, fmt.Sprintf(`{"id":"wamid.HBgMNDQ3NzAwOTAwMTIzFQIAERgS%012d","status":"%s","timestamp":"%d","recipient_id":"%d","pricing":{"billable":true,"pricing_model":"PMP","type":"regular","category":"marketing"}}`,
			i, [...]string{"", "sent", "delivered", "read"}[i%4], time.Now().Unix(), contact))
	}
	number := 100000000000000 + from%50
	return fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"200000000000001","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"4477009%05d","phone_number_id":"%d"},"messages":[%s],"statuses":[%s]},"field":"messages"}]}]}`,
		from%50, number, strings.Join(messages, ","), strings.Join(statuses, ","))
}

// strangers is a body of Baileys': messages of contacts that come under their
// hidden id and their phone, each for the first time.
func strangers(from, n int) []byte {
	var messages []string
	for i := from; i < from+n; i++ {
		messages = append(messages, fmt.Sprintf(`{"key":{"remoteJid":"%d@lid","remoteJidAlt":"%d@s.whatsapp.net","fromMe":false,"id":"3EB0%08X"},"messageTimestamp":%d,"message":{"conversation":"yes"}}`,
			100000000000000+i, 447000000000+i, i, time.Now().Unix()))
	}
	return fmt.Appendf(nil, `{"event":"messages.upsert","type":"notify","number_id":"4477009%05d","data":[%s]}`, from%50, strings.Join(messages, ","))
}

// memory returns the resident memory of the process, 0 where it is not told.
func (s *service) memory() int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// processorTime returns what the process has used, 0 where it is not told.
func (s *service) processorTime() time.Duration {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100 on Linux
}
