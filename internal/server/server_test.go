package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sendwatch/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixed answers every question with what it holds.
type fixed struct {
	live       error
	problems   []Problem
	numbers    []event.NumberStatus
	portfolios []event.PortfolioStatus
	flags      []json.RawMessage
	status     Status
	failure    error
	asked      atomic.Int64
}

func (f *fixed) Live(context.Context) error      { return f.live }
func (f *fixed) Ready(context.Context) []Problem { return f.problems }

func (f *fixed) Riskiest(_ context.Context, limit int) (Ranking, error) {
	f.asked.Add(1)
	r := Ranking{Numbers: f.numbers[:min(limit, len(f.numbers))]}
	for _, n := range f.numbers {
		r.Bands[n.Band]++
	}
	return r, f.failure
}

func (f *fixed) Number(_ context.Context, id string) (event.NumberStatus, bool, error) {
	for _, n := range f.numbers {
		if n.NumberID == id {
			return n, true, f.failure
		}
	}
	return event.NumberStatus{}, false, f.failure
}

func (f *fixed) Portfolios(context.Context) ([]event.PortfolioStatus, error) {
	return f.portfolios, f.failure
}

func (f *fixed) Recent(limit int, numberID, portfolioID string) []json.RawMessage {
	out := []json.RawMessage{}
	for _, flag := range f.flags {
		var of struct {
			Number    string `json:"number_id"`
			Portfolio string `json:"portfolio_id"`
		}
		if len(out) < limit && json.Unmarshal(flag, &of) == nil && (numberID == "" || of.Number == numberID) && (portfolioID == "" || of.Portfolio == portfolioID) {
			out = append(out, flag)
		}
	}
	return out
}

func (f *fixed) Status(context.Context) (Status, error) { return f.status, f.failure }

// sample returns two numbers, three flags and one partition.
func sample() *fixed {
	risky := event.NumberStatus{NumberID: "n/7", WABAID: "w1", PortfolioID: "p1", Clock: 1_700_000_000_000, Score: 35, Band: event.BandLow}
	for f := range event.NumFacts {
		if f.Type() == event.FactRatio || f.Type() == event.FactTime {
			risky.Facts[f] = math.NaN()
		}
	}
	risky.Facts[event.FactSent1h] = 61
	risky.Facts[event.FactReplyRatio7d], risky.Facts[event.FactReplyRatioNowcast], risky.Facts[event.FactPending] = 0.25, 0.125, 9
	risky.Facts[event.FactCap] = float64(event.CapCapped)
	risky.Silences[event.FactorDelivery], risky.AnsweredSender = event.SilenceNoStatus24h, true
	risky.Facts[event.FactRestriction] = float64(event.StateWarned)
	risky.Levels[event.FactorVelocityHour] = event.LevelDanger
	risky.Top = []event.Contribution{{Factor: event.FactorVelocityHour, Points: 20}, {Factor: event.FactorTemplateQuality, Key: "sale/en", Points: 10}}
	calm := event.NumberStatus{NumberID: "n8", Clock: 1_700_000_000_000, Score: 100, Band: event.BandHigh}
	return &fixed{
		numbers: []event.NumberStatus{risky, calm},
		portfolios: []event.PortfolioStatus{
			{
				PortfolioID: "p1", Clock: 1_700_000_000_000, UniqueInitiated: 240, Limit: 250, Restricted7d: 1, SharedConn: 3, NumbersHigh: 2, NumbersLow: 1, Score: 35,
				Levels: [event.NumFactors - event.NumNumberFactors]event.Level{event.LevelDanger, event.LevelNone, event.LevelWarn},
			},
			{PortfolioID: "p2", Score: -1},
		},
		flags: []json.RawMessage{[]byte(`{"flag_id":"c"}`), []byte(`{"flag_id":"b"}`), []byte(`{"flag_id":"a"}`)},
		status: Status{
			Version: "v1", PolicyVersion: "abc", Records: map[string]int64{"applied": 9},
			Partitions: []Partition{{Role: "numbers", Topic: "sendwatch.events", State: "running", NextOffset: 9, EndOffset: 9}},
		},
	}
}

func handler(f *fixed) http.Handler {
	return New(Sources{Health: f, Numbers: f, Portfolios: f, Flags: f, Pipeline: f}, nil).Handler()
}

func ask(t *testing.T, h http.Handler, method, target string) (int, string, http.Header) {
	t.Helper()
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), method, target, nil))
	return recorder.Code, strings.TrimSpace(recorder.Body.String()), recorder.Header()
}

