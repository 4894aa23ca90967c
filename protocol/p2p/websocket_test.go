package p2p_test

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/souk-market/souk/protocol/p2p"
)

// newWebProxy starts a web server of the hub's that ends TLS and passes WebSockets on to the shared
// port. It makes the hub's addresses those of the proxy.
func newWebProxy(t *testing.T, h *sharedHub) {
	t.Helper()
	to := &url.URL{Scheme: "http", Host: tcpAddr(t, h.port.Addresses()[0])}
	proxy := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }})
	t.Cleanup(proxy.Close)
	roots := x509.NewCertPool()
	roots.AddCert(proxy.Certificate())
	p2p.TrustForWeb(roots)
	t.Cleanup(func() { p2p.TrustForWeb(nil) })
	_, port, err := net.SplitHostPort(proxy.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	at := "/ip4/127.0.0.1/tcp/" + port + "/tls/sni/example.com/ws/p2p/"
	h.hub = []string{at + h.id.String()}
	h.join = []string{at + strings.Split(h.join[0], "/p2p/")[1]}
}

// TestWebSockets: behind a proxy that ends TLS, one port and one path serve both hosts: a shop joins, and
// two shops trade through the relay.
func TestWebSockets(t *testing.T) {
	h := newSharedHub(t)
	h.listen()
	h.openClosed()
	h.openOpen()
	newWebProxy(t, h)
	if err := h.ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, _ := h.shop()
	_, idB := h.shop()
	if p := a.Peers(); len(p) != 1 || p[0].Transport != "tcp" || !strings.Contains(p[0].Addresses[0], "/ws") {
		t.Errorf("%+v", p)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := a.Dial(ctx, idB)
	for err != nil && ctx.Err() == nil {
		_, err = a.Dial(ctx, idB)
	}
	if err != nil {
		t.Fatal(err)
	}
	goods := strings.Repeat("shoes ", 100_000)
	got, err := a.Request(ctx, idB, "echo", []byte(goods))
	if err != nil || string(got) != goods {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
}

// TestWebSocketDistrusted: a shop that does not trust the proxy's certificate says so.
func TestWebSocketDistrusted(t *testing.T) {
	h := newSharedHub(t)
	h.listen()
	h.openClosed()
	h.openOpen()
	newWebProxy(t, h)
	p2p.TrustForWeb(x509.NewCertPool())
	err := h.ask(t.Context())
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
}

// TestWebSocketThroughProxy: where the environment names a proxy of the network, the hub is dialed through
// it. The environment is read once in a process, so that a second one does it.
func TestWebSocketThroughProxy(t *testing.T) {
	const child = "SOUK_TEST_BEHIND_PROXY"
	if os.Getenv(child) != "" {
		h := newSharedHub(t)
		h.listen()
		h.openClosed()
		h.openOpen()
		newWebProxy(t, h)
		if err := h.ask(t.Context()); err != nil {
			t.Fatal(err)
		}
		return
	}
	var passed atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, port, err := net.SplitHostPort(r.Host)
		if r.Method != http.MethodConnect || err != nil || !strings.HasPrefix(r.Host, "example.com:") {
			http.Error(w, "this proxy passes on connections alone", http.StatusForbidden)
			return
		}
		there, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer there.Close()
		passed.Add(1)
		w.WriteHeader(http.StatusOK)
		here, rest, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer here.Close()
		go func() { _, _ = io.Copy(there, rest); _ = there.Close() }()
		_, _ = io.Copy(here, there)
	}))
	defer proxy.Close()
	run := exec.Command(os.Args[0], "-test.run=^TestWebSocketThroughProxy$")
	run.Env = append(os.Environ(), child+"=1", "HTTPS_PROXY="+proxy.URL, "NO_PROXY=", "https_proxy=", "no_proxy=")
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if passed.Load() == 0 {
		t.Error("the proxy was not asked")
	}
}

// TestWebSocketEnds: a WebSocket over which nobody of Souk speaks is let go, and the port serves on.
func TestWebSocketEnds(t *testing.T) {
	const hello = "\x13/multistream/1.0.0\n"
	for name, c := range map[string]struct {
		kind    int
		sends   []string
		patient bool // the port must end it at its time
	}{
		"silent":            {patient: true},
		"text":              {kind: websocket.TextMessage, sends: []string{hello}},
		"garbage":           {kind: websocket.BinaryMessage, sends: []string{"\x00\x01"}},
		"a line, by halves": {kind: websocket.BinaryMessage, sends: []string{hello[:5], "", hello[5:]}, patient: true},
		"HTTP inside":       {kind: websocket.BinaryMessage, sends: []string{"GET / HTTP/1.1\r\n\r\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newSharedHub(t)
			h.port.SetTimeout(time.Minute)
			if c.patient {
				h.port.SetTimeout(100 * time.Millisecond)
			}
			h.listen()
			h.openClosed()
			h.openOpen()
			ws, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+tcpAddr(t, h.port.Addresses()[0])+"/any/path", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer ws.Close()
			for _, s := range c.sends {
				_ = ws.WriteMessage(c.kind, []byte(s)) // the port may have closed it already
			}
			if _, b, err := ws.ReadMessage(); err == nil {
				t.Errorf("%q came", b)
			}
			if err := h.served(); err != nil {
				t.Error(err)
			}
		})
	}
}
