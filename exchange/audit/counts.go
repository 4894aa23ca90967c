package audit

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
)

// Counts adds up a shop's holds and orders and compares the sums with its stock
// (I1), with the open quantity of each retailer, and with the indexes of what expires.
// It holds at every moment, between any two commits. The books have no more than
// what it read.
func Counts(shop exchange.ShopID, store kv.Store, codec message.Codec) (*Books, error) {
	b, f, err := read(shop, store, codec, nil, counted)
	if err != nil {
		return nil, err
	}
	b.counts(f)
	return b, f.err()
}

// Shortfalls lists the products that are promised and not there. Only a count
// of the shelf (set-stock, an import) may make one; a sale never does.
func (b *Books) Shortfalls() map[exchange.SKU]int64 {
	short := map[exchange.SKU]int64{}
	for sku, s := range b.Stock {
		if n := s.Shortfall(); n > 0 {
			short[sku] = n
		}
	}
	return short
}

type open struct{ held, unshipped int64 }

func (b *Books) counts(f *faults) {
	sums := map[exchange.SKU]hold.Stock{}
	opens := map[exchange.ShopID]open{}
	b.addHolds(f, sums, opens)
	b.addOrders(f, sums, opens)
	for sku, s := range b.Stock {
		sum := sums[sku]
		delete(sums, sku)
		if s.Held != sum.Held || s.Sold != sum.Sold || s.Shipped != sum.Shipped {
			f.add("%s: stock says held %d, sold %d, shipped %d; holds and orders add up to %d, %d, %d",
				sku, s.Held, s.Sold, s.Shipped, sum.Held, sum.Sold, sum.Shipped)
		}
		if s.Held < 0 || s.Sold < 0 || s.Shipped < 0 || s.Stocked < 0 || s.Shipped > s.Sold {
			f.add("%s: a count is negative, or more was shipped than sold: %+v", sku, s)
		}
		if !s.Unlimited && s.Available()+s.Held+s.Sold != s.Stocked+s.Shortfall() {
			f.add("%s: available %d + held %d + sold %d is not stocked %d + shortfall %d",
				sku, s.Available(), s.Held, s.Sold, s.Stocked, s.Shortfall())
		}
	}
	for sku, sum := range sums {
		f.add("%s: is held or sold (%+v) and has no stock record", sku, sum)
	}
	for id, c := range b.Chains {
		if id.Supplier != b.Shop {
			continue
		}
		if want := opens[id.Retailer]; c.Record.OpenHeld != want.held || c.Record.OpenUnshipped != want.unshipped {
			f.add("retailer %s: open held %d, unshipped %d; holds and orders add up to %d, %d",
				id.Retailer.Short(), c.Record.OpenHeld, c.Record.OpenUnshipped, want.held, want.unshipped)
		}
		delete(opens, id.Retailer)
	}
	for retailer := range opens {
		f.add("retailer %s has holds or orders and no ledger", retailer.Short())
	}
}

func (b *Books) addHolds(f *faults, sums map[exchange.SKU]hold.Stock, opens map[exchange.ShopID]open) {
	for k, h := range b.Holds {
		at, indexed := b.holdExpiry[k]
		if held := h.Hold.State == hold.Held; held != indexed || held && at != h.Hold.Expires {
			f.add("hold %v is %v until %v; the expiry index says %v, %v", k.ID, h.Hold.State, h.Hold.Expires, indexed, at)
		}
		_, sold := b.Sold[k]
		if committed := h.Hold.State == hold.Committed; committed != sold {
			f.add("hold %v is %v; there is an order of it: %v", k.ID, h.Hold.State, sold)
		}
		if h.Hold.State != hold.Held {
			continue
		}
		for _, l := range h.Hold.Lines {
			s := sums[l.SKU]
			s.Held += int64(l.Quantity)
			sums[l.SKU] = s
			o := opens[k.Partner]
			o.held += int64(l.Quantity)
			opens[k.Partner] = o
		}
	}
	for k := range b.holdExpiry {
		if b.Holds[k] == nil {
			f.add("the expiry index names hold %v, which has no record", k.ID)
		}
	}
}

func (b *Books) addOrders(f *faults, sums map[exchange.SKU]hold.Stock, opens map[exchange.ShopID]open) {
	for k, o := range b.Sold {
		at, indexed := b.orderExpiry[k]
		if waits := o.Order.Status() == order.Submitted; waits != indexed || waits && at != o.Order.AcceptBy {
			f.add("order %v is %v, to be accepted by %v; the expiry index says %v, %v", k.ID, o.Order.Status(), o.Order.AcceptBy, indexed, at)
		}
		for _, l := range o.Order.Lines {
			if l.Ordered < 1 || l.Shipped < 0 || l.Cancelled < 0 || l.Delivered < 0 || l.Shipped+l.Cancelled > l.Ordered || l.Delivered > l.Shipped {
				f.add("order %v: impossible counts %+v", k.ID, l)
			}
			s := sums[l.SKU]
			s.Sold += l.Ordered - l.Cancelled
			s.Shipped += l.Shipped
			sums[l.SKU] = s
			op := opens[k.Partner]
			op.unshipped += l.Ordered - l.Cancelled - l.Shipped
			opens[k.Partner] = op
		}
	}
	for k := range b.orderExpiry {
		if b.Sold[k] == nil {
			f.add("the expiry index names order %v, which has no record", k.ID)
		}
	}
}
