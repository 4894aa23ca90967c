package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node/api/view"
)

// bridgeRoutes tell how the shop stands with its own system.
type bridgeRoutes struct{ desk *desk.Desk }

func (s *bridgeRoutes) register(r *router) {
	add(r, huma.Operation{
		OperationID: "get-bridge", Method: http.MethodGet, Path: "/api/v1/bridge", Tags: []string{"operation"},
		Summary: "How the shop stands with its own system, where that keeps the stock",
	}, route{}, func(context.Context, *struct{}) (*body[view.Bridge], error) {
		return answer(bridgeView(s.desk.Bridged.Status()), nil)
	})
}

func bridgeView(s trade.BridgeStatus) view.Bridge {
	moment := func(t exchange.Time) *time.Time {
		if t == 0 {
			return nil
		}
		return ptr(view.Time(t))
	}
	v := view.Bridge{
		On: s.On, State: "none", Since: moment(s.Since), Trial: moment(s.Trial), Asking: s.Asking, Untold: s.Untold, Oldest: moment(s.Oldest),
		LastError: s.LastError, LastFailed: moment(s.LastFailed), LastAnswer: moment(s.LastYes), Compared: moment(s.Compared),
		Denied: s.Denied, Lost: s.Lost, Unknown: s.Unknown, Suspended: s.Suspended,
		Calls: view.BridgeCalls{Hold: s.Calls.Hold, Commit: s.Calls.Commit, Release: s.Calls.Release, Failed: s.Calls.Failed},
	}
	switch {
	case s.Setup:
		v.State = "setup"
	case s.Down:
		v.State = "down"
	case s.On:
		v.State = "up"
	}
	return v
}

// bridgeMetrics are the figures of the bridge. A shop without one has none.
type bridgeMetrics struct {
	bridged                                         *trade.Bridged
	up, asking, untold, calls, failed, denied, lost *prometheus.Desc
}

func newBridgeMetrics(b *trade.Bridged) *bridgeMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("souk_bridge_"+name, help, labels, nil)
	}
	return &bridgeMetrics{
		bridged: b,
		up:      desc("up", "Whether the shop's own system answers."),
		asking:  desc("asking", "Holds that it is being asked for."),
		untold:  desc("untold", "Commits and releases that it has not answered."),
		calls:   desc("calls_total", "Calls, by kind.", "call"),
		failed:  desc("failed_total", "Calls without an answer, or with a wrong one."),
		denied:  desc("denied_total", "Orders whose goods it did not have, though it had set them aside."),
		lost:    desc("lost_total", "Holds that it lost and did not set aside again."),
	}
}

func (m *bridgeMetrics) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.up, m.asking, m.untold, m.calls, m.failed, m.denied, m.lost} {
		c <- d
	}
}

func (m *bridgeMetrics) Collect(c chan<- prometheus.Metric) {
	if !m.bridged.On() {
		return
	}
	s := m.bridged.Status()
	up := 1.0
	if s.Down {
		up = 0
	}
	send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	send(m.up, prometheus.GaugeValue, up)
	send(m.asking, prometheus.GaugeValue, float64(s.Asking))
	send(m.untold, prometheus.GaugeValue, float64(s.Untold))
	for call, n := range map[string]uint64{"hold": s.Calls.Hold, "commit": s.Calls.Commit, "release": s.Calls.Release} {
		send(m.calls, prometheus.CounterValue, float64(n), call)
	}
	send(m.failed, prometheus.CounterValue, float64(s.Calls.Failed))
	send(m.denied, prometheus.CounterValue, float64(s.Denied))
	send(m.lost, prometheus.CounterValue, float64(s.Lost))
}
