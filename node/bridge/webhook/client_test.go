package webhook

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

func testSecret(t testing.TB) Secret {
	t.Helper()
	s, err := ParseSecret("whsec_c291ayBzb3VrIHNvdWsgc291ayBzb3VrIHNvdWs=")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testClient(t *testing.T, url string) *Client {
	t.Helper()
	c, err := New(Config{URL: url, Secret: testSecret(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func serveFunc(t *testing.T, f http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return testClient(t, s.URL)
}

var (
	id1, id2, id3 = exchange.HoldID{15: 1}, exchange.HoldID{15: 2}, exchange.HoldID{15: 3}
	twoRefs       = []bridge.Ref{{ID: id1, Reference: "B-1"}, {ID: id2}}
)

// TestStatuses: what each status tells: an answer, nothing, or that it is set up wrong.
func TestStatuses(t *testing.T) {
	for status, setup := range map[int]bool{
		500: false, 502: false, 503: false, 504: false, 599: false, 408: false, 429: false,
		201: true, 204: true, 301: true, 302: true, 307: true, 400: true, 401: true, 403: true, 404: true, 405: true, 409: true, 413: true, 422: true,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			var calls atomic.Int64
			c := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(status)
				if status >= 400 {
					fmt.Fprint(w, `{"detail":"so it is"}`)
				}
			})
			_, err := c.Commit(t.Context(), twoRefs)
			if err == nil || errors.Is(err, bridge.ErrSetup) != setup {
				t.Errorf("%v, set up wrong: want %v", err, setup)
			}
			if status >= 400 && !strings.Contains(err.Error(), "so it is") {
				t.Errorf("%v does not say what the system said", err)
			}
			if n := calls.Load(); n != 1 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// TestAnswers: the whole call is unknown where an answer is not exactly one for each ID.
func TestAnswers(t *testing.T) {
	yes := func(ids ...exchange.HoldID) string {
		var list []string
		for _, id := range ids {
			list = append(list, fmt.Sprintf(`{"id":%q,"ok":true}`, id))
		}
		return `{"answers":[` + strings.Join(list, ",") + `]}`
	}
	for name, c := range map[string]struct {
		body string
		ok   bool
	}{
		"one each":           {yes(id2, id1), true},
		"unknown fields":     {`{"more":1,` + yes(id1, id2)[1:], true},
		"missing":            {yes(id1), false},
		"doubled":            {yes(id1, id2, id1), false},
		"foreign":            {yes(id1, id2, id3), false},
		"in another's place": {yes(id1, id3), false},
		"none":               {`{"answers":[]}`, false},
		"empty":              {``, false},
		"no JSON":            {`<html>busy</html>`, false},
		"two values":         {yes(id1, id2) + "{}", false},
		"cut":                {yes(id1, id2)[:60], false},
		"too long":           {yes(id1, id2) + strings.Repeat(" ", MaxBody), false},
		"short of a yes":     {strings.Replace(yes(id1, id2), `true`, `true,"short":[{"sku":"A","asked":2,"available":1}]`, 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			client := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, c.body) })
			answers, err := client.Commit(t.Context(), twoRefs)
			switch {
			case (err == nil) != c.ok, !c.ok && answers != nil:
				t.Errorf("%v, %v", answers, err)
			case errors.Is(err, bridge.ErrSetup):
				t.Errorf("%v is said to be the set-up", err)
			}
		})
	}
}

// TestHanging: a system that takes a call and says nothing is unknown after two seconds, and so is
// one that never ends its answer.
func TestHanging(t *testing.T) {
	for name, starts := range map[string]string{"silent": "", "endless": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testClient(t, "http://localhost:1")
				transport := c.http.Transport.(*http.Transport)
				transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
					near, far := net.Pipe()
					go func() {
						defer far.Close()
						b := make([]byte, 4096)
						far.Read(b)
						far.Write([]byte(starts))
						for {
							if _, err := far.Read(b); err != nil {
								return
							}
						}
					}()
					return near, nil
				}
				start := time.Now()
				_, err := c.Commit(t.Context(), twoRefs)
				if took := time.Since(start); err == nil || errors.Is(err, bridge.ErrSetup) || took != CallTime {
					t.Errorf("after %s: %v", took, err)
				}
			})
		})
	}
}

