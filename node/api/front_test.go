package api

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// The tests of this file run in virtual time, over connections in memory: a slow
// caller costs nothing.

type bubbleClock struct{}

func (bubbleClock) Now() exchange.Time { return exchange.TimeOf(time.Now()) }

// deskServer is a server over a desk.Desk that trades with nobody.
func deskServer(t *testing.T) *Server {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	mem, nobody := store.Memory(), desktest.MemberKeys{}
	d, err := desk.Open(desk.Config{
		Store: mem, Codec: protocol.Codec{}, Signer: protocol.NewSigner(key, "test", rand.Reader), Verifier: protocol.NewVerifier("test", nobody),
		Clock: bubbleClock{}, Members: nobody, Random: rand.Reader, Currency: "EUR",
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{
		Desk: d, Store: mem, Clock: bubbleClock{}, Token: strings.Repeat("A", 43), Registry: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// pipes is a listener whose connections are in memory.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// serving runs s on pipes for the time of body.
func serving(t *testing.T, s *Server, body func(p *pipes)) {
	t.Helper()
	p := newPipes()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, p) }()
	body(p)
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

const head = "POST /slow HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\nContent-Type: application/json\r\n"

// TestSlowCallers: headers, bodies and answers that trickle end in their time.
func TestSlowCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deskServer(t)
		ran := false
		s.router.mux.HandleFunc("POST /slow", func(http.ResponseWriter, *http.Request) { ran = true })
		s.router.routes["POST /slow"] = &route{}
		serving(t, s, func(p *pipes) {
			start := time.Now()
			conn := p.dial()
			io.WriteString(conn, head) // and no end
			if b, err := io.ReadAll(conn); len(b) > 0 || time.Since(start) > 2*headerTimeout {
				t.Errorf("half a head: %q, %v after %v", b, err, time.Since(start))
			}
			start = time.Now()
			conn = p.dial()
			io.WriteString(conn, head+"Content-Length: 10\r\n\r\n{")
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			var problem view.Problem
			json.NewDecoder(res.Body).Decode(&problem)
			if res.StatusCode != http.StatusRequestTimeout || !problem.Retry || time.Since(start) > 2*bodyTimeout {
				t.Errorf("half a body: %d %+v after %v", res.StatusCode, problem, time.Since(start))
			}
			conn.Close()
		})
		if ran {
			t.Error("half a request was worked on")
		}
	})
}

// TestLongWork: work may take longer than a body, until its own deadline; panics
// are answered.
func TestLongWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deskServer(t)
		s.router.mux.HandleFunc("POST /slow", func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			switch string(b) {
			case "panic":
				panic("oops")
			case "forever":
				<-r.Context().Done()
				writeProblem(w, problemOf(r.Context().Err()))
				return
			}
			select {
			case <-time.After(2 * bodyTimeout):
				fmt.Fprint(w, "done")
			case <-r.Context().Done():
				t.Errorf("cut off: %v", r.Context().Err())
			}
		})
		s.router.routes["POST /slow"] = &route{}
		serving(t, s, func(p *pipes) {
			conn := p.dial() // one connection for all
			answers := bufio.NewReader(conn)
			for body, status := range map[string]int{"work": 200, "panic": 500, "forever": 503} {
				fmt.Fprintf(conn, "%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
				res, err := http.ReadResponse(answers, nil)
				if err != nil {
					t.Fatalf("%s: %v", body, err)
				}
				io.Copy(io.Discard, res.Body)
				if res.StatusCode != status {
					t.Errorf("%s: %d, want %d", body, res.StatusCode, status)
				}
			}
			conn.Close()
		})
	})
}

// TestStop: a server that stops answers what it has in hand, and waits for no more
// than its time.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deskServer(t)
		working := make(chan struct{})
		s.router.mux.HandleFunc("POST /slow", func(w http.ResponseWriter, r *http.Request) {
			close(working)
			time.Sleep(drainTime / 2) // the work itself, in virtual time
			fmt.Fprint(w, "done")
		})
		s.router.routes["POST /slow"] = &route{}
		p := newPipes()
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx, p) }()
		conn := p.dial()
		io.WriteString(conn, head+"Content-Length: 0\r\n\r\n")
		<-working
		stop()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != 200 {
			t.Errorf("the request in hand: %v, %v", res, err)
		}
		conn.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestFatal: a commit of unknown outcome ends Serve with an error.
func TestFatal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deskServer(t)
		s.fail(io.ErrUnexpectedEOF)
		s.fail(io.ErrUnexpectedEOF) // again, and it does not block
		if err := s.Serve(context.Background(), newPipes()); exchange.CodeOf(err) != exchange.CodeInternal {
			t.Errorf("Serve returned %v", err)
		}
	})
}

// TestTooMany: requests and streams beyond the limits are told to come back.
func TestTooMany(t *testing.T) {
	s := deskServer(t)
	ask := func(target string) *capture {
		r, _ := http.NewRequest(http.MethodGet, target, nil)
		r.Host = "localhost"
		r.Header.Set("Authorization", "Bearer "+s.cfg.Token)
		w := newCapture()
		s.Handler().ServeHTTP(w, r)
		return w
	}
	s.inFlight.Store(maxInFlight)
	if w := ask("/api/v1/orders?role=sold"); w.status != http.StatusTooManyRequests {
		t.Errorf("one request too many: %d %s", w.status, &w.body)
	}
	s.inFlight.Store(0)
	if w := ask("/api/v1/orders?role=sold"); w.status != http.StatusOK || s.inFlight.Load() != 0 {
		t.Errorf("a request: %d %s, then %d in flight", w.status, &w.body, s.inFlight.Load())
	}
	s.events.streams.Store(maxStreams)
	if w := ask("/api/v1/events"); w.status != http.StatusTooManyRequests || s.events.streams.Load() != maxStreams {
		t.Errorf("one stream too many: %d %s, %d open", w.status, &w.body, s.events.streams.Load())
	}
}
