package trade_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// lostPair is a pair whose messages have the fates that are set; what arrives late is kept.
type lostPair struct {
	*desktest.World
	acorn, birch *desktest.Shop
	late         [][]byte
}

func newLostPair(t *testing.T) *lostPair {
	w, acorn, birch := desktest.Pair(t)
	p := &lostPair{World: w, acorn: acorn, birch: birch}
	w.Late = func(_, _ *desktest.Shop, raw []byte) { p.late = append(p.late, raw) }
	return p
}

// during runs a call whose messages have a fate.
func (p *lostPair) during(f desktest.Fate, call func()) {
	p.Fate = func(_, _ *desktest.Shop) desktest.Fate { return f }
	call()
	p.Fate = nil
}

// arrive lets come what is late.
func (p *lostPair) arrive(t *testing.T) {
	for _, raw := range p.late {
		ask(p.acorn, t, p.birch, raw)
	}
	p.late = nil
}

// after lets time pass and the shops settle.
func (p *lostPair) after(d time.Duration) {
	p.Now = p.Now.Add(d)
	p.Settle()
}

func (p *lostPair) stored(t *testing.T, id exchange.HoldID) *record.Reservation {
	t.Helper()
	rec, err := record.Get[record.Reservation](p.birch.Mem, protocol.Codec{}, record.ReservationKey(id))
	desktest.Must(t, err)
	return rec
}

func (p *lostPair) wish() trade.ReserveRequest {
	return trade.ReserveRequest{Supplier: p.acorn.ID, Country: "SE", Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 2})}
}

// only is the one reservation that there is.
func (p *lostPair) only(t *testing.T) *trade.Reservation {
	t.Helper()
	var all []*trade.Reservation
	desktest.Must(t, p.birch.Desk.Retailer.Reservations(exchange.HoldID{}, func(r *trade.Reservation) bool {
		all = append(all, r)
		return true
	}))
	if len(all) != 1 {
		t.Fatalf("there are %d reservations", len(all))
	}
	return all[0]
}

// brokenOff is the context of a caller that has left.
func brokenOff() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// TestHoldOfACallerThatLeft: a hold whose caller has left without its answer is given back, at once
// where nobody can name it, else when its caller has not come back in time; whatever became of its
// request, and also where the shop has restarted.
func TestHoldOfACallerThatLeft(t *testing.T) {
	fates := map[string]desktest.Fate{"the request is lost": desktest.Lost, "the answer is lost": desktest.ReplyLost, "the request is late": desktest.ArrivesLate}
	for fate, f := range fates {
		for name, c := range map[string]struct {
			ctx   context.Context
			key   byte
			named bool
		}{
			"who breaks off":            {brokenOff(), 0, false},
			"who breaks off with a key": {brokenOff(), 1, true},
			"who is told the id":        {desktest.Ctx, 0, true},
			"who has a key":             {desktest.Ctx, 1, true},
		} {
			for _, restarts := range []bool{false, true} {
				t.Run(fate+", "+name, func(t *testing.T) {
					p := newLostPair(t)
					req := p.wish()
					req.Key[0] = c.key
					p.during(f, func() {
						if _, err := p.birch.Desk.Retailer.Reserve(c.ctx, req); !errors.Is(err, trade.ErrUnanswered) {
							t.Fatal(err)
						}
					})
					if got := p.only(t); got.State != hold.None {
						t.Errorf("without an answer it is %v", got.State)
					}
					if restarts {
						p.birch.Restart()
						p.Greet(p.acorn, p.birch)
					}
					p.Settle()
					want, held := hold.Released, int64(0)
					if c.named {
						want, held = hold.Held, 2
					}
					if got := p.only(t); got.State != want || desktest.StockOf(t, p.acorn, "shoe").Held != held {
						t.Errorf("answered, it is %v (%s), and %d units are held", got.State, got.Detail, desktest.StockOf(t, p.acorn, "shoe").Held)
					}
					p.arrive(t)
					p.after(trade.ReturnTime)
					got := p.only(t)
					if got.State != hold.Released || got.Refusal != exchange.CodeReleased || got.Detail == "" || !got.Settled() {
						t.Errorf("nobody has come back, and it is %v: %s", got.State, got.Detail)
					}
					if n := desktest.StockOf(t, p.acorn, "shoe").Held; n != 0 {
						t.Errorf("%d units are held for nobody", n)
					}
					p.during(f, func() {
						if again, err := p.birch.Desk.Retailer.Reserve(desktest.Ctx, req); c.key != 0 && (exchange.CodeOf(err) != exchange.CodeReleased || again.State != hold.Released) {
							t.Errorf("a repeat that comes too late: %v", err)
						}
						if _, err := p.birch.Desk.Retailer.PlaceOrder(desktest.Ctx, got.Request.ID, desktest.Stockholm); exchange.CodeOf(err) != exchange.CodeReleased {
							t.Errorf("an order of it: %v", err)
						}
					})
				})
			}
		}
	}
}

