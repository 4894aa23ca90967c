package shelf

import (
	"context"
	"iter"
	"sync/atomic"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Config is what a Shelf is made of.
type Config struct {
	Store    kv.Store
	Codec    message.Codec
	Writer   *writer.Writer
	Currency exchange.Currency // the shop's own: every price is in it
	// Changed is called for each product or stock record that a batch changed, while the batch
	// is finished. It may add rows and effects.
	Changed func(b *writer.Batch, sku exchange.SKU)
}

// Shelf is the shop's own products and their stock. Its methods are safe for concurrent use;
// methods that take a batch belong to the writer's turn.
type Shelf struct {
	cfg  Config
	rate atomic.Pointer[exchange.Rate] // newest US dollar rate of the currency

	products *writer.Table[exchange.SKU, *record.Product]
	stocks   *writer.Table[exchange.SKU, hold.Stock]
}

// StockChanged is the effect of a batch that changed a product's counts.
type StockChanged struct{ SKU exchange.SKU }

// cached bounds the decoded products, and the decoded stock records, in memory: 32 MB at some
// 2 KB a product.
const cached = 16_384

// overhead is an upper estimate of a record's or mark's bytes in a batch, beside its texts.
const overhead = 128

// New makes a shelf. It reads nothing.
func New(cfg Config) *Shelf {
	s := &Shelf{cfg: cfg}
	s.rate.Store(&exchange.Rate{})
	s.products = writer.NewTable(cfg.Writer, writer.Rows[exchange.SKU, *record.Product]{
		Key:    record.ProductKey,
		Decode: func(raw []byte) (*record.Product, error) { return record.Decode[record.Product](cfg.Codec, raw) },
		Encode: func(p *record.Product) ([]byte, error) { return record.Encode(cfg.Codec, p) },
		Size:   func(_ exchange.SKU, p *record.Product) int { return p.Size() + 2*overhead },
		Writes: 2, Cached: cached,
		Flushed: func(b *writer.Batch, sku exchange.SKU, _ *record.Product) { cfg.Changed(b, sku) },
	})
	s.stocks = writer.NewTable(cfg.Writer, writer.Rows[exchange.SKU, hold.Stock]{
		Key: record.StockKey,
		Decode: func(raw []byte) (hold.Stock, error) {
			rec, err := record.Decode[record.Stock](cfg.Codec, raw)
			if err != nil {
				return hold.Stock{}, err
			}
			return rec.Stock, nil
		},
		Encode: func(stock hold.Stock) ([]byte, error) { return record.Encode(cfg.Codec, &record.Stock{Stock: stock}) },
		Size:   func(sku exchange.SKU, _ hold.Stock) int { return 2 * (len(sku) + overhead) },
		Writes: 2, Cached: cached,
		Flushed: func(b *writer.Batch, sku exchange.SKU, _ hold.Stock) {
			cfg.Changed(b, sku)
			b.Then(StockChanged{sku})
		},
	})
	return s
}

// SetRate replaces the US dollar rate for prices from now on; [Shelf.Reprice] applies it to the
// prices there are.
func (s *Shelf) SetRate(r exchange.Rate) { s.rate.Store(&r) }

// Currency is the currency of every price.
func (s *Shelf) Currency() exchange.Currency { return s.cfg.Currency }

// SoldIn is the currency of the stored prices, by the first product; "" if there is no product.
func (s *Shelf) SoldIn() (exchange.Currency, error) {
	for row, err := range s.rows(kv.Prefix([]byte(record.PrefixProduct))) {
		if err != nil {
			return "", err
		}
		return row.Record.Product.Price.Currency, nil
	}
	return "", nil
}

// rows visits the committed products whose keys are in r.
func (s *Shelf) rows(r kv.Range) iter.Seq2[record.Row[*record.Product], error] {
	return record.Rows[record.Product](s.cfg.Store, s.cfg.Codec, r)
}

// Stock is a product's committed counts; zero for a product without a record.
func (s *Shelf) Stock(sku exchange.SKU) (hold.Stock, error) {
	rec, err := record.Get[record.Stock](s.cfg.Store, s.cfg.Codec, record.StockKey(sku))
	if err != nil || rec == nil {
		return hold.Stock{}, err
	}
	return rec.Stock, nil
}

// Product is one of the shop's own products, as committed. It fails with CodeNotFound if the
// product is not offered.
func (s *Shelf) Product(sku exchange.SKU) (*record.Product, error) {
	rec, err := record.Get[record.Product](s.cfg.Store, s.cfg.Codec, record.ProductKey(sku))
	if err != nil {
		return nil, err
	}
	if rec == nil || rec.Removed {
		return nil, exchange.Errorf(exchange.CodeNotFound, "this shop has no product %s", sku)
	}
	return rec, nil
}

// Current is a committed product with its exact availability; ok is false if the product is
// not offered.
func (s *Shelf) Current(sku exchange.SKU) (p exchange.Product, ok bool, err error) {
	rec, err := record.Get[record.Product](s.cfg.Store, s.cfg.Codec, record.ProductKey(sku))
	if err != nil || rec == nil || rec.Removed {
		return exchange.Product{}, false, err
	}
	stock, err := s.Stock(sku)
	if err != nil {
		return exchange.Product{}, false, err
	}
	p = rec.Product
	p.Available = stock.Availability()
	return p, true, nil
}

// Public is what the catalog is to say of a product, read within a batch; offered is false if
// the catalog is not to name it.
func (s *Shelf) Public(b *writer.Batch, sku exchange.SKU) (p exchange.Product, offered bool, err error) {
	rec, ok, err := s.products.Get(b, sku)
	if err != nil || !ok || rec.Removed {
		return exchange.Product{}, false, err
	}
	stock, err := s.stock(b, sku)
	if err != nil {
		return exchange.Product{}, false, err
	}
	p = rec.Product
	p.Available = stock.Availability()
	return p, true, nil
}

// Offered is one of the shop's own products, read within a batch; the caller must not change
// the record. It fails with CodeNotFound if the product is not offered.
func (s *Shelf) Offered(b *writer.Batch, sku exchange.SKU) (*record.Product, error) {
	rec, ok, err := s.products.Get(b, sku)
	if err != nil {
		return nil, err
	}
	if !ok || rec.Removed {
		return nil, exchange.Errorf(exchange.CodeNotFound, "%s is not offered", sku)
	}
	return rec, nil
}

// stock is a product's counts, read within a batch; zero for a product without a record.
func (s *Shelf) stock(b *writer.Batch, sku exchange.SKU) (hold.Stock, error) {
	stock, _, err := s.stocks.Get(b, sku)
	return stock, err
}

// Fits checks all deltas of a step before the first is moved, so that a refusal changes
// nothing.
func (s *Shelf) Fits(b *writer.Batch, deltas []hold.Delta) error {
	for _, delta := range deltas {
		stock, err := s.stock(b, delta.SKU)
		if err != nil {
			return err
		}
		if _, err := stock.Step(delta.Move, delta.Units); err != nil {
			return exchange.Errorf(exchange.CodeOf(err), "%s: %w", delta.SKU, err)
		}
	}
	return nil
}

// Move applies the deltas of a step. An error fails the operation, which undoes the deltas.
func (s *Shelf) Move(b *writer.Batch, deltas []hold.Delta) error {
	for _, delta := range deltas {
		stock, err := s.stock(b, delta.SKU)
		if err != nil {
			return err
		}
		stock, err = stock.Step(delta.Move, delta.Units)
		if err != nil {
			return exchange.Errorf(exchange.CodeOf(err), "%s: %w", delta.SKU, err)
		}
		s.stocks.Set(b, delta.SKU, stock)
	}
	return nil
}

// Remove takes a product out of the catalog. Its holds and orders stay.
func (s *Shelf) Remove(ctx context.Context, sku exchange.SKU) error {
	return s.cfg.Writer.Do(ctx, func(b *writer.Batch) error {
		rec, err := s.Offered(b, sku)
		if err != nil {
			return err
		}
		removed := *rec
		removed.Removed, removed.FileStock = true, record.FileStock{}
		s.products.Set(b, sku, &removed)
		return nil
	})
}
