package hub

import (
	"embed"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/souk-market/souk/exchange"
)

//go:embed page.html style.css
var assets embed.FS

var page = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"date": func(t JSONTime) string { return t.Std().Format("2 January 2006") },
	"time": func(t JSONTime) string {
		return t.Std().Format("2 January 2006, 15:04 UTC")
	},
	"list": func(s []string) string { return strings.Join(s, ", ") },
}).ParseFS(assets, "page.html"))

// pages serves the status address: reading only, to people and machines.
func (h *Hub) pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.servePage)
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, assets, "style.css") })
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, h.Report()) })
	mux.HandleFunc("GET /members", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, h.Members()) })
	mux.HandleFunc("GET /checkpoint", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(h.list.roster.Checkpoint())
	})
	mux.HandleFunc("GET /healthz", h.serveHealth)
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.parts.Registry, promhttp.HandlerOpts{}))
	return h.guarded(mux)
}

// guarded answers only requests addressed to a known host, and tells browsers to run no script.
func (h *Hub) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.knownHost(r.Host) {
			http.Error(w, "This hub's status page does not answer to that name. Add it to status_hosts in "+configFile+".", http.StatusMisdirectedRequest)
			return
		}
		head := w.Header()
		head.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// knownHost reports whether to answer requests for host. A page of another site can reach a
// loopback address only under a name of its own (DNS rebinding). So IP addresses and localhost are
// safe to answer, and the operator's own names.
func (h *Hub) knownHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return strings.EqualFold(host, "localhost") ||
		slices.ContainsFunc(h.parts.Config.StatusHosts, func(s string) bool { return strings.EqualFold(s, host) })
}

func (h *Hub) serveHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	problems := h.Report().Problems
	if len(problems) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(strings.Join(problems, "\n") + "\n"))
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

// pageData is what page.html shows.
type pageData struct {
	Report
	Members []MemberInfo
	Now     JSONTime
	Age     string
}

func (h *Hub) servePage(w http.ResponseWriter, _ *http.Request) {
	now := h.parts.Clock.Now()
	data := pageData{Report: h.Report(), Members: h.Members(), Now: JSONTime(now)}
	data.Age = now.Sub(exchange.Time(data.SignedAt)).Truncate(time.Second).String()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := page.Execute(w, data); err != nil {
		h.log.Debug("the status page", "err", err)
	}
}
