package p2p

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/exchange"
)

// metrics have labels from closed sets only: protocol names of this program, error codes and
// reasons, but never a shop.
type metrics struct {
	connected prometheus.Gauge
	hellos    *prometheus.CounterVec // outcome
	refused   *prometheus.CounterVec // code
	served    *prometheus.CounterVec // protocol, code
	asked     *prometheus.CounterVec // protocol, outcome
	gossip    *prometheus.CounterVec // event
	direct    *prometheus.CounterVec // event
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "souk", Subsystem: "p2p", Name: name, Help: help}, labels)
	}
	m := &metrics{
		connected: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "souk", Subsystem: "p2p", Name: "connected_members",
			Help: "Members, hubs included, with a completed hello."}),
		hellos:  counter("hellos_total", "Hellos by outcome.", "outcome"),
		refused: counter("streams_refused_total", "Inbound streams refused before they were served.", "code"),
		served:  counter("requests_served_total", "Requests of other members, by protocol and answer.", "protocol", "code"),
		asked:   counter("requests_sent_total", "Requests to other members, by protocol and outcome.", "protocol", "outcome"),
		gossip:  counter("gossip_total", "Gossip messages by what became of them.", "event"),
		direct:  counter("direct_total", "Tries of a direct way to members met through a relay, and how often one served.", "event"),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.connected, m.hellos, m.refused, m.served, m.asked, m.gossip, m.direct} {
		if err := reg.Register(c); err != nil {
			return nil, exchange.Errorf(exchange.CodeInternal, "network metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) hello(err error) { m.hellos.WithLabelValues(exchange.CodeOf(err).String()).Inc() }
