package client_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// came is what reached a server.
type came struct {
	mu   sync.Mutex
	lose int // so many answers from now on are lost
	keys []string
	said []string
}

func (c *came) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	c.keys, c.said = append(c.keys, r.Header.Get("Idempotency-Key")), append(c.said, string(b))
	c.lose--
	left := c.lose
	c.mu.Unlock()
	if left < 0 {
		io.WriteString(w, "{}")
		return
	}
	if left%2 == 0 { // in the middle of the answer
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "{")
	}
	panic(http.ErrAbortHandler)
}

// during runs a call of which so many answers are lost, and returns what came.
func (c *came) during(lose int, call func() error) (keys, said []string, err error) {
	c.mu.Lock()
	c.lose, c.keys, c.said = lose, nil, nil
	c.mu.Unlock()
	err = call()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.keys, c.said, err
}

// TestLostConnection: a call whose answer is lost is repeated once, under the same key,
// so that it is done once.
func TestLostConnection(t *testing.T) {
	server := &came{}
	c := serve(t, server.ServeHTTP)
	reject := func(ctx context.Context) func() error {
		return func() error {
			_, err := c.RejectOrder(ctx, exchange.OrderID{1}, view.Reject{Reason: "damaged"})
			return err
		}
	}
	first, _, err := server.during(0, reject(t.Context()))
	if err != nil || len(first) != 1 || first[0] == "" {
		t.Fatalf("nothing lost: %v, keys %q", err, first)
	}
	keys, said, err := server.during(1, reject(t.Context()))
	if err != nil || len(keys) != 2 || keys[0] != keys[1] || keys[0] == first[0] || said[0] != said[1] || said[0] == "" {
		t.Errorf("one answer lost: %v, keys %q, bodies %q", err, keys, said)
	}
	// The transport may repeat a request of its own on a connection it had kept open.
	if keys, _, err := server.during(4, reject(t.Context())); exchange.CodeOf(err) != exchange.CodeUnavailable || len(keys) > 4 {
		t.Errorf("all lost: %v, after %d requests", err, len(keys))
	}
	keys, _, err = server.during(1, reject(client.WithKey(t.Context(), "mine")))
	if err != nil || len(keys) != 2 || keys[0] != "mine" || keys[1] != "mine" {
		t.Errorf("the caller's key: %v, %q", err, keys)
	}
	keys, _, err = server.during(1, func() error {
		_, err := c.Shop(t.Context())
		return err
	})
	if err != nil || len(keys) != 2 || keys[0] != "" {
		t.Errorf("a GET: %v, keys %q", err, keys)
	}
	// What was counted may be sold by the time of a repeat.
	units := int64(10)
	keys, _, err = server.during(1, func() error {
		_, err := c.Stocks().Set(t.Context(), "shoe", view.SetStock{Units: &units, CountedAt: "now"})
		return err
	})
	if exchange.CodeOf(err) != exchange.CodeUnavailable || len(keys) != 1 {
		t.Errorf("a count of stock: %v, sent %d times", err, len(keys))
	}
}
