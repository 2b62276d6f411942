package traffic_test

import (
	"encoding/json"
	"strings"
	"testing"

	"sendwatch/internal/codec"
	"sendwatch/internal/event"
	"sendwatch/internal/traffic"
)

// TestOneContactOneKey decodes a few days and compares who the contact is with the
// identifiers that the log gives it: its numbers, however they are written, have one
// canonical form, its user id is always the same, and nobody else has either.
func TestOneContactOneKey(t *testing.T) {
	for _, cast := range []traffic.Cast{traffic.CastUsual, traffic.CastHard} {
		g := generator(t, traffic.Config{Seed: 3, Numbers: 120, Cast: cast, Start: start, End: start.Add(5 * day)})
		numbers := g.Numbers()
		decoder := codec.NewDecoder(codec.Config{})
		type person struct {
			number  int
			contact uint64
		}
		type seen struct {
			key, userID uint64
			spellings   map[string]bool
		}
		type identifier struct {
			number int
			key    uint64
		}
		people, owner := map[person]*seen{}, map[identifier]uint64{}
		var r traffic.Record
		var ev event.Event
		alone, pairs, forms := 0, 0, map[string]int{}
		for g.Next(&r) {
			if r.Hidden.Contact == 0 || decoder.Decode(&ev, r.Value, codec.ContentUnknown, r.Time) != nil {
				continue
			}
			who := person{r.Number, r.Hidden.Contact}
			p := people[who]
			if p == nil {
				p = &seen{spellings: map[string]bool{}}
				people[who] = p
			}
			if ev.HasContact {
				if p.key != 0 && p.key != ev.Contact {
					t.Fatalf("%s: a contact has another key than before: %s", numbers[r.Number].ID, r.Value)
				}
				p.key = ev.Contact
				var raw struct{ Contact string }
				if err := json.Unmarshal(r.Value, &raw); err != nil {
					t.Fatal(err)
				}
				p.spellings[strings.TrimPrefix(raw.Contact, "+")] = true
			}
			if ev.HasUserID {
				if p.userID != 0 && p.userID != ev.UserID {
					t.Fatalf("%s: a contact has another user id than before: %s", numbers[r.Number].ID, r.Value)
				}
				p.userID = ev.UserID
				if ev.HasContact {
					pairs++
				} else {
					alone++
				}
			}
			for _, key := range []uint64{p.key, p.userID} {
				id := identifier{r.Number, key}
				if other := owner[id]; key != 0 && other != 0 && other != r.Hidden.Contact {
					t.Fatalf("%s: two contacts share an identifier: %s", numbers[r.Number].ID, r.Value)
				}
				owner[id] = r.Hidden.Contact
			}
		}
		for who, p := range people {
			if len(p.spellings) > 1 {
				forms[numbers[who.number].Country]++
			}
		}
		if alone == 0 || pairs == 0 || forms["BR"] == 0 || forms["MX"] == 0 || forms["AR"] == 0 {
			t.Errorf("cast %d: %d events under a user id alone, %d with both, contacts of two forms by country %v; want some of each", cast, alone, pairs, forms)
		}
	}
}

// TestHardCast says who is in it: strangers for those who misbehave and hardly
// anybody else.
func TestHardCast(t *testing.T) {
	g := generator(t, traffic.Config{Seed: 1, Numbers: 100, Cast: traffic.CastHard, Start: start, End: start.Add(20 * day)})
	numbers := g.Numbers()
	sends, strangers, complaints := map[bool]int{}, map[bool]int{}, map[bool]int{}
	var r traffic.Record
	for g.Next(&r) {
		healthy := numbers[r.Number].Healthy
		if r.Hidden.Stranger {
			strangers[healthy]++
		}
		if r.Hidden.Complains {
			complaints[healthy]++
		}
		sends[healthy]++
	}
	healthy := 0
	for _, n := range numbers {
		if n.Healthy {
			healthy++
		}
	}
	if healthy != 60 || strangers[true] != 0 || strangers[false] < 5_000 || complaints[false] < 100 || complaints[true] > complaints[false] {
		t.Errorf("%d healthy; strangers %v, complaints %v of records %v", healthy, strangers, complaints, sends)
	}
}
