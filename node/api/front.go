package api

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// maxBody is the largest JSON body: an order of 64 lines with an address takes
// 20 KiB, a list of 64 units less.
const maxBody = 1 << 20

// Handler is the whole API. What a request passes, in this order, is in the
// package's doc.
func (s *Server) Handler() http.Handler {
	return s.measure(http.HandlerFunc(s.front))
}

// front is what stands before every route.
func (s *Server) front(w http.ResponseWriter, r *http.Request) {
	defer s.recovered(w, r)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	// Deadlines of a connection outlive the request: each sets its own. Where there is no
	// connection, as in a test, nothing is lost.
	ctl := http.NewResponseController(w)
	ctl.SetWriteDeadline(time.Now().Add(answerTime))
	rt, p := s.admit(r)
	if p != nil {
		if p.Status == http.StatusUnauthorized {
			h.Set("WWW-Authenticate", `Bearer realm="souk"`)
		}
		writeProblem(w, p)
		return
	}
	if n := s.inFlight.Add(1); n > maxInFlight {
		s.inFlight.Add(-1)
		writeProblem(w, problemOf(exchange.Errorf(exchange.CodeLimit, "%d requests are being worked on; try again in a moment", maxInFlight)))
		return
	}
	defer s.inFlight.Add(-1)
	if rt != nil {
		rt.deprecate(h, r.URL.EscapedPath())
	}
	switch {
	case rt == nil:
		s.notFound(w, r)
	case rt.stream:
		ctl.SetWriteDeadline(time.Time{})
		s.router.mux.ServeHTTP(w, r)
	default:
		s.bounded(ctl, w, r, rt)
	}
}

// admit decides who may ask what. A route that does not exist is not told apart
// before the token is seen.
func (s *Server) admit(r *http.Request) (*route, *view.Problem) {
	if !s.hosts.allows(r.Host) {
		return nil, newProblem(http.StatusMisdirectedRequest, exchange.CodeInvalid,
			"this API does not answer to that host name: use localhost or the address it listens on, or add the name to api_hosts in shop.toml")
	}
	if err := s.origin.Check(r); err != nil {
		return nil, newProblem(http.StatusForbidden, exchange.CodeUnauthorized, "a web page of another origin may not call this API")
	}
	_, pattern := s.router.mux.Handler(r)
	rt := s.router.routes[pattern]
	if (rt == nil || !rt.open) && !s.bearer.admits(r) {
		return nil, problemOf(exchange.Errorf(exchange.CodeUnauthorized,
			"send the token of the shop's folder: Authorization: Bearer followed by the content of the file %s", TokenFile))
	}
	return rt, nil
}

// bounded serves a route whose request and answer are small: the whole body is
// read within its time, and the work has a deadline.
func (s *Server) bounded(ctl *http.ResponseController, w http.ResponseWriter, r *http.Request, rt *route) {
	body, p := readBody(ctl, r)
	if p != nil {
		writeProblem(w, p)
		return
	}
	deadline := time.Now().Add(cmp.Or(rt.time, requestTime))
	ctl.SetWriteDeadline(deadline.Add(answerTime))
	ctx, cancel := context.WithDeadline(r.Context(), deadline)
	defer cancel()
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if key := r.Header.Get(KeyHeader); key != "" && rt.key != keyIgnored {
		if p := s.keys.serve(w, r, key, body, rt, s.router.mux); p != nil {
			writeProblem(w, p)
		}
		return
	}
	if rt.tagged {
		s.tagged(w, r, rt)
		return
	}
	s.router.mux.ServeHTTP(w, r)
}

// readBody reads at most maxBody bytes. The deadline is taken back afterwards: it
// would end the request's context while the work goes on.
func readBody(ctl *http.ResponseController, r *http.Request) ([]byte, *view.Problem) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	ctl.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return nil, newProblem(http.StatusRequestTimeout, exchange.CodeUnavailable, "the request's body did not arrive in time; nothing was done")
	case err != nil:
		return nil, newProblem(http.StatusBadRequest, exchange.CodeInvalid, "the request's body cannot be read; nothing was done")
	case len(body) > maxBody:
		return nil, newProblem(http.StatusRequestEntityTooLarge, exchange.CodeInvalid, "a request's body has at most 1 MiB")
	}
	ctl.SetReadDeadline(time.Time{})
	return body, nil
}

// notFound answers for the mux, as a problem.
func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	h, _ := s.router.mux.Handler(r)
	probe := newCapture()
	h.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.header.Get("Allow"))
		writeProblem(w, newProblem(probe.status, exchange.CodeInvalid, "that method is not allowed here; allowed are "+probe.header.Get("Allow")))
		return
	}
	writeProblem(w, problemOf(exchange.Errorf(exchange.CodeNotFound, "there is no such route; GET %s lists all", specPath)))
}

// recovered turns a panic into an answer, where none has begun.
func (s *Server) recovered(w http.ResponseWriter, r *http.Request) {
	v := recover()
	switch v {
	case nil:
		return
	case http.ErrAbortHandler:
		panic(v)
	}
	s.log.Error("a request panicked", "method", r.Method, "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
	writeProblem(w, problemOf(exchange.Errorf(exchange.CodeInternal, "a fault of Souk's own; its log has more")))
}

// hostList is the Host names that the API answers to. A page of a site that lets
// its name point to 127.0.0.1 sends that site's name (DNS rebinding).
type hostList map[string]bool

func newHostList(more []string) hostList {
	l := hostList{"localhost": true}
	for _, h := range more {
		l[bareHost(h)] = true
	}
	return l
}

func (l hostList) allows(host string) bool {
	name := bareHost(host)
	if ip := net.ParseIP(name); ip != nil && ip.IsLoopback() {
		return true
	}
	return name != "" && l[name]
}

// bareHost is a Host header without port, brackets and case.
func bareHost(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
