package node

import (
	"context"
	"crypto/sha256"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/node/inventory"
)

// skuHash stands for a SKU that a file states, in 16 bytes whatever its length.
type skuHash [16]byte

func hashOf(sku exchange.SKU) skuHash {
	sum := sha256.Sum256([]byte(sku))
	return skuHash(sum[:16])
}

// groupPlan is what a file states of one group of variants, and what it does not.
type groupPlan struct {
	broken bool           // a row's SKU cannot be read, so nobody knows what is missing
	page   exchange.SKU   // of the group itself: a product that became a page of variants, if it was one
	came   int            // variants for sale that the shop does not know
	lost   []exchange.SKU // variants for sale that the file does not name
	gone   []exchange.SKU // variants that the file does not name, and that none has succeeded
	// takes and fresh are the stocks of what it does not name; see shelf.Item.
	takes, fresh []exchange.StockID
}

// importPlan is what the first reading of a file found out.
type importPlan struct {
	report *api.ImportReport
	stated map[skuHash]struct{}
	blind  *inventory.RowError // a row that may be of any product: nobody knows what the file lacks
	groups map[string]*groupPlan
	lost   []exchange.SKU // of all groups
	gone   []exchange.SKU // likewise
	absent []exchange.SKU // with replace: what the file lacks
}

// planImport reads a file whole and writes nothing. It fails where the file cannot be read, where
// strict finds a bad row, and with CodeConfirm where more would be withdrawn than the owner has
// said. The plan's report then covers what was read.
func (s *Shop) planImport(ctx context.Context, file io.ReadSeeker, src *source, o api.ImportOptions) (*importPlan, error) {
	plan := &importPlan{stated: make(map[skuHash]struct{}), groups: make(map[string]*groupPlan)}
	check := o
	check.DryRun = true
	plan.report = src.newReport(o)
	pass := &importPass{shop: s, ctx: ctx, options: check, src: src, planned: plan, report: src.newReport(check)}
	add := func(it inventory.Item) error {
		if err := plan.note(s.desk.Shelf, &it); err != nil || !o.Strict {
			return err
		}
		return pass.add(it) // of a strict import every row must be good, by the shelf's word too
	}
	report, err := inventory.Read(ctx, file, pass.reading(), add)
	plan.report.Report = *report // nothing is written, so what would become of the rows is left out
	if err == nil && o.Strict {
		err = pass.flush()
	}
	if err != nil {
		return plan, err
	}
	if err := plan.findLost(s.desk.Shelf, src); err != nil {
		return plan, err
	}
	if o.Replace {
		return plan, plan.findAbsent(s.desk.Shelf, src, o)
	}
	return plan, nil
}

// note notes a product that the file states.
func (plan *importPlan) note(shop *shelf.Shelf, it *inventory.Item) error {
	sku := it.Product.SKU
	if sku != "" {
		plan.stated[hashOf(sku)] = struct{}{}
	}
	if it.Group == "" {
		if sku == "" && plan.blind == nil {
			plan.blind = it.Bad
		}
		return nil
	}
	g := plan.groups[it.Group]
	if g == nil {
		g = &groupPlan{}
		plan.groups[it.Group] = g
	}
	if it.Left == inventory.SkipVariable && sku != "" {
		g.page = sku
	}
	switch {
	case sku == "" && it.Bad != nil: // without an error the item states that the group is there
		g.broken = true
	case it.Left == "" && !it.StockOnly:
		_, err := shop.Record(sku)
		if exchange.CodeOf(err) == exchange.CodeNotFound {
			g.came++
			return nil
		}
		return err
	}
	return nil
}

func (plan *importPlan) states(sku exchange.SKU) bool {
	_, ok := plan.stated[hashOf(sku)]
	return ok
}

// names reports whether the file names a variant of a group. A product that has become the page
// of the group is no variant of it any more, whatever its SKU.
func (plan *importPlan) names(g *groupPlan, rec *record.Product) bool {
	return plan.states(rec.Product.SKU) && rec.Product.SKU != g.page
}

