package trade_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/trade"
)

// What the commands of a script do.

var worldVerbs map[string]func(*scenario, command) string

var shopVerbs map[string]func(*scenario, *desktest.Shop, command) string

func init() { // the verbs' functions look names up in these tables
	worldVerbs = map[string]func(*scenario, command) string{
		"partner": (*scenario).partner, "greet": (*scenario).greet, "settle": (*scenario).settle,
		"advance": (*scenario).advance, "arrive": (*scenario).arrive,
		"ledger": (*scenario).ledger, "terms": (*scenario).terms, "audit": (*scenario).audit,
	}
	shopVerbs = map[string]func(*scenario, *desktest.Shop, command) string{
		"propose": (*scenario).propose, "accept": (*scenario).accept, "decline": (*scenario).decline,
		"withdraw": (*scenario).withdraw, "end": (*scenario).end,
		"send": (*scenario).send, "tick": (*scenario).tick, "restart": (*scenario).restart,
		"backup": (*scenario).backup, "restore": (*scenario).restore, "twin": (*scenario).twin, "revoke": (*scenario).revoke,
		"orders": (*scenario).orders, "events": (*scenario).events, "selling": (*scenario).selling,
		"stock": (*scenario).stock, "by-hand": (*scenario).byHand, "reject": (*scenario).reject,
		"ship": (*scenario).ship, "deliver": (*scenario).deliver, "cancel": (*scenario).cancel, "holds": (*scenario).holds,
		"reserve": (*scenario).reserve, "extend": (*scenario).extend, "release": (*scenario).release,
		"order": (*scenario).order, "reservations": (*scenario).reservations, "forge": (*scenario).forge,
	}
}

// The world.

func (s *scenario) partner(c command) string {
	supplier, retailer := s.shop(c.word(0)), s.shop(c.word(1))
	s.w.Partner(supplier, retailer, termsOf(c))
	s.observe()
	s.watched[supplier.Name].told, s.watched[retailer.Name].told = nil, nil // a script begins after this
	return ""
}

func (s *scenario) greet(c command) string {
	s.w.Greet(s.shop(c.word(0)), s.shop(c.word(1)))
	return ""
}

func (s *scenario) settle(command) string {
	s.w.Settle()
	return ""
}

func (s *scenario) advance(c command) string {
	s.w.Now = s.w.Now.Add(span(c.word(0)))
	return ""
}

func (s *scenario) arrive(command) string {
	var out strings.Builder
	list := s.late
	s.late = nil
	for _, m := range list {
		reply, err := m.to.Serve(desktest.Ctx, m.from.ID, m.raw)
		fmt.Fprintf(&out, "%s to %s: %s: %s\n", m.from.Name, m.to.Name, s.message(m.raw), s.reply(m.to, reply, err))
	}
	return out.String()
}

// A shop.

func (s *scenario) tick(shop *desktest.Shop, _ command) string { return answer(shop.Desk.Tick()) }

func (s *scenario) restart(shop *desktest.Shop, _ command) string {
	shop.Restart()
	return ""
}

func (s *scenario) backup(shop *desktest.Shop, _ command) string {
	s.backups[shop.Name] = shop.Mem.Clone()
	return ""
}

func (s *scenario) restore(shop *desktest.Shop, _ command) string {
	if s.backups[shop.Name] == nil {
		panic(nonsense("there is no backup"))
	}
	shop.Mem = s.backups[shop.Name].Clone() // which may be restored again
	shop.Restart()
	return ""
}

func (s *scenario) twin(shop *desktest.Shop, _ command) string {
	twin := twinOf(shop)
	twin.Name += "-twin"
	s.cast[twin.Name] = twin
	return ""
}

func (s *scenario) revoke(shop *desktest.Shop, _ command) string {
	delete(s.w.Keys, shop.ID)
	for _, other := range s.w.Shops {
		other.Desk.Supplier.ReleaseAll(shop.ID)
	}
	return ""
}

