package audit

import (
	"fmt"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
)

// Counts adds up a shop's holds and orders and compares the sums with its stock (I1), with the
// open quantity of each retailer, and with the expiry indexes. There is no fault at any moment
// between two commits. The books have only the records that Counts reads.
func Counts(shop exchange.ShopID, store kv.Store, codec message.Codec) (*Books, error) {
	b := newBooks(Check{Shop: shop, Codec: codec})
	f := b.place()
	if err := b.read(store, f, counted, func() error { return nil }); err != nil {
		return nil, err
	}
	b.counts(f)
	return b, f.err()
}

// place is the shop, as the place of faults.
func (b *Books) place() notes { return newNotes("shop " + b.name(b.Shop)) }

// Shortfalls lists the stocks of which more units are promised than were counted. Only a
// count of the shelf (set-stock, an import) may make a shortfall; a sale never does.
func (b *Books) Shortfalls() map[exchange.StockID]int64 {
	short := map[exchange.StockID]int64{}
	for sku, s := range b.Stock {
		if n := s.Shortfall(); n > 0 {
			short[sku] = n
		}
	}
	return short
}

// open is how many units a retailer has on hold, and ordered and not shipped.
type open struct{ held, unshipped int64 }

func (b *Books) counts(f notes) {
	sums := map[exchange.StockID]hold.Stock{}
	opens := map[exchange.ShopID]open{}
	b.addHolds(f, sums, opens)
	b.addOrders(f, sums, opens)
	b.addOwn(f, sums)
	b.checkShares(f)
	for sku, s := range b.Stock {
		sum := sums[sku]
		delete(sums, sku)
		f := f.at("product %s", sku.Name())
		if s.Held != sum.Held || s.Sold != sum.Sold || s.Shipped != sum.Shipped {
			f.fault(Stock, "its stock record says held %d, sold %d, shipped %d; its holds and orders add up to %d, %d, %d",
				s.Held, s.Sold, s.Shipped, sum.Held, sum.Sold, sum.Shipped)
		}
		if s.Held < 0 || s.Sold < 0 || s.Shipped < 0 || s.Stocked < s.Shipped || s.Missing < 0 || s.Shipped > s.Sold {
			f.fault(Stock, "a count is negative, or more was shipped than sold or stocked: stocked %d, missing %d, held %d, sold %d, shipped %d",
				s.Stocked, s.Missing, s.Held, s.Sold, s.Shipped)
		}
		if !s.Unlimited && s.Available()+s.Held+s.Sold != s.Stocked-s.Missing+s.Deficit() {
			f.fault(Stock, "available %d + held %d + sold %d is not stocked %d − missing %d + deficit %d",
				s.Available(), s.Held, s.Sold, s.Stocked, s.Missing, s.Deficit())
		}
	}
	for sku, sum := range sums {
		f.at("product %s", sku.Name()).fault(Stock, "%d units are held and %d sold, and it has no stock record", sum.Held, sum.Sold)
	}
	for id, c := range b.Ledgers {
		if id.Supplier != b.Shop {
			continue
		}
		if want := opens[id.Retailer]; c.Record.OpenHeld != want.held || c.Record.OpenUnshipped != want.unshipped {
			f.at("%s", b.name.ledger(id)).fault(Stock, "it says that %d units are held and %d unshipped; the holds and orders of this retailer add up to %d and %d",
				c.Record.OpenHeld, c.Record.OpenUnshipped, want.held, want.unshipped)
		}
		delete(opens, id.Retailer)
	}
	for retailer := range opens {
		f.fault(Ledgers, "retailer %s has holds or orders and no ledger", b.name(retailer))
	}
}

func (b *Books) addHolds(f notes, sums map[exchange.StockID]hold.Stock, opens map[exchange.ShopID]open) {
	for k, h := range b.Holds {
		f := f.at("hold %v of %s", k.ID, shopIn{b.name, k.Partner})
		at, indexed := b.holdExpiry[k]
		if _, quarantined := b.quarantine[k]; quarantined && !indexed {
			at, indexed = h.Hold.Due(), h.Hold.State.Open()
		}
		if open := h.Hold.State.Open(); open != indexed || open && at != h.Hold.Due() {
			f.fault(Records, "it is %v until %v; %s", h.Hold.State, h.Hold.Due(), indexText(at, indexed))
		}
		sold := b.isSold(k)
		if committed := h.Hold.State == hold.Committed; committed != sold {
			if sold {
				f.fault(OneEnd, "it is %v, and there is an order of it", h.Hold.State)
			} else {
				f.fault(OneEnd, "it is %v, and there is no order of it", h.Hold.State)
			}
		}
		if !h.Hold.State.Open() {
			continue
		}
		for i, l := range h.Hold.Lines.All() {
			id := hold.StockOf(h.Hold.From, i, l.SKU)
			s := sums[id]
			s.Held += int64(l.Quantity)
			sums[id] = s
			if k.Partner == b.Shop {
				continue // an own reservation: no terms bound it
			}
			o := opens[k.Partner]
			o.held += int64(l.Quantity)
			opens[k.Partner] = o
		}
	}
	for k := range b.holdExpiry {
		if b.Holds[k] == nil {
			f.at("hold %v of %s", k.ID, b.name(k.Partner)).fault(Records, "the expiry index names it, and it has no record")
		}
	}
}

