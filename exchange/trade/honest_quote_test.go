package trade_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/desk/desktest"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/exchange/writer"
	"github.com/souk-market/souk/protocol"
)

// liar is a retailer's network on which the supplier changes what it seals.
type liar struct {
	desktest.Link
	supplier *desktest.Shop
	on       message.Kind
	lie      func(*message.HoldAnswer)
}

func (l liar) Request(ctx context.Context, to exchange.ShopID, raw []byte) ([]byte, error) {
	reply, err := l.Link.Request(ctx, to, raw)
	if err != nil || raw[0] != byte(l.on) {
		return reply, err
	}
	a := opened(l.supplier, l.From.W.T, reply)
	l.lie(a)
	return sealedReply(l.From.W.T, l.supplier, a), nil
}

func sealedReply(t testing.TB, by *desktest.Shop, a *message.HoldAnswer) []byte {
	t.Helper()
	payload, err := protocol.Codec{}.Encode(a)
	desktest.Must(t, err)
	sealed, err := protocol.NewSigner(by.Key, desktest.Origin, by.Random).Seal([][]byte{payload})
	desktest.Must(t, err)
	return framed(t, &message.SealedAnswer{Sealed: sealed[0]})
}

// lied opens the retailer's desk on a network with a lying supplier.
func lied(t testing.TB, supplier, retailer *desktest.Shop, on message.Kind, lie func(*message.HoldAnswer)) {
	t.Helper()
	cfg := retailer.Config()
	cfg.Network = liar{desktest.Link{From: retailer}, supplier, on, lie}
	var err error
	retailer.Desk, err = desk.Open(cfg)
	desktest.Must(t, err)
	supplier.W.Greet(supplier, retailer)
}

// resum prices a quote anew by its own figures, so that it adds up after a change.
func resum(t testing.TB, q *exchange.Quote) { reprice(t, q, q.Format, q.Discount) }

// inFormat1 is the same quote as a supplier of the version before would have made it. The
// discount is that of desktest.Pair.
func inFormat1(t testing.TB, q *exchange.Quote) { reprice(t, q, exchange.QuoteByUnit, 1500) }

func reprice(t testing.TB, q *exchange.Quote, format exchange.QuoteFormat, discount exchange.BasisPoints) {
	t.Helper()
	lines, err := q.HoldLines()
	desktest.Must(t, err)
	offer := func(sku exchange.SKU) (exchange.Offer, error) {
		i := slices.IndexFunc(q.Lines, func(l exchange.QuoteLine) bool { return l.SKU == sku })
		l := &q.Lines[i]
		return exchange.Offer{Title: l.Title, List: l.List, Options: l.Options, Barcode: l.Barcode, Image: l.Image}, nil
	}
	q.Format, q.Discount = format, 0
	desktest.Must(t, exchange.PriceQuote(q, lines, offer, discount, exchange.ShippingTable{Zones: []exchange.ShippingZone{{Flat: q.Shipping}}}))
}

