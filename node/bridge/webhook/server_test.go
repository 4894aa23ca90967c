package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/node/bridge/bridgetest"
	"github.com/souk-market/souk/node/bridge/webhook"
)

var now = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// served is a handler whose clock stands, over a system with one lamp.
type served struct {
	*bridgetest.System
	handler http.Handler
	at      time.Time
}

func newServed(t *testing.T, more ...webhook.Secret) *served {
	t.Helper()
	s := &served{System: bridgetest.NewSystem(skus[0]), at: now}
	if err := s.SetFree(t.Context(), skus[0], 1); err != nil {
		t.Fatal(err)
	}
	s.handler = webhook.Handler(s.System, webhook.ServerConfig{Secrets: append(more, secret(t)), Now: func() time.Time { return s.at }})
	return s
}

// do sends a request with these headers; the status and the body of the answer.
func (s *served) do(method, target, body string, h http.Header) (int, string) {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header = h
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func signedAt(t *testing.T, id string, at time.Time, payload string) http.Header {
	t.Helper()
	h, err := secret(t).Sign(id, at, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func holdBody(t *testing.T) (exchange.HoldID, string) {
	t.Helper()
	id := exchange.HoldID{1}
	b, err := webhook.HoldBody(bridge.Ask{ID: id, Partner: exchange.ShopID{1}, Lines: []bridge.Line{{SKU: skus[0], Units: 1}}, Expires: exchange.TimeOf(now)})
	if err != nil {
		t.Fatal(err)
	}
	return id, string(b)
}

// TestUnverified: a message that is not the node's, not of now, or that came before is 401, and
// nothing is done.
func TestUnverified(t *testing.T) {
	id, body := holdBody(t)
	for name, h := range map[string]http.Header{
		"unsigned":      {},
		"old":           signedAt(t, "msg_1", now.Add(-webhook.Tolerance-time.Second), body),
		"of the future": signedAt(t, "msg_1", now.Add(webhook.Tolerance+time.Second), body),
		"another body":  signedAt(t, "msg_1", now, body+" "),
		"no time":       {"Webhook-Id": {"msg_1"}, "Webhook-Signature": {"v1,AAAA"}},
		"no signature":  {"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {fmt.Sprint(now.Unix())}},
		"garbage":       {"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {"today"}, "Webhook-Signature": {"v1"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServed(t)
			if code, said := s.do("POST", "/hold", body, h); code != http.StatusUnauthorized {
				t.Errorf("%d %s", code, said)
			}
			if _, known := s.Standing(id); known {
				t.Error("it was done")
			}
		})
	}
}

// TestReplay: a message counts once while its time would be accepted; a repeat of the call has an ID of its own.
func TestReplay(t *testing.T) {
	s := newServed(t)
	_, body := holdBody(t)
	first := signedAt(t, "msg_1", now, body)
	if code, said := s.do("POST", "/hold", body, first); code != http.StatusOK {
		t.Fatalf("%d %s", code, said)
	}
	s.at = now.Add(webhook.Tolerance)
	if code, _ := s.do("POST", "/hold", body, first); code != http.StatusUnauthorized {
		t.Errorf("a message that came before: %d", code)
	}
	if code, said := s.do("POST", "/hold", body, signedAt(t, "msg_2", s.at, body)); code != http.StatusOK {
		t.Errorf("the call again: %d %s", code, said)
	}
	s.at = now.Add(3 * webhook.Tolerance)
	if code, _ := s.do("POST", "/hold", body, first); code != http.StatusUnauthorized {
		t.Errorf("a message that came long before: %d", code)
	}
	read := signedAt(t, "msg_3", s.at, "since=")
	for range 2 { // HTTP clients repeat a GET by themselves
		if code, said := s.do("GET", "/changes?since=", "", read); code != http.StatusOK {
			t.Errorf("a GET: %d %s", code, said)
		}
	}
}

// TestSecretsChange: while a secret is changed, a system accepts both.
func TestSecretsChange(t *testing.T) {
	other, err := webhook.ParseSecret(webhook.NewSecret())
	if err != nil {
		t.Fatal(err)
	}
	s := newServed(t, other)
	for i, one := range []webhook.Secret{secret(t), other} {
		h, err := one.Sign(fmt.Sprint("msg_", i), now, []byte("since="))
		if err != nil {
			t.Fatal(err)
		}
		if code, said := s.do("GET", "/changes?since=", "", h); code != http.StatusOK {
			t.Errorf("secret %d: %d %s", i, code, said)
		}
	}
}

// TestNoSecret: without a secret nobody is the node.
func TestNoSecret(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/changes?since=", nil)
	r.Header = signedAt(t, "msg_1", time.Now(), "since=")
	webhook.Handler(bridgetest.NewSystem(), webhook.ServerConfig{}).ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("%d", w.Code)
	}
}

// TestBadRequests: what the node never sends, signed all the same, is refused, and nothing is done.
func TestBadRequests(t *testing.T) {
	id, body := holdBody(t)
	list := func(name, element string, n int) string {
		return `{"` + name + `":[` + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + `]}`
	}
	ask := strings.TrimSuffix(strings.TrimPrefix(body, `{"asks":[`), `]}`)
	long := strings.Repeat("a", 129)
	for name, c := range map[string]struct {
		method, target, body string
		code                 int
	}{
		"another path":        {"POST", "/holds", body, 404},
		"a GET of a call":     {"GET", "/hold", "", 405},
		"no JSON":             {"POST", "/hold", "asks", 400},
		"nothing":             {"POST", "/hold", "", 400},
		"another call's body": {"POST", "/release", body, 400},
		"no asks":             {"POST", "/hold", `{"asks":[]}`, 400},
		"too many":            {"POST", "/commit", list("refs", `{"id":"`+id.String()+`"}`, 101), 400},
		"an ID twice":         {"POST", "/hold", list("asks", ask, 2), 400},
		"a bad ID":            {"POST", "/hold", strings.Replace(body, id.String(), "x", 1), 400},
		"a bad SKU":           {"POST", "/hold", strings.Replace(body, string(skus[0]), long, 1), 400},
		"a product twice":     {"POST", "/hold", strings.Replace(body, `]`, `,{"sku":"LAMP-1","units":1}]`, 1), 400},
		"no units":            {"POST", "/hold", strings.Replace(body, `"units":1`, `"units":0`, 1), 400},
		"no lines":            {"POST", "/hold", strings.Replace(body, `{"sku":"LAMP-1","units":1}`, ``, 1), 400},
		"a bad shop":          {"POST", "/hold", strings.Replace(body, `12D3`, `12D4`, 1), 400},
		"a long reference":    {"POST", "/commit", `{"refs":[{"id":"` + id.String() + `","reference":"` + strings.Repeat("a", 257) + `"}]}`, 400},
		"a negative seq":      {"POST", "/release", `{"parts":[{"id":"` + id.String() + `","seq":-1}]}`, 400},
		"too long":            {"POST", "/hold", body + strings.Repeat(" ", webhook.MaxBody), 413},
		"no parameter":        {"GET", "/changes", "", 400},
		"another parameter":   {"GET", "/changes?after=", "", 400},
		"two parameters":      {"GET", "/changes?since=&since=", "", 400},
		"a bad cursor":        {"GET", "/changes?since=%C3%BC", "", 400},
		"open after no ID":    {"GET", "/open?after=x", "", 400},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServed(t)
			payload := c.body
			if c.method == "GET" {
				_, payload, _ = strings.Cut(c.target, "?")
			}
			if code, said := s.do(c.method, c.target, c.body, signedAt(t, "msg_1", now, payload)); code != c.code {
				t.Errorf("%d %s", code, said)
			}
			if _, known := s.Standing(id); known || s.Free(skus[0]) != 1 {
				t.Error("it was done")
			}
		})
	}
}

