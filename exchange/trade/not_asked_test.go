package trade_test

import (
	"errors"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/trade"
)

// TestNothingAsked: where no connection comes about, nothing was asked and no reservation is
// recorded. Where an earlier request may have placed the hold, its outcome stays unknown.
func TestNothingAsked(t *testing.T) {
	fate := func(w *desktest.World, f desktest.Fate) {
		w.Fate = func(_, _ *desktest.Shop) desktest.Fate { return f }
	}
	count := func(t *testing.T, s *desktest.Shop) (n int) {
		t.Helper()
		desktest.Must(t, s.Desk.Retailer.Reservations(exchange.HoldID{}, func(*trade.Reservation) bool { n++; return true }))
		return n
	}
	request := func(acorn *desktest.Shop, key byte) trade.ReserveRequest {
		req := trade.ReserveRequest{Supplier: acorn.ID, Country: "SE", Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 1})}
		req.Key[0] = key
		return req
	}
	for name, key := range map[string]byte{"without a key": 0, "with a key": 1} {
		t.Run(name, func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			fate(w, desktest.NotSent)
			for range 2 {
				res, err := birch.Desk.Retailer.Reserve(desktest.Ctx, request(acorn, key))
				if res != nil || exchange.CodeOf(err) != exchange.CodeUnavailable || !errors.Is(err, message.ErrNotAsked) || errors.Is(err, trade.ErrUnanswered) {
					t.Fatalf("%v, %v (%v)", res, err, exchange.CodeOf(err))
				}
			}
			if n := count(t, birch); n != 0 {
				t.Errorf("%d reservations are recorded", n)
			}
			w.Fate = nil
			if _, err := birch.Desk.Retailer.Reserve(desktest.Ctx, request(acorn, key)); err != nil {
				t.Errorf("reached again: %v", err)
			}
		})
	}
	t.Run("after a request that may have been carried out", func(t *testing.T) {
		w, acorn, birch := desktest.Pair(t)
		fate(w, desktest.ReplyLost)
		_, err := birch.Desk.Retailer.Reserve(desktest.Ctx, request(acorn, 1))
		if !errors.Is(err, trade.ErrUnanswered) {
			t.Fatalf("a lost answer: %v", err)
		}
		fate(w, desktest.NotSent)
		res, err := birch.Desk.Retailer.Reserve(desktest.Ctx, request(acorn, 1))
		if res == nil || !errors.Is(err, trade.ErrUnanswered) || errors.Is(err, message.ErrNotAsked) {
			t.Errorf("%v, %v", res, err)
		}
		if n := count(t, birch); n != 1 {
			t.Errorf("%d reservations are recorded", n)
		}
	})
	t.Run("what is held stays as it is", func(t *testing.T) {
		w, acorn, birch := desktest.Pair(t)
		res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
		fate(w, desktest.NotSent)
		if _, err := birch.Desk.Retailer.Release(desktest.Ctx, res.Request.ID); !errors.Is(err, message.ErrNotAsked) {
			t.Errorf("a release: %v", err)
		}
		if _, err := birch.Desk.Retailer.Extend(desktest.Ctx, res.Request.ID, res.Expires.Add(1000)); !errors.Is(err, message.ErrNotAsked) {
			t.Errorf("an extension: %v", err)
		}
		if got, err := birch.Desk.Retailer.Reservation(desktest.Ctx, res.Request.ID); err != nil || got.State != res.State || got.Expires != res.Expires {
			t.Errorf("%+v, %v", got, err)
		}
	})
}