// findLost finds the variants of the file's groups that it does not name, for sale or not: a
// variant that was a draft may have promises, too.
func (plan *importPlan) findLost(shop *shelf.Shelf, src *source) error {
	for name, g := range plan.groups {
		known, err := shop.Group(src.Name, name)
		if err != nil {
			return err
		}
		used := make(map[exchange.StockID]bool) // what the variants that it names sell from
		for _, rec := range known {
			if plan.names(g, rec) {
				used[rec.Stock()] = true
			}
		}
		for _, rec := range known {
			if plan.names(g, rec) {
				continue
			}
			if err := g.lose(shop, rec, used); err != nil {
				return err
			}
		}
		g.broken = g.broken || plan.blind != nil
		if g.broken {
			g.lost = nil
		}
		if g.broken || g.came == 0 {
			g.gone = nil // none has come in their place
		}
		plan.lost = append(plan.lost, g.lost...)
		plan.gone = append(plan.gone, g.gone...)
	}
	return nil
}

// lose notes a variant that the file does not name. A stock that is used is taken over already.
func (g *groupPlan) lose(shop *shelf.Shelf, rec *record.Product, used map[exchange.StockID]bool) error {
	sku, id := rec.Product.SKU, rec.Stock()
	if rec.Offered() {
		g.lost = append(g.lost, sku)
	}
	if !rec.Succeeded {
		g.gone = append(g.gone, sku)
	}
	if used[id] {
		return nil
	}
	if !rec.Succeeded && !slices.Contains(g.fresh, id) && len(g.fresh) < record.MaxVariants {
		g.fresh = append(g.fresh, id)
	}
	stock, err := shop.Stock(sku)
	if err != nil || stock.Held+stock.Sold == 0 || slices.Contains(g.takes, id) {
		return err
	}
	if len(g.takes) == record.MaxVariants {
		return exchange.Errorf(exchange.CodeLimit, "a product has more than %d former variants that were sold; import it under another handle or ID", record.MaxVariants)
	}
	g.takes = append(g.takes, id)
	return nil
}

// guardedShare is which part of the products for sale a file that is the whole catalog may
// withdraw by not naming them, unless its owner says that it may.
const guardedShare = 10

// findAbsent finds the products that a file which is the whole catalog lacks: of its source, if
// the owner has named one, else all.
func (plan *importPlan) findAbsent(shop *shelf.Shelf, src *source, o api.ImportOptions) error {
	if plan.blind != nil {
		return exchange.Errorf(exchange.CodeInvalid, "what the file lacks cannot be told, for a row may be of any product: %w; nothing was changed. Mend the row, or import without --replace", plan.blind)
	}
	offered := 0
	err := shop.Visit("", func(rec *record.Product) bool {
		if !rec.Offered() || src.explicit && rec.Source != src.Name {
			return true
		}
		if g := plan.groups[rec.Group]; rec.Group != "" && rec.Source == src.Name && g != nil && g.broken {
			offered++ // a row of its group may be its own
			return true
		}
		if offered++; !plan.states(rec.Product.SKU) {
			plan.absent = append(plan.absent, rec.Product.SKU)
		}
		return true
	})
	if n := len(plan.absent); err == nil && n*guardedShare > offered && !o.Yes && !o.DryRun {
		var first []string
		for _, sku := range plan.absent[:min(n, 3)] {
			first = append(first, string(sku))
		}
		if n > 3 {
			first = append(first, "…")
		}
		return exchange.Errorf(exchange.CodeConfirm, "the file lacks %d of the %d products for sale (%s), which --replace would withdraw; nothing was changed. "+
			"If the file is the whole catalog, repeat with --yes", n, offered, strings.Join(first, ", "))
	}
	return err
}

// reading is how the pass reads its file.
func (p *importPass) reading() inventory.Options {
	o := p.options
	return inventory.Options{
		Format: o.Format, Currency: o.Currency, Untracked: o.Untracked, Free: o.Free, Strict: o.Strict,
		Figure: inventory.Figure(p.src.Figure.String()), Locations: p.src.Locations, QualifySKU: p.src.QualifySKU, Columns: p.src.columns,
		Owner: p.owns, Zone: time.Local, TempDir: p.shop.parts.TempDir, Progress: o.Progress,
	}
}

// owns reports whether an item of the file is the catalogued product with its SKU.
func (p *importPass) owns(it inventory.Item) bool {
	owns, err := p.shop.desk.Shelf.Owns(p.src.Name, shelf.Item{Product: it.Product, ID: it.ID})
	return err == nil && owns // a store that cannot be read fails the import at the next item
}
