package webhook_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
	"github.com/souk-market/souk/node/bridge/bridgetest"
	"github.com/souk-market/souk/node/bridge/conformance"
	"github.com/souk-market/souk/node/bridge/webhook"
)

var (
	skus = [2]exchange.SKU{"LAMP-1", `Tasse <„Blau“> 5" \ 1`}
	pool = [2]exchange.SKU{"SHIRT-S", "SHIRT-M"}
)

const secretText = "whsec_c291ayBzb3VrIHNvdWsgc291ayBzb3VrIHNvdWs="

func secret(t *testing.T) webhook.Secret {
	t.Helper()
	s, err := webhook.ParseSecret(secretText)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve is a client of a handler.
func serve(t *testing.T, h http.Handler) *webhook.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := webhook.New(webhook.Config{URL: s.URL + "/", Secret: secret(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func handler(t *testing.T, b bridge.Bridge) http.Handler {
	return webhook.Handler(b, webhook.ServerConfig{Secrets: []webhook.Secret{secret(t)}})
}

func newTarget(t *testing.T) (*bridgetest.System, conformance.Target) {
	t.Helper()
	s := bridgetest.NewSystem(skus[0], skus[1], "OTHER-1", "OTHER-2")
	s.AddPool(pool[0], pool[1])
	return s, s.Target(skus, pool)
}

// TestConformance: a system that keeps the rules keeps them over HTTP, forged messages refused.
func TestConformance(t *testing.T) {
	s, target := newTarget(t)
	client := serve(t, handler(t, s))
	dying := target.Dying
	target.Bridge = client
	target.Dying = func(step int) bridge.Bridge { return serve(t, handler(t, dying(step))) }
	target.Forge = conformance.Forger(client, secret(t))
	bridgetest.Run(t, target)
}

// TestForgeriesAreFound: a system that does not look at one thing of a message fails the case that
// is for it.
func TestForgeriesAreFound(t *testing.T) {
	s, target := newTarget(t)
	real := handler(t, s)
	// resigned has the handler see a message as the node's: what a system does that does not look.
	resigned := func(w http.ResponseWriter, r *http.Request) {
		payload, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		h, err := secret(t).Sign(r.Header.Get("webhook-id")+"x", time.Now(), payload)
		if err != nil {
			t.Error(err)
		}
		again := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), bytes.NewReader(payload))
		again.Header = h
		real.ServeHTTP(w, again)
	}
	target.Bridge = serve(t, real)
	target.Forge = conformance.Forger(serve(t, http.HandlerFunc(resigned)), secret(t))
	for _, c := range conformance.Cases() {
		if !strings.HasPrefix(c.Name, "forged-") {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			if r := c.Try(t.Context(), target); r.Err == nil || !strings.Contains(r.Err.Error(), "was answered 200, not 401") {
				t.Errorf("a system that looks at no signature was found to be right: %v", r.Err)
			}
		})
	}
}

// TestSplit: a call that is too long for one body is several, and each ID is answered once.
func TestSplit(t *testing.T) {
	s := bridgetest.NewSystem()
	var calls atomic.Int64
	real := handler(t, s)
	client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		real.ServeHTTP(w, r)
	}))
	var asks []bridge.Ask
	for i := range bridge.MaxBatch {
		a := bridge.Ask{ID: exchange.HoldID{15: byte(i + 1)}, Partner: exchange.ShopID{1}, Expires: 1}
		for n := range exchange.MaxLines {
			a.Lines = append(a.Lines, bridge.Line{SKU: exchange.SKU(strings.Repeat("<", exchange.MaxSKU-1) + string(rune('!'+n))), Units: exchange.MaxQuantity})
		}
		asks = append(asks, a)
	}
	answers, err := client.Hold(t.Context(), asks)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range answers {
		if a.OK || len(a.Short) != exchange.MaxLines {
			t.Errorf("%s: %v, %d short lines", a.ID, a.OK, len(a.Short))
		}
	}
	if len(answers) != len(asks) || calls.Load() != int64(len(asks)) {
		t.Errorf("%d answers by %d calls", len(answers), calls.Load())
	}
	calls.Store(0)
	for i := range asks {
		asks[i].Lines = asks[i].Lines[:2:2]
		for n := range asks[i].Lines {
			asks[i].Lines[n].SKU = exchange.SKU("A product of some twenty"[:20-n])
		}
	}
	if answers, err = client.Hold(t.Context(), asks); err != nil || len(answers) != len(asks) || calls.Load() != 1 {
		t.Errorf("a usual batch: %d answers by %d calls, %v", len(answers), calls.Load(), err)
	}
}
