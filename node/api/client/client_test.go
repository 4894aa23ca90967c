package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// The client against a whole shop is in package api's tests; here are servers that
// are no shop, or a broken one.

func serve(t *testing.T, handle http.HandlerFunc) *client.Client {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return client.New(s.URL+"/", "secret")
}

func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		code   exchange.Code
	}{
		"a problem": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", view.ProblemType)
			w.WriteHeader(http.StatusConflict)
			io.WriteString(w, `{"status":409,"code":"price-changed","detail":"dearer","new_field":1}`)
		}, exchange.CodePriceChanged},
		"a code of a newer version": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", view.ProblemType)
			w.WriteHeader(http.StatusConflict)
			io.WriteString(w, `{"status":409,"code":"code-99","detail":"dearer"}`)
		}, 99},
		"another server": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "hello", 404) }, exchange.CodeNotRunning},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/api/v1/shop" {
				t.Errorf("the token went to %s", r.URL)
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}, exchange.CodeNotRunning},
		"no JSON": {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }, exchange.CodeVersion},
		"half of it": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "{")
		}, exchange.CodeUnavailable},
		"nothing":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, exchange.CodeUnavailable},
		"new answers": {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"name":"A","new_field":1}`) }, exchange.CodeOK},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := serve(t, c.handle).Shop(t.Context())
			if exchange.CodeOf(err) != c.code {
				t.Errorf("%v (%v), want %v", err, exchange.CodeOf(err), c.code)
			}
			var p *view.Problem
			if strings.HasPrefix(name, "a problem") && (!errors.As(err, &p) || p.Detail != "dearer" || err.Error() != "dearer") {
				t.Error(err)
			}
		})
	}
}

// TestRequests: what is sent is what was meant.
func TestRequests(t *testing.T) {
	var got *http.Request
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		io.WriteString(w, "{}")
	})
	ctx := client.WithKey(t.Context(), "k 1")
	if _, err := c.Reserve(ctx, view.Reserve{}); err != nil || got.Header.Get("Idempotency-Key") != "k 1" ||
		got.Header.Get("Authorization") != "Bearer secret" || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%v: %v", err, got.Header)
	}
	if _, err := c.Members(ctx); err != nil || got.Header.Get("Idempotency-Key") != "" {
		t.Errorf("%v: %v", err, got.Header)
	}
	for sku, path := range map[exchange.SKU]string{"a/b": "/api/v1/products/a%2Fb/stock", "..": "/api/v1/products/%2E%2E/stock", "?#%": "/api/v1/products/%3F%23%25/stock"} {
		t.Run(string(sku), func(t *testing.T) {
			if _, err := c.Stocks().Set(ctx, sku, view.SetStock{}); err != nil || got.URL.EscapedPath() != path {
				t.Errorf("it goes to %s: %v", got.URL.EscapedPath(), err)
			}
		})
	}
	for wait, want := range map[time.Duration]string{-time.Second: "0", 0: "0", 1500 * time.Millisecond: "1", time.Hour: "30"} {
		t.Run(wait.String(), func(t *testing.T) {
			if _, err := c.PlaceOrder(ctx, view.PlaceOrder{}, wait); err != nil || got.URL.Query().Get("wait") != want {
				t.Errorf("it asks for %s: %v", got.URL.Query().Get("wait"), err)
			}
		})
	}
}

// TestBrokenStreams: an import and an event stream that end in the middle.
func TestBrokenStreams(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if strings.HasSuffix(r.URL.Path, "events") {
			io.WriteString(w, ": a remark\n\nid: 1\ndata: {\"type\":\ndata: \"hello\"}\n\ndata: {\"ty")
			return
		}
		io.WriteString(w, `{"progress":{"bytes":1,"rows":1}}`+"\n"+`{"rep`)
	})
	var progress, events int
	_, err := c.Import(t.Context(), strings.NewReader("x"), client.ImportOptions{}, func(view.ImportProgress) { progress++ })
	if exchange.CodeOf(err) != exchange.CodeUnavailable || progress != 1 {
		t.Errorf("import: %v after %d", err, progress)
	}
	err = c.Follow(t.Context(), client.EventsFrom{}, func(e view.Event) error {
		if events++; e.Type != "hello" {
			t.Errorf("event %+v", e)
		}
		return nil
	})
	if exchange.CodeOf(err) != exchange.CodeUnavailable || events != 1 {
		t.Errorf("events: %v after %d", err, events)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("api.addr", "127.0.0.1:1\n") // a node that was killed
	if _, err := client.Open(dir); exchange.CodeOf(err) != exchange.CodeNotRunning {
		t.Errorf("without a token: %v", err)
	}
	write("api.token", "secret\n")
	c, err := client.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Shop(t.Context()); exchange.CodeOf(err) != exchange.CodeNotRunning || !strings.Contains(err.Error(), "--dir "+dir) {
		t.Errorf("nobody listens: %v", err)
	}
}
