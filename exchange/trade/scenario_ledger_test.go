package trade_test

import (
	"fmt"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/protocol"
)

// Ledgers and messages as a script tells them.

// ledger tells both copies of a ledger: how they compare, each entry once, and what the
// retailer still waits for.
func (s *scenario) ledger(c command) string {
	supplier, retailer := s.shop(c.word(0)), s.shop(c.word(1))
	id := audit.LedgerID{Supplier: supplier.ID, Retailer: retailer.ID}
	a, b := s.books(supplier).Ledgers[id], s.books(retailer).Ledgers[id]
	if a == nil {
		a = &audit.Ledger{}
	}
	if b == nil {
		b = &audit.Ledger{}
	}
	same := 0
	for same < len(a.Entries) && same < len(b.Entries) && a.Entries[same].Hash == b.Entries[same].Hash {
		same++
	}
	var out strings.Builder
	t := teller{s, supplier, retailer, map[exchange.OrderID]order.Order{}}
	head := func(c *audit.Ledger) string { return fmt.Sprintf("%d, head %.4x", len(c.Entries), c.Record.Chain.Hash) }
	longer := a
	switch {
	case same == len(a.Entries) && same == len(b.Entries):
		fmt.Fprintf(&out, "%s and %s hold the same entries: %s; countersigned to %d\n", supplier.Name, retailer.Name, head(a), a.Record.Chain.Acked)
	case same == len(a.Entries) || same == len(b.Entries):
		if same == len(a.Entries) {
			longer = b
		}
		fmt.Fprintf(&out, "%s holds entries: %s; %s holds: %s\n", supplier.Name, head(a), retailer.Name, head(b))
	default:
		fmt.Fprintf(&out, "%s and %s differ from entry %d on\n", supplier.Name, retailer.Name, same+1)
	}
	for _, e := range longer.Entries {
		if int(e.Position) == same+1 && longer != b && same < len(b.Entries) {
			out.WriteString("at " + supplier.Name + "\n")
		}
		out.WriteString(t.entry(e))
	}
	if same < len(a.Entries) && same < len(b.Entries) {
		out.WriteString("at " + retailer.Name + "\n")
		t.orders = map[exchange.OrderID]order.Order{}
		for _, e := range b.Entries {
			if line := t.entry(e); int(e.Position) > same {
				out.WriteString(line)
			}
		}
	}
	for _, waits := range b.Outbox {
		fmt.Fprintf(&out, "unanswered: %s\n", s.request(waits.Signed))
	}
	for _, copy := range []struct {
		at *desktest.Shop
		*audit.Ledger
	}{{supplier, a}, {retailer, b}} {
		if copy.Record.Chain.Frozen {
			fmt.Fprintf(&out, "%s has frozen its copy: %s\n", copy.at.Name, s.evidence(supplier, copy.Ledger))
		}
	}
	return out.String()
}

// evidence tells why a copy is frozen, and whether two sealed entries contradict each other.
func (s *scenario) evidence(supplier *desktest.Shop, c *audit.Ledger) string {
	ev := c.Evidence
	if ev == nil {
		return "there is no evidence"
	}
	theirs, err := s.judge.Open(supplier.ID, ev.Theirs)
	desktest.Must(s.t, err)
	if len(ev.Ours) == 0 {
		return ev.Why
	}
	ours, err := s.judge.Open(supplier.ID, ev.Ours)
	desktest.Must(s.t, err)
	return fmt.Sprintf("%s; it keeps both, %.4x and %.4x", ev.Why, message.Digest(ours), message.Digest(theirs))
}

// teller tells entries, and follows the orders in them.
type teller struct {
	*scenario
	supplier, retailer *desktest.Shop
	orders             map[exchange.OrderID]order.Order
}

// entry is one line: position, time, who did what, and what came of it.
func (t teller) entry(e *audit.Entry) string {
	who := t.supplier.Name
	if e.Request != nil {
		who = fmt.Sprintf("%s #%d", t.retailer.Name, e.Number)
	}
	what := t.act(e.Act)
	if e.Outcome != exchange.CodeOK {
		what += fmt.Sprintf(": refused, %v", e.Outcome)
	} else if status := t.follow(e); status != "" {
		what += ": " + status
	}
	return strings.TrimRight(fmt.Sprintf("%3d  %-11s %-9s %s", e.Position, t.at(e.At), who, what), " ") + "\n"
}

// follow runs an entry on the order that it is about, and tells the order's status and counts.
func (t teller) follow(e *audit.Entry) string {
	by := exchange.Supplier
	if e.Request != nil {
		by = exchange.Retailer
	}
	var id exchange.OrderID
	var do order.Event
	switch act := e.Act.(type) {
	case message.SubmitOrder:
		id, do = act.Order, order.Submit{Lines: t.quoted(act.Quote), Cancel: exchange.CancelUntilShipped, AcceptBy: exchange.MaxTime}
	case message.CancelOrder:
		id, do = act.Order, order.Cancel{By: by, Lines: act.Lines}
	case message.AcceptOrder:
		id, do = act.Order, order.Accept{}
	case message.RejectOrder:
		id, do = act.Order, order.Reject{}
	case message.ShipOrder:
		id, do = act.Order, order.Ship{Lines: act.Lines}
	case message.DeliverOrder:
		id, do = act.Order, order.Deliver{Lines: act.Lines}
	case message.ExpireOrder:
		id, do = act.Order, order.Expire{}
		due := t.orders[id]
		due.AcceptBy = e.At
		t.orders[id] = due
	default:
		return ""
	}
	next, _, err := order.Step(t.orders[id], do, e.At)
	desktest.Must(t.t, err)
	t.orders[id] = next
	return next.Status().Text()
}