func (b *Books) addOrders(f notes, sums map[exchange.StockID]hold.Stock, opens map[exchange.ShopID]open) {
	for k, o := range b.Sales {
		f := f.at("order %v of %s", k.ID, shopIn{b.name, k.Partner})
		at, indexed := b.orderExpiry[k]
		if _, quarantined := b.quarantine[k]; quarantined && !indexed {
			at, indexed = o.Order.AcceptBy, o.Order.Status() == order.Submitted
		}
		if waits := o.Order.Status() == order.Submitted; waits != indexed || waits && at != o.Order.AcceptBy {
			f.fault(Records, "it is %v, to be accepted by %v; %s", o.Order.Status(), o.Order.AcceptBy, indexText(at, indexed))
		}
		for _, l := range o.Order.Lines {
			if l.Ordered < 1 || l.Shipped < 0 || l.Cancelled < 0 || l.Delivered < 0 || l.Shipped+l.Cancelled > l.Ordered || l.Delivered > l.Shipped {
				f.fault(Stock, "its counts of %s are impossible: ordered %d, shipped %d, delivered %d, cancelled %d", l.SKU, l.Ordered, l.Shipped, l.Delivered, l.Cancelled)
			}
			id := o.StockOf(l.SKU)
			s := sums[id]
			s.Sold += l.Ordered - l.Cancelled
			s.Shipped += l.Shipped
			sums[id] = s
			op := opens[k.Partner]
			op.unshipped += l.Ordered - l.Cancelled - l.Shipped
			opens[k.Partner] = op
		}
	}
	for k := range b.orderExpiry {
		if b.Sales[k] == nil {
			f.at("order %v of %s", k.ID, b.name(k.Partner)).fault(Records, "the expiry index names it, and it has no record")
		}
	}
}

func indexText(at exchange.Time, indexed bool) string {
	if !indexed {
		return "the expiry index does not name it"
	}
	return fmt.Sprintf("the expiry index says %v", at)
}

// isSold reports whether a hold became an order, or an own reservation a sale. One that was sold
// after it had expired stays expired.
func (b *Books) isSold(k Key) bool {
	if k.Partner != b.Shop {
		return b.Sales[k] != nil
	}
	sale := b.Own[k.ID]
	return sale != nil && !sale.Late
}

// addOwn adds the sales of the shop's own channels. What left is in no count any more.
func (b *Books) addOwn(f notes, sums map[exchange.StockID]hold.Stock) {
	for id, sale := range b.Own {
		f := f.at("own sale %v", id)
		for _, l := range sale.Sale.Order.Lines {
			if l.Ordered < 1 || l.Shipped < 0 || l.Cancelled < 0 || l.Shipped+l.Cancelled > l.Ordered || sale.ReturnedOf(l.SKU) < 0 || sale.ReturnedOf(l.SKU) > l.Shipped {
				f.fault(Stock, "its counts of %s are impossible: sold %d, shipped %d, returned %d, cancelled %d", l.SKU, l.Ordered, l.Shipped, sale.ReturnedOf(l.SKU), l.Cancelled)
			}
			stock := sale.Sale.StockOf(l.SKU)
			s := sums[stock]
			s.Sold += l.Open()
			sums[stock] = s
		}
		if h := b.Holds[Key{b.Shop, id}]; sale.Late && h != nil && h.Hold.State != hold.Expired {
			f.fault(OneEnd, "it was sold after its reservation had expired, and that is %v", h.Hold.State)
		}
	}
}

// checkShares holds what each stock says that partners hold of it against the holds that were
// counted.
func (b *Books) checkShares(f notes) {
	type part struct {
		stock   exchange.StockID
		partner exchange.ShopID
	}
	sums := map[part]int64{}
	for k, h := range b.Holds {
		for i, l := range h.Hold.Lines.All() {
			if h.Hold.State.Open() && h.Counted&(1<<i) != 0 {
				sums[part{hold.StockOf(h.Hold.From, i, l.SKU), k.Partner}] += int64(l.Quantity)
			}
		}
	}
	for id, s := range b.stocks {
		if s.Shares == nil {
			continue
		}
		for _, share := range *s.Shares {
			k := part{id, share.Partner}
			if share.Held != sums[k] {
				f.at("product %s", id.Name()).fault(Stock, "it says that %s holds %d units of its share; its holds add up to %d", b.name(share.Partner), share.Held, sums[k])
			}
			delete(sums, k)
		}
	}
	for k, n := range sums {
		if n != 0 {
			f.at("product %s", k.stock.Name()).fault(Stock, "%s holds %d units of its share, and the stock does not say so", b.name(k.partner), n)
		}
	}
}