// send carries what a shop has to send at this moment, each message to its fate.
func (s *scenario) send(shop *desktest.Shop, c command) string {
	lose, _ := c.option("lose")
	s.w.Fate = nil // of what is asked directly; here it is done by hand
	fate := fateOf(lose)
	list, _ := shop.Desk.Outgoing()
	var out strings.Builder
	for _, m := range list {
		to := s.w.ShopOf(m.To)
		fmt.Fprintf(&out, "%s to %s: %s: ", shop.Name, to.Name, s.message(m.Raw))
		if fate == desktest.Lost || fate == desktest.ArrivesLate {
			if fate == desktest.ArrivesLate {
				s.late = append(s.late, lateMessage{shop, to, m.Raw})
			}
			m.Done(desktest.Ctx, nil, desktest.ErrLost)
			out.WriteString("no answer\n")
			continue
		}
		reply, err := to.Serve(desktest.Ctx, shop.ID, m.Raw)
		out.WriteString(s.reply(to, reply, err))
		if fate == desktest.ReplyLost {
			out.WriteString(", which is lost")
			reply, err = nil, desktest.ErrLost
		}
		out.WriteString("\n")
		m.Done(desktest.Ctx, reply, err)
	}
	if len(list) == 0 {
		return "nothing to send"
	}
	return out.String()
}

// Partnerships.

// termsOf are the default terms with what a command says of them.
func termsOf(c command) exchange.Terms {
	terms := exchange.DefaultTerms("EUR")
	terms.Discount = exchange.BasisPoints(100 * c.number("discount"))
	if v, ok := c.option("hold"); ok {
		terms.HoldLifetime = span(v)
	}
	if v, ok := c.option("accept-within"); ok {
		terms.AcceptWithin = span(v)
	}
	if v, ok := c.option("open"); ok {
		terms.OpenQuantity = number(v)
	}
	if v, ok := c.option("currency"); ok {
		terms.Currency = exchange.Currency(v)
	}
	if v, ok := c.option("cancel"); ok {
		terms.Cancel = map[string]exchange.CancelRule{
			"until-shipped": exchange.CancelUntilShipped, "until-accepted": exchange.CancelUntilAccepted, "never": exchange.CancelNever,
		}[v]
	}
	return terms
}

func (s *scenario) propose(shop *desktest.Shop, c command) string {
	partner := s.shop(c.word(0))
	return answer(shop.Desk.Partnerships.Propose(desktest.Ctx, partner.ID, sideOf(shop, partner), termsOf(c)))
}

// accept takes the terms that a partner proposes, as this shop sees them, or an order.
func (s *scenario) accept(shop *desktest.Shop, c command) string {
	if partner, ok := s.cast[c.word(0)]; ok {
		return s.answerTerms(shop, partner, shop.Desk.Partnerships.AcceptTerms)
	}
	rec, err := shop.Desk.Supplier.AcceptOrder(desktest.Ctx, s.id(c.word(0)))
	return s.changed(rec, err)
}

func (s *scenario) decline(shop *desktest.Shop, c command) string {
	return s.answerTerms(shop, s.shop(c.word(0)), shop.Desk.Partnerships.DeclineTerms)
}

func (s *scenario) withdraw(shop *desktest.Shop, c command) string {
	partner := s.shop(c.word(0))
	return answer(shop.Desk.Partnerships.WithdrawTerms(desktest.Ctx, partner.ID, sideOf(shop, partner)))
}

func (s *scenario) end(shop *desktest.Shop, c command) string {
	partner := s.shop(c.word(0))
	reason, _ := c.option("reason")
	return answer(shop.Desk.Partnerships.EndTrade(desktest.Ctx, partner.ID, sideOf(shop, partner), reason))
}

// Stock and orders at their supplier.

func (s *scenario) stock(shop *desktest.Shop, c command) string {
	if len(c.args) == 0 {
		return s.counts(shop)
	}
	shop.Stock(exchange.SKU(c.word(0)), number(c.word(1)), number(c.word(2)))
	return ""
}

func (s *scenario) byHand(shop *desktest.Shop, _ command) string {
	shop.Policy.AcceptByHand = true
	return answer(shop.Desk.SetPolicy(shop.Policy))
}

