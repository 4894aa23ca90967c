package shelf

import (
	"iter"
	"slices"
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
	Clock    exchange.Clock
	Currency exchange.Currency // the shop's own: every price is in it
	// Changed is called for each product or stock record that a batch changed, while the batch
	// is finished. It may add rows and effects. Of a pool it is given the pool's name, for which
	// [Shelf.Sharers] has the products.
	Changed func(b *writer.Batch, sku exchange.SKU)
	// Due is told of a time at which a price changes; [Shelf.ChangePrices] must be called then.
	Due func(exchange.Time)
}

// Shelf is the shop's own products and their stock. Its methods are safe for concurrent use;
// methods that take a batch belong to the writer's turn.
type Shelf struct {
	cfg  Config
	rate atomic.Pointer[exchange.Rate] // newest US dollar rate of the currency

	products *writer.Table[exchange.SKU, *record.Product]
	stocks   *writer.Table[exchange.StockID, record.Stock]
	journals journal
	sharing  sharings
	files    files

	shortfalls *Shortfalls

	// Bounds is what partners are not offered.
	Bounds *Bounds
}

// Effects of a batch.
type (
	// StockChanged: the counts of a stock changed.
	StockChanged struct {
		ID     exchange.StockID
		Stock  hold.Stock // after the batch
		Shared bool       // other products than the one that it is named for may sell from it
	}
	// ListingChanged: a product came on sale, or went off it. Withdrawn says why by the owner's
	// system; of neither, it is on sale.
	ListingChanged struct {
		SKU       exchange.SKU
		Removed   bool
		Withdrawn string
	}
	// StockLeft: a product sells from another stock than before, or as a new one from a pool.
	StockLeft struct {
		SKU      exchange.SKU
		From, To exchange.StockID
	}
)

// cached bounds the decoded products, and the decoded stock records, in memory: 32 MB at some
// 2 KB a product.
const cached = 16_384

// overhead is an upper estimate of a record's or mark's bytes in a batch, beside its texts.
const overhead = 128

// New makes a shelf. It reads nothing.
func New(cfg Config) *Shelf {
	s := &Shelf{cfg: cfg}
	s.shortfalls = newShortfalls(s.stockOf)
	s.Bounds = &Bounds{shelf: s}
	s.journals.store, s.journals.codec = cfg.Store, cfg.Codec
	s.files = files{store: cfg.Store, writer: cfg.Writer, coming: make(map[string]exchange.Time)}
	s.rate.Store(&exchange.Rate{})
	s.products = writer.NewTable(cfg.Writer, writer.Rows[exchange.SKU, *record.Product]{
		Key:    record.ProductKey,
		Decode: func(raw []byte) (*record.Product, error) { return record.Decode[record.Product](cfg.Codec, raw) },
		Encode: func(p *record.Product) ([]byte, error) { return record.Encode(cfg.Codec, p) },
		Size:   func(_ exchange.SKU, p *record.Product) int { return p.Size() + 2*overhead },
		Writes: 2, Cached: cached,
		Flushed: func(b *writer.Batch, sku exchange.SKU, _ *record.Product) { cfg.Changed(b, sku) },
	})
	s.stocks = writer.NewTable(cfg.Writer, writer.Rows[exchange.StockID, record.Stock]{
		Key: record.StockKey,
		Decode: func(raw []byte) (record.Stock, error) {
			rec, err := record.Decode[record.Stock](cfg.Codec, raw)
			if err != nil {
				return record.Stock{}, err
			}
			return *rec, nil
		},
		Encode: func(rec record.Stock) ([]byte, error) { return record.Encode(cfg.Codec, &rec) },
		Size:   func(id exchange.StockID, _ record.Stock) int { return 2 * (len(id) + overhead) },
		Writes: 2, Cached: cached,
		Flushed: s.stockFlushed,
	})
	s.sharing = sharings{cfg.Store, writer.NewTable(cfg.Writer, writer.Rows[exchange.StockID, sharing]{})}
	return s
}