// TestCallerComesBack: who repeats the request in time, orders or extends has the hold for its own. The
// answer that came meanwhile is the same, byte for byte, also where the supplier is away again.
func TestCallerComesBack(t *testing.T) {
	for _, f := range []desktest.Fate{desktest.Arrives, desktest.NotSent, desktest.ReplyLost} {
		p := newLostPair(t)
		req := p.wish()
		req.Key[0] = 1
		p.during(desktest.ReplyLost, func() { _, _ = p.birch.Desk.Retailer.Reserve(desktest.Ctx, req) })
		p.Settle()
		kept := p.only(t)
		p.Now = p.Now.Add(trade.ReturnTime - time.Second)
		p.during(f, func() {
			got, err := p.birch.Desk.Retailer.Reserve(desktest.Ctx, req)
			desktest.Must(t, err)
			if got.State != hold.Held || !bytes.Equal(got.Answer, kept.Answer) || got.Quote == nil {
				t.Errorf("who comes back is told %v", got.State)
			}
		})
		p.birch.Restart()
		p.Greet(p.acorn, p.birch)
		p.after(trade.ReturnTime)
		if got := p.only(t); got.State != hold.Held || !got.Settled() || desktest.StockOf(t, p.acorn, "shoe").Held != 2 {
			t.Errorf("what its caller came back for is %v", got.State)
		}
	}
	for name, act := range map[string]func(p *lostPair, id exchange.HoldID) error{
		"an order": func(p *lostPair, id exchange.HoldID) error {
			_, err := p.birch.Desk.Retailer.PlaceOrder(desktest.Ctx, id, desktest.Stockholm)
			return err
		},
		"an extension": func(p *lostPair, id exchange.HoldID) error {
			_, err := p.birch.Desk.Retailer.Extend(desktest.Ctx, id, p.Now.Add(20*time.Minute))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newLostPair(t)
			var id exchange.HoldID
			p.during(desktest.ReplyLost, func() {
				res, _ := p.birch.Desk.Retailer.Reserve(desktest.Ctx, p.wish())
				id = res.Request.ID
			})
			desktest.Must(t, act(p, id))
			p.after(trade.ReturnTime)
			if got := p.only(t); got.State == hold.Released || !got.Settled() {
				t.Errorf("it is %v: %s", got.State, got.Detail)
			}
			if s := desktest.StockOf(t, p.acorn, "shoe"); s.Held+s.Sold != 2 {
				t.Errorf("the stock is %+v", s)
			}
			audited(t, p.acorn, p.birch)
		})
	}
}

// TestAnsweredTooLate: a caller that breaks off as the answer comes has not seen it. A repeat that
// breaks off changes nothing: its first caller has the answer.
func TestAnsweredTooLate(t *testing.T) {
	p := newLostPair(t)
	_, err := p.birch.Desk.Retailer.Reserve(brokenOff(), p.wish())
	desktest.Must(t, err)
	p.Settle()
	if got := p.only(t); got.State != hold.Released || desktest.StockOf(t, p.acorn, "shoe").Held != 0 {
		t.Errorf("it is %v", got.State)
	}
	p = newLostPair(t)
	req := p.wish()
	req.Key[0] = 1
	for _, ctx := range []context.Context{desktest.Ctx, brokenOff()} {
		_, err := p.birch.Desk.Retailer.Reserve(ctx, req)
		desktest.Must(t, err)
	}
	p.after(trade.ReturnTime)
	if got := p.only(t); got.State != hold.Held || desktest.StockOf(t, p.acorn, "shoe").Held != 2 {
		t.Errorf("after a repeat it is %v", got.State)
	}
}

// TestChangeWithoutAnswer: a release and an extension without an answer are asked for until there is
// one, also where the shop has restarted. Meanwhile the reservation is neither failed nor over.
func TestChangeWithoutAnswer(t *testing.T) {
	for fate, f := range map[string]desktest.Fate{"the request is lost": desktest.Lost, "the answer is lost": desktest.ReplyLost} {
		for _, restarts := range []bool{false, true} {
			t.Run(fate, func(t *testing.T) {
				p := newLostPair(t)
				released := desktest.Reserve(t, p.birch, p.acorn, exchange.Line{SKU: "hat", Quantity: 1})
				extended := desktest.Reserve(t, p.birch, p.acorn, exchange.Line{SKU: "shoe", Quantity: 1})
				until := extended.Expires.Add(time.Minute)
				p.during(f, func() {
					if _, err := p.birch.Desk.Retailer.Release(desktest.Ctx, released.Request.ID); !errors.Is(err, trade.ErrUnanswered) {
						t.Errorf("a release: %v", err)
					}
					if _, err := p.birch.Desk.Retailer.Extend(desktest.Ctx, extended.Request.ID, until); !errors.Is(err, trade.ErrUnanswered) {
						t.Errorf("an extension: %v", err)
					}
					for _, rec := range []*trade.Reservation{released, extended} {
						if got, err := p.birch.Desk.Retailer.Reservation(desktest.Ctx, rec.Request.ID); err != nil || got.State != hold.Held {
							t.Errorf("without an answer: %+v, %v", got, err)
						}
					}
					if _, err := p.birch.Desk.Retailer.PlaceOrder(desktest.Ctx, released.Request.ID, desktest.Stockholm); exchange.CodeOf(err) != exchange.CodeReleased {
						t.Errorf("an order of what is being released: %v", err)
					}
				})
				if restarts {
					p.birch.Restart()
					p.Greet(p.acorn, p.birch)
				}
				p.Settle()
				if got := p.stored(t, released.Request.ID); got.State != hold.Released || got.Refusal != exchange.CodeOK || desktest.StockOf(t, p.acorn, "hat").Held != 0 {
					t.Errorf("the released one is %v: %s", got.State, got.Detail)
				}
				if got := p.stored(t, extended.Request.ID); got.State != hold.Held || got.Expires != until || !got.Settled() {
					t.Errorf("the extended one is %v until %v, not %v", got.State, got.Expires, until)
				}
				placed, err := p.birch.Desk.Retailer.PlaceOrder(desktest.Ctx, extended.Request.ID, desktest.Stockholm)
				desktest.Must(t, err)
				p.Settle()
				if got := desktest.BothSee(t, p.acorn, p.birch, placed.ID); got.String() != "accepted" {
					t.Errorf("its order is %v", got)
				}
				audited(t, p.acorn, p.birch)
			})
		}
	}
}