func (s *scenario) reject(shop *desktest.Shop, c command) string {
	reason, _ := c.option("reason")
	return s.changed(shop.Desk.Supplier.RejectOrder(desktest.Ctx, s.id(c.word(0)), reason))
}

func (s *scenario) ship(shop *desktest.Shop, c command) string {
	tracking, _ := c.option("tracking")
	return s.changed(shop.Desk.Supplier.ShipOrder(desktest.Ctx, s.id(c.word(0)), unitsOf(c), "PostNord", tracking))
}

func (s *scenario) deliver(shop *desktest.Shop, c command) string {
	return s.changed(shop.Desk.Supplier.DeliverOrder(desktest.Ctx, s.id(c.word(0)), unitsOf(c)))
}

func (s *scenario) cancel(shop *desktest.Shop, c command) string {
	id := s.id(c.word(0))
	reason, _ := c.option("reason")
	cancel := shop.Desk.Retailer.CancelPurchase
	if rec, err := shop.Desk.Orders.Find(exchange.Supplier, id); err == nil && rec.Supplier == shop.ID {
		cancel = shop.Desk.Supplier.CancelSale
	}
	return s.changed(cancel(desktest.Ctx, id, unitsOf(c), reason))
}

// unitsOf are the units that a command names; none stands for everything there is.
func unitsOf(c command) (list []order.Units) {
	for _, l := range c.lines() {
		list = append(list, order.Units{SKU: l.SKU, Units: int64(l.Quantity)})
	}
	return list
}

func (s *scenario) changed(rec *record.Order, err error) string {
	if err != nil {
		return answer(err)
	}
	return s.orderLine(rec)
}

// Reservations and orders at their retailer.

func (s *scenario) reserve(shop *desktest.Shop, c command) string {
	lines, err := exchange.NewLines(c.lines())
	if err != nil {
		return answer(err)
	}
	ask := trade.ReserveRequest{
		ID: s.newID(c.word(0)), Supplier: s.shop(c.word(1)).ID, Lines: lines, Country: "SE",
	}
	if _, ok := c.option("max"); ok {
		ask.MaxTotal = exchange.Money{Minor: c.number("max"), Currency: "EUR"}
	}
	if v, ok := c.option("life"); ok {
		ask.Lifetime = span(v)
	}
	if v, ok := c.option("country"); ok {
		ask.Country = v
	}
	rec, err := shop.Desk.Retailer.Reserve(desktest.Ctx, ask)
	return s.reserved(rec, err)
}

func (s *scenario) extend(shop *desktest.Shop, c command) string {
	rec, err := shop.Desk.Retailer.Extend(desktest.Ctx, s.id(c.word(0)), s.w.Now.Add(span(c.word(1))))
	return s.reserved(rec, err)
}

func (s *scenario) release(shop *desktest.Shop, c command) string {
	rec, err := shop.Desk.Retailer.Release(desktest.Ctx, s.id(c.word(0)))
	return s.reserved(rec, err)
}

func (s *scenario) reserved(rec *trade.Reservation, err error) string {
	if err != nil {
		return answer(err)
	}
	return s.reservationLine(rec)
}

func (s *scenario) order(shop *desktest.Shop, c command) string {
	to := desktest.Stockholm
	if v, ok := c.option("city"); ok {
		to.City = v
	}
	return s.changed(shop.Desk.Retailer.PlaceOrder(desktest.Ctx, s.id(c.word(0)), to))
}

// answerTerms answers the proposal of a partner that a shop sees.
func (s *scenario) answerTerms(shop, partner *desktest.Shop, how func(context.Context, exchange.ShopID, exchange.Party, ledger.Hash) error) string {
	side := sideOf(shop, partner)
	p, err := shop.Desk.Partnerships.Get(partner.ID, side)
	desktest.Must(s.t, err)
	return answer(how(desktest.Ctx, partner.ID, side, p.State.Open.Hash))
}

// twinOf is a second process with the shop's key, on a copy of its store.
func twinOf(s *desktest.Shop) *desktest.Shop {
	copied := *s
	copied.Mem = s.Mem.Clone()
	copied.Random = desktest.Chacha(s.W.Seed, 1000)
	copied.Open()
	return &copied
}
