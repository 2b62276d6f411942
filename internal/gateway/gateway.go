package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"sendwatch/internal/event"
	"sendwatch/internal/telemetry"
	"sendwatch/internal/webhook"
)

// The server's patience. Meta wants its answers within a second, and repeats what
// it does not get; a broker that is away for longer is better reported by a 503.
const (
	headerTimeout   = 5 * time.Second
	readTimeout     = 10 * time.Second
	writeTimeout    = 30 * time.Second
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 10 * time.Second
	ackTimeout      = 5 * time.Second
	roomTimeout     = time.Second
	maxHeaderBytes  = 16 << 10
)

// retryAfter is what a 503 asks for, in seconds.
const retryAfter = "5"

// bodyBudget is how many bytes of bodies are worked on at a time: read, and waiting
// for the brokers, when a body takes once to twice its size.
const bodyBudget = 16 << 20

// largeBody is from how many bytes on a body waits for its turn to be read. What is
// read of it takes ten times its size until its messages are made, and a processor
// that many share would have begun all of them.
const largeBody = 64 << 10

// Writer writes messages and returns once all in-sync replicas have acknowledged
// them, or with an error.
type Writer interface {
	Produce(ctx context.Context, topic string, messages []event.Message) error
}

// Config is what a Gateway is made of.
type Config struct {
	Writer             Writer
	Events, DeadLetter string // topics
	Context            string // the compacted topic that Restore reads; empty: nothing is remembered over a restart
	Auth               Auth
	Portfolios         map[string]string    // WABA -> portfolio, where it is known
	Numbers            map[string]Number    // displayed number, digits -> what is known of it
	TLS                *tls.Config          // nil: none
	Now                func() int64         // ms; nil: the wall clock
	Telemetry          *telemetry.Telemetry // nil: nothing is measured
	Logger             *slog.Logger         // nil: nothing is logged
}

// Number is what the configuration says of a number.
type Number struct {
	ID      string // number_id; empty: the digits
	Country string // two letters; empty: by the calling code
	// Connection is a word of the contract's; empty: what the provider connects by.
	Connection string
}

// Gateway takes bodies and writes events.
type Gateway struct {
	config    Config
	providers map[string]webhook.Provider
	known     *directory
	batch     *batcher
	room      *semaphore.Weighted
	turns     chan struct{} // of the large bodies that are being read
	failed    atomic.Bool   // the last write
	restored  chan struct{} // closed once the context is complete
}

// New returns a gateway that does nothing yet.
func New(c Config) (*Gateway, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = func() int64 { return time.Now().UnixMilli() }
	}
	g := &Gateway{
		config: c, providers: map[string]webhook.Provider{}, known: newDirectory(c.Portfolios, c.Numbers),
		room: semaphore.NewWeighted(bodyBudget), turns: make(chan struct{}, 2*runtime.GOMAXPROCS(0)), restored: make(chan struct{}),
	}
	g.batch = newBatcher(c.Writer, g.wrote)
	for _, name := range webhook.Providers() {
		p, err := webhook.New(name)
		if err != nil {
			return nil, err
		}
		g.providers[name] = p
	}
	if c.Context == "" {
		close(g.restored)
	}
	return g, nil
}

// Restored says, once, that Restore has seen the whole context topic: until then
// bodies are answered 503, since what they need to be understood may be missing.
func (g *Gateway) Restored() { close(g.restored) }

// isRestored reports whether the context is complete.
func (g *Gateway) isRestored() bool {
	select {
	case <-g.restored:
		return true
	default:
		return false
	}
}

// wrote notes how the last write went, and logs when that changes.
func (g *Gateway) wrote(messages int, err error) {
	if was := g.failed.Swap(err != nil); was == (err != nil) {
		return
	}
	if err != nil {
		g.config.Logger.Warn("events of webhooks not written: senders are answered 503 and try again; see whether the brokers acknowledge", "messages", messages, "error", err)
		return
	}
	g.config.Logger.Info("events of webhooks written again")
}

// Ready returns nil while events can be written.
func (g *Gateway) Ready() error {
	if !g.isRestored() {
		return errors.New("gateway: what it remembers of numbers is still being read")
	}
	if g.failed.Load() {
		return errors.New("gateway: the last events could not be written")
	}
	return nil
}

// Run writes, and serves on the listener, until ctx ends; then it finishes what is
// under way. The caller listens, so that it knows the address; Run closes the
// listener. Without one it only writes what ReadSource reads.
func (g *Gateway) Run(ctx context.Context, listener net.Listener) error {
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	written := make(chan struct{})
	go func() { defer close(written); g.batch.run(writing) }()
	defer func() { stop(); <-written }()
	if listener == nil {
		<-ctx.Done()
		return nil
	}
	return g.serve(ctx, listener)
}

// serve answers over HTTP.
func (g *Gateway) serve(ctx context.Context, listener net.Listener) error {
	h := &http.Server{
		Handler:           g.Handler(),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		TLSConfig:         g.config.TLS,
		ErrorLog:          slog.NewLogLogger(g.config.Logger.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	stopped := make(chan error, 1)
	go func() {
		if g.config.TLS != nil {
			stopped <- h.ServeTLS(listener, "", "")
		} else {
			stopped <- h.Serve(listener)
		}
	}()
	select {
	case err := <-stopped:
		return fmt.Errorf("gateway: serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := h.Shutdown(last)
	if err != nil { // somebody writes too slowly: cut the connection
		err = h.Close()
	}
	if served := <-stopped; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if err != nil {
		return fmt.Errorf("gateway: stop: %w", err)
	}
	return nil
}

// Handler returns all routes.
func (g *Gateway) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/webhooks/{provider}", func(w http.ResponseWriter, r *http.Request) { g.receive(w, r, false) })
	mux.HandleFunc("POST /v1/sends/{provider}", func(w http.ResponseWriter, r *http.Request) { g.receive(w, r, true) })
	mux.HandleFunc("GET /v1/webhooks/{provider}", g.verify)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if g.Ready() != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	return mux
}
