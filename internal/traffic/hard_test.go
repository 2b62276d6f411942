package traffic_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/traffic"
)

// seen is what a month of one number of the hard cast shows.
type seen struct {
	traffic.Number
	sent, strangers, complaints int
	days                        map[int64]int // first messages to strangers by the day since the first
	began                       int64         // the first of them
	firstHour                   int           // sends within an hour of it
	hour, inHour                int64         // an hour of the log and the sends of it
	busiest                     int64
	texts, files                map[uint64]int // sends of an hour by what they carry, and the most of any
	sameText, sameFile          int
	registered, first           int64
	linked                      []int64 // different ones, in order
	linkedAt                    []int64 // when each was told
	dialled                     map[uint64]string
	otherwise, answers          int // answers from another number than was dialled, and all
}

// lookAt plays a month of the hard cast and says what each number did.
func lookAt(t *testing.T, seed uint64) map[string][]*seen {
	t.Helper()
	g := generator(t, traffic.Config{Seed: seed, Numbers: 100, Cast: traffic.CastHard, Start: start, End: start.Add(28 * day)})
	decoder := codec.NewDecoder(codec.Config{})
	numbers := g.Numbers()
	all, kinds := make([]*seen, len(numbers)), map[string][]*seen{}
	for i, n := range numbers {
		all[i] = &seen{Number: n, days: map[int64]int{}, dialled: map[uint64]string{}}
		kinds[n.Profile] = append(kinds[n.Profile], all[i])
	}
	var r traffic.Record
	var ev event.Event
	for g.Next(&r) {
		if decoder.Decode(&ev, r.Value, codec.ContentUnknown, r.Time) == nil {
			all[r.Number].take(&ev, &r)
		}
	}
	return kinds
}

func (s *seen) take(ev *event.Event, r *traffic.Record) {
	if s.first == 0 && ev.Type != event.TypeLimit { // which may speak for a portfolio
		s.first = ev.Time
	}
	var who struct {
		Contact string `json:"contact"`
	}
	switch ev.Type {
	case event.TypeProfile:
		s.registered = ev.RegisteredAt
	case event.TypeConnection:
		if n := len(s.linked); ev.HasLinked && (n == 0 || s.linked[n-1] != ev.LinkedAt) {
			s.linked, s.linkedAt = append(s.linked, ev.LinkedAt), append(s.linkedAt, ev.Time)
		}
	case event.TypeReceived:
		if s.tellsForms() && json.Unmarshal(r.Value, &who) == nil && who.Contact != "" && s.dialled[r.Hidden.Contact] != "" {
			s.answers++
			if s.dialled[r.Hidden.Contact] != who.Contact {
				s.otherwise++
			}
		}
	case event.TypeSent:
		if s.tellsForms() && json.Unmarshal(r.Value, &who) == nil {
			s.dialled[r.Hidden.Contact] = strings.TrimPrefix(who.Contact, "+")
		}
		s.send(ev, r)
	}
}

// tellsForms reports whether it is of a kind whose contacts' numbers are looked at.
func (s *seen) tellsForms() bool { return s.Profile == "br_shop" || s.Profile == "mx_shop" }

func (s *seen) send(ev *event.Event, r *traffic.Record) {
	s.sent++
	if h := ev.Time / 3_600_000; h != s.hour {
		s.hour, s.inHour, s.texts, s.files = h, 0, map[uint64]int{}, map[uint64]int{}
	}
	s.inHour++
	s.busiest = max(s.busiest, s.inHour)
	s.texts[ev.Fingerprint]++
	s.sameText = max(s.sameText, s.texts[ev.Fingerprint])
	if ev.MediaHash != 0 {
		s.files[ev.MediaHash]++
		s.sameFile = max(s.sameFile, s.files[ev.MediaHash])
	}
	if r.Hidden.Complains {
		s.complaints++
	}
	if r.Hidden.Stranger {
		if s.began == 0 {
			s.began = ev.Time
		}
		s.strangers++
		s.days[(ev.Time-s.began)/day.Milliseconds()]++
	}
	if s.began != 0 && ev.Time-s.began < 3_600_000 {
		s.firstHour++
	}
}