// TestQuoteIsWhatWasAsked: whatever a supplier changes in a quote, nothing is
// ordered on it and the hold is given back.
func TestQuoteIsWhatWasAsked(t *testing.T) {
	for name, c := range map[string]struct {
		lie  func(*message.HoldAnswer)
		code exchange.Code
	}{
		"other product":  {func(a *message.HoldAnswer) { a.Quote.Lines[0].SKU = "hat" }, exchange.CodeSignature},
		"other supplier": {func(a *message.HoldAnswer) { a.Quote.Supplier = exchange.ShopID{1} }, exchange.CodeSignature},
		"other hold":     {func(a *message.HoldAnswer) { a.Quote.Hold[15]++ }, exchange.CodeSignature},
		"other country":  {func(a *message.HoldAnswer) { a.Quote.Country = "NO" }, exchange.CodeSignature},
		"other currency": {func(a *message.HoldAnswer) {
			a.Quote.Currency, a.Quote.Rate.From = "JPY", "JPY"
		}, exchange.CodeSignature},
		"other cancel rule": {func(a *message.HoldAnswer) { a.Quote.Cancel = exchange.CancelNever }, exchange.CodeSignature},
		"slower acceptance": {func(a *message.HoldAnswer) { a.Quote.AcceptWithin++; a.Quote.AcceptWithin += time.Hour }, exchange.CodeSignature},
		"less discount":     {func(a *message.HoldAnswer) { a.Quote.Discount--; resum(t, a.Quote) }, exchange.CodeSignature},
		"no discount in format 1": {func(a *message.HoldAnswer) {
			inFormat1(t, a.Quote)
			a.Quote.Lines[0].List += 1000
		}, exchange.CodeSignature},
		"over the limit": {func(a *message.HoldAnswer) { a.Quote.Shipping += 90000; resum(t, a.Quote) }, exchange.CodeSignature},
		"more units":     {func(a *message.HoldAnswer) { a.Quote.Lines[0].Quantity = 3; resum(t, a.Quote) }, exchange.CodeSignature},
		"more units in format 1": {func(a *message.HoldAnswer) {
			a.Quote.Lines[0].Quantity = 3
			inFormat1(t, a.Quote)
		}, exchange.CodeSignature},
		"too long a life":  {func(a *message.HoldAnswer) { a.Quote.Expires = a.Quote.Issued.Add(24 * time.Hour) }, exchange.CodeSignature},
		"of next month":    {func(a *message.HoldAnswer) { a.Quote.Issued += 1 << 32; a.Quote.Expires += 1 << 32 }, exchange.CodeSignature},
		"no quote":         {func(a *message.HoldAnswer) { a.Quote = nil }, exchange.CodeSignature},
		"another request":  {func(a *message.HoldAnswer) { a.Request[0]++ }, exchange.CodeSignature},
		"terms of no time": {func(a *message.HoldAnswer) { a.Quote.TermsVersion = 0 }, exchange.CodeStale},
		"terms to come":    {func(a *message.HoldAnswer) { a.Quote.TermsVersion = 77 }, exchange.CodeBehind},
	} {
		t.Run(name, func(t *testing.T) {
			w, acorn, birch := desktest.Pair(t)
			lied(t, acorn, birch, message.KindHold, c.lie)
			id, err := birch.Desk.Retailer.NewID(acorn.ID, [12]byte{7})
			desktest.Must(t, err)
			_, err = birch.Desk.Retailer.Reserve(desktest.Ctx, trade.ReserveRequest{
				Supplier: acorn.ID, Lines: exchangetest.Lines(exchange.Line{SKU: "shoe", Quantity: 2}), Country: "SE", MaxTotal: exchange.Money{Minor: 90000, Currency: "EUR"}, ID: id,
			})
			if exchange.CodeOf(err) != c.code {
				t.Fatalf("the retailer believes the quote: %v", err)
			}
			lied(t, acorn, birch, message.KindHoldStatus, c.lie)
			_, err = birch.Desk.Retailer.PlaceOrder(desktest.Ctx, id, desktest.Stockholm)
			if err == nil && name != "another request" { // a status says which request it answers; nobody can check
				t.Error("the quote was ordered")
			}
			if n := desktest.StockOf(t, acorn, "shoe").Held; c.code != exchange.CodeBehind && name != "another request" && n != 0 {
				t.Errorf("%d units are held still", n)
			}
			w.Settle()
		})
	}
}

