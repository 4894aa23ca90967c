package client_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// TestLostConnection: a call whose answer is lost is repeated once, under the same key,
// so that it is done once.
func TestLostConnection(t *testing.T) {
	losses := 0
	var keys, bodies []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		keys, bodies = append(keys, r.Header.Get("Idempotency-Key")), append(bodies, string(b))
		if losses--; losses >= 0 {
			if losses%2 == 0 { // in the middle of the answer
				w.Header().Set("Content-Length", "10")
				io.WriteString(w, "{")
			}
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, "{}")
	})
	ask := func(lose int) error {
		losses, keys, bodies = lose, nil, nil
		_, err := c.RejectOrder(t.Context(), exchange.OrderID{1}, view.Reject{Reason: "damaged"})
		return err
	}
	if err := ask(0); err != nil || len(keys) != 1 || keys[0] == "" {
		t.Errorf("nothing lost: %v, keys %q", err, keys)
	}
	first := keys[0]
	if err := ask(1); err != nil || len(keys) != 2 || keys[0] != keys[1] || keys[0] == first || bodies[0] != bodies[1] || bodies[0] == "" {
		t.Errorf("one answer lost: %v, keys %q, bodies %q", err, keys, bodies)
	}
	if err := ask(4); exchange.CodeOf(err) != exchange.CodeUnavailable || len(keys) > 4 {
		t.Errorf("all lost: %v, after %d requests", err, len(keys))
	}
	losses, keys = 1, nil
	if _, err := c.RejectOrder(client.WithKey(t.Context(), "mine"), exchange.OrderID{1}, view.Reject{}); err != nil || keys[0] != "mine" || keys[1] != "mine" {
		t.Errorf("the caller's key: %v, %q", err, keys)
	}
	losses, keys = 1, nil
	if _, err := c.Shop(t.Context()); err != nil || len(keys) != 2 || keys[0] != "" {
		t.Errorf("a GET: %v, keys %q", err, keys)
	}
}