// TestDown: a system that nobody serves is unknown, not set up wrong.
func TestDown(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	c := testClient(t, s.URL)
	s.Close()
	if _, err := c.Commit(t.Context(), twoRefs); err == nil || errors.Is(err, bridge.ErrSetup) {
		t.Errorf("%v", err)
	}
}

// TestAddresses: https, or this machine; what a name is found to be is looked at when it is dialed.
func TestAddresses(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://shop.example/souk": true, "https://192.0.2.7": true, "http://localhost:8080/souk/": true, "http://127.0.0.1:80": true,
		"http://127.8.0.1": true, "http://[::1]:80": true, "http://[::ffff:127.0.0.1]": true,
		"http://shop.example": false, "http://192.0.2.7": false, "http://localhost.example": false, "http://10.0.0.1": false,
		"ftp://localhost": false, "localhost": false, "": false, "https://": false, "https:shop.example": false, "https://u:p@shop.example": false,
		"https://shop.example?x=1": false, "https://shop.example#x": false, "http://127.0.0.1.example": false, "https://shop.example?": false, "%": false,
	} {
		_, err := New(Config{URL: url, Secret: testSecret(t)})
		if (err == nil) != ok || err != nil && !errors.Is(err, bridge.ErrSetup) {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := New(Config{URL: "https://shop.example"}); !errors.Is(err, bridge.ErrSetup) {
		t.Errorf("without a secret: %v", err)
	}
	for address, ok := range map[string]bool{"127.0.0.1:80": true, "[::1]:80": true, "192.0.2.7:80": false, "[fe80::1]:80": false, "0.0.0.0:80": false, "localhost:80": false} {
		if err := loopbackOnly("tcp", address, nil); (err == nil) != ok {
			t.Errorf("dialing %s: %v", address, err)
		}
	}
}

// TestLoopbackIsDialed: the check at the dial is that of a real call: a name that leads elsewhere
// is refused as set up wrong.
func TestLoopbackIsDialed(t *testing.T) {
	c := testClient(t, "http://localhost:1")
	c.base = "http://192.0.2.7:1" // as if localhost led there
	if _, err := c.Commit(t.Context(), twoRefs); !errors.Is(err, bridge.ErrSetup) {
		t.Errorf("%v", err)
	}
}

// TestCertificate: a certificate of nobody known is set up wrong, and the system hears nothing.
func TestCertificate(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it heard a call") }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it says that the client hung up
	t.Cleanup(s.Close)
	if _, err := testClient(t, s.URL).Commit(t.Context(), twoRefs); !errors.Is(err, bridge.ErrSetup) {
		t.Errorf("%v", err)
	}
}

// TestOwnAuthority: https with a certificate that the owner names.
func TestOwnAuthority(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"answers":[{"id":%q,"ok":true},{"id":%q,"ok":true}]}`, id1, id2)
	}))
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c, err := New(Config{URL: s.URL, Secret: testSecret(t), Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if answers, err := c.Commit(t.Context(), twoRefs); err != nil || len(answers) != 2 {
		t.Errorf("%v, %v", answers, err)
	}
}

// TestFourAtOnce: no more than MaxCalls are under way.
func TestFourAtOnce(t *testing.T) {
	var mu sync.Mutex
	now, most := 0, 0
	full := make(chan struct{})
	c := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		if now++; now > most {
			if most = now; most == MaxCalls {
				close(full)
			}
		}
		mu.Unlock()
		<-full
		mu.Lock()
		now--
		mu.Unlock()
		fmt.Fprintf(w, `{"answers":[{"id":%q,"ok":true},{"id":%q,"ok":true}]}`, id1, id2)
	})
	var all sync.WaitGroup
	for range 5 * MaxCalls {
		all.Go(func() {
			if _, err := c.Commit(t.Context(), twoRefs); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most != MaxCalls {
		t.Errorf("%d calls were under way at once", most)
	}
}

// TestRefusedHere: calls that no system is asked.
func TestRefusedHere(t *testing.T) {
	c := serveFunc(t, func(http.ResponseWriter, *http.Request) { t.Error("it heard a call") })
	if answers, err := c.Commit(t.Context(), nil); err != nil || answers != nil {
		t.Errorf("nothing asked: %v, %v", answers, err)
	}
	if _, err := c.Commit(t.Context(), []bridge.Ref{{ID: id1}, {ID: id1}}); err == nil {
		t.Error("an ID twice was asked")
	}
	var many []bridge.Ref
	for i := range bridge.MaxBatch + 1 {
		many = append(many, bridge.Ref{ID: exchange.HoldID{15: byte(i)}})
	}
	if _, err := c.Commit(t.Context(), many); err == nil {
		t.Error("too many were asked")
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	if _, err := c.Commit(ended, twoRefs); !errors.Is(err, context.Canceled) {
		t.Errorf("after its end: %v", err)
	}
}

// TestSecrets: what a secret is, and that no text of it comes out.
func TestSecrets(t *testing.T) {
	for text, ok := range map[string]bool{
		NewSecret():                           true,
		"whsec_" + strings.Repeat("YWFh", 8):  true, // 24 bytes
		"whsec_" + strings.Repeat("YWFh", 7):  false,
		"whsec_" + strings.Repeat("YWFh", 22): false, // 66 bytes
		strings.Repeat("YWFh", 10):            false,
		"whsec_" + strings.Repeat("YWF-", 10): false,
		"":                                    false, "whsec_": false,
	} {
		s, err := ParseSecret(text)
		if (err == nil) != ok || s.IsZero() == ok {
			t.Errorf("a secret of %d characters: %v", len(text), err)
		}
		said := fmt.Sprint(s, err)
		if body := strings.TrimPrefix(text, secretPrefix); body != "" && strings.Contains(said, body) {
			t.Error("the secret is said")
		}
	}
	if _, err := (Secret{}).Sign("msg_1", time.Unix(1, 0), nil); err == nil {
		t.Error("no secret signs")
	}
}

// TestVector: the signature of the specification's own example.
func TestVector(t *testing.T) {
	s, err := ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got := h.Get("webhook-signature"); err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("%s, %v", got, err)
	}
}

// TestPages: pages of changes and of open asks that no system may answer.
func TestPages(t *testing.T) {
	at := `"at":"2026-12-01T12:00:00Z"`
	for body, ok := range map[string]bool{
		`{"changes":[{"sku":"A","free":0,` + at + `}],"next":"c1"}`:                  true,
		`{"changes":[],"next":"c1"}`:                                                 true,
		`{"changes":[],"next":"","gap":true}`:                                        true,
		`{"changes":[],"next":""}`:                                                   false,
		`{"changes":[],"next":"c 1"}`:                                                false,
		`{"changes":[],"next":"ü"}`:                                                  false,
		`{"changes":[],"next":"` + strings.Repeat("c", bridge.MaxCursor+1) + `"}`:    false,
		`{"changes":[{"sku":"A","free":-1,` + at + `}],"next":"c1"}`:                 false,
		`{"changes":[{"sku":"","free":1,` + at + `}],"next":"c1"}`:                   false,
		`{"changes":[{"sku":"A","free":1,"at":"1901-01-01T00:00:00Z"}],"next":"c1"}`: false,
		`{"changes":[{"sku":"A","free":1.5,` + at + `}],"next":"c1"}`:                false,
		`{"changes":[` + strings.Repeat(`{"sku":"A","free":1,`+at+`},`, bridge.MaxBatch) + `{"sku":"A","free":1,` + at + `}],"next":"c1"}`: false,
	} {
		if _, err := parsePage([]byte(body)); (err == nil) != ok {
			t.Errorf("%.100s: %v", body, err)
		}
	}
	one := func(id exchange.HoldID, state, lines string) string {
		return fmt.Sprintf(`{"id":%q,"state":%q,"lines":[%s]}`, id, state, lines)
	}
	line := `{"sku":"A","units":1}`
	for body, ok := range map[string]bool{
		one(id2, "held", line) + "," + one(id3, "committed", line): true,
		``: true,
		one(id3, "held", line) + "," + one(id2, "held", line): false,
		one(id2, "held", line) + "," + one(id2, "held", line): false,
		one(id1, "held", line):                                false, // not after id1
		one(id2, "released", line):                            false,
		one(id2, "held", ""):                                  false,
		one(id2, "held", line+","+line):                       false,
		one(id2, "held", `{"sku":"A","units":0}`):             false,
		one(id2, "held", `{"sku":"A","units":2000000}`):       false,
	} {
		if _, err := parseOpen([]byte(`{"open":[`+body+`]}`), id1); (err == nil) != ok {
			t.Errorf("%s: %v", body, err)
		}
	}
	if _, err := parseOpen(bytes.Repeat([]byte(" "), MaxBody+1), id1); err == nil {
		t.Error("a body that is too long was read")
	}
}
