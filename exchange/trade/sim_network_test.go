package trade_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/trade"
)

// The network of the simulation: what is under way, how long it takes, and what is lost.

type arrival struct {
	at    exchange.Time
	order int
	run   func()
}

// advance lets time pass, and what is under way arrive.
func (s *sim) advance(d time.Duration) {
	until := s.w.Now.Add(d)
	for {
		i := -1
		for j, e := range s.events {
			if e.at <= until && (i < 0 || e.at < s.events[i].at || e.at == s.events[i].at && e.order < s.events[i].order) {
				i = j
			}
		}
		if i < 0 {
			break
		}
		e := s.events[i]
		s.events = slices.Delete(s.events, i, i+1)
		s.w.Now = max(s.w.Now, e.at)
		e.run()
	}
	s.w.Now = max(s.w.Now, until) // what arrived may have waited longer
}

func (s *sim) after(d time.Duration, run func()) {
	s.sent++
	s.events = append(s.events, arrival{s.w.Now.Add(d), s.sent, run})
}

// delay of one message: links are short, unless they are not.
func (s *sim) delay() time.Duration {
	if !s.calm && s.chance(0.1) {
		return time.Duration(s.rng.IntN(60_000)) * time.Millisecond
	}
	return time.Duration(1+s.rng.IntN(200)) * time.Millisecond
}

func (s *sim) broken(from, to *desktest.Shop) bool {
	return !s.calm && (s.cut[[2]*desktest.Shop{from, to}] || s.chance(0.1))
}

// fate of a request whose caller waits.
func (s *sim) fate(from, to *desktest.Shop) desktest.Fate {
	switch {
	case s.calm:
		return desktest.Arrives
	case s.broken(from, to):
		if s.chance(0.3) && !s.cut[[2]*desktest.Shop{from, to}] {
			return desktest.ArrivesLate
		}
		return desktest.Lost
	case s.broken(to, from):
		return desktest.ReplyLost
	case s.chance(0.1):
		return desktest.DoneTwice
	}
	return desktest.Arrives
}

func (s *sim) late(from, to *desktest.Shop, raw []byte) {
	s.after(s.delay(), func() { to.Serve(context.Background(), from.ID, raw) })
}

// senders sends what the desks want sent.
func (s *sim) senders() {
	for _, from := range s.w.Shops {
		if !s.calm && s.chance(0.3) {
			continue // a slow process
		}
		if err := from.Desk.Tick(); err != nil && !from.Died() {
			s.Errorf("%s: %v", from.Name, err)
		}
		if from.Bridge != nil {
			s.hostile.tells()
		}
		list, _ := from.Desk.Outgoing()
		if !s.calm && len(list) > 0 && s.chance(0.03) { // the process dies between its commit and its sends
			from.Restart()
			continue
		}
		for _, out := range list {
			s.send(from, out)
		}
	}
}

// send is one attempt of a sender: a request, and an answer or a time-out.
func (s *sim) send(from *desktest.Shop, out trade.Outgoing) {
	to, life, done := s.w.ShopOf(out.To), from.Life, false
	finish := func(reply []byte, err error) {
		if done || from.Life != life {
			return
		}
		done = true
		out.Done(context.Background(), reply, err)
		from.Died()
	}
	deliver := func() {
		reply, err := to.Serve(context.Background(), from.ID, out.Raw)
		if !s.broken(to, from) {
			s.after(s.delay(), func() { finish(reply, err) })
		}
	}
	s.after(10*time.Second, func() { finish(nil, context.DeadlineExceeded) })
	if !s.broken(from, to) {
		s.after(s.delay(), deliver)
	}
	if !s.calm && s.chance(0.1) {
		s.after(s.delay(), deliver)
	}
}

// connect has two shops greet each other, if both can be reached.
func (s *sim) connect(a, b *desktest.Shop) {
	if s.cut[[2]*desktest.Shop{a, b}] || s.cut[[2]*desktest.Shop{b, a}] {
		return
	}
	for range 2 {
		g, err := a.Desk.Ledgers.Greeting(b.ID)
		if err != nil {
			if !a.Died() {
				s.Errorf("%s greets: %v", a.Name, err)
			}
			return
		}
		if err := b.Desk.Ledgers.Greeted(context.Background(), a.ID, g); err != nil && !b.Died() && !errors.Is(err, kv.ErrRefused) {
			s.Errorf("%s is greeted: %v", b.Name, err)
		}
		a, b = b, a
	}
}
