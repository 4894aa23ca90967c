package store

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
)

// commitBuckets are seconds: a commit takes 0.1 to 1 ms on a flash disk, 10 on
// a turning one; above 0.1 s something is wrong.
var commitBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .5, 2}

// metrics are the figures of one store, under the label store=Options.Name. A nil
// *metrics keeps none.
type metrics struct {
	db       *DB
	reg      prometheus.Registerer
	seconds  prometheus.Histogram
	bytes    prometheus.Counter
	writes   prometheus.Counter
	refusals *prometheus.CounterVec

	free, floor, healthy    *prometheus.Desc
	levelTables, levelBytes *prometheus.Desc
}

// newMetrics registers the store's figures; it returns nil without a registry.
func newMetrics(d *DB, opts Options) (*metrics, error) {
	if opts.Registerer == nil {
		return nil, nil
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "souk_store_" + name, Help: help})
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("souk_store_"+name, help, labels, nil)
	}
	m := &metrics{
		db:  d,
		reg: prometheus.WrapRegistererWith(prometheus.Labels{"store": opts.Name}, opts.Registerer),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "souk_store_commit_seconds", Help: "Time of one commit, sync included.", Buckets: commitBuckets,
		}),
		bytes:  counter("commit_bytes_total", "Bytes of keys and values committed."),
		writes: counter("commit_writes_total", "Writes committed."),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_store_refused_total", Help: "Commits refused, by the code of the refusal.",
		}, []string{"code"}),
		free:        desc("free_bytes", "Free bytes of the store's disk."),
		floor:       desc("free_floor_bytes", "Free bytes below which commits are refused; 0 is no floor."),
		healthy:     desc("healthy", "1 while commits are accepted."),
		levelTables: desc("level_tables", "Tables of a level of the LSM tree.", "level"),
		levelBytes:  desc("level_bytes", "Bytes of a level of the LSM tree.", "level"),
	}
	if err := m.reg.Register(m); err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "the metrics of store %q cannot be registered: %w", opts.Name, err)
	}
	return m, nil
}

func (m *metrics) unregister() {
	if m != nil {
		m.reg.Unregister(m)
	}
}

func (m *metrics) committed(writes []kv.Write, took time.Duration) {
	if m == nil {
		return
	}
	m.seconds.Observe(took.Seconds())
	m.writes.Add(float64(len(writes)))
	n := 0
	for _, w := range writes {
		n += len(w.Key) + len(w.Value)
	}
	m.bytes.Add(float64(n))
}

func (m *metrics) refused(err error) {
	if m != nil {
		m.refusals.WithLabelValues(exchange.CodeOf(err).String()).Inc()
	}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	m.seconds.Describe(ch)
	m.bytes.Describe(ch)
	m.writes.Describe(ch)
	m.refusals.Describe(ch)
	for _, d := range []*prometheus.Desc{m.free, m.floor, m.healthy, m.levelTables, m.levelBytes} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	if err := m.db.enter(); err == nil {
		m.collectBadger(ch)
		m.db.active.Done()
	}
	m.seconds.Collect(ch)
	m.bytes.Collect(ch)
	m.writes.Collect(ch)
	m.refusals.Collect(ch)
	gauge := func(d *prometheus.Desc, v float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	if free, err := m.db.space.free(m.db.dir); err == nil {
		gauge(m.free, float64(free))
	}
	gauge(m.floor, float64(m.db.space.floor))
	healthy := 0.0
	if m.db.Healthy() == nil {
		healthy = 1
	}
	gauge(m.healthy, healthy)
}

func (m *metrics) collectBadger(ch chan<- prometheus.Metric) {
	for _, l := range m.db.bdb.Levels() {
		level := strconv.Itoa(l.Level)
		ch <- prometheus.MustNewConstMetric(m.levelTables, prometheus.GaugeValue, float64(l.NumTables), level)
		ch <- prometheus.MustNewConstMetric(m.levelBytes, prometheus.GaugeValue, float64(l.Size), level)
	}
}
