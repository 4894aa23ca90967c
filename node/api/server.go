package api

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/kv"
)

// Config is what a Server is made of. Everything without "optional" is required.
type Config struct {
	Desk     *desk.Desk
	Store    kv.Store // the shop's; the API keeps idempotency keys in it, under "k/"
	Clock    exchange.Clock
	Members  Members
	Importer Importer
	Catalog  Catalog
	Shop     Shop
	Reach    Reach

	Token   string   // of EnsureToken
	Dir     string   // optional: the shop's folder, where Serve says where it listens
	Hosts   []string // optional: further Host names the API answers to, behind a proxy
	Version string   // optional: of Souk, for the OpenAPI document

	// OpenMetrics leaves /metrics and /readyz open to whoever reaches the port.
	OpenMetrics bool

	Logger   *slog.Logger         // optional
	Registry *prometheus.Registry // what /metrics shows; the API adds its own figures
}

// Limits of the server.
const (
	// maxInFlight requests are worked on at once; at 1 MiB of body each, 1 GiB at
	// the very worst. More are told to come back.
	maxInFlight = 1024
	// maxStreams event streams are open at once: a console tab and a webhook sender
	// each hold one. Each buffers 256 events of about 200 bytes.
	maxStreams = 64
	// maxHeaderBytes fits the longest URL (a cursor, a SKU) and a token many times.
	maxHeaderBytes = 32 << 10
	// headerTimeout, bodyTimeout: a local caller sends at once.
	headerTimeout = 5 * time.Second
	bodyTimeout   = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	// requestTime bounds a request's work.
	requestTime = 30 * time.Second
	// partnerTime bounds a request that a partner must answer at once: a consumer is waiting.
	// There is time for three attempts, after 0, 1 and 3 seconds.
	partnerTime = 8 * time.Second
	// answerTime bounds the sending of the answer, after the work.
	answerTime = 15 * time.Second
	// drainTime is how long a stopping server waits for requests in hand.
	drainTime = 10 * time.Second
)

// Server is the local HTTP API of one shop.
type Server struct {
	cfg      Config
	log      *slog.Logger
	bearer   bearer
	hosts    hostList
	origin   *http.CrossOriginProtection
	router   *router
	spec     []byte // the OpenAPI document
	keys     *idempotency
	metrics  *httpMetrics
	business *Business
	events   *eventRoutes

	inFlight atomic.Int64

	stopping context.Context // ends when Serve begins to stop: streams end by it
	stop     context.CancelFunc
	serving  chan struct{} // closed by Serve once clients can find it
	fatal    chan error    // buffered 1: the store failed in a way that ends the process
}

// New makes a server. It starts nothing, and reads from the store how many
// idempotency keys are kept.
func New(cfg Config) (*Server, error) {
	if err := checkToken(cfg.Token); err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, log: cfg.Logger, bearer: newBearer(cfg.Token), hosts: newHostList(cfg.Hosts),
		origin: http.NewCrossOriginProtection(),
		fatal:  make(chan error, 1), serving: make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.stopping, s.stop = context.WithCancel(context.Background())
	var err error
	if s.keys, err = newIdempotency(cfg.Store, cfg.Desk.Writer, cfg.Clock, cfg.Token); err != nil {
		return nil, err
	}
	if s.metrics, err = newHTTPMetrics(cfg.Registry); err != nil {
		return nil, err
	}
	if s.business, err = newBusiness(cfg.Desk, cfg.Clock, cfg.Registry); err != nil {
		return nil, err
	}
	s.router = newRouter(cfg.Version, s.log)
	s.register()
	s.spec, err = s.router.document()
	return s, err
}

