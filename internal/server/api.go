package server

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sendwatch/internal/event"
)

// MaxLimit is the largest limit a request may ask for, defaultLimit what it
// gets if it does not say.
const (
	MaxLimit     = 1000
	defaultLimit = 20
)

// maxNumberID bounds a number_id in a path; a longer one is in ClickHouse.
const maxNumberID = 256

// numberJSON is a number as the API serves it. Ratios and times that there are
// none of are null; of the levels only those above none are named.
type numberJSON struct {
	NumberID    string             `json:"number_id"`
	WABAID      string             `json:"waba_id,omitempty"`
	PortfolioID string             `json:"portfolio_id,omitempty"`
	Clock       int64              `json:"clock"` // ms
	Score       int                `json:"score"`
	Band        string             `json:"band"`
	Top         []contributionJSON `json:"top"`
	Levels      map[string]string  `json:"levels"`
	Replies     repliesJSON        `json:"replies"`
	// Silent says of each factor that is silent why: its level of none says nothing.
	Silent map[string]string `json:"silent"`
	// AnsweredSender: factors of volume are at most at warn, because people answer.
	AnsweredSender bool           `json:"answered_sender"`
	Facts          map[string]any `json:"facts,omitempty"`
}

// repliesJSON is the share of the sends of 7 days that were answered, as it is
// and as it will be once what is pending is resolved. None is null.
type repliesJSON struct {
	Ratio   any `json:"ratio"`
	Nowcast any `json:"nowcast"`
	Pending any `json:"pending"`
}

// contributionJSON is what one factor takes off the score.
type contributionJSON struct {
	Factor string  `json:"factor"`
	Key    string  `json:"key,omitempty"`
	Points float64 `json:"points"`
}

func toNumberJSON(n *event.NumberStatus, withFacts bool) numberJSON {
	out := numberJSON{
		NumberID: n.NumberID, WABAID: n.WABAID, PortfolioID: n.PortfolioID,
		Clock: n.Clock, Score: n.Score, Band: n.Band.String(),
		Top: make([]contributionJSON, 0, len(n.Top)), Levels: map[string]string{},
		Replies: repliesJSON{
			Ratio: factOf(n, event.FactReplyRatio7d), Nowcast: factOf(n, event.FactReplyRatioNowcast), Pending: factOf(n, event.FactPending),
		},
		Silent: map[string]string{}, AnsweredSender: n.AnsweredSender,
	}
	for f, why := range n.Silences {
		if why != event.SilenceNone {
			out.Silent[event.Factor(f).String()] = why.String()
		}
	}
	for _, c := range n.Top {
		out.Top = append(out.Top, contributionJSON{Factor: c.Factor.String(), Key: c.Key, Points: c.Points})
	}
	for f, level := range n.Levels {
		if level != event.LevelNone {
			out.Levels[event.Factor(f).String()] = level.String()
		}
	}
	if withFacts {
		out.Facts = make(map[string]any, event.NumFacts)
		for f := range event.NumFacts {
			out.Facts[f.String()] = factOf(n, f)
		}
	}
	return out
}

// factOf returns a fact as JSON has it: null, a number, or the word.
func factOf(n *event.NumberStatus, f event.Fact) any {
	switch v := n.Facts[f]; {
	case f.Type() == event.FactWord:
		return event.State(v).String()
	case math.IsNaN(v):
		return nil
	case f.Type() == event.FactCapWord:
		return event.CapStatus(v).String()
	case f.Type() == event.FactRatio:
		return v
	default:
		return int64(v)
	}
}

// live answers 200 or 503, in both cases with a reason a person can read.
func (s *Server) live(w http.ResponseWriter, r *http.Request) {
	if s.sources.Health != nil {
		if err := s.sources.Health.Live(r.Context()); err != nil {
			reply(w, http.StatusServiceUnavailable, map[string]any{"live": false, "reason": err.Error()})
			return
		}
	}
	reply(w, http.StatusOK, map[string]any{"live": true})
}

// readyJSON is the answer of /readyz. The reason says in one line for each problem
// what is wrong and what to do.
type readyJSON struct {
	Ready    bool      `json:"ready"`
	Reason   string    `json:"reason,omitempty"`
	Problems []Problem `json:"problems,omitempty"`
}

// ready answers 200 or 503 with every reason by its name.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	answer, code := readyJSON{Ready: true}, http.StatusOK
	if s.sources.Health != nil {
		answer.Problems = s.sources.Health.Ready(r.Context())
	}
	if len(answer.Problems) > 0 {
		lines := make([]string, len(answer.Problems))
		for i := range answer.Problems {
			lines[i] = answer.Problems[i].String()
		}
		answer.Ready, answer.Reason, code = false, strings.Join(lines, "\n"), http.StatusServiceUnavailable
	}
	reply(w, code, answer)
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	if _, ok := parameters(w, r); !ok {
		return
	}
	if s.sources.Pipeline == nil {
		fail(w, http.StatusNotFound, "", "this process runs no pipeline")
		return
	}
	status, err := s.sources.Pipeline.Status(r.Context())
	if err != nil {
		s.unavailable(w, r, err)
		return
	}
	reply(w, http.StatusOK, status)
}