// quoted are the lines of a sealed quote.
func (t teller) quoted(sealed []byte) (lines []exchange.Line) {
	payload, err := t.judge.Open(t.supplier.ID, sealed)
	desktest.Must(t.t, err)
	v, err := protocol.Codec{}.Decode(message.KindHoldAnswer, payload)
	desktest.Must(t.t, err)
	for _, l := range v.(*message.HoldAnswer).Quote.Lines {
		lines = append(lines, exchange.Line{SKU: l.SKU, Quantity: l.Quantity})
	}
	return lines
}

// act tells what an entry or a request does.
func (s *scenario) act(act message.Act) string {
	switch act := act.(type) {
	case message.ProposeTerms:
		return "proposes " + discount(act.Terms)
	case message.AcceptTerms:
		return "accepts the terms"
	case message.DeclineTerms:
		return "declines the terms"
	case message.EndTrade:
		return "ends the partnership" + because(act.Reason)
	case message.SubmitOrder:
		return fmt.Sprintf("orders %v", act.Order)
	case message.CancelOrder:
		return fmt.Sprintf("cancels %s%s", partOf(act.Lines, act.Order), because(act.Reason))
	case message.AcceptOrder:
		return fmt.Sprintf("accepts %v", act.Order)
	case message.RejectOrder:
		return fmt.Sprintf("rejects %v%s", act.Order, because(act.Reason))
	case message.ShipOrder:
		return fmt.Sprintf("ships %s", partOf(act.Lines, act.Order))
	case message.DeliverOrder:
		return fmt.Sprintf("delivers %s", partOf(act.Lines, act.Order))
	case message.ExpireOrder:
		return fmt.Sprintf("lets %v expire", act.Order)
	}
	return fmt.Sprintf("does a %T", act)
}

// partOf is some units of an order, or the order where that is everything there is.
func partOf(units []order.Units, id exchange.OrderID) string {
	if len(units) == 0 {
		return id.String()
	}
	return goodsOf(units) + " of " + id.String()
}

func (s *scenario) request(signed message.SignedRequest) string {
	v, err := protocol.Codec{}.Decode(message.KindRequest, signed.Payload)
	desktest.Must(s.t, err)
	r := v.(*message.Request)
	return fmt.Sprintf("%s #%d %s", s.nameOf(r.Retailer), r.Number, s.act(r.Act))
}

// message tells what one shop sends to another.
func (s *scenario) message(raw []byte) string {
	v, err := protocol.Codec{}.Decode(message.Kind(raw[0]), raw[1:])
	desktest.Must(s.t, err)
	switch m := v.(type) {
	case *message.Submit:
		var parts []string
		for _, r := range m.Requests {
			parts = append(parts, s.request(r.Signed))
		}
		return strings.Join(parts, ", ")
	case *message.Push:
		return fmt.Sprintf("entries up to %d", s.position(m.Entries))
	case *message.Pull:
		return fmt.Sprintf("a pull of what follows entry %d", m.After)
	case *message.Hold:
		return fmt.Sprintf("hold %v, %s", m.ID, goods(m.Lines))
	case *message.Release:
		return fmt.Sprintf("release %v", m.ID)
	case *message.Extend:
		return fmt.Sprintf("extend %v", m.ID)
	}
	return fmt.Sprintf("a %T", v)
}

// position is that of the last of some sealed entries; 0 where there is none.
func (s *scenario) position(sealed [][]byte) uint64 {
	if len(sealed) == 0 {
		return 0
	}
	payload, err := protocol.Peek(sealed[len(sealed)-1])
	desktest.Must(s.t, err)
	v, err := protocol.Codec{}.Decode(message.KindEntry, payload)
	desktest.Must(s.t, err)
	return v.(*message.Entry).Position
}

// reply tells an answer of a shop.
func (s *scenario) reply(by *desktest.Shop, raw []byte, err error) string {
	if err != nil {
		return answer(err)
	}
	v, err := protocol.Codec{}.Decode(message.Kind(raw[0]), raw[1:])
	desktest.Must(s.t, err)
	switch m := v.(type) {
	case *message.Entries:
		if len(m.Entries) == 0 {
			return "answered with no entry"
		}
		return fmt.Sprintf("answered with entries up to %d", s.position(m.Entries))
	case *message.SignedHead:
		v, err := protocol.Codec{}.Decode(message.KindHead, m.Payload)
		desktest.Must(s.t, err)
		return fmt.Sprintf("countersigned to %d", v.(*message.Head).Position)
	case *message.SealedAnswer:
		a := opened(by, s.t, raw)
		if a.Refusal != exchange.CodeOK {
			return fmt.Sprintf("refused, %v: %s", a.Refusal, a.Detail)
		}
		return strings.ToLower(a.State.String())
	}
	return fmt.Sprintf("answered with a %T", v)
}
