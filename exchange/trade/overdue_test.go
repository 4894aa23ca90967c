package trade_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/trade"
)

// overduePair is a pair whose retailer logs to log and whose messages fail with why, where that is set.
type overduePair struct {
	*lostPair
	log  bytes.Buffer
	why  error
	away bool
	// stuck is a request that fails; nil = none.
	stuck []byte
}

func newOverduePair(t *testing.T) *overduePair {
	p := &overduePair{lostPair: newLostPair(t)}
	cfg := p.birch.Config()
	cfg.Logger, cfg.Network = slog.New(slog.NewTextHandler(&p.log, nil)), p
	var err error
	p.birch.Desk, err = desk.Open(cfg)
	desktest.Must(t, err)
	p.Greet(p.acorn, p.birch)
	p.Settle()
	return p
}

func (p *overduePair) Request(ctx context.Context, to exchange.ShopID, raw []byte) ([]byte, error) {
	if p.why != nil {
		return nil, p.why
	}
	if p.stuck != nil && bytes.Equal(raw, p.stuck) {
		return nil, exchange.Errorf(exchange.CodeLimit, "slower please")
	}
	return desktest.Link{From: p.birch}.Request(ctx, to, raw)
}

func (p *overduePair) Away(exchange.ShopID) bool { return p.away }

// pass lets the retailer ask for a while, second by second, and counts the lines that say so.
func (p *overduePair) pass(d time.Duration, line string) (lines int) {
	p.log.Reset()
	for range int(d / time.Second) {
		list, _ := p.birch.Desk.Outgoing()
		for _, out := range list {
			reply, err := p.Request(desktest.Ctx, out.To, out.Raw)
			out.Done(desktest.Ctx, reply, err)
		}
		p.Now = p.Now.Add(time.Second)
	}
	return strings.Count(p.log.String(), line)
}

// TestLongUnansweredIsLogged: a request that a supplier leaves unanswered for half a minute is told in
// the log with the reason, whatever that is, and more and more rarely.
func TestLongUnansweredIsLogged(t *testing.T) {
	for name, c := range map[string]struct {
		why  error
		away bool
		says string
	}{
		"no answer":              {why: errors.New("the stream is silent"), says: "the stream is silent"},
		"it may work later":      {why: exchange.Errorf(exchange.CodeLimit, "slower please"), says: "slower please"},
		"the supplier is absent": {why: desktest.ErrLost, away: true, says: "not connected"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newOverduePair(t)
			p.why = errors.New("lost")
			for range 40 { // in all lanes
				_, _ = p.birch.Desk.Retailer.Reserve(desktest.Ctx, p.wish())
			}
			p.why, p.away = c.why, c.away
			const line = "leaves reservations unanswered"
			if n := p.pass(25*time.Second, line); n != 0 {
				t.Errorf("%d lines within 25 s:\n%s", n, &p.log)
			}
			if n := p.pass(20*time.Second, line); n != 1 || !strings.Contains(p.log.String(), c.says) || !strings.Contains(p.log.String(), "reservations=40") {
				t.Errorf("%d lines within 45 s:\n%s", n, &p.log)
			}
			if n := p.pass(10*time.Minute, line); n < 2 || n > 4 {
				t.Errorf("%d lines in ten minutes:\n%s", n, &p.log)
			}
		})
	}
}

// TestLongUnansweredOrderIsLogged: the same of an order that waits in the outbox.
func TestLongUnansweredOrderIsLogged(t *testing.T) {
	p := newOverduePair(t)
	res := desktest.Reserve(t, p.birch, p.acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	_, err := p.birch.Desk.Retailer.PlaceOrder(desktest.Ctx, res.Request.ID, desktest.Stockholm)
	desktest.Must(t, err)
	p.why = errors.New("the stream is silent")
	const line = "leaves orders or other requests unanswered"
	if n := p.pass(25*time.Second, line); n != 0 {
		t.Errorf("%d lines within 25 s:\n%s", n, &p.log)
	}
	if n := p.pass(20*time.Second, line); n != 1 || !strings.Contains(p.log.String(), "the stream is silent") {
		t.Errorf("%d lines within 45 s:\n%s", n, &p.log)
	}
}

// TestOneStuckReservation: what a supplier does not answer about one reservation keeps it from no other.
func TestOneStuckReservation(t *testing.T) {
	p := newOverduePair(t)
	p.why = errors.New("lost")
	var stuck []byte
	for n := range 5 {
		req := p.wish()
		req.Lines = exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 1})
		req.Key = trade.ReservationKey{byte(n + 1)} // the last byte, 0, says which lane
		res, _ := p.birch.Desk.Retailer.Reserve(desktest.Ctx, req)
		if n == 0 {
			stuck = res.Raw
		}
		p.Now = p.Now.Add(time.Millisecond)
	}
	p.why = nil
	p.stuck = stuck
	p.pass(15*time.Second, "")
	if n := desktest.StockOf(t, p.acorn, "shoe").Held; n != 4 {
		t.Errorf("%d of 4 are answered beside the one that is not", n)
	}
}

// TestAskedAgainWhileItIsForgotten: a caller leaves its release unanswered just as the asker has read
// that the reservation is settled. The release is asked for all the same.
func TestAskedAgainWhileItIsForgotten(t *testing.T) {
	p := newLostPair(t)
	read := &readHook{Store: p.birch.Config().Store}
	cfg := p.birch.Config()
	cfg.Store = read
	var err error
	p.birch.Desk, err = desk.Open(cfg)
	desktest.Must(t, err)
	p.Greet(p.acorn, p.birch)
	p.Settle()
	req := p.wish()
	req.Key[0] = 1
	p.during(desktest.ReplyLost, func() { _, _ = p.birch.Desk.Retailer.Reserve(desktest.Ctx, req) })
	p.Settle() // it is held, and kept for its caller
	res, err := p.birch.Desk.Retailer.Reserve(desktest.Ctx, req)
	desktest.Must(t, err)
	read.key = record.ReservationKey(res.Request.ID)
	read.then = func() {
		p.during(desktest.Lost, func() { _, _ = p.birch.Desk.Retailer.Release(desktest.Ctx, res.Request.ID) })
	}
	p.after(trade.ReturnTime)
	p.after(trade.ReturnTime)
	if read.key != nil {
		t.Fatal("the asker has not read the reservation")
	}
	if got := p.only(t); got.State != hold.Released || !got.Settled() || desktest.StockOf(t, p.acorn, "shoe").Held != 0 {
		t.Errorf("it is %v, and %d units are held", got.State, desktest.StockOf(t, p.acorn, "shoe").Held)
	}
}

// readHook is a store that runs then, once, after a key was read.
type readHook struct {
	kv.Store
	key  []byte
	then func()
}

func (s *readHook) Get(key []byte) ([]byte, bool, error) {
	value, ok, err := s.Store.Get(key)
	if s.key != nil && bytes.Equal(key, s.key) {
		s.key = nil
		s.then()
	}
	return value, ok, err
}