// register composes the API of its subjects.
func (s *Server) register() {
	d, r := s.cfg.Desk, s.router
	shops := &shops{members: s.cfg.Members, clock: s.cfg.Clock}
	s.events = &eventRoutes{desk: d, clock: s.cfg.Clock, log: s.log, stopping: s.stopping}
	own := &catalogRoutes{desk: d, catalog: s.cfg.Catalog, importer: s.cfg.Importer, shops: shops, clock: s.cfg.Clock}
	orders := &orderRoutes{desk: d, shops: shops, stopping: s.stopping}
	sales := &saleRoutes{desk: d, keys: s.keys}
	for _, subject := range []interface{ register(*router) }{
		&productRoutes{desk: d, catalog: s.cfg.Catalog, own: own, shops: shops, clock: s.cfg.Clock},
		own,
		&stockRoutes{desk: d, clock: s.cfg.Clock},
		&holdRoutes{desk: d, shops: shops},
		&reservationRoutes{desk: d, keys: s.keys, shops: shops, business: s.business, log: s.log},
		orders,
		&changeRoutes{desk: d, own: own, orders: orders, sales: sales},
		sales,
		&basketRoutes{desk: d, keys: s.keys, shops: shops, stopping: s.stopping},
		&partnerRoutes{desk: d, shops: shops, clock: s.cfg.Clock, started: s.cfg.Clock.Now()},
		&ledgerRoutes{desk: d, shops: shops},
		&memberRoutes{members: s.cfg.Members, reach: s.cfg.Reach},
		&reachRoutes{reach: s.cfg.Reach},
		&bridgeRoutes{desk: d},
		&shopRoutes{shop: s.cfg.Shop, open: s.cfg.OpenMetrics},
		&importRoutes{importer: s.cfg.Importer, clock: s.cfg.Clock, stopping: s.stopping},
		s.events,
	} {
		subject.register(r)
	}
	r.plain(huma.Operation{
		OperationID: "get-openapi", Method: http.MethodGet, Path: specPath, Summary: "This document", Tags: []string{"operation"},
	}, route{}, "application/openapi+json", &huma.Schema{Type: huma.TypeObject}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		w.Write(s.spec)
	})
	metrics := promhttp.HandlerFor(s.cfg.Registry, promhttp.HandlerOpts{Timeout: requestTime})
	r.plain(huma.Operation{
		OperationID: "get-metrics", Method: http.MethodGet, Path: "/metrics", Summary: "Figures for Prometheus", Tags: []string{"operation"},
	}, route{open: s.cfg.OpenMetrics}, "text/plain", &huma.Schema{Type: huma.TypeString}, metrics.ServeHTTP)
}

// Business is the shop's business figures. The shop's trade.Meter, which alone hears of
// every hold, must report to its Hold method.
func (s *Server) Business() *Business { return s.business }

// Serving is closed once Serve answers and clients can find it.
func (s *Server) Serving() <-chan struct{} { return s.serving }

// OpenAPI is the document that the server serves, as JSON.
func (s *Server) OpenAPI() []byte { return s.spec }

// Serve answers on ln until ctx ends: then it ends the streams, takes no new
// connection, waits up to 10 s for requests in hand, and returns nil. Another error
// than of the listener means that the store failed: the process must end. Serve may be
// called once.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	if s.cfg.Dir != "" {
		if err := announce(s.cfg.Dir, ln.Addr()); err != nil {
			return errors.Join(err, ln.Close())
		}
		defer os.Remove(filepath.Join(s.cfg.Dir, AddrFile))
	}
	close(s.serving)
	var background sync.WaitGroup
	defer background.Wait()
	defer s.stop()
	background.Go(func() { s.business.run(s.stopping) })
	background.Go(func() { s.keys.run(s.stopping, s.log, s.fail) })

	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	var failed error
	select {
	case err := <-served:
		return err
	case failed = <-s.fatal:
	case <-ctx.Done():
	}
	s.stop()
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := srv.Shutdown(draining); err != nil {
		s.log.Warn("requests were cut off", "err", err)
		srv.Close()
	}
	<-served
	return failed
}

// fail ends Serve: a commit's outcome is unknown.
func (s *Server) fail(err error) {
	select {
	case s.fatal <- exchange.Errorf(exchange.CodeInternal, "the store failed; the shop must be started again: %w", err):
	default:
	}
}
