package hub

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
)

// metrics of the hub itself; the network and the store have their own. Labels are bounded: a
// kind of statement and an error code.
type metrics struct {
	statements *prometheus.CounterVec
}

func newMetrics(h *Hub, reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{statements: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "souk_hub_statements_total", Help: "Statements handed in for the member list, by kind and outcome.",
	}, []string{"kind", "code"})}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	for _, c := range []prometheus.Collector{
		m.statements,
		gauge("souk_hub_members", "Shops in the member list that neither left nor were revoked.", func() float64 {
			n := 0
			for _, s := range h.list.roster.Members() {
				if s.Status == membership.Active {
					n++
				}
			}
			return float64(n)
		}),
		gauge("souk_hub_list_entries", "Entries of the member list.", func() float64 {
			return float64(h.list.roster.State().Size())
		}),
		gauge("souk_hub_checkpoint_age_seconds", "Age of the newest signed checkpoint; above 5400 the hub fails to sign.", func() float64 {
			return h.list.roster.State().Age(h.parts.Clock.Now()).Seconds()
		}),
		gauge("souk_hub_frozen", "1 when two contradicting lists were signed and the list is frozen.", func() float64 {
			if h.list.roster.State().Evidence() != nil {
				return 1
			}
			return 0
		}),
	} {
		if err := reg.Register(c); err != nil {
			return nil, exchange.Errorf(exchange.CodeInternal, "metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) submitted(k membership.Kind, err error) {
	kind := "other"
	switch k {
	case membership.KindJoin:
		kind = "join"
	case membership.KindLeave:
		kind = "leave"
	case membership.KindVoid:
		kind = "void"
	case membership.KindRevoke:
		kind = "revoke"
	}
	m.statements.WithLabelValues(kind, exchange.CodeOf(err).String()).Inc()
}
