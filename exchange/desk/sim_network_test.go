package desk_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/kv"
)

// The network of the simulation: what is under way, how long it takes, and what is lost.

type event struct {
	at    exchange.Time
	order int
	run   func()
}

// advance lets time pass, and what is under way arrive.
func (s *sim) advance(d time.Duration) {
	until := s.w.now.Add(d)
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
		s.w.now = max(s.w.now, e.at)
		e.run()
	}
	s.w.now = until
}

func (s *sim) after(d time.Duration, run func()) {
	s.sent++
	s.events = append(s.events, event{s.w.now.Add(d), s.sent, run})
}

// delay of one message: links are short, unless they are not.
func (s *sim) delay() time.Duration {
	if !s.calm && s.chance(0.1) {
		return time.Duration(s.rng.IntN(60_000)) * time.Millisecond
	}
	return time.Duration(1+s.rng.IntN(200)) * time.Millisecond
}

func (s *sim) broken(from, to *shop) bool {
	return !s.calm && (s.cut[[2]*shop{from, to}] || s.chance(0.1))
}

// fate of a request whose caller waits.
func (s *sim) fate(from, to *shop) fate {
	switch {
	case s.calm:
		return arrives
	case s.broken(from, to):
		if s.chance(0.3) && !s.cut[[2]*shop{from, to}] {
			return arrivesLate
		}
		return lost
	case s.broken(to, from):
		return replyLost
	case s.chance(0.1):
		return doneTwice
	}
	return arrives
}

func (s *sim) late(from, to *shop, raw []byte) {
	s.after(s.delay(), func() { to.serve(context.Background(), from.id, raw) })
}

// couriers sends what the desks want sent.
func (s *sim) couriers() {
	for _, from := range s.w.shops {
		if !s.calm && s.chance(0.3) {
			continue // a slow process
		}
		if err := from.desk.Tick(); err != nil && !from.died() {
			s.Errorf("%s: %v", from.name, err)
		}
		list, _ := from.desk.Outgoing()
		if !s.calm && len(list) > 0 && s.chance(0.03) { // the process dies between its commit and its sends
			from.restart()
			continue
		}
		for _, out := range list {
			s.send(from, out)
		}
	}
}

// send is one attempt of a courier: a request, and an answer or a time-out.
func (s *sim) send(from *shop, out desk.Outgoing) {
	to, life, done := s.w.shopOf(out.To), from.life, false
	finish := func(reply []byte, err error) {
		if done || from.life != life {
			return
		}
		done = true
		out.Done(context.Background(), reply, err)
		from.died()
	}
	deliver := func() {
		reply, err := to.serve(context.Background(), from.id, out.Raw)
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
func (s *sim) connect(a, b *shop) {
	if s.cut[[2]*shop{a, b}] || s.cut[[2]*shop{b, a}] {
		return
	}
	for range 2 {
		g, err := a.desk.Greeting(b.id)
		if err != nil {
			if !a.died() {
				s.Errorf("%s greets: %v", a.name, err)
			}
			return
		}
		if err := b.desk.Greeted(context.Background(), a.id, g); err != nil && !b.died() && !errors.Is(err, kv.ErrRefused) {
			s.Errorf("%s is greeted: %v", b.name, err)
		}
		a, b = b, a
	}
}
