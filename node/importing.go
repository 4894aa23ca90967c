package node

import (
	"context"
	"crypto/sha256"
	"io"
	"os"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/node/inventory"
)

// Import reads a product file into the catalog (design: Catalogs, SHELF). The file is read
// twice: first whole, without writing, for what it does not name can only be known at its end;
// then each product is written. After an error the report covers what was imported until then,
// and importing again goes on. A file that was imported before changes nothing.
func (s *Shop) Import(ctx context.Context, r io.Reader, o api.ImportOptions) (*api.ImportReport, error) {
	if o.Currency == "" {
		o.Currency = s.desk.Shelf.Currency()
	}
	if o.Currency != s.desk.Shelf.Currency() {
		return nil, exchange.Errorf(exchange.CodeCurrency, "this shop sells in %s; a file priced in %s cannot be imported", s.desk.Shelf.Currency(), o.Currency)
	}
	file, digest, done, err := rewindable(r, s.parts.TempDir)
	if err != nil {
		return nil, err
	}
	defer done()
	src, err := s.sourceOf(ctx, file, digest, o)
	if err != nil {
		return nil, err
	}
	planned, err := s.planImport(ctx, file, src, o)
	if err != nil {
		return planned.report, err
	}
	if src.older { // what it says of anything may have changed since
		planned.report.Older, planned.report.Stock.Older = true, planned.report.Items
		return planned.report, nil
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return s.carryOut(ctx, file, src, o, planned)
}

// carryOut is the second reading, which writes. Variants that went are withdrawn before those
// that came are added: otherwise both could be sold. What a file that is the whole catalog lacks
// is withdrawn at the end.
func (s *Shop) carryOut(ctx context.Context, file io.Reader, src *source, o api.ImportOptions, planned *importPlan) (*api.ImportReport, error) {
	pass := &importPass{shop: s, ctx: ctx, options: o, src: src, planned: planned, report: src.newReport(o)}
	err := pass.withdraw(planned.lost, reasonVariant)
	if err == nil {
		var report *inventory.Report
		report, err = inventory.Read(ctx, file, pass.reading(), pass.add)
		pass.report.Report = *report
		if err == nil {
			err = pass.flush()
		}
	}
	if err == nil {
		err = pass.withdraw(planned.absent, reasonAbsent)
	}
	pass.count()
	if err == nil && !o.DryRun {
		err = pass.succeed()
	}
	if err == nil && !o.DryRun {
		err = s.desk.Shelf.SetSource(ctx, src.after(s.desk.Shelf.Now()))
	}
	if !o.DryRun {
		s.feeds.show(ctx, pass.written)
	}
	return pass.report, err
}

// Why a product is withdrawn that the file does not name.
const (
	reasonVariant = "not-a-variant" // its group is there, without it
	reasonAbsent  = "absent"        // the file is the whole catalog
)

// Bounds of the wait for the index: some of the publisher's longest rests, and for each product
// five times what it takes on two busy cores (100,000 in 21 s).
const (
	showTime        = 5 * time.Second
	showTimeProduct = time.Millisecond
)

// Publish takes back the owner's word that a product is off sale. When it returns, searches find
// the product, if its system offers it.
func (s *Shop) Publish(ctx context.Context, sku exchange.SKU) error {
	if err := s.desk.Shelf.Publish(ctx, sku); err != nil {
		return err
	}
	s.feeds.show(ctx, []exchange.SKU{sku})
	return nil
}

// show waits until searches find from the index what was written, so that they are as quick
// after an import as before. Where that takes too long, or the shop has stopped selling and
// publishes nothing, they find it all the same, from the shelf.
func (f *feeds) show(ctx context.Context, written []exchange.SKU) {
	if len(written) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, showTime+time.Duration(len(written))*showTimeProduct)
	defer cancel()
	if err := f.follower.CatchUp(ctx, written); err != nil {
		f.log.Info("searches read what was written from the shelf until the index has it", "products", len(written), "err", err)
	}
}

// rewindable returns r itself where it can be rewound, else a copy on disk, and the SHA-256 of
// what is in it.
func rewindable(r io.Reader, tempDir string) (file io.ReadSeeker, digest [32]byte, done func(), err error) {
	sum := sha256.New()
	if f, ok := r.(*os.File); ok {
		if _, err := f.Seek(0, io.SeekStart); err == nil {
			if _, err = io.Copy(sum, f); err != nil {
				return nil, digest, nil, err
			}
			_, err = f.Seek(0, io.SeekStart)
			return f, [32]byte(sum.Sum(nil)), func() {}, err
		}
	}
	f, err := os.CreateTemp(tempDir, ".souk-import-*")
	if err != nil {
		return nil, digest, nil, err
	}
	done = func() {
		f.Close()
		os.Remove(f.Name())
	}
	if _, err = io.Copy(io.MultiWriter(f, sum), io.LimitReader(r, inventory.MaxFileBytes+1)); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		done()
		return nil, digest, nil, err
	}
	return f, [32]byte(sum.Sum(nil)), done, nil
}

// figure is what a file and its owner say of a product's stock. Where neither
// says anything, the stock stays as it is, and a new product has none: an import
// without the owner's word does not undo an earlier one with it.
func figure(s inventory.Stock, word inventory.Untracked) shelf.Figure {
	if s.Known {
		return shelf.Figure{Set: true, Units: s.Units, Committed: s.Committed}
	}
	if s.Tracked || !word.Said() {
		return shelf.Figure{}
	}
	a := s.Available(word)
	return shelf.Figure{Set: true, Unlimited: a.Unlimited, Units: a.Units, Said: true}
}

// shelfItem is what an item of a file says to the shelf.
func (p *importPass) shelfItem(it *inventory.Item) (shelf.Item, error) {
	out := shelf.Item{
		Product: it.Product, Stock: figure(it.Stock, p.options.Untracked), ID: it.ID, Group: it.Group,
		Withdrawn: string(it.Left), StockOnly: it.StockOnly,
	}
	if it.Stock.Pool != "" {
		var err error
		if out.Pool, err = exchange.PoolStock(it.Stock.Pool); err != nil {
			return out, err
		}
	}
	if sale := it.Sale; sale != nil {
		out.Sale = &record.Sale{Price: sale.Price.Minor, From: timeOf(sale.From), To: timeOf(sale.To)}
	}
	if g := p.planned.groups[it.Group]; it.Group != "" && g != nil && it.Left == "" {
		out.Takes, out.Fresh, out.Alone = g.takes, g.fresh, g.came == 1 && !g.broken
	}
	return out, nil
}

// timeOf is a time; 0 of the zero time.
func timeOf(t time.Time) exchange.Time {
	if t.IsZero() {
		return 0
	}
	return exchange.TimeOf(t)
}
