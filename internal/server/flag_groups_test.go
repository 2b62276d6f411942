package server

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestFlagsAreGrouped has a storm, in which one number does something else.
func TestFlagsAreGrouped(t *testing.T) {
	f := &fixed{}
	add := func(factor, level, of string, at int) {
		f.flags = append(f.flags, fmt.Appendf(nil, `{"flag_id":"f%d","subject":"number","factor":%q,"transition":"raised","level":%q,"event_time":%d,%s}`,
			len(f.flags), factor, level, at, of))
	}
	for i := range 700 {
		add("velocity", "warn", fmt.Sprintf(`"number_id":"n%03d"`, i), 1000+i)
	}
	add("blocks", "danger", `"number_id":"n7"`, 1500)
	add("velocity", "danger", `"number_id":"n8"`, 900)
	add("velocity", "warn", `"number_id":"n699"`, 100) // again
	f.flags = append(f.flags, []byte(`no flag of ours`))
	code, body, _ := ask(t, handler(f), "GET", "/api/flags/groups")
	var got struct {
		Groups []struct {
			Newest struct {
				Factor, Level string
				Number        string `json:"number_id"`
			}
			Flags, More int
			Subjects    []string
		}
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || code != 200 {
		t.Fatalf("status %d, %v: %s", code, err, body)
	}
	if s := fmt.Sprint(got.Groups); s != "[{{velocity warn n699} 701 695 [n699 n698 n697 n696 n695]} {{blocks danger n7} 1 0 [n7]} {{velocity danger n8} 1 0 [n8]}]" {
		t.Errorf("%s", s)
	}
	if _, body, _ := ask(t, handler(f), "GET", "/api/flags/groups?limit=1"); strings.Count(body, `"newest"`) != 1 {
		t.Errorf("one group: %s", body)
	}
	if _, body, _ := ask(t, handler(&fixed{}), "GET", "/api/flags/groups"); body != `{"groups":[]}` {
		t.Errorf("without flags: %s", body)
	}
}

// TestThePageGroupsFlags holds that the page shows the groups, not the flags.
func TestThePageGroupsFlags(t *testing.T) {
	_, page, _ := ask(t, handler(sample()), "GET", "/page/live.js")
	if !strings.Contains(page, `ask("api/flags/groups?`) || strings.Contains(page, `ask("api/flags?`) {
		t.Error("the page asks for single flags")
	}
}

// TestThePageSaysWhatToDoAboutANumber holds that a number's figures come with the advice of its flags.
func TestThePageSaysWhatToDoAboutANumber(t *testing.T) {
	_, page, _ := ask(t, handler(&fixed{}), "GET", "/page/live.js")
	if !strings.Contains(page, "ask(`api/flags?number_id=") || !strings.Contains(page, "...inForce(n.levels, newest.flags") {
		t.Error("the page shows a number without the advice of its flags")
	}
}