func TestNumbersComeRiskiestFirstWithTheirReasons(t *testing.T) {
	code, body, header := ask(t, handler(sample()), "GET", "/api/numbers?sort=risk&limit=1")
	want := `{"bands":{"high":1,"low":1,"medium":0},"numbers":[{"number_id":"n/7","waba_id":"w1","portfolio_id":"p1",` +
		`"clock":1700000000000,"score":35,"band":"low","top":[{"factor":"velocity_hour","points":20},` +
		`{"factor":"template_quality","key":"sale/en","points":10}],"levels":{"velocity_hour":"danger"},` +
		`"replies":{"ratio":0.25,"nowcast":0.125,"pending":9},"silent":{"delivery":"no status came in 24 hours"},"answered_sender":true}]}`
	if code != 200 || body != want {
		t.Errorf("status %d\n got %s\nwant %s", code, body, want)
	}
	if header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", header)
	}
}

func TestOneNumberCarriesEveryFact(t *testing.T) {
	code, body, _ := ask(t, handler(sample()), "GET", "/api/numbers/n%2F7")
	if code != 200 {
		t.Fatalf("status %d: %s", code, body)
	}
	var got struct {
		Facts map[string]any `json:"facts"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Facts) != int(event.NumFacts) {
		t.Errorf("%d facts, want %d", len(got.Facts), event.NumFacts)
	}
	for name, want := range map[string]any{
		"sent_1h": 61.0, "reply_ratio_7d": 0.25, "reply_ratio_30d": nil, "wake": nil, "restriction": "warned", "strikes": 0.0,
		"reply_ratio_nowcast": 0.125, "cap": "CAPPED", "cap_share": nil,
	} {
		if v, ok := got.Facts[name]; !ok || v != want {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
}

func TestPortfoliosComeWithWhatIsUnknownAsNull(t *testing.T) {
	const first = `{"portfolio_id":"p1","clock":1700000000000,"unique_initiated_24h":240,"limit":250,"headroom":10,"restricted_7d":1,"shared_connection":3,` +
		`"numbers":{"high":2,"low":1,"medium":0},"score":35,"band":"low","levels":{"limit_usage":"danger","shared_connection":"warn"}}`
	const second = `{"portfolio_id":"p2","clock":0,"unique_initiated_24h":0,"limit":null,"headroom":null,"restricted_7d":0,"shared_connection":0,` +
		`"numbers":{"high":0,"low":0,"medium":0},"score":null,"band":null,"levels":{}}`
	if code, body, _ := ask(t, handler(sample()), "GET", "/api/portfolios"); code != 200 || body != `{"known":2,"portfolios":[`+first+`,`+second+`]}` {
		t.Errorf("status %d: %s", code, body)
	}
	if code, body, _ := ask(t, handler(sample()), "GET", "/api/portfolios?limit=1"); code != 200 || body != `{"known":2,"portfolios":[`+first+`]}` {
		t.Errorf("status %d: %s", code, body)
	}
}

func TestFlagsComeAsTheyWentOut(t *testing.T) {
	code, body, _ := ask(t, handler(sample()), "GET", "/api/flags?limit=2")
	if code != 200 || body != `{"flags":[{"flag_id":"c"},{"flag_id":"b"}]}` {
		t.Errorf("status %d: %s", code, body)
	}
	empty := &fixed{}
	if _, body, _ := ask(t, handler(empty), "GET", "/api/flags"); body != `{"flags":[]}` {
		t.Errorf("without flags: %s", body)
	}
}

func TestFlagsOfOneSubject(t *testing.T) {
	f := &fixed{}
	for i, of := range []string{`"number_id":"n1","portfolio_id":"p1"`, `"number_id":"n/2","portfolio_id":"p1"`, `"portfolio_id":"p1"`, `"number_id":"n/2"`} {
		for range 30 { // more than are given if nobody says how many
			f.flags = append(f.flags, fmt.Appendf(nil, `{"flag_id":"%d",%s}`, i, of))
		}
	}
	for query, want := range map[string]map[string]int{
		"number_id=n%2F2&limit=70":        {"1": 30, "3": 30},
		"number_id=n%2F2&limit=31":        {"1": 30, "3": 1},
		"portfolio_id=p1&limit=1000":      {"0": 30, "1": 30, "2": 30},
		"number_id=n%2F2&portfolio_id=p1": {"1": 20},
		"number_id=n3":                    {},
		"limit=120":                       {"0": 30, "1": 30, "2": 30, "3": 30},
	} {
		code, body, _ := ask(t, handler(f), "GET", "/api/flags?"+query)
		got := map[string]int{}
		for _, part := range strings.Split(body, `"flag_id":"`)[1:] {
			got[part[:1]]++
		}
		if code != 200 || !maps.Equal(got, want) {
			t.Errorf("%s: status %d, %v, want %v", query, code, got, want)
		}
	}
	if code, body, _ := ask(t, handler(f), "GET", "/api/flags?number_id="); code != 400 || !strings.Contains(body, "number_id: accepts: an id") {
		t.Errorf("of no number: status %d: %s", code, body)
	}
}