// stockFlushed marks what sells from a stock as changed.
func (s *Shelf) stockFlushed(b *writer.Batch, id exchange.StockID, rec record.Stock) {
	s.cfg.Changed(b, exchange.SKU(id))
	b.Then(StockChanged{id, rec.Stock, rec.Shared})
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

// Stock is a product's committed counts, those of its pool where it has one; zero for a product
// without a record.
func (s *Shelf) Stock(sku exchange.SKU) (hold.Stock, error) {
	id, err := s.stockOf(sku)
	if err != nil {
		return hold.Stock{}, err
	}
	return s.stockAt(id)
}

// stockAt is the committed counts of a stock record.
func (s *Shelf) stockAt(id exchange.StockID) (hold.Stock, error) {
	rec, err := record.Get[record.Stock](s.cfg.Store, s.cfg.Codec, record.StockKey(id))
	if err != nil || rec == nil {
		return hold.Stock{}, err
	}
	return rec.Stock, nil
}

// stockOf is the stock that a product sells from, as committed.
func (s *Shelf) stockOf(sku exchange.SKU) (exchange.StockID, error) {
	rec, err := record.Get[record.Product](s.cfg.Store, s.cfg.Codec, record.ProductKey(sku))
	if err != nil || rec == nil {
		return exchange.OwnStock(sku), err
	}
	return rec.Stock(), nil
}

// Record is one of the shop's own products, as committed, for sale or not. It fails with
// CodeNotFound if the shop never had it.
func (s *Shelf) Record(sku exchange.SKU) (*record.Product, error) {
	rec, err := record.Get[record.Product](s.cfg.Store, s.cfg.Codec, record.ProductKey(sku))
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, exchange.Errorf(exchange.CodeNotFound, "this shop has no product %s; see souk catalog list", sku)
	}
	return rec, nil
}

// Product is one of the shop's own products, as committed. It fails with CodeNotFound if the
// product is not offered.
func (s *Shelf) Product(sku exchange.SKU) (*record.Product, error) {
	rec, err := s.Record(sku)
	if err != nil {
		return nil, err
	}
	if !rec.Offered() {
		return nil, exchange.Errorf(exchange.CodeNotFound, "%s is not for sale: %s", sku, offSale(rec))
	}
	return rec, nil
}

// offSale says why a product is not for sale.
func offSale(rec *record.Product) string {
	if rec.Removed {
		return "you removed it; souk catalog publish brings it back"
	}
	return "it is withdrawn (" + rec.Withdrawn + ")"
}

// Current is a committed product with its exact availability; ok is false if the product is
// not offered.
func (s *Shelf) Current(sku exchange.SKU) (p exchange.Product, ok bool, err error) {
	rec, err := record.Get[record.Product](s.cfg.Store, s.cfg.Codec, record.ProductKey(sku))
	if err != nil || rec == nil || !rec.Offered() {
		return exchange.Product{}, false, err
	}
	stock, err := s.stockAt(rec.Stock())
	if err != nil {
		return exchange.Product{}, false, err
	}
	p = rec.Product
	p.Available = stock.Availability()
	return p, true, nil
}

// Public is what the catalog is to say to partners of a product, read within a batch: what is kept
// back is not available. offered is false if the catalog is not to name it.
func (s *Shelf) Public(b *writer.Batch, sku exchange.SKU) (p exchange.Product, offered bool, err error) {
	rec, ok, err := s.products.Get(b, sku)
	if err != nil || !ok || !rec.Offered() {
		return exchange.Product{}, false, err
	}
	stock, _, err := s.stocks.Get(b, rec.Stock())
	if err != nil {
		return exchange.Product{}, false, err
	}
	p = rec.Product
	p.Available, _ = s.Bounds.offered(&stock, exchange.ShopID{})
	return p, true, nil
}

// Offered is one of the shop's own products, read within a batch, at its price of this moment;
// the caller must not change the record. It fails with CodeNotFound if the product is not
// offered.
func (s *Shelf) Offered(b *writer.Batch, sku exchange.SKU) (*record.Product, error) {
	rec, ok, err := s.products.Get(b, sku)
	if err != nil {
		return nil, err
	}
	if !ok || !rec.Offered() {
		return nil, exchange.Errorf(exchange.CodeNotFound, "%s is not offered", sku)
	}
	if now := rec.At(b.Now()); rec.Sale != nil && now.Price != rec.Product.Price {
		changed := *rec // its turn in ChangePrices has not come yet
		changed.Product = now
		rec = &changed
	}
	return rec, nil
}

