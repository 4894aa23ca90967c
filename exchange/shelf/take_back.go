package shelf

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// TakeBack puts units of one product that came back onto the shelf, of the sale that of names: a
// movement of now. Where the shop's system brings what comes back with its next figure, it is
// CodeState: they would be counted twice. Damaged ones stand in the journal, and change nothing.
func (s Moves) TakeBack(b *writer.Batch, sku exchange.SKU, units int64, damaged bool, of Of) error {
	product, ok, err := s.products.Get(b, sku)
	if err != nil {
		return err
	}
	if !ok {
		return exchange.Errorf(exchange.CodeNotFound, "this shop has no product %s; see souk catalog list", sku)
	}
	id := product.Stock()
	rec, _, err := s.stocks.Get(b, id)
	if err != nil {
		return err
	}
	c := change{sku: sku, id: id, line: record.Movement{Cause: record.CauseOwnReturned, Ordered: of.Ordered, Partner: of.Partner, Order: of.Order}}
	if damaged {
		c.line.Cause, c.line.Units = record.CauseOwnDamaged, units
		return s.note(b, &c, &rec)
	}
	err = s.move(b, &c, product, &rec, units, span{low: b.Now(), high: b.Now(), now: true})
	if exchange.CodeOf(err) == exchange.CodeState {
		return exchange.Errorf(exchange.CodeState, "%w; or say that what came back does not go onto the shelf (damaged)", err)
	}
	return err
}
