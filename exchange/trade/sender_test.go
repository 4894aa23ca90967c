package trade_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/order"
)

// A partner that refuses a message is asked again each 8 seconds at most, and the log
// tells of each change of its answer, once.
func TestRefusalIsToldOnce(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	var log bytes.Buffer
	cfg := birch.Config()
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	var err error
	birch.Desk, err = desk.Open(cfg)
	desktest.Must(t, err)
	w.Greet(acorn, birch)
	w.Settle()
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	placed, err := birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)

	sent := 0
	refuse := func(code exchange.Code, lines int) {
		t.Helper()
		for range 20 {
			list, next := birch.Desk.Outgoing()
			for _, out := range list {
				out.Done(desktest.Ctx, nil, exchange.Errorf(code, "no, for the %dth time", sent))
				sent++
			}
			if wait := next.Sub(w.Now); wait > 8*time.Second {
				t.Fatalf("the next attempt is after %v", wait)
			}
			w.Now = w.Now.Add(4 * time.Second)
		}
		if got := strings.Count(log.String(), "refused"); got != lines {
			t.Errorf("%d lines tell of %d refusals of %v, not %d:\n%s", got, sent, code, lines, &log)
		}
	}
	refuse(exchange.CodeRestored, 1)
	refuse(exchange.CodeNotMember, 2)
	refuse(exchange.CodeRestored, 3)
	if sent < 20 {
		t.Errorf("the order was sent %d times in four minutes", sent)
	}
	w.Settle()
	if got := desktest.BothSee(t, acorn, birch, placed.ID); got != order.Accepted {
		t.Errorf("the order is %v once the partner takes it", got)
	}
	_, err = birch.Desk.Retailer.CancelPurchase(desktest.Ctx, placed.ID, nil, "")
	desktest.Must(t, err)
	refuse(exchange.CodeRestored, 4)
}