func (s *Server) numbers(w http.ResponseWriter, r *http.Request) {
	query, ok := parameters(w, r, "sort", "limit")
	if !ok {
		return
	}
	if sort := query.Get("sort"); query.Has("sort") && sort != "risk" {
		fail(w, http.StatusBadRequest, "sort", "accepts: risk (lowest score first)")
		return
	}
	limit, ok := limitOf(w, query)
	if !ok {
		return
	}
	if s.sources.Numbers == nil {
		fail(w, http.StatusNotFound, "", "this process does not run the numbers role; ask one that does")
		return
	}
	ranking, err := s.ranking.get(r.Context())
	if err != nil {
		s.unavailable(w, r, err)
		return
	}
	numbers := make([]numberJSON, 0, limit)
	for i := range ranking.Numbers[:min(limit, len(ranking.Numbers))] {
		numbers = append(numbers, toNumberJSON(&ranking.Numbers[i], false))
	}
	bands := map[string]int64{}
	for b, n := range ranking.Bands {
		bands[event.Band(b).String()] = n
	}
	reply(w, http.StatusOK, map[string]any{"numbers": numbers, "bands": bands})
}

func (s *Server) number(w http.ResponseWriter, r *http.Request) {
	if _, ok := parameters(w, r); !ok {
		return
	}
	id := r.PathValue("id")
	if id == "" || len(id) > maxNumberID || !utf8.ValidString(id) {
		fail(w, http.StatusBadRequest, "number_id", "accepts: 1 to "+strconv.Itoa(maxNumberID)+" bytes of UTF-8")
		return
	}
	if s.sources.Numbers == nil {
		fail(w, http.StatusNotFound, "", "this process does not run the numbers role; ask one that does")
		return
	}
	n, found, err := s.sources.Numbers.Number(r.Context(), id)
	switch {
	case err != nil:
		s.unavailable(w, r, err)
	case !found:
		fail(w, http.StatusNotFound, "number_id", "not known on the partitions of this process; it may be on another's")
	default:
		reply(w, http.StatusOK, toNumberJSON(&n, true))
	}
}

// noFlags answers who asks for flags where none are made.
const noFlags = "this process runs neither the numbers nor the portfolios role; ask one that does"

func (s *Server) flags(w http.ResponseWriter, r *http.Request) {
	query, ok := parameters(w, r, "limit", "number_id", "portfolio_id")
	if !ok {
		return
	}
	limit, ok := limitOf(w, query)
	if !ok {
		return
	}
	for _, id := range [...]string{"number_id", "portfolio_id"} {
		if query.Has(id) && query.Get(id) == "" {
			fail(w, http.StatusBadRequest, id, "accepts: an id; leave it out for the flags of all")
			return
		}
	}
	if s.sources.Flags == nil {
		fail(w, http.StatusNotFound, "", noFlags)
		return
	}
	flags := s.sources.Flags.Recent(limit, query.Get("number_id"), query.Get("portfolio_id"))
	reply(w, http.StatusOK, map[string]any{"flags": flags})
}

func notFound(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		fail(w, http.StatusMethodNotAllowed, "", "only GET and HEAD: nothing can be changed here")
		return
	}
	fail(w, http.StatusNotFound, "", "there are: / /livez /readyz /metrics /api/status /api/numbers /api/numbers/{number_id} /api/portfolios /api/flags /api/flags/groups")
}

// parameters reads the query and refuses names that the route does not know: a
// mistyped one would otherwise be dropped in silence.
func parameters(w http.ResponseWriter, r *http.Request, known ...string) (url.Values, bool) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		fail(w, http.StatusBadRequest, "", "the query cannot be read: "+err.Error())
		return nil, false
	}
	accepts := "accepts no parameters"
	if len(known) > 0 {
		accepts = "accepts the parameters: " + strings.Join(known, ", ")
	}
	for name, values := range query {
		if !slices.Contains(known, name) {
			fail(w, http.StatusBadRequest, name, "unknown; "+r.URL.Path+" "+accepts)
			return nil, false
		}
		if len(values) > 1 {
			fail(w, http.StatusBadRequest, name, "given "+strconv.Itoa(len(values))+" times; give it once")
			return nil, false
		}
	}
	return query, true
}

func limitOf(w http.ResponseWriter, query url.Values) (int, bool) {
	if !query.Has("limit") {
		return defaultLimit, true
	}
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil || limit < 1 || limit > MaxLimit {
		fail(w, http.StatusBadRequest, "limit", "accepts: a whole number from 1 to "+strconv.Itoa(MaxLimit))
		return 0, false
	}
	return limit, true
}

// unavailable answers a question that the pipeline could not.
func (s *Server) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		return // nobody is listening any more
	}
	message := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		message = "no answer within " + questionTimeout.String() + "; the pipeline is busy catching up, ask again"
	}
	s.logger.Warn("question not answered; the pipeline is busy or stopping, see /readyz", "route", r.Pattern, "error", err)
	w.Header().Set("Retry-After", "2")
	fail(w, http.StatusServiceUnavailable, "", message)
}

// problem is the body of every answer that is not one.
type problem struct {
	Error string `json:"error"`
	Field string `json:"field,omitempty"` // the parameter at fault, if one is
}

func fail(w http.ResponseWriter, code int, field, message string) {
	if field != "" {
		message = field + ": " + message
	}
	reply(w, code, problem{Error: message, Field: field})
}

func reply(w http.ResponseWriter, code int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		code, data = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// A failed write means that the reader is gone: there is nobody to tell.
	_, _ = w.Write(append(data, '\n'))
}
