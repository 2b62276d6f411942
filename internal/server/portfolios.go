package server

import (
	"net/http"

	"sendwatch/internal/event"
)

// portfolioJSON is a portfolio as the API serves it. What is unknown or has no
// bound is null; of the levels only those above none are named.
type portfolioJSON struct {
	PortfolioID      string            `json:"portfolio_id"`
	Clock            int64             `json:"clock"` // ms
	UniqueInitiated  int64             `json:"unique_initiated_24h"`
	Limit            *int64            `json:"limit"` // -1 is unlimited
	Headroom         *int64            `json:"headroom"`
	Restricted7d     int64             `json:"restricted_7d"`
	SharedConnection int64             `json:"shared_connection"`
	Numbers          map[string]int64  `json:"numbers"` // by band
	Score            *int              `json:"score"`
	Band             *string           `json:"band"`
	Levels           map[string]string `json:"levels"`
}

func toPortfolioJSON(p *event.PortfolioStatus) portfolioJSON {
	out := portfolioJSON{
		PortfolioID: p.PortfolioID, Clock: p.Clock, UniqueInitiated: p.UniqueInitiated,
		Restricted7d: p.Restricted7d, SharedConnection: p.SharedConn,
		Numbers: map[string]int64{
			event.BandHigh.String(): p.NumbersHigh, event.BandMedium.String(): p.NumbersMedium, event.BandLow.String(): p.NumbersLow,
		},
		Levels: map[string]string{},
	}
	if p.Limit != 0 {
		out.Limit = &p.Limit
	}
	if headroom, ok := p.Headroom(); ok {
		out.Headroom = &headroom
	}
	if p.Score >= 0 {
		band := event.BandOf(p.Score).String()
		out.Score, out.Band = &p.Score, &band
	}
	for k, level := range p.Levels {
		if level != event.LevelNone {
			out.Levels[(event.FactorLimitUsage + event.Factor(k)).String()] = level.String()
		}
	}
	return out
}

func (s *Server) portfolios(w http.ResponseWriter, r *http.Request) {
	query, ok := parameters(w, r, "limit")
	if !ok {
		return
	}
	limit, ok := limitOf(w, query)
	if !ok {
		return
	}
	if s.sources.Portfolios == nil {
		fail(w, http.StatusNotFound, "", "this process does not run the portfolios role; ask one that does")
		return
	}
	all, err := s.sources.Portfolios.Portfolios(r.Context())
	if err != nil {
		s.unavailable(w, r, err)
		return
	}
	out := make([]portfolioJSON, 0, min(limit, len(all)))
	for i := range all[:min(limit, len(all))] {
		out = append(out, toPortfolioJSON(&all[i]))
	}
	reply(w, http.StatusOK, map[string]any{"portfolios": out, "known": len(all)})
}
