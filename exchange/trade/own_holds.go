package trade

import (
	"context"
	"errors"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Reservations of the shop's own channels: holds whose retailer is the shop itself. They go
// through the machine, the stock and the expiry of partners' holds. There is no network, no
// terms, no ledger and no seal; nothing is kept back from them, and no share bounds them.

// DefaultOwnHold is the longest life of an own reservation where the owner says nothing.
const DefaultOwnHold = time.Hour

// OwnRequest asks for a reservation of own products.
type OwnRequest struct {
	Lines    exchange.Lines
	Country  string         // ship-to; may be empty
	MaxTotal exchange.Money // the most that may be due; zero = any
	Lifetime time.Duration  // 0 = half of Policy.OwnHold, so that it can be extended once by as much
	Key      ReservationKey // a repeat within 24 hours finds the same reservation; zero = none
}

// Reserve sets units of own products aside, all lines or none, at their list price of this moment.
// A repeat with its key and the same lines returns the reservation as it stands; with other lines
// it is CodeConflict. CodeInsufficient names every line that is short, CodeWithdrawn a product
// that is off sale.
func (o *OwnSales) Reserve(ctx context.Context, req OwnRequest) (*Reservation, error) {
	if req.Country != "" {
		if err := exchange.CheckCountry(req.Country); err != nil {
			return nil, err
		}
	}
	tail, err := o.tail(req.Key)
	if err != nil {
		return nil, err
	}
	var id exchange.HoldID
	var rec *heldRecord
	if err := o.writer.Do(ctx, func(b *writer.Batch) error {
		id, rec, err = o.reserve(b, req, tail)
		return err
	}); err != nil {
		return nil, err
	}
	if rec.Hold.State == hold.Asked {
		return o.confirmed(ctx, id)
	}
	return o.shown(id, &rec.storedHold), nil
}

// reserve makes a reservation, or finds the one that was made with the same key. Where the shop's
// own system has the authority over the stock, a new one is ASKED.
func (o *OwnSales) reserve(b *writer.Batch, req OwnRequest, tail [12]byte) (exchange.HoldID, *heldRecord, error) {
	id, rec, err := o.keyedHold(b, req.Key, tail)
	switch {
	case err != nil:
		return id, nil, err
	case rec != nil && (!rec.Hold.Lines.Equal(req.Lines) || rec.Own.Country != req.Country):
		return id, nil, exchange.Errorf(exchange.CodeConflict, "this key came before with another reservation; use a new key for a new wish")
	case rec != nil:
		rec, err = o.stillAsked(b, id, rec)
		return id, rec, err
	}
	if err := o.selling.mayAct(); err != nil {
		return id, nil, err
	}
	rec, err = o.hold(b, id, req)
	return id, rec, err
}

// hold places a new own reservation; where the shop's own system has the authority over the stock,
// it is ASKED.
func (o *OwnSales) hold(b *writer.Batch, id exchange.HoldID, req OwnRequest) (*heldRecord, error) {
	quote, place, err := o.quote(b, id, req)
	if err != nil {
		return nil, err
	}
	rec := &heldRecord{storedHold: record.Hold{Retailer: o.me, Own: quote}}
	if o.holds.bridged.On() {
		err = o.holds.bridged.ask(b, id, rec, place, nil)
	} else {
		err = o.holds.take(b, id, rec, place)
	}
	if err != nil {
		return nil, err
	}
	o.holds.holds.Set(b, holdID{o.me, id}, rec)
	return rec, nil
}

// tail is the end of an id: that of the key, else random.
func (o *OwnSales) tail(key ReservationKey) ([12]byte, error) {
	if key != (ReservationKey{}) {
		return key, nil
	}
	var tail [12]byte
	err := o.random(tail[:])
	return tail, err
}

// keyedIDs are the ids that a request with this tail may have had within keyedFor, the newest
// first: without a key only the new one.
func keyedIDs(b *writer.Batch, key ReservationKey, tail [12]byte) []exchange.HoldID {
	now := exchange.WindowAt(b.Now())
	ids := []exchange.HoldID{exchange.NewHoldID(now, tail)}
	if key != (ReservationKey{}) && now > 0 {
		ids = append(ids, exchange.NewHoldID(now-1, tail))
	}
	return ids
}

// keyedHold is the reservation that was made with a key before, else the id for a new one.
func (o *OwnSales) keyedHold(b *writer.Batch, key ReservationKey, tail [12]byte) (exchange.HoldID, *heldRecord, error) {
	ids := keyedIDs(b, key, tail)
	for _, id := range ids {
		rec, err := o.holds.get(b, holdID{o.me, id})
		if err != nil || rec != nil && b.Now().Sub(rec.Hold.Issued) <= keyedFor {
			return id, rec, err
		}
	}
	return ids[0], nil, nil
}

// longest is how long an own reservation may live.
func (o *OwnSales) longest() time.Duration {
	if d := o.policy.Load().OwnHold; d > 0 {
		return d
	}
	return DefaultOwnHold
}

// quote prices own products at their list price, without shipping: the shop's own checkout has
// its own.
func (o *OwnSales) quote(b *writer.Batch, id exchange.HoldID, req OwnRequest) (*exchange.Quote, hold.Place, error) {
	longest := o.longest()
	life := req.Lifetime
	switch {
	case life > longest:
		return nil, hold.Place{}, exchange.Errorf(exchange.CodeLifetime, "a reservation of your own products lives %s at most, not %s; own_hold_minutes in shop.toml says how long", exchange.Span(longest), exchange.Span(life))
	case life <= 0:
		life = longest / 2
	}
	policy := o.policy.Load()
	q := &exchange.Quote{
		Format: exchange.NewestQuote, Supplier: o.me, Retailer: o.me, Hold: id, Country: req.Country, Currency: o.holds.shelf.Currency(),
		Tax: policy.Tax, Rate: policy.Rate, Issued: b.Now(), Expires: b.Now().Add(life), Cancel: exchange.CancelUntilShipped,
	}
	if err := exchange.PriceQuote(q, req.Lines, func(sku exchange.SKU) (exchange.Offer, error) { return o.offer(b, sku) }, 0, exchange.ShippingTable{}); err != nil {
		return nil, hold.Place{}, err
	}
	if req.MaxTotal != (exchange.Money{}) {
		if req.MaxTotal.Currency != q.Currency {
			return nil, hold.Place{}, exchange.Errorf(exchange.CodeCurrency, "this shop sells in %s; give max_total in it", q.Currency)
		}
		if q.Total > req.MaxTotal.Minor {
			return nil, hold.Place{}, exchange.Errorf(exchange.CodePriceChanged, "the total is %s, above the limit of %s", exchange.Money{Minor: q.Total, Currency: q.Currency}, req.MaxTotal)
		}
	}
	pools, err := o.holds.shelf.From(b, req.Lines)
	return q, hold.Place{Lines: req.Lines, From: pools, Expires: q.Expires}, err
}

// offer is an own product at its price of this moment.
func (o *OwnSales) offer(b *writer.Batch, sku exchange.SKU) (exchange.Offer, error) {
	rec, err := o.holds.shelf.Offered(b, sku)
	if exchange.CodeOf(err) == exchange.CodeNotFound {
		if _, why := o.holds.shelf.Record(sku); why != nil {
			return exchange.Offer{}, why
		}
		if _, why := o.holds.shelf.Product(sku); why != nil {
			err = why
		}
		return exchange.Offer{}, exchange.Errorf(exchange.CodeWithdrawn, "%w", err)
	}
	if err != nil {
		return exchange.Offer{}, err
	}
	p := &rec.Product
	return exchange.Offer{Title: p.Title, List: p.Price.Minor, Grams: p.Grams, Options: p.Options, Barcode: p.Barcode, Image: p.Image, NoShipping: true}, nil
}

// Reservation is an own reservation as it stands; CodeNotFound where there is none, or its record
// is kept no longer.
func (o *OwnSales) Reservation(id exchange.HoldID) (*Reservation, error) {
	rec, err := record.Get[record.Hold](o.store, o.codec, record.HoldKey(o.me, id))
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, errNoReservation(id)
	}
	return o.shown(id, rec), nil
}