func TestStatusIsServedAsItStands(t *testing.T) {
	_, body, _ := ask(t, handler(sample()), "GET", "/api/status")
	for _, part := range []string{`"policy_version":"abc"`, `"records":{"applied":9}`, `"state":"running"`, `"next_offset":9`} {
		if !strings.Contains(body, part) {
			t.Errorf("%s is not in %s", part, body)
		}
	}
}

func TestBadRequestsNameTheFieldAndWhatItAccepts(t *testing.T) {
	h := handler(sample())
	for _, c := range []struct {
		method, target string
		code           int
		field, message string
	}{
		{"GET", "/api/numbers?limit=0", 400, "limit", "limit: accepts: a whole number from 1 to 1000"},
		{"GET", "/api/numbers?limit=1001", 400, "limit", "limit: accepts: a whole number from 1 to 1000"},
		{"GET", "/api/flags?limit=ten", 400, "limit", "limit: accepts: a whole number from 1 to 1000"},
		{"GET", "/api/flags?limit=", 400, "limit", "limit: accepts: a whole number from 1 to 1000"},
		{"GET", "/api/flags?limit=1&limit=2", 400, "limit", "limit: given 2 times; give it once"},
		{"GET", "/api/numbers?sort=name", 400, "sort", "sort: accepts: risk (lowest score first)"},
		{"GET", "/api/numbers?limt=3", 400, "limt", "limt: unknown; /api/numbers accepts the parameters: sort, limit"},
		{"GET", "/api/status?x=1", 400, "x", "x: unknown; /api/status accepts no parameters"},
		{"GET", "/api/numbers?a=%zz", 400, "", `the query cannot be read: invalid URL escape "%zz"`},
		{"GET", "/api/numbers/", 400, "number_id", "number_id: accepts: 1 to 256 bytes of UTF-8"},
		{"GET", "/api/numbers/" + strings.Repeat("n", 257), 400, "number_id", "number_id: accepts: 1 to 256 bytes of UTF-8"},
		{"GET", "/api/numbers/nobody", 404, "number_id", "number_id: not known on the partitions of this process; it may be on another's"},
		{"GET", "/api", 404, "", "there are: / /livez /readyz /metrics /api/status /api/numbers /api/numbers/{number_id} /api/portfolios /api/flags /api/flags/groups"},
		{"POST", "/api/numbers", 405, "", "only GET and HEAD: nothing can be changed here"},
		{"DELETE", "/livez", 405, "", "only GET and HEAD: nothing can be changed here"},
	} {
		code, body, _ := ask(t, h, c.method, c.target)
		var got problem
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Errorf("%s %s: %q is no JSON: %v", c.method, c.target, body, err)
			continue
		}
		if code != c.code || got.Field != c.field || got.Error != c.message {
			t.Errorf("%s %s: status %d, field %q, error %q", c.method, c.target, code, got.Field, got.Error)
		}
	}
}

func TestHealthGivesTheReason(t *testing.T) {
	f := sample()
	h := handler(f)
	if code, body, _ := ask(t, h, "GET", "/readyz"); code != 200 || body != `{"ready":true}` {
		t.Errorf("ready: status %d: %s", code, body)
	}
	f.live = errors.New("partition 3: no tick for 40 s")
	f.problems = []Problem{
		{Reason: "catching_up", Role: "numbers", Topic: "events", Partition: 3, Detail: "12000 records behind", Action: "wait"},
		{Reason: "unassigned", Role: "sink", Detail: "not joined", Action: "see the log"},
	}
	if code, body, _ := ask(t, h, "GET", "/livez"); code != 503 || body != `{"live":false,"reason":"partition 3: no tick for 40 s"}` {
		t.Errorf("live: status %d: %s", code, body)
	}
	if code, body, _ := ask(t, h, "GET", "/readyz"); code != 503 || body != `{"ready":false,"reason":"numbers: events partition 3: catching_up: 12000 records behind; wait\nsink: unassigned: not joined; see the log",`+
		`"problems":[{"reason":"catching_up","role":"numbers","topic":"events","partition":3,"detail":"12000 records behind","action":"wait"},`+
		`{"reason":"unassigned","role":"sink","partition":0,"detail":"not joined","action":"see the log"}]}` {
		t.Errorf("ready: status %d: %s", code, body)
	}
}

func TestAPipelineThatCannotAnswerIsSaidToBeBusy(t *testing.T) {
	for _, target := range []string{"/api/numbers", "/api/numbers/n8", "/api/portfolios", "/api/status"} {
		f := sample()
		f.failure = context.DeadlineExceeded
		code, body, header := ask(t, handler(f), "GET", target)
		if code != 503 || !strings.Contains(body, "the pipeline is busy") || header.Get("Retry-After") == "" {
			t.Errorf("%s: status %d: %s", target, code, body)
		}
	}
}

