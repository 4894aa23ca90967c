package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// httpMetrics are the API's own figures. Labels are bounded: routes are those of
// the mux, methods and status classes a handful.
type httpMetrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// requestBuckets are seconds: a search takes 1 to 10 ms, an order that waits for
// its supplier up to 30 s.
var requestBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 30}

func newHTTPMetrics(reg prometheus.Registerer) (*httpMetrics, error) {
	m := &httpMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_http_requests_total", Help: "Requests to the local API, by route and class of status.",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "souk_http_request_seconds", Help: "Time of requests to the local API; event streams and imports are left out.", Buckets: requestBuckets,
		}, []string{"method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "souk_http_in_flight", Help: "Requests being worked on, streams included.",
		}),
	}
	return m, registerAll(reg, m.requests, m.seconds, m.inFlight)
}

func registerAll(reg prometheus.Registerer, all ...prometheus.Collector) error {
	for _, c := range all {
		if err := reg.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// measure counts and times what next answers.
func (s *Server) measure(next http.Handler) http.Handler {
	m := s.metrics
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, pattern := s.router.mux.Handler(r)
		method, path, found := strings.Cut(pattern, " ")
		if !found {
			method, path = "other", "other"
		}
		m.inFlight.Inc()
		start, seen := time.Now(), &statusWriter{ResponseWriter: w}
		defer func() {
			m.inFlight.Dec()
			m.requests.WithLabelValues(method, path, seen.class()).Inc()
			if rt := s.router.routes[pattern]; rt != nil && !rt.stream {
				m.seconds.WithLabelValues(method, path).Observe(time.Since(start).Seconds())
			}
		}()
		next.ServeHTTP(seen, r)
	})
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController find the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// class is "2xx" and so on; an answer without a status is 200.
func (w *statusWriter) class() string {
	if w.status == 0 {
		return "2xx"
	}
	return strconv.Itoa(w.status/100) + "xx"
}
