package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// MaxInFlight is how many questions are worked on at a time; more are asked to
// come again. A page asks for three things every two seconds.
const MaxInFlight = 32

// The server's patience. A question to the pipeline waits for the current fetch.
const (
	headerTimeout   = 5 * time.Second
	readTimeout     = 10 * time.Second
	writeTimeout    = 20 * time.Second
	idleTimeout     = time.Minute
	questionTimeout = 5 * time.Second
	shutdownTimeout = 5 * time.Second
	maxHeaderBytes  = 16 << 10
)

// Server serves the sources over HTTP.
type Server struct {
	sources Sources
	logger  *slog.Logger
	ranking *rankingCache
	slots   chan struct{}
}

// New returns a server that does nothing yet. A nil logger drops its lines.
func New(sources Sources, logger *slog.Logger) *Server {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Server{
		sources: sources, logger: logger,
		ranking: newRankingCache(sources.Numbers),
		slots:   make(chan struct{}, MaxInFlight),
	}
}

// Run serves on the listener until ctx ends, then finishes the current
// requests. The caller listens, so that it knows the address before anything runs;
// Run closes the listener.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	h := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	stopped := make(chan error, 1)
	go func() { stopped <- h.Serve(listener) }()
	select {
	case err := <-stopped:
		return fmt.Errorf("server: serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := h.Shutdown(last)
	if err != nil { // somebody reads too slowly: cut the connection
		err = h.Close()
	}
	if served := <-stopped; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if err != nil {
		return fmt.Errorf("server: stop: %w", err)
	}
	return nil
}

// Handler returns all routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", s.live)
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("GET /api/status", s.status)
	mux.HandleFunc("GET /api/numbers", s.numbers)
	mux.HandleFunc("GET /api/numbers/{id...}", s.number)
	mux.HandleFunc("GET /api/portfolios", s.portfolios)
	mux.HandleFunc("GET /api/flags", s.flags)
	mux.HandleFunc("GET /api/flags/groups", s.flagGroups)
	mux.HandleFunc("GET /{$}", asset("page/index.html", "text/html; charset=utf-8"))
	mux.HandleFunc("GET /page/style.css", asset("page/style.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /page/live.js", asset("page/live.js", "text/javascript; charset=utf-8"))
	if s.sources.Metrics != nil {
		mux.Handle("GET /metrics", s.sources.Metrics)
	}
	mux.HandleFunc("/", notFound)
	return s.guard(mux)
}

// guard bounds how many questions are worked on at a time and for how long, and
// tells browsers to load nothing from elsewhere. Health and metrics are not
// counted: a flood of questions must not get the process restarted.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") {
			select {
			case s.slots <- struct{}{}:
				defer func() { <-s.slots }()
			default:
				w.Header().Set("Retry-After", "1")
				fail(w, http.StatusServiceUnavailable, "", "too many questions at a time; ask again in a second")
				return
			}
		}
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "+
			"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		ctx, cancel := context.WithTimeout(r.Context(), questionTimeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