// TestExtensionChangesOnlyTheExpiry: a supplier that answers an extension with
// another price, or a release with an answer of before, is not believed.
func TestExtensionChangesOnlyTheExpiry(t *testing.T) {
	_, acorn, birch := desktest.Pair(t)
	res := desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 2})
	until := res.Expires.Add(-time.Minute)
	lied(t, acorn, birch, message.KindExtend, func(a *message.HoldAnswer) { a.Quote.Shipping++; resum(t, a.Quote) })
	if _, err := birch.Desk.Retailer.Extend(desktest.Ctx, res.Request.ID, until); exchange.CodeOf(err) != exchange.CodeSignature {
		t.Errorf("an extension at another price: %v", err)
	}
	lied(t, acorn, birch, message.KindRelease, func(a *message.HoldAnswer) { a.Request[0]++ })
	if _, err := birch.Desk.Retailer.Release(desktest.Ctx, res.Request.ID); exchange.CodeOf(err) != exchange.CodeSignature {
		t.Errorf("a release answered for another request: %v", err)
	}
	rec, err := birch.Desk.Retailer.Reservation(desktest.Ctx, res.Request.ID)
	desktest.Must(t, err)
	if rec.State != hold.Held {
		t.Errorf("the reservation is %v", rec.State)
	}
}

// TestRepeatedReleaseGetsItsOwnAnswer: a release, its repeat and an extension in one
// batch are three answers of which two are the same bytes.
func TestRepeatedReleaseGetsItsOwnAnswer(t *testing.T) {
	w, acorn, birch := desktest.Pair(t)
	raw, id := holdRequest(t, windowOf(w.Now), 1, exchange.Line{SKU: "shoe", Quantity: 1})
	ask(acorn, t, birch, raw)
	cfg := acorn.Config()
	cfg.Inline = false
	d, err := desk.Open(cfg)
	desktest.Must(t, err)
	release, extend := framed(t, &message.Release{ID: id}), framed(t, &message.Extend{ID: id, Until: w.Now.Add(time.Hour)})
	replies := make([]chan []byte, 3)
	var ops []*writer.Operation
	for i, r := range [][]byte{release, release, extend} {
		replies[i] = make(chan []byte, 1)
		go func() {
			reply, err := d.Serve(desktest.Ctx, birch.ID, r)
			if err != nil {
				t.Error(err)
			}
			replies[i] <- reply
		}()
		ops = append(ops, d.Writer.Next())
	}
	desktest.Must(t, d.Writer.Together(ops))
	first, second, third := <-replies[0], <-replies[1], <-replies[2]
	if string(first) != string(second) {
		t.Error("the repeat of a release got other bytes")
	}
	if a := opened(acorn, t, second); a.State != hold.Released || a.Refusal != exchange.CodeOK {
		t.Errorf("the release was answered %v, refusal %v", a.State, a.Refusal)
	}
	if a := opened(acorn, t, third); a.Refusal == exchange.CodeOK {
		t.Error("the extension of a released hold was not refused")
	}
}

// refusing is a store without room, while full is set.
type refusing struct {
	kv.Store
	full *bool
}

func (r refusing) Commit(writes []kv.Write) error {
	if *r.full {
		return fmt.Errorf("disk full: %w", kv.ErrRefused)
	}
	return r.Store.Commit(writes)
}

// onFullDisk opens a shop again on a store that refuses every commit while the result is true.
func onFullDisk(t *testing.T, shop *desktest.Shop) *bool {
	t.Helper()
	full := new(bool)
	cfg := shop.Config()
	cfg.Store = refusing{shop.Mem, full}
	var err error
	shop.Desk, err = desk.Open(cfg)
	desktest.Must(t, err)
	return full
}

// TestRecentIsForgottenWhenTheStoreRefuses: what could not be recorded does not
// stay in memory before what the store has.
func TestRecentIsForgottenWhenTheStoreRefuses(t *testing.T) {
	_, acorn, birch := desktest.Pair(t)
	full := onFullDisk(t, birch)
	acorn.W.Greet(acorn, birch)
	*full = true
	for range 5 {
		desktest.Reserve(t, birch, acorn, exchange.Line{SKU: "shoe", Quantity: 1})
	}
	if n := birch.Desk.Retailer.Pending(); n != 0 {
		t.Errorf("%d reservations are in memory after refused commits", n)
	}
}
