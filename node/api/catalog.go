package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/node/api/view"
)

// catalogRoutes are the owner's view of the shop's own products, for sale or not, and the
// owner's word about them.
type catalogRoutes struct {
	desk     *desk.Desk
	catalog  Catalog
	importer Importer
	shops    *shops
	clock    exchange.Clock
}

func (s *catalogRoutes) register(r *router) {
	tags := []string{"products"}
	add(r, huma.Operation{
		OperationID: "list-catalog", Method: http.MethodGet, Path: "/api/v1/catalog", Tags: tags,
		Summary:     "List the shop's own products, those that are off sale too",
		Description: "By SKU, each with its stock and its listing: for sale, withdrawn by the shop's own system, or removed by the owner, and since when.",
	}, route{}, s.list)
	add(r, huma.Operation{
		OperationID: "remove-product", Method: http.MethodDelete, Path: "/api/v1/products/{id}", Tags: tags,
		Summary: "Take one of the shop's own products off sale; no file brings it back",
		Description: "Partners' copies lose it within a second, and nobody can hold it. Open reservations and orders keep their quotes, unless release_holds ends " +
			"the reservations. Its stock and journal stay. To remove what is removed is no error. Only publish brings it back.",
	}, route{may: also(mayWrite, exchange.CodeNotFound)}, s.remove)
	add(r, huma.Operation{
		OperationID: "publish-product", Method: http.MethodPost, Path: "/api/v1/products/{sku}/publish", Tags: tags,
		Summary:     "Bring back a product that the owner has removed",
		Description: "A product that the shop's own system withdraws stays off sale until that system offers it again.",
	}, route{key: keyOnce, may: also(mayWrite, exchange.CodeNotFound)}, s.publish)
	add(r, huma.Operation{
		OperationID: "set-price", Method: http.MethodPut, Path: "/api/v1/products/{sku}/price", Tags: tags,
		Summary:     "Set the list price of one of the shop's own products",
		Description: "A sale of the product ends by it. The next file that tells another price changes it again.",
	}, route{may: also(mayWrite, exchange.CodeNotFound, exchange.CodeCurrency, exchange.CodeNoRate, exchange.CodeOverflow)}, s.setPrice)
	add(r, huma.Operation{
		OperationID: "list-movements", Method: http.MethodGet, Path: "/api/v1/products/{sku}/movements", Tags: tags,
		Summary: "The journal of a product's stock, the newest movement first",
		Description: "Who took the last pair, when, and through which channel: what channels told, shipments, counts, figures of files, orders and cancellations. " +
			"The newest 2,000 of 400 days, and all of the last 8 days. Reservations are not in it.",
	}, route{may: []exchange.Code{exchange.CodeNotFound}}, s.movements)
	add(r, huma.Operation{
		OperationID: "list-sources", Method: http.MethodGet, Path: "/api/v1/sources", Tags: tags,
		Summary: "The files and systems that tell of products, and what their stock figures mean",
	}, route{}, s.sources)
}

// maxCatalogRead bounds the products that one page of the catalog looks at, at some 10 µs
// each. The page then ends early and has a cursor.
const maxCatalogRead = 10_000

type catalogInput struct {
	State  string `query:"state" enum:"listed,withdrawn,removed,off-sale" doc:"Only these; off-sale: withdrawn and removed."`
	Text   string `query:"q" maxLength:"200" doc:"Words, as in the search of products."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"128" doc:"next of the page before, of the same query."`
}

// takes reports whether the list is to show a product.
func (in *catalogInput) takes(rec *record.Product, words []string) bool {
	switch in.State {
	case "":
	case view.StateOffSale:
		if rec.Offered() {
			return false
		}
	default:
		if stateOf(rec) != in.State {
			return false
		}
	}
	if len(words) == 0 {
		return true
	}
	_, ok := catalog.Score(words, catalog.Tokens(rec.Product))
	return ok
}