// TestOwedByAnEarlierVersion: records of earlier versions do not say that nobody waits.
func TestOwedByAnEarlierVersion(t *testing.T) {
	p := newLostPair(t)
	p.during(desktest.ReplyLost, func() { _, _ = p.birch.Desk.Retailer.Reserve(desktest.Ctx, p.wish()) })
	rec := *p.only(t).Reservation
	rec.ReleaseAt = 0
	raw, err := record.Encode(protocol.Codec{}, &rec)
	desktest.Must(t, err)
	desktest.Must(t, p.birch.Mem.Commit([]kv.Write{{Key: record.ReservationKey(rec.Request.ID), Value: raw}}))
	p.birch.Restart()
	p.Greet(p.acorn, p.birch)
	p.Settle()
	if got := p.only(t); got.State != hold.None {
		t.Errorf("its caller may come back, and it is %v", got.State)
	}
	p.after(trade.ReturnTime)
	if got := p.only(t); got.State != hold.Released || desktest.StockOf(t, p.acorn, "shoe").Held != 0 {
		t.Errorf("nobody came back, and it is %v", got.State)
	}
}

// TestGivenBackWithoutAStore: where the store does not take the note that nobody waits, the hold is
// given back all the same.
func TestGivenBackWithoutAStore(t *testing.T) {
	p := newLostPair(t)
	p.during(desktest.ReplyLost, func() {
		p.birch.Mem.FailNext(store.FaultRefuse)
		_, _ = p.birch.Desk.Retailer.Reserve(brokenOff(), p.wish())
	})
	if n := desktest.StockOf(t, p.acorn, "shoe").Held; n != 2 {
		t.Fatalf("%d units are held", n)
	}
	p.Settle()
	if got := p.only(t); got.State != hold.Released || desktest.StockOf(t, p.acorn, "shoe").Held != 0 {
		t.Errorf("it is %v", got.State)
	}
}

// TestDistrustedIsGivenBack: the hold of a quote that is not believed is given back, also where the
// release has no answer at first. The quote stays as evidence.
func TestDistrustedIsGivenBack(t *testing.T) {
	p := newLostPair(t)
	lied(t, p.acorn, p.birch, message.KindHold, func(a *message.HoldAnswer) { a.Quote.Discount--; resum(t, a.Quote) })
	asked := 0
	p.Fate = func(_, _ *desktest.Shop) desktest.Fate {
		if asked++; asked > 1 {
			return desktest.Lost
		}
		return desktest.Arrives
	}
	if _, err := p.birch.Desk.Retailer.Reserve(desktest.Ctx, p.wish()); exchange.CodeOf(err) != exchange.CodeSignature {
		t.Fatal(err)
	}
	p.Fate = nil
	if desktest.StockOf(t, p.acorn, "shoe").Held != 2 {
		t.Fatal("the release came through")
	}
	p.Settle()
	if got := p.only(t); got.State != hold.Refused || got.Answer == nil || !got.Settled() || desktest.StockOf(t, p.acorn, "shoe").Held != 0 {
		t.Errorf("it is %v, settled %v", got.State, got.Settled())
	}
}

// TestClockFellBack: a caller's time to come back does not grow to hours where the clock falls back.
func TestClockFellBack(t *testing.T) {
	p := newLostPair(t)
	p.birch.Skew = time.Hour
	p.during(desktest.ReplyLost, func() { _, _ = p.birch.Desk.Retailer.Reserve(desktest.Ctx, p.wish()) })
	p.birch.Skew = 0
	p.after(trade.ReturnTime)
	if got := p.only(t); got.State != hold.Released || desktest.StockOf(t, p.acorn, "shoe").Held != 0 {
		t.Errorf("it is %v", got.State)
	}
}