// From is the stock record of each line's product, read within a batch; nil where each sells
// from its own.
func (s *Shelf) From(b *writer.Batch, lines exchange.Lines) ([]exchange.StockID, error) {
	var from []exchange.StockID
	for i, l := range lines.All() {
		rec, ok, err := s.products.Get(b, l.SKU)
		if err != nil {
			return nil, err
		}
		if ok && rec.Pool != "" && from == nil {
			from = make([]exchange.StockID, lines.Len())
			for k, before := range lines.All() {
				if k == i {
					break
				}
				from[k] = exchange.OwnStock(before.SKU)
			}
		}
		if from != nil {
			from[i] = exchange.OwnStock(l.SKU)
			if ok {
				from[i] = rec.Stock()
			}
		}
	}
	return from, nil
}

// Fits checks all deltas of a step before the first is moved, so that a refusal changes
// nothing. Products that sell from one pool are checked together. Its refusal names every line
// that is short, and how much of it may be held by whom of names.
func (s *Shelf) Fits(b *writer.Batch, deltas []hold.Delta, of Of) error {
	var short []exchange.Short
	var pools map[exchange.StockID]record.Stock // as the deltas before leave them; nil = each has a record of its own
	if slices.ContainsFunc(deltas, func(d hold.Delta) bool { return !d.Stock.Is(d.SKU) }) {
		pools = make(map[exchange.StockID]record.Stock)
	}
	shared, partner := false, of.partner()
	for _, delta := range deltas {
		rec, begun := pools[delta.Stock]
		if !begun {
			var err error
			if rec, _, err = s.stocks.Get(b, delta.Stock); err != nil {
				return err
			}
		}
		may, byShare := s.Bounds.mayHold(&rec, partner)
		if delta.Move == hold.MoveAsk {
			left, ok := s.Bounds.mayAsk(&rec, partner, delta.Units)
			may, byShare = exchange.Availability{Units: left, Unlimited: ok}, true
		}
		next, err := rec.Stock.Step(delta.Move, delta.Units)
		switch code := exchange.CodeOf(err); {
		case code == exchange.CodeInsufficient, err == nil && (delta.Move == hold.MoveHold || delta.Move == hold.MoveAsk) && !may.Unlimited && delta.Units > may.Units:
			short = append(short, exchange.Short{SKU: delta.SKU, Asked: delta.Units, Available: may.Units})
			shared = shared || byShare
		case err != nil:
			return exchange.Errorf(code, "%s: %w", delta.SKU, err)
		default:
			rec.Stock = next
			if s.Bounds.counts(&rec, partner) {
				rec.AddShare(partner, delta.Units)
			}
		}
		if pools != nil {
			pools[delta.Stock] = rec
		}
	}
	if len(short) == 0 {
		return nil
	}
	refusal := exchange.Insufficient(short)
	if shared {
		refusal.Message = exchange.Clip(refusal.Message+" (this shop limits how much of a product one partner may hold)", exchange.MaxText)
	}
	return refusal
}

// Move applies the deltas of a step of what of names. Of a hold it returns which lines were
// counted against the partner's share, as record.Hold has them. An error fails the operation, which
// undoes the deltas.
func (s *Shelf) Move(b *writer.Batch, deltas []hold.Delta, of Of) (counted uint64, err error) {
	for i, delta := range deltas {
		rec, _, err := s.stocks.Get(b, delta.Stock)
		if err != nil {
			return 0, err
		}
		if rec.Stock, err = rec.Stock.Step(delta.Move, delta.Units); err != nil {
			return 0, exchange.Errorf(exchange.CodeOf(err), "%s: %w", delta.SKU, err)
		}
		switch delta.Move {
		case hold.MoveLeave:
			rec.Left += delta.Units
		case hold.MoveHold, hold.MoveAsk:
			if s.Bounds.counts(&rec, of.partner()) {
				rec.AddShare(of.Partner, delta.Units)
				counted |= 1 << i
			}
		case hold.MoveRelease, hold.MoveCommit:
			if of.Counted&(1<<i) != 0 {
				rec.AddShare(of.Partner, -delta.Units)
			}
		}
		if cause := of.cause(delta.Move); cause != 0 {
			m := record.Movement{Cause: cause, Units: delta.Units, Ordered: of.Ordered, Partner: of.Partner, Order: of.Order, SKU: delta.SKU}
			if cause.Moves() {
				m.Units = -delta.Units // also of a stock that nothing counts, whose shelf has none to lose
			}
			if err := s.journals.add(b, delta.Stock, &rec, m); err != nil {
				return 0, err
			}
		}
		s.stocks.Set(b, delta.Stock, rec)
	}
	return counted, nil
}
