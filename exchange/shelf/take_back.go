package shelf

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// TakeBack puts units of one product that came back onto the shelf, of the sale that of names.
// Where the shop's system brings what comes back with its next figure, it is CodeState: they would
// be counted twice.
func TakeBack(b *writer.Batch, s *Shelf, sku exchange.SKU, units int64, of Of) error {
	product, ok, err := s.products.Get(b, sku)
	if err != nil {
		return err
	}
	if !ok {
		return exchange.Errorf(exchange.CodeNotFound, "this shop has no product %s; see souk catalog list", sku)
	}
	id := product.Stock()
	if err := s.inBatch(b).mayTakeBack(id, product); err != nil {
		return err
	}
	rec, _, err := s.stocks.Get(b, id)
	if err != nil {
		return err
	}
	net := rec.Stock.Net()
	if !rec.Stock.Unlimited {
		if rec.Stock, err = rec.Stock.WithNet(net + units); err != nil {
			return exchange.Errorf(exchange.CodeOf(err), "%s: %w", sku, err)
		}
	}
	m := record.Movement{Cause: record.CauseReturned, Units: rec.Stock.Net() - net, Ordered: of.Ordered, Partner: of.Partner, Order: of.Order, SKU: sku}
	if err := s.journals.add(b, id, &rec, m); err != nil {
		return err
	}
	s.stocks.Set(b, id, rec)
	return nil
}

// mayTakeBack refuses units that came back where the figures of the shop's own system bring them
// (design: SHELF, A5).
func (v view) mayTakeBack(id exchange.StockID, product *record.Product) error {
	last, err := v.reading(id, product)
	if err != nil || !last.Set {
		return err
	}
	source, err := record.Get[record.Source](v, v.shelf.cfg.Codec, record.SourceKey(last.Source))
	if err != nil || source == nil || source.Figure == record.FigureOnHand || source.Figure == record.FigureFree {
		return err
	}
	return exchange.Errorf(exchange.CodeState, "what comes back of %s stands in the next figure of %s, and would be counted twice; say that it does not go onto the shelf (damaged), and import the next file", product.Product.SKU, last.Source)
}