func TestAProcessWithoutARoleSaysSo(t *testing.T) {
	h := New(Sources{}, nil).Handler()
	for _, target := range []string{"/api/numbers", "/api/numbers/n8", "/api/portfolios", "/api/flags", "/api/flags/groups", "/api/status"} {
		if code, body, _ := ask(t, h, "GET", target); code != 404 || !strings.Contains(body, "this process") {
			t.Errorf("%s: status %d: %s", target, code, body)
		}
	}
	if code, _, _ := ask(t, h, "GET", "/livez"); code != 200 {
		t.Errorf("livez: status %d", code)
	}
}

// slow holds every question until it is released.
type slow struct {
	fixed
	entered chan struct{}
	release chan struct{}
}

func (s *slow) Status(ctx context.Context) (Status, error) {
	s.entered <- struct{}{}
	<-s.release
	return Status{}, ctx.Err()
}

func TestTooManyQuestionsAreTurnedAway(t *testing.T) {
	s := &slow{entered: make(chan struct{}), release: make(chan struct{})}
	h := New(Sources{Health: s, Pipeline: s}, nil).Handler()
	var wg sync.WaitGroup
	for range MaxInFlight {
		wg.Go(func() { ask(t, h, "GET", "/api/status") })
		<-s.entered
	}
	if code, body, _ := ask(t, h, "GET", "/api/status"); code != 503 || !strings.Contains(body, "too many questions") {
		t.Errorf("status %d: %s", code, body)
	}
	if code, _, _ := ask(t, h, "GET", "/livez"); code != 200 {
		t.Errorf("livez answered %d while questions wait", code)
	}
	close(s.release)
	wg.Wait()
}

func TestRankingIsSharedForASecond(t *testing.T) {
	f := sample()
	cache := newRankingCache(f)
	now := time.Unix(1000, 0)
	cache.now = func() time.Time { return now }
	get := func() {
		t.Helper()
		if r, err := cache.get(t.Context()); err != nil || len(r.Numbers) != 2 {
			t.Fatalf("got %v, %v", r, err)
		}
	}
	get()
	now = now.Add(rankingAge - 1)
	get()
	if n := f.asked.Load(); n != 1 {
		t.Errorf("asked %d times within the second, want 1", n)
	}
	now = now.Add(1)
	get()
	if n := f.asked.Load(); n != 2 {
		t.Errorf("asked %d times in all, want 2", n)
	}
	f.failure = errors.New("gone")
	now = now.Add(rankingAge)
	if _, err := cache.get(t.Context()); err == nil {
		t.Error("a failed question gave the old ranking")
	}
}

// TestPageIsSelfContained checks that the page loads nothing from elsewhere
// and asks only for routes that exist.
func TestPageIsSelfContained(t *testing.T) {
	h := handler(sample())
	code, page, header := ask(t, h, "GET", "/")
	if code != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/html") {
		t.Fatalf("status %d, %v", code, header)
	}
	if policy := header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("policy %q", policy)
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if m[1] == "data:," {
			continue
		}
		code, body, _ := ask(t, h, "GET", "/"+m[1])
		if code != 200 || body == "" {
			t.Errorf("%s: status %d", m[1], code)
		}
		page += body
	}
	if outside := regexp.MustCompile(`(?i)(https?:)?//[a-z0-9-]+\.[a-z]`).FindString(page); outside != "" {
		t.Errorf("the page speaks of %s", outside)
	}
	for _, m := range regexp.MustCompile("(?:ask|fetch)\\([\"`]([a-z/]+)").FindAllStringSubmatch(page, -1) {
		target := "/" + m[1]
		if target == "/api/numbers/" {
			target += "n8"
		}
		if code, body, _ := ask(t, h, "GET", target); code != 200 {
			t.Errorf("the page asks for %s: status %d: %s", target, code, body)
		}
	}
}

func TestRunServesUntilItsContextEnds(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f := sample()
	done := make(chan error, 1)
	go func() {
		done <- New(Sources{Health: f, Pipeline: f, Metrics: http.NotFoundHandler()}, nil).Run(ctx, listener)
	}()
	request, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+listener.Addr().String()+"/api/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	err = errors.Join(err, response.Body.Close())
	if err != nil || response.StatusCode != 200 || !strings.Contains(string(body), "policy_version") {
		t.Errorf("status %d, error %v: %s", response.StatusCode, err, body)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run gave %v", err)
	}
	if _, err := client.Do(request); err == nil {
		t.Error("it still answers after Run has returned")
	}
}

func TestRunSaysWhyItCannotServe(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	err = New(Sources{}, nil).Run(t.Context(), listener)
	if err == nil || !strings.Contains(err.Error(), listener.Addr().String()) {
		t.Errorf("got %v", err)
	}
}