// daysOf is a time of the log in days since another.
func daysOf(from, to int64) float64 { return float64(to-from) / float64(day.Milliseconds()) }

// within says what lies outside its bounds.
func within(what string, x, least, most float64) string {
	if x < least || x > most {
		return fmt.Sprintf("%s is %g, want %g to %g", what, x, least, most)
	}
	return ""
}

// TestHardKinds holds each kind that is there for its shape against what its
// comment says.
func TestHardKinds(t *testing.T) {
	fresh := func(s *seen, least, most float64) string {
		switch {
		case len(s.linked) != 2:
			return fmt.Sprintf("%d sessions, want one that is linked again", len(s.linked))
		case s.linked[1] < s.linkedAt[1]-60_000 || s.linked[1] > s.linkedAt[1]:
			return "the new session is not told on the day it is linked"
		case s.strangers > 0 || s.complaints > 0:
			return "it writes to strangers, or somebody complains"
		}
		return within("its linking, in days", daysOf(s.first, s.linked[1]), least, most)
	}
	blast := func(s *seen, hour, text, file float64) string {
		return within("sends in the hour of its first", float64(s.firstHour), hour, 4*hour) +
			within("equal texts in an hour", float64(s.sameText), text, 4*max(hour, 1)) +
			within("equal files in an hour", float64(s.sameFile), file, 4*max(file, 0.5))
	}
	abroad := func(s *seen, country string) string {
		if s.Country != country {
			return "it lives in " + s.Country
		}
		return within("answers from another number", float64(s.otherwise)/float64(s.answers), .3, .7)
	}
	play := []map[string][]*seen{lookAt(t, 1), lookAt(t, 2)}
	for kind, wrong := range map[string]func(*seen) string{
		"relinked_shop":  func(s *seen) string { return fresh(s, 5, 20.1) },
		"second_device":  func(s *seen) string { return fresh(s, 5, 20.1) },
		"br_shop":        func(s *seen) string { return abroad(s, "BR") },
		"mx_shop":        func(s *seen) string { return abroad(s, "MX") },
		"short_run":      func(s *seen) string { return blast(s, 45, 40, 0) },
		"list_blast":     func(s *seen) string { return blast(s, 110, 90, 0) },
		"drip_blast":     func(s *seen) string { return blast(s, 50, 50, 0) },
		"picture_blast":  func(s *seen) string { return blast(s, 180, 150, 150) },
		"warmed_blast":   func(s *seen) string { return blast(s, 250, 1, 0) },
		"new_sim":        func(s *seen) string { return within("first messages on day 1", float64(s.days[0]), 13, 20) },
		"cold_steady":    func(s *seen) string { return within("hours until it begins", 24*daysOf(s.first, s.began), 0, 72) },
		"cold_portfolio": func(s *seen) string { return within("hours until it begins", 24*daysOf(s.first, s.began), 0, 72) },
		"migrated_session": func(s *seen) string {
			return fresh(s, 0, .01) + within("its age, in days", daysOf(s.registered, s.first), 199, 1501)
		},
		"new_link_outreach": func(s *seen) string {
			return within("days from its link to the first stranger", daysOf(s.linked[len(s.linked)-1], s.began), 0, 2)
		},
		"eager_newcomer": func(s *seen) string {
			return within("strangers on its second day over those on its first", float64(s.days[1])/float64(s.days[0]), 1.1, 8)
		},
	} {
		t.Run(kind, func(t *testing.T) {
			for i, kinds := range play {
				if len(kinds[kind]) == 0 {
					t.Fatalf("seed %d has none", i+1)
				}
				for _, s := range kinds[kind] {
					if problem := wrong(s); problem != "" {
						t.Errorf("seed %d, %s: %s", i+1, s.ID, problem)
					}
				}
			}
		})
	}
}
