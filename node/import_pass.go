package node

import (
	"context"
	"fmt"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/node/inventory"
)

// importPass takes a file's items into the catalog, a chunk at a time.
type importPass struct {
	shop    *Shop
	ctx     context.Context
	options api.ImportOptions
	src     *source
	planned *importPlan
	report  *api.ImportReport
	written []exchange.SKU       // products that came or were changed
	items   []shelf.Item         // of the chunk at hand
	told    []inventory.Item     // the same, as the file tells them
	errors  []inventory.RowError // of rows whose SKU another product has
	refused int64                // of them: those that the reader took for products for sale
}

const (
	// withdrawnShown is how many of the withdrawn products a report names.
	withdrawnShown = 100
	// readingsShown is for how many products a report shows what each meaning of the figure makes.
	readingsShown = 50
)

func (p *importPass) add(it inventory.Item) error {
	if it.Product.SKU == "" {
		return nil // a row of a group whose SKU cannot be read: the report has it already
	}
	item, err := p.shelfItem(&it)
	if err != nil {
		return err
	}
	p.items, p.told = append(p.items, item), append(p.told, it)
	if len(p.items) < shelf.ImportChunk {
		return nil
	}
	return p.flush()
}

func (p *importPass) flush() error {
	if len(p.items) == 0 {
		return nil
	}
	st := p.src.statement
	st.DryRun = p.options.DryRun
	outcomes, err := p.shop.desk.Shelf.Import(p.ctx, st, p.items)
	if err != nil {
		return err
	}
	for i := range outcomes {
		if err := p.note(&p.items[i], &p.told[i], &outcomes[i]); err != nil {
			return err
		}
	}
	p.items, p.told = p.items[:0], p.told[:0]
	return nil
}

// note adds what became of one item to the report.
func (p *importPass) note(item *shelf.Item, it *inventory.Item, out *shelf.Outcome) error {
	r, sku := p.report, item.Product.SKU
	switch out.Change {
	case shelf.Added:
		r.Added++
		if len(item.Fresh) == 1 && item.Alone {
			r.Renamed++
		}
	case shelf.Changed:
		r.Changed++
	case shelf.Returned:
		r.Returned++
	case shelf.StockOnly:
		r.StockOnly++
	case shelf.Withdrawn:
		p.withdrawn(sku)
		if it.Bad != nil {
			r.BadOnSale++
		}
	case shelf.Removed:
		if it.Left == "" && !it.StockOnly {
			r.KeptRemoved++
		}
	case shelf.Conflict:
		return p.conflict(it, out)
	case shelf.Crowded:
		return p.bad(it, exchange.CodeInvalid, fmt.Sprintf("%s shares the stock %s, and %d products share it already, the most that may; nothing was changed. Count the variations each, or make several products of them",
			sku, item.Pool, record.MaxSharing))
	case shelf.Unchanged:
		r.Unchanged++
	case shelf.Unknown:
		if it.StockOnly {
			p.unknown(sku)
		}
	}
	switch out.Change {
	case shelf.Added, shelf.Changed, shelf.Returned: // a search may find it by other words
		p.written = append(p.written, sku)
	}
	p.noteFigure(item, out)
	if it.Left != "" || it.StockOnly || out.Change == shelf.Removed {
		return nil
	}
	p.noteAvailable(item, it, out)
	return nil
}

// noteAvailable counts the products for sale that nobody can buy, and why.
func (p *importPass) noteAvailable(item *shelf.Item, it *inventory.Item, out *shelf.Outcome) {
	r, after := p.report, out.After
	kept := !item.Stock.Set && (after.Unlimited || after.Shelf() > 0)
	switch {
	case kept && it.Stock.Tracked:
		r.UntoldKept++
	case kept:
		r.UntrackedKept++
	}
	switch {
	case after.Unlimited || after.Available() > 0:
	case !item.Stock.Set && !kept:
		r.NotCounted++
	default:
		r.SoldOut++
	}
}

// noteFigure adds how the item's figure was read.
func (p *importPass) noteFigure(item *shelf.Item, out *shelf.Outcome) {
	s := &p.report.Stock
	if out.Older {
		s.Older++
	}
	if out.Doubted {
		s.Doubted++
	}
	s.Ordered += out.Ordered
	if out.Lowered {
		s.Lowered++
	}
	if out.After.Shortfall() > out.Before.Shortfall() {
		p.report.Shortfalls++
	}
	if out.Readings == nil || !out.Readings.Differ() {
		return
	}
	s.Differ++
	if len(s.Readings) < readingsShown {
		s.Readings = append(s.Readings, api.StockReading{
			SKU: item.Product.SKU, Units: item.Stock.Units, Taken: out.After.Available(),
			OnHand: out.Readings.OnHand, Free: out.Readings.Free, FreeUnaware: out.Readings.FreeUnaware,
		})
	}
}

// conflict makes a bad row of an item whose SKU another product has.
func (p *importPass) conflict(it *inventory.Item, out *shelf.Outcome) error {
	p.report.Conflicts++
	name := it.Product.Title
	if name == "" {
		name = it.ID
	}
	return p.bad(it, exchange.CodeConflict, fmt.Sprintf(
		"SKU %s is that of %q, and the file gives it to %q; nothing was changed. If it is the same product under another name, repeat with --allow-renamed",
		it.Product.SKU, out.Known, name))
}

// bad makes a bad row of an item that the shelf did not take.
func (p *importPass) bad(it *inventory.Item, code exchange.Code, message string) error {
	if it.Left == "" {
		p.refused++
	}
	bad := inventory.RowError{Line: it.Line, Message: message}
	p.errors = append(p.errors, bad)
	if p.options.Strict {
		return exchange.Errorf(code, "%w; nothing was changed, because the import is strict", &bad)
	}
	return nil
}

func (p *importPass) unknown(sku exchange.SKU) {
	p.report.Unknown++
	if len(p.report.UnknownSKUs) < withdrawnShown {
		p.report.UnknownSKUs = append(p.report.UnknownSKUs, string(sku))
	}
}

func (p *importPass) withdrawn(sku exchange.SKU) {
	p.report.Withdrawn++
	if len(p.report.WithdrawnSKUs) < withdrawnShown {
		p.report.WithdrawnSKUs = append(p.report.WithdrawnSKUs, sku)
	}
}

// withdraw withdraws products that the file does not name.
func (p *importPass) withdraw(skus []exchange.SKU, reason string) error {
	for chunk := range slices.Chunk(skus, shelf.MaxListing) {
		gone, err := p.shop.desk.Shelf.Withdraw(p.ctx, chunk, reason, p.options.DryRun)
		if err != nil {
			return err
		}
		for _, sku := range gone {
			p.withdrawn(sku)
		}
		p.report.Absent += int64(len(gone))
	}
	return nil
}

// succeed notes of the variants that went that those which came have been told apart from them.
func (p *importPass) succeed() error {
	for chunk := range slices.Chunk(p.planned.gone, shelf.MaxListing) {
		if err := p.shop.desk.Shelf.Succeed(p.ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

// count adds the rows whose SKU another product has to the bad rows.
func (p *importPass) count() {
	r := p.report
	r.Items -= p.refused
	for _, e := range p.errors {
		r.AddError(e)
	}
}
