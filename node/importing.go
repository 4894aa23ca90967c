package node

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/node/inventory"
	"github.com/souk-market/souk/store/durable"
)

// Import reads a product file into the catalog (design: Catalogs). Products the
// file does not name stay as they are. A file that was imported before changes
// nothing. After an error the report covers what was imported until then, and
// importing again goes on.
func (s *Shop) Import(ctx context.Context, r io.Reader, o api.ImportOptions) (*api.ImportReport, error) {
	if o.Currency == "" {
		o.Currency = s.desk.Shelf.Currency()
	}
	if o.Currency != s.desk.Shelf.Currency() {
		return nil, exchange.Errorf(exchange.CodeCurrency, "this shop sells in %s; a file priced in %s cannot be imported", s.desk.Shelf.Currency(), o.Currency)
	}
	if !o.Strict || o.DryRun {
		return s.importPass(ctx, r, o)
	}
	// Strict is all or nothing: read once without writing, then again. What the
	// reader cannot rewind is kept in a file beside the store.
	file, done, err := s.rewindable(r)
	if err != nil {
		return nil, err
	}
	defer done()
	check := o
	check.DryRun, check.Progress = true, nil
	if report, err := s.importPass(ctx, file, check); err != nil {
		// Nothing was written: what would have become of the rows before is no report.
		return &api.ImportReport{Report: report.Report}, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return s.importPass(ctx, file, o)
}

func (s *Shop) importPass(ctx context.Context, r io.Reader, o api.ImportOptions) (*api.ImportReport, error) {
	pass := &importPass{shop: s, ctx: ctx, options: o, report: &api.ImportReport{DryRun: o.DryRun}}
	report, err := inventory.Read(ctx, r, inventory.Options{
		Format: o.Format, Currency: o.Currency, Untracked: o.Untracked, Free: o.Free, Strict: o.Strict,
		Now: s.now().Std().In(time.Local), TempDir: s.parts.TempDir, Progress: o.Progress,
	}, pass.add)
	if err == nil {
		err = pass.flush()
	}
	pass.report.Report = *report
	pass.show()
	return pass.report, err
}

// Bounds of the wait for the index: some of the publisher's longest rests, and for each product
// five times what it takes on two busy cores (100,000 in 21 s).
const (
	showTime        = 5 * time.Second
	showTimeProduct = time.Millisecond
)

// show waits until searches find from the index what was written, so that they are as quick
// after an import as before. Where that takes too long, or the shop has stopped selling and
// publishes nothing, they find it all the same, from the shelf.
func (p *importPass) show() {
	if len(p.written) == 0 || p.options.DryRun {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, showTime+time.Duration(len(p.written))*showTimeProduct)
	defer cancel()
	if err := p.shop.feeds.follower.CatchUp(ctx, p.written); err != nil {
		p.shop.log.Info("searches read what was imported from the shelf until the index has it", "products", len(p.written), "err", err)
	}
}

// importPass takes a file's items into the catalog, a chunk at a time.
type importPass struct {
	shop    *Shop
	ctx     context.Context
	options api.ImportOptions
	report  *api.ImportReport
	written []exchange.SKU    // products that came or were changed
	items   []shelf.Item      // of the chunk at hand
	stocks  []inventory.Stock // of the items, as the file tells them
}

func (p *importPass) add(it inventory.Item) error {
	p.items = append(p.items, shelf.Item{Product: it.Product, Stock: fileStock(it.Stock, p.options.Untracked)})
	p.stocks = append(p.stocks, it.Stock)
	if len(p.items) < shelf.ImportChunk {
		return nil
	}
	return p.flush()
}

func (p *importPass) flush() error {
	if len(p.items) == 0 {
		return nil
	}
	changes, err := p.shop.desk.Shelf.Import(p.ctx, p.items, p.options.DryRun)
	if err != nil {
		return err
	}
	for i, c := range changes {
		count(p.report, c)
		if c == shelf.Added || c == shelf.Changed { // a search may find it by other words
			p.written = append(p.written, p.items[i].Product.SKU)
		}
		if p.items[i].Stock.Set || c == shelf.Added {
			continue
		}
		if err := p.countKept(p.items[i].Product.SKU, p.stocks[i]); err != nil {
			return err
		}
	}
	p.items, p.stocks = p.items[:0], p.stocks[:0]
	return nil
}

// countKept counts a product whose stock neither the file nor its owner tells, and
// which has some from before.
func (p *importPass) countKept(sku exchange.SKU, told inventory.Stock) error {
	stock, err := p.shop.desk.Shelf.Stock(sku)
	switch {
	case err != nil:
		return err
	case !stock.Unlimited && stock.Shelf() == 0:
	case told.Tracked:
		p.report.UntoldKept++
	default:
		p.report.UntrackedKept++
	}
	return nil
}

// fileStock is what a file and its owner say of a product's stock. Where neither
// says anything, the stock stays as it is, and a new product has none: an import
// without the owner's word does not undo an earlier one with it.
func fileStock(s inventory.Stock, word inventory.Untracked) record.FileStock {
	if !s.Known && (s.Tracked || !word.Said()) {
		return record.FileStock{}
	}
	a := s.Available(word)
	return record.FileStock{Set: true, Unlimited: a.Unlimited, Units: a.Units}
}

func count(r *api.ImportReport, c shelf.Change) {
	switch c {
	case shelf.Added:
		r.Added++
	case shelf.Changed:
		r.Changed++
	case shelf.StockOnly:
		r.StockOnly++
	default:
		r.Unchanged++
	}
}

// rewindable returns r itself where it can be rewound, else a copy on disk.
func (s *Shop) rewindable(r io.Reader) (io.ReadSeeker, func(), error) {
	if f, ok := r.(*os.File); ok {
		return f, func() {}, nil
	}
	f, err := os.CreateTemp(s.parts.TempDir, ".souk-import-*")
	if err != nil {
		return nil, nil, err
	}
	done := func() {
		f.Close()
		os.Remove(f.Name())
	}
	if _, err := io.Copy(f, io.LimitReader(r, inventory.MaxFileBytes+1)); err != nil {
		done()
		return nil, nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		done()
		return nil, nil, err
	}
	return f, done, nil
}

// SetRates takes a file of ECB reference rates: quotes use the new rate at once,
// products are rewritten where their price moves by 1%. The file is kept in the
// shop's folder, if it has one.
func (s *Shop) SetRates(ctx context.Context, r io.Reader) (*api.RatesReport, error) {
	data, err := io.ReadAll(io.LimitReader(r, inventory.MaxRatesBytes+1))
	if err != nil {
		return nil, err
	}
	rate, err := readRate(data, s.desk.Shelf.Currency())
	if err != nil {
		return nil, err
	}
	if s.parts.Folder != "" {
		if err := durable.Write(filepath.Join(s.parts.Folder, ratesName), data, 0o644); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	s.policy.Rate = rate
	err = s.desk.SetPolicy(s.policy)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	n, err := s.desk.Shelf.Reprice(ctx)
	return &api.RatesReport{Rate: rate, Rewritten: n}, err
}

func readRate(data []byte, c exchange.Currency) (exchange.Rate, error) {
	rates, err := inventory.ReadRates(bytes.NewReader(data))
	if err != nil {
		return exchange.Rate{}, err
	}
	return rates.USD(c)
}

// ratesOld is when `souk doctor` calls a rate old: the ECB publishes on working
// days, and Easter has four days without.
const ratesOld = 7 * 24 * time.Hour

// dateOf is the start of a day YYYY-MM-DD, UTC; 0 where it is none.
func dateOf(day string) exchange.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0
	}
	return exchange.TimeOf(t)
}
