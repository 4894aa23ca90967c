package protocol

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
)

// The rules of messages. Encode and Decode hold every value to them. They are the
// rules of form: sizes, counts, ranges, things that must be there. What a machine
// answers with a refusal (terms out of bounds, units that are not there) is
// left to the machine, because a numbered request must be answered by an entry.

func checkNothing[V message.Value](V) error { return nil }

func errorf(format string, args ...any) error {
	return exchange.Errorf(exchange.CodeInvalid, format, args...)
}

func checkText(name, s string, limit int) error {
	if len(s) > limit {
		return errorf("%s has %d bytes; %d are allowed", name, len(s), limit)
	}
	return nil
}

func checkParties(supplier, retailer *exchange.ShopID) error {
	switch {
	case supplier.IsZero():
		return errorf("the supplier is missing")
	case retailer.IsZero():
		return errorf("the retailer is missing")
	case *supplier == *retailer:
		return errorf("supplier and retailer are one shop")
	}
	return nil
}

func checkID(id *exchange.HoldID) error {
	if id.IsZero() {
		return errorf("the hold's or order's id is missing")
	}
	return nil
}

func checkState(s hold.State) error {
	if s > hold.Refused {
		return errorf("hold state %d is unknown", s)
	}
	return nil
}

func checkCancel(r exchange.CancelRule) error {
	if r > exchange.CancelNever {
		return errorf("cancel rule %d is unknown", r)
	}
	return nil
}

// checkTimes refuses times that cannot be shown to people and other programs. Whether
// a time makes sense now is for whoever has a clock.
func checkTimes(times ...exchange.Time) error {
	for _, t := range times {
		if t < 0 || t > exchange.MaxTime {
			return errorf("a time is between 1970 and the end of the year 9999; %d ms is not", int64(t))
		}
	}
	return nil
}

func checkHold(v *message.Hold) error {
	if err := checkID(&v.ID); err != nil {
		return err
	}
	if v.Lines.IsZero() {
		return errorf("a hold has 1 to %d lines, not 0", exchange.MaxLines)
	}
	if v.MaxTotal < 0 || v.Lifetime < 0 {
		return errorf("the greatest total and the lifetime are not negative")
	}
	return exchange.CheckCountry(v.Country)
}

func checkRelease(v *message.Release) error   { return checkID(&v.ID) }
func checkStatus(v *message.HoldStatus) error { return checkID(&v.ID) }

func checkExtend(v *message.Extend) error {
	if v.Until <= 0 {
		return errorf("the new expiry is missing")
	}
	if err := checkTimes(v.Until); err != nil {
		return err
	}
	return checkID(&v.ID)
}

func checkSealed(b []byte, limit int) error {
	if len(b) == 0 || len(b) > limit {
		return errorf("a sealed part has %d bytes; 1 to %d are allowed", len(b), limit)
	}
	return nil
}

func checkSealedAnswer(v *message.SealedAnswer) error { return checkSealed(v.Sealed, MaxSealedAnswer) }

func checkHoldAnswer(v *message.HoldAnswer) error {
	if err := checkParties(&v.Supplier, &v.Retailer); err != nil {
		return err
	}
	if err := checkID(&v.Hold); err != nil {
		return err
	}
	if err := checkState(v.State); err != nil {
		return err
	}
	if err := checkTimes(v.At); err != nil {
		return err
	}
	if err := checkShort(v.Short); err != nil {
		return err
	}
	switch {
	case v.Quote == nil:
		return nil
	case len(v.Short) > 0: // together they could pass MaxHoldAnswer
		return errorf("an answer has a quote or lines that are short, not both")
	}
	return checkQuote(v.Quote)
}

// checkShort bounds what is read. Whether a line can be short, and was asked for, its reader
// says (record.Reservation.Take): a refusal stands without its lines.
func checkShort(short []exchange.Short) error {
	if len(short) > exchange.MaxLines {
		return errorf("%d lines are short; a hold has at most %d", len(short), exchange.MaxLines)
	}
	for _, s := range short {
		if _, err := exchange.ParseSKU(string(s.SKU)); err != nil {
			return err
		}
		if s.Asked < 0 || s.Available < 0 {
			return errorf("%s: units of a short line are not negative", s.SKU)
		}
	}
	return nil
}

func checkSubmit(v *message.Submit) error {
	for i := range v.Requests {
		r := &v.Requests[i]
		if err := checkSignature("the request", r.Signed.Payload, r.Signed.Signature, MaxRequest); err != nil {
			return err
		}
		if len(r.ShipTo) > MaxShipTo {
			return errorf("the ship-to has %d bytes; %d are allowed", len(r.ShipTo), MaxShipTo)
		}
	}
	return nil
}

func checkPush(v *message.Push) error       { return checkEntryList(v.Entries) }
func checkEntries(v *message.Entries) error { return checkEntryList(v.Entries) }

func checkEntryList(entries [][]byte) error {
	for _, e := range entries {
		if err := checkSealed(e, MaxSealedEntry); err != nil {
			return err
		}
	}
	return nil
}

func checkSignedHead(v *message.SignedHead) error {
	return checkSignature("the head", v.Payload, v.Signature, maxSmall)
}

func checkStockQuery(v *message.StockQuery) error {
	if len(v.SKUs) == 0 || len(v.SKUs) > exchange.MaxLines {
		return errorf("a query names 1 to %d products, not %d", exchange.MaxLines, len(v.SKUs))
	}
	for _, s := range v.SKUs {
		if _, err := exchange.ParseSKU(string(s)); err != nil {
			return err
		}
	}
	return nil
}

