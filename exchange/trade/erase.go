package trade

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Addresses are personal data: each shop erases those of its orders, with reference, note and
// salt, so long after nothing of the order is left to ship as its owner has said
// (Policy.KeepAddresses). Never before: a parcel needs its address. A purchase that was closed
// here alone, since its supplier has departed, is over for this shop, also where the supplier
// never answered it.

// eraseAddresses erases the addresses that are due, in commits of prunesPerBatch. It reads every
// address that is kept, and its order: some seconds for 100,000.
func (t *Trade) eraseAddresses(ctx context.Context) error {
	keep := t.Supplier.policy.Load().KeepAddresses
	if keep <= 0 {
		return nil
	}
	o := t.Orders
	var due []keptAddress
	for row, err := range kv.Rows(o.store, kv.Prefix([]byte(record.PrefixShipTo))) {
		if err != nil || ctx.Err() != nil {
			return err
		}
		of, ok := o.addressOf(row.Key)
		if !ok {
			continue
		}
		rec, err := o.ofAddress(of)
		if err != nil || rec == nil || !o.isOver(rec, of.side, keep, o.clock.Now()) {
			continue // one damaged record keeps no other address from its end
		}
		due = append(due, of)
	}
	for chunk := range slices.Chunk(due, prunesPerBatch) {
		if err := o.erase(ctx, chunk, keep); err != nil {
			return err
		}
	}
	return nil
}

// keptAddress is an order whose address is kept, and the key of that.
type keptAddress struct {
	orderID
	own bool // it is of a sale of the shop's own channels
	key []byte
}

// ofAddress is the committed order of an address; nil where it has no record.
func (o *Orders) ofAddress(of keptAddress) (*record.Order, error) {
	if !of.own {
		return record.Get[record.Order](o.store, o.codec, record.OrderKey(of.side, of.id, of.partner))
	}
	sale, err := record.Get[record.OwnSale](o.store, o.codec, record.OwnSaleKey(of.id))
	if err != nil || sale == nil {
		return nil, err
	}
	return &sale.Sale, nil
}

// ofAddressIn is ofAddress within a batch.
func (o *Orders) ofAddressIn(b *writer.Batch, of keptAddress) (*record.Order, error) {
	if !of.own {
		return o.get(b, of.orderID)
	}
	sale, err := o.own.get(b, of.id)
	if err != nil || sale == nil {
		return nil, err
	}
	return &sale.Sale, nil
}

// addressOf is the order that a key of an address belongs to.
func (o *Orders) addressOf(key []byte) (of keptAddress, ok bool) {
	retailer, id, ok := record.ParseShipToKey(key)
	if !ok {
		return of, false
	}
	of = keptAddress{orderID: orderID{exchange.Supplier, id, retailer}, key: bytes.Clone(key)}
	if retailer == o.me {
		rec, err := o.Find(exchange.Retailer, id)
		if exchange.CodeOf(err) == exchange.CodeNotFound {
			of.own = true
			return of, true
		}
		if err != nil {
			return of, false
		}
		of.side, of.partner = exchange.Retailer, rec.Supplier
	}
	return of, true
}

// erase erases addresses in one commit, but none whose order has come to life meanwhile. What
// has no place in the commit is left to the next run.
func (o *Orders) erase(ctx context.Context, due []keptAddress, keep time.Duration) error {
	queued := make(map[exchange.ShopID]map[exchange.OrderID][]byte)
	for _, of := range due {
		if of.side == exchange.Retailer && queued[of.partner] == nil && !o.members.IsMember(of.partner) {
			queued[of.partner] = o.queuedOrders(of.partner)
		}
	}
	return o.writer.Do(ctx, func(b *writer.Batch) error {
		share := b.Share()
		for _, of := range due {
			if share.Spent(b) {
				return nil
			}
			rec, err := o.ofAddressIn(b, of)
			if err != nil {
				return err
			}
			if rec == nil || !o.isOver(rec, of.side, keep, b.Now()) {
				continue
			}
			b.Delete(of.key)
			if err := o.eraseQueued(b, queued[of.partner][of.id]); err != nil {
				return err
			}
		}
		return nil
	})
}

// queuedOrders are the orders that wait for a supplier with their address, and the keys of their
// requests. A damaged request is left out: it keeps no other address from its end.
func (o *Orders) queuedOrders(supplier exchange.ShopID) map[exchange.OrderID][]byte {
	queued := make(map[exchange.OrderID][]byte)
	for row, err := range record.Rows[record.Outbox](o.store, o.codec, kv.Prefix(kv.Key(record.PrefixOutbox, supplier[:]))) {
		if err != nil || len(row.Record.ShipTo) == 0 {
			continue
		}
		req, err := message.Decode[message.Request](o.codec, row.Record.Signed.Payload)
		if err != nil {
			continue
		}
		if act, ok := req.Act.(message.SubmitOrder); ok {
			queued[act.Order] = bytes.Clone(row.Key)
		}
	}
	return queued
}

// eraseQueued takes the address out of a request that waits in the outbox; key is nil where none
// does. The request itself stays, since its number is taken: should the supplier come back, it
// refuses an order that has no address, as the owner who closed it wants.
func (o *Orders) eraseQueued(b *writer.Batch, key []byte) error {
	if key == nil {
		return nil
	}
	waiting, err := record.Get[record.Outbox](b, o.codec, key)
	if err != nil || waiting == nil {
		return err
	}
	waiting.Salt, waiting.ShipTo = [16]byte{}, nil
	return o.put(b, key, waiting)
}

// isOver reports whether nothing of an order is left to ship as this side sees it, and nothing
// of it has moved for keep.
func (o *Orders) isOver(rec *record.Order, side exchange.Party, keep time.Duration, now exchange.Time) bool {
	last := max(rec.Order.Submitted, rec.Order.Closed, rec.Cancelled)
	for _, p := range rec.Parcels {
		last = max(last, p.At)
	}
	if side == exchange.Retailer && rec.CancelAt != 0 && !o.members.IsMember(rec.Supplier) { // closeHere
		return now.Sub(max(last, rec.CancelAt)) >= keep
	}
	if rec.Order.Submitted == 0 {
		return false
	}
	for _, l := range rec.Order.Lines {
		if l.Ordered > l.Shipped+l.Cancelled && !rec.Order.Status().Terminal() {
			return false
		}
	}
	return now.Sub(last) >= keep
}