// TestLongAnswers: a call whose answers might be too long is refused before it is done.
func TestLongAnswers(t *testing.T) {
	s := newServed(t)
	var asks []bridge.Ask
	for i := range 3 {
		a := bridge.Ask{ID: exchange.HoldID{15: byte(i + 1)}, Partner: exchange.ShopID{1}}
		for n := range exchange.MaxLines {
			a.Lines = append(a.Lines, bridge.Line{SKU: exchange.SKU(strings.Repeat("a", 100) + fmt.Sprint(n)), Units: 1})
		}
		asks = append(asks, a)
	}
	body, err := webhook.HoldBody(asks...)
	if err != nil {
		t.Fatal(err)
	}
	if code, said := s.do("POST", "/hold", string(body), signedAt(t, "msg_1", now, string(body))); code != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s", code, said)
	}
	if _, known := s.Standing(asks[0].ID); known {
		t.Error("it was done")
	}
}

// manyOpen is a system with more open asks than an answer holds.
type manyOpen struct {
	*bridgetest.System
	all []bridge.Standing
}

func (m manyOpen) Open(_ context.Context, after exchange.HoldID) ([]bridge.Standing, error) {
	for i, s := range m.all {
		if bytes.Compare(s.ID[:], after[:]) > 0 {
			return m.all[i:], nil
		}
	}
	return nil, nil
}

// TestLongOpen: more open asks than an answer holds are told in several.
func TestLongOpen(t *testing.T) {
	m := manyOpen{System: bridgetest.NewSystem()}
	for i := range 200 {
		s := bridge.Standing{ID: exchange.HoldID{14: byte(i >> 8), 15: byte(i)}, State: bridge.Held}
		for n := range exchange.MaxLines {
			s.Lines = append(s.Lines, bridge.Line{SKU: exchange.SKU(fmt.Sprint("A product of some twenty ", n)), Units: 1})
		}
		m.all = append(m.all, s)
	}
	m.all = m.all[1:]
	client := serve(t, handler(t, m))
	var after exchange.HoldID
	got, calls := 0, 0
	for {
		list, err := client.Open(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		got, after, calls = got+len(list), list[len(list)-1].ID, calls+1
	}
	if got != len(m.all) || calls < 2 {
		t.Errorf("%d of %d open asks, by %d calls", got, len(m.all), calls)
	}
}

// failing answers what no system may.
type failing struct {
	*bridgetest.System
	answers []bridge.Answer
	err     error
}

func (f failing) Commit(context.Context, []bridge.Ref) ([]bridge.Answer, error) {
	return f.answers, f.err
}

// TestFailingSystem: a system that fails, or answers what was not asked, is a 503, which tells
// nothing of its insides.
func TestFailingSystem(t *testing.T) {
	for name, f := range map[string]failing{
		"it fails":  {err: errors.New("password of the database")},
		"no answer": {},
		"another's": {answers: []bridge.Answer{{ID: exchange.HoldID{9}, OK: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			client := serve(t, handler(t, f))
			_, err := client.Commit(t.Context(), []bridge.Ref{{ID: exchange.HoldID{1}}})
			if err == nil || errors.Is(err, bridge.ErrSetup) || !strings.Contains(err.Error(), "503") || strings.Contains(err.Error(), "password") {
				t.Errorf("%v", err)
			}
		})
	}
}