func checkStockAnswer(v *message.StockAnswer) error {
	if len(v.Lines) > exchange.MaxLines {
		return errorf("an answer has at most %d lines, not %d", exchange.MaxLines, len(v.Lines))
	}
	if err := checkTimes(v.At); err != nil {
		return err
	}
	for i := range v.Lines {
		l := &v.Lines[i]
		if _, err := exchange.ParseSKU(string(l.SKU)); err != nil {
			return err
		}
		if !l.Known {
			continue
		}
		if err := checkPrice(l.Price); err != nil {
			return err
		}
		if l.Available.Units < 0 {
			return errorf("%s: %d units cannot be available", l.SKU, l.Available.Units)
		}
	}
	return nil
}

func checkPrice(p exchange.Money) error {
	if p.Minor < 0 {
		return errorf("a price is not negative: %v", p)
	}
	return p.Currency.Check()
}

func checkHello(v *message.Hello) error {
	switch {
	case len(v.Agent) > MaxAgent:
		return checkText("agent", v.Agent, MaxAgent)
	case len(v.Members) > MaxHelloMembers:
		return errorf("the member list's part has %d bytes; %d are allowed", len(v.Members), MaxHelloMembers)
	case len(v.Profile) > MaxHelloProfile:
		return errorf("the profile has %d bytes; %d are allowed", len(v.Profile), MaxHelloProfile)
	case len(v.Greeting.Ledgers) > MaxLedgers:
		return errorf("two shops share at most %d ledgers, not %d", MaxLedgers, len(v.Greeting.Ledgers))
	}
	for i := range v.Greeting.Ledgers {
		c := &v.Greeting.Ledgers[i]
		if err := checkHead(&c.Head); err != nil {
			return err
		}
		if len(c.Proof) > MaxSealedEntry {
			return checkSealed(c.Proof, MaxSealedEntry)
		}
	}
	if h := v.Greeting.FeedHead; h != nil {
		return checkSignature("the feed's head", h.Payload, h.Signature, maxSmall)
	}
	return nil
}

func checkHead(v *message.Head) error { return checkParties(&v.Supplier, &v.Retailer) }

func checkShipTo(v *message.ShipTo) error { return v.Check() }

func checkRequest(v *message.Request) error {
	if err := checkParties(&v.Supplier, &v.Retailer); err != nil {
		return err
	}
	if v.Number == 0 {
		return errorf("requests are numbered from 1")
	}
	if err := checkTimes(v.At); err != nil {
		return err
	}
	return checkAct(v.Act)
}

func checkEntry(v *message.Entry) error {
	if err := checkParties(&v.Supplier, &v.Retailer); err != nil {
		return err
	}
	if err := checkTimes(v.At); err != nil {
		return err
	}
	switch {
	case v.Position == 0:
		return errorf("positions count from 1")
	case (v.Request == nil) == (v.Own == nil):
		return errorf("an entry holds either a request or an act of the supplier's own")
	case (v.Request == nil) != (v.Number == 0):
		return errorf("an entry has a request's number where it answers one, and only there")
	case v.Own != nil:
		return checkAct(v.Own)
	}
	return checkSignature("the request", v.Request.Payload, v.Request.Signature, MaxRequest)
}

func checkAct(a message.Act) error {
	switch a := a.(type) {
	case nil:
		return errorf("the act is missing")
	case message.ProposeTerms:
		return checkTermsForm(&a.Terms)
	case message.EndTrade:
		return checkText("a reason", a.Reason, message.MaxReason)
	case message.SubmitOrder:
		if err := checkSealed(a.Quote, MaxSealedAnswer); err != nil {
			return err
		}
		return checkID(&a.Order)
	case message.CancelOrder:
		return checkOrderAct(&a.Order, a.Lines, a.Reason)
	case message.AcceptOrder:
		return checkID(&a.Order)
	case message.RejectOrder:
		return checkOrderAct(&a.Order, nil, a.Reason)
	case message.ShipOrder:
		return checkOrderAct(&a.Order, a.Lines, a.Carrier, a.Tracking)
	case message.DeliverOrder:
		return checkOrderAct(&a.Order, a.Lines)
	case message.ExpireOrder:
		return checkID(&a.Order)
	case message.AcceptTerms, message.DeclineTerms:
		return nil // a hash; whose, the ledger says
	}
	return errorf("an act of type %T cannot be written", a)
}

func checkOrderAct(id *exchange.OrderID, lines []order.Units, texts ...string) error {
	if err := checkID(id); err != nil {
		return err
	}
	if err := checkUnits(lines); err != nil {
		return err
	}
	for _, t := range texts {
		if err := checkText("a reason, carrier or tracking code", t, message.MaxReason); err != nil {
			return err
		}
	}
	return nil
}

func checkUnits(lines []order.Units) error {
	if len(lines) > exchange.MaxLines {
		return errorf("an order has at most %d lines, not %d", exchange.MaxLines, len(lines))
	}
	for _, l := range lines {
		if _, err := exchange.ParseSKU(string(l.SKU)); err != nil {
			return err
		}
	}
	return nil
}

// checkTermsForm bounds the size of terms; partnership.Step judges them.
func checkTermsForm(t *exchange.Terms) error {
	if len(t.Countries) > exchange.MaxCountries {
		return errorf("%d countries are more than %d", len(t.Countries), exchange.MaxCountries)
	}
	for _, c := range t.Countries {
		if err := exchange.CheckCountry(c); err != nil {
			return err
		}
	}
	if err := checkText("feed", t.Feed, exchange.MaxText); err != nil {
		return err
	}
	return checkText("currency", string(t.Currency), exchange.MaxText)
}