func errNoReservation(id exchange.HoldID) error {
	return exchange.Errorf(exchange.CodeNotFound, "there is no reservation %v of your own products; one at a supplier is ordered (souk order place)", id)
}

// shown is an own reservation in the form of those at suppliers. One whose time has come shows as
// expired, whether the writer has ended it or not.
func (o *OwnSales) shown(id exchange.HoldID, rec *record.Hold) *Reservation {
	h := &rec.Hold
	out := &Reservation{State: h.State, Reservation: &record.Reservation{
		Supplier: o.me, Request: message.Hold{ID: id, Lines: h.Lines}, State: h.State, Refusal: h.Refusal, Created: h.Issued, Expires: h.Expires,
	}}
	if rec.Own != nil {
		quote := *rec.Own
		quote.Expires = h.Expires
		out.Quote, out.Request.Country = &quote, quote.Country
	}
	if h.State == hold.Held && h.Expires <= o.clock.Now() {
		out.State = hold.Expired
	}
	return out
}

// Release gives an own reservation back. One that was released before stays so.
func (o *OwnSales) Release(ctx context.Context, id exchange.HoldID) (*Reservation, error) {
	return o.change(ctx, id, func(b *writer.Batch, rec *heldRecord) error {
		switch rec.Hold.State {
		case hold.Released:
			return nil
		case hold.Asked:
			return o.endAsked(b, id, rec, hold.Release{}, errReleasedFirst)
		}
		return o.holds.finish(b, id, rec, hold.Release{})
	})
}

// Extend moves the expiry of an own reservation, up to Policy.OwnHold after it was made.
func (o *OwnSales) Extend(ctx context.Context, id exchange.HoldID, until exchange.Time) (*Reservation, error) {
	return o.change(ctx, id, func(b *writer.Batch, rec *heldRecord) error {
		if err := o.selling.mayAct(); err != nil {
			return err
		}
		if latest := rec.Hold.Issued.Add(o.longest()); rec.Hold.State == hold.Held && until > latest {
			return exchange.Errorf(exchange.CodeLifetime, "a reservation of your own products lives %s at most; this one ends by %v. own_hold_minutes in shop.toml says how long", exchange.Span(o.longest()), latest)
		}
		return o.holds.prolong(b, id, rec, hold.Extend{Until: until, Limit: o.longest()})
	})
}

// change changes an own reservation; where that was done before under its key, it returns it as
// it stands.
func (o *OwnSales) change(ctx context.Context, id exchange.HoldID, change func(*writer.Batch, *heldRecord) error) (*Reservation, error) {
	var rec *heldRecord
	err := o.writer.Act(ctx, func(b *writer.Batch) (err error) {
		if rec, err = o.holds.get(b, holdID{o.me, id}); err != nil {
			return err
		}
		if rec == nil {
			return errNoReservation(id)
		}
		if err := change(b, rec); err != nil {
			return err
		}
		o.holds.holds.Set(b, holdID{o.me, id}, rec)
		return nil
	})
	if errors.Is(err, writer.ErrDone) {
		return o.Reservation(id)
	}
	if err != nil {
		return nil, err
	}
	return o.shown(id, &rec.storedHold), nil
}