func (s *catalogRoutes) list(ctx context.Context, in *catalogInput) (*body[view.Products], error) {
	words := catalog.QueryWords(in.Text)
	after := exchange.SKU(in.Cursor)
	var found []*record.Product
	read, more := 0, false
	err := s.desk.Shelf.Visit(after, func(rec *record.Product) bool {
		if more = read == maxCatalogRead || len(found) == in.Limit; more {
			return false
		}
		read++
		after = rec.Product.SKU
		if in.takes(rec, words) {
			found = append(found, rec)
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	out := view.Products{Products: make([]view.Product, len(found))}
	for i, rec := range found {
		if out.Products[i], err = s.ownView(ctx, rec); err != nil {
			return nil, err
		}
	}
	if more {
		out.Next = string(after)
	}
	return answer(out, nil)
}

// page is one of the shop's own products, for sale or not.
func (s *catalogRoutes) page(ctx context.Context, sku exchange.SKU) (view.Product, error) {
	rec, err := s.desk.Shelf.Record(sku)
	if err != nil {
		return view.Product{}, err
	}
	return s.ownView(ctx, rec)
}

func (s *catalogRoutes) ownView(ctx context.Context, rec *record.Product) (view.Product, error) {
	me, sku := s.desk.Shop(), rec.Product.SKU
	id := exchange.ProductID{Shop: me, SKU: sku}
	f, err := s.catalog.Product(ctx, id)
	if exchange.CodeOf(err) == exchange.CodeNotFound { // it is off sale
		f, err = FoundProduct{ShopName: s.shops.nameOf(ctx, me), Own: true, AsOf: s.clock.Now(), Shortfall: s.desk.Shelf.Shortfalls().Of(sku)}, nil
		f.ID, f.Product, f.Updated = id, rec.Product, rec.Imported
	}
	if err != nil {
		return view.Product{}, err
	}
	stock, err := s.desk.Shelf.Stock(sku)
	if err != nil {
		return view.Product{}, err
	}
	f.Product.Available = stock.Availability()
	listing := listingOf(rec)
	if !rec.Offered() {
		f.Sellable, f.Why = false, listing.State
		if listing.Reason != "" {
			f.Why += " (" + listing.Reason + ")"
		}
	}
	out := productView(f)
	counts, err := stockView(s.desk.Shelf, stock)
	if err != nil {
		return view.Product{}, err
	}
	out.Stock, out.Listing = &counts, &listing
	return out, nil
}

func stateOf(rec *record.Product) string {
	switch {
	case rec.Removed:
		return view.StateRemoved
	case rec.Withdrawn != "":
		return view.StateWithdrawn
	}
	return view.StateListed
}

func listingOf(rec *record.Product) view.Listing {
	out := view.Listing{State: stateOf(rec), Reason: rec.Withdrawn, Source: rec.Source, SourceID: rec.ID, Pool: poolName(rec.Pool)}
	if rec.Left != 0 {
		out.Since = view.Time(rec.Left)
	}
	if sale := rec.Sale; sale != nil {
		price := func(minor int64) view.Money {
			return view.MoneyOf(exchange.Money{Minor: minor, Currency: rec.Product.Price.Currency})
		}
		out.Regular, out.Sale = ptr(price(sale.Regular)), &view.SaleListing{Price: price(sale.Price)}
		if sale.From != 0 {
			out.Sale.From = view.Time(sale.From)
		}
		if sale.To != 0 {
			out.Sale.Until = view.Time(sale.To)
		}
	}
	return out
}

// poolName is a shared stock's name: a pool's behind a mark that tells it from the SKU of a
// product whose stock is shared.
func poolName(id exchange.StockID) string {
	if id.IsPool() {
		return "~" + id.Name()
	}
	return id.Name()
}

type removeInput struct {
	ID           string `path:"id" maxLength:"300" doc:"The SKU, or ShopID:SKU of this shop, percent-encoded."`
	ReleaseHolds bool   `query:"release_holds" doc:"A recall: open reservations of the product are ended at once, partners are told, and an order of one is refused with released. Orders stay."`
}

func (s *catalogRoutes) remove(ctx context.Context, in *removeInput) (*body[view.Removal], error) {
	sku, err := s.ownSKU(in.ID)
	if err != nil {
		return nil, err
	}
	before, err := s.desk.Shelf.Record(sku)
	if err != nil {
		return nil, err
	}
	if err := s.desk.Shelf.Remove(ctx, sku); err != nil {
		return nil, err
	}
	out := view.Removal{Again: before.Removed}
	if in.ReleaseHolds {
		if out.Released, err = s.desk.Supplier.ReleaseProduct(ctx, sku); err != nil {
			return nil, err
		}
	}
	out.Product, err = s.page(ctx, sku)
	return answer(out, err)
}

// ownSKU reads a SKU of this shop, or its ShopID:SKU.
func (s *catalogRoutes) ownSKU(text string) (exchange.SKU, error) {
	id, err := exchange.ParseProductID(text)
	switch {
	case err != nil:
		return exchange.ParseSKU(text)
	case id.Shop != s.desk.Shop():
		return "", exchange.Errorf(exchange.CodeNotFound, "%s is another shop's product; a shop removes its own", text)
	}
	return id.SKU, nil
}

type publishInput struct {
	SKU string `path:"sku" maxLength:"128" doc:"Percent-encoded."`
}

func (s *catalogRoutes) publish(ctx context.Context, in *publishInput) (*body[view.Product], error) {
	sku, err := exchange.ParseSKU(in.SKU)
	if err != nil {
		return nil, err
	}
	if err := s.importer.Publish(ctx, sku); err != nil {
		return nil, err
	}
	return answer(s.page(ctx, sku))
}

type setPriceInput struct {
	SKU  string `path:"sku" maxLength:"128" doc:"Percent-encoded."`
	Body view.SetPrice
}

func (s *catalogRoutes) setPrice(ctx context.Context, in *setPriceInput) (*body[view.Product], error) {
	sku, err := exchange.ParseSKU(in.SKU)
	if err != nil {
		return nil, err
	}
	price, err := in.Body.Price.Money()
	if err != nil {
		return nil, err
	}
	if err := s.desk.Shelf.SetPrice(ctx, sku, price); err != nil {
		return nil, err
	}
	return answer(s.page(ctx, sku))
}

type movementsInput struct {
	SKU    string `path:"sku" maxLength:"128" doc:"Percent-encoded."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"20" doc:"next of the page before."`
}

func (s *catalogRoutes) movements(_ context.Context, in *movementsInput) (*body[view.Movements], error) {
	sku, err := exchange.ParseSKU(in.SKU)
	if err != nil {
		return nil, err
	}
	rec, err := s.desk.Shelf.Record(sku)
	if err != nil {
		return nil, err
	}
	var before uint64
	if in.Cursor != "" {
		if before, err = strconv.ParseUint(in.Cursor, 10, 64); err != nil || before == 0 {
			return nil, exchange.Errorf(exchange.CodeInvalid, "the cursor is not one of this list; start again without it")
		}
	}
	out := view.Movements{SKU: sku, Pool: poolName(rec.Pool), Movements: []view.Movement{}}
	err = s.desk.Shelf.Movements(sku, before, func(number uint64, m *record.Movement) bool {
		if len(out.Movements) == in.Limit {
			out.Next = strconv.FormatUint(out.Movements[in.Limit-1].Number, 10)
			return false
		}
		line := view.Movement{
			Number: number, At: view.Time(m.At), Kind: m.Cause.String(), Units: m.Units, Shelf: m.Net, SKU: m.SKU, Source: m.Source,
			Partner: m.Partner, Order: m.Order, Contained: m.Contained, Channel: m.Channel, Reference: m.Reference, Note: m.Note,
		}
		if m.Told != 0 {
			line.Told = ptr(view.Time(m.Told))
		}
		out.Movements = append(out.Movements, line)
		return true
	})
	return answer(out, err)
}

func (s *catalogRoutes) sources(ctx context.Context, _ *struct{}) (*body[view.Sources], error) {
	list, err := s.importer.Sources(ctx)
	if err != nil {
		return nil, err
	}
	out := view.Sources{Sources: make([]view.Source, len(list))}
	for i, src := range list {
		v := view.Source{
			Name: src.Name, StockFigure: src.Figure.String(), BookedWithin: exchange.Span(src.BookedWithin), ClockSlack: exchange.Span(src.ClockSlack),
			Columns: src.Columns, Locations: src.Locations, QualifySKU: src.QualifySKU, Configured: src.Configured,
		}
		if src.Ended != 0 {
			v.Imported = view.Time(src.Ended)
		}
		if src.High != 0 {
			v.AsOf = view.Time(src.High)
		}
		out.Sources[i] = v
	}
	return answer(out, nil)
}
