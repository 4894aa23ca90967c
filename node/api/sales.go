package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/desk"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node/api/view"
)

// saleRoutes are the operations on what the shop's own channels sell, and on what is kept for them.
type saleRoutes struct {
	keys *idempotency
	desk *desk.Desk
}

func (s *saleRoutes) register(r *router) {
	tags := []string{"sales"}
	maySell := also(mayWrite, exchange.CodeNotFound, exchange.CodeConflict, exchange.CodeInsufficient, exchange.CodeExpired, exchange.CodeReleased,
		exchange.CodeGone, exchange.CodeWithdrawn, exchange.CodeOrdered, exchange.CodeOverflow)
	add(r, huma.Operation{
		OperationID: "sell", Method: http.MethodPost, Path: "/api/v1/sales", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Record a sale of the shop's own channels",
		Description: "Of a reservation of own products, or of lines that are held and sold in one step; refused with every line that is short. " +
			"Selling the same reservation again with the same reference and address finds the same sale; with others it is a conflict. " +
			"A reservation that has expired is refused with expired; with if_still_there its units are taken again where they are there, else the problem is gone: pay back what was paid.",
	}, route{key: keyAgain, may: maySell}, s.sell)
	add(r, huma.Operation{
		OperationID: "list-sales", Method: http.MethodGet, Path: "/api/v1/sales", Tags: tags,
		Summary:     "What the shop's own channels sold",
		Description: "The newest first: by the day, and within a day by when they were sold. Every condition given must hold.",
	}, route{}, s.listSales)
	add(r, huma.Operation{
		OperationID: "get-sale", Method: http.MethodGet, Path: "/api/v1/sales/{id}", Tags: tags,
		Summary: "One sale of the shop's own channels", Description: "With the address and the note, until they are erased.",
	}, route{may: []exchange.Code{exchange.CodeNotFound}}, s.getSale)
	act := func(name, summary string) huma.Operation {
		return huma.Operation{OperationID: name + "-sale", Method: http.MethodPost, Path: "/api/v1/sales/{id}/" + name, Tags: tags, Summary: summary}
	}
	once := route{key: keyOnce, may: also(mayWrite, exchange.CodeNotFound, exchange.CodeState, exchange.CodeShipped, exchange.CodeOverflow, exchange.CodeLimit)}
	add(r, act("ship", "Send units of a sale on their way"), once, s.shipSale)
	add(r, act("cancel", "Cancel units of a sale that have not left"), once, s.cancelSale)
	add(r, act("return", "Take units of a sale back"), once, s.returnSale)

	products := []string{"products"}
	add(r, huma.Operation{
		OperationID: "get-limits", Method: http.MethodGet, Path: "/api/v1/products/{sku}/limits", Tags: products,
		Summary: "What partners are not offered of an own product",
	}, route{may: []exchange.Code{exchange.CodeNotFound}}, s.getLimits)
	add(r, huma.Operation{
		OperationID: "set-limits", Method: http.MethodPut, Path: "/api/v1/products/{sku}/limits", Tags: products,
		Summary:     "Keep units of an own product back from partners, or bound what one partner may hold",
		Description: "Products that sell from one stock share its limits. A share concerns the holds that are placed from now on.",
	}, route{may: also(mayWrite, exchange.CodeNotFound)}, s.setLimits)
}

type sellInput struct {
	Key  string `header:"Idempotency-Key" hidden:"true"` // documented by the route
	Body view.NewSale
}

func (s *saleRoutes) sell(ctx context.Context, in *sellInput) (*body[view.Sale], error) {
	b := in.Body
	req := trade.SaleRequest{Reference: b.Reference, Note: strings.ReplaceAll(b.Note, "\r\n", "\n"), Left: b.Left, IfStillThere: b.IfStillThere}
	switch {
	case (b.Reservation != nil) == (len(b.Lines) > 0):
		return nil, exchange.Errorf(exchange.CodeInvalid, "give either a reservation or lines")
	case b.Reservation != nil:
		req.Reservation = *b.Reservation
	default:
		lines := make([]exchange.Line, len(b.Lines))
		for i, l := range b.Lines {
			lines[i] = exchange.Line{SKU: l.SKU, Quantity: exchange.Quantity(l.Units)}
		}
		var err error
		if req.Lines, err = exchange.NewLines(lines); err != nil {
			return nil, err
		}
		req.Key = s.keys.saleKey(in.Key)
	}
	if b.ShipTo != nil {
		to := exchange.ShipTo(*b.ShipTo)
		var err error
		if to.Country, err = view.ParseCountry(to.Country); err != nil {
			return nil, err
		}
		req.ShipTo = &to
	}
	sale, err := s.desk.Own.Sell(ctx, req)
	if err != nil {
		return nil, err
	}
	return answer(s.saleView(sale), nil)
}

type saleInput struct {
	ID exchange.OrderID `path:"id"`
}

func (s *saleRoutes) getSale(_ context.Context, in *saleInput) (*body[view.Sale], error) {
	sale, err := s.desk.Own.Find(in.ID)
	if err != nil {
		return nil, err
	}
	return answer(s.saleWhole(sale))
}

type shipSaleInput struct {
	ID   exchange.OrderID `path:"id"`
	Body *view.Ship
}

func (s *saleRoutes) shipSale(ctx context.Context, in *shipSaleInput) (*body[view.Sale], error) {
	b := orZero(in.Body)
	sale, err := s.desk.Own.Ship(ctx, in.ID, unitsOf(b.Lines), b.Carrier, b.Tracking)
	return s.saleAnswer(sale, err)
}

type cancelSaleInput struct {
	ID   exchange.OrderID `path:"id"`
	Body *view.Cancel
}

func (s *saleRoutes) cancelSale(ctx context.Context, in *cancelSaleInput) (*body[view.Sale], error) {
	b := orZero(in.Body)
	sale, err := s.desk.Own.Cancel(ctx, in.ID, unitsOf(b.Lines), b.Reason)
	return s.saleAnswer(sale, err)
}

type returnSaleInput struct {
	ID   exchange.OrderID `path:"id"`
	Body *view.Return
}

func (s *saleRoutes) returnSale(ctx context.Context, in *returnSaleInput) (*body[view.Sale], error) {
	b := orZero(in.Body)
	sale, err := s.desk.Own.Return(ctx, in.ID, unitsOf(b.Lines), b.Damaged)
	return s.saleAnswer(sale, err)
}

func (s *saleRoutes) saleAnswer(sale *record.OwnSale, err error) (*body[view.Sale], error) {
	if err != nil {
		return nil, err
	}
	return answer(s.saleView(sale), nil)
}

type listSalesInput struct {
	Status    string    `query:"status" enum:"open,sold,partly_shipped,shipped,cancelled" doc:"Only these; open: something of them is to be shipped."`
	Reference string    `query:"reference" maxLength:"64" doc:"Only those with exactly this reference."`
	Tracking  string    `query:"tracking" maxLength:"255" doc:"Only those with a parcel of exactly this tracking code."`
	SKU       string    `query:"sku" maxLength:"128" doc:"Only those with a line of this product."`
	From      time.Time `query:"from" doc:"Only those sold at this moment or later (RFC 3339)."`
	To        time.Time `query:"to" doc:"Only those sold before this moment (RFC 3339)."`
	Limit     int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor    string    `query:"cursor" maxLength:"64" doc:"next of the page before, of the same query."`
}

func (s *saleRoutes) listSales(_ context.Context, in *listSalesInput) (*body[view.Sales], error) {
	within := trade.OrderRange{From: momentOf(in.From), To: momentOf(in.To)}
	if in.Cursor != "" {
		var err error
		if within.After, err = exchange.ParseHoldID(in.Cursor); err != nil {
			return nil, exchange.Errorf(exchange.CodeInvalid, "the cursor is not one of this list; start again without it")
		}
	}
	out := view.Sales{Sales: []view.Sale{}}
	var failed error
	read, more := 0, false
	var last exchange.OrderID
	err := s.desk.Own.Visit(within, func(sale *record.OwnSale) bool {
		if more = read == maxOrdersRead || len(out.Sales) == in.Limit; more {
			return false
		}
		read++
		last = sale.Sale.ID
		if !in.takes(sale, within) {
			return true
		}
		var v view.Sale
		if v, failed = s.saleWhole(sale); failed != nil {
			return false
		}
		out.Sales = append(out.Sales, v)
		return true
	})
	if err == nil {
		err = failed
	}
	if more {
		out.Next = last.String()
	}
	return answer(out, err)
}

// takes reports whether the list is to show a sale.
func (in *listSalesInput) takes(sale *record.OwnSale, within trade.OrderRange) bool {
	o := &sale.Sale
	status, sold := saleStatus(sale), o.Order.Submitted
	open := status == soldStatus || status == order.PartlyShipped.String()
	switch {
	case in.Status == view.OpenSales && !open, in.Status != "" && in.Status != view.OpenSales && in.Status != status:
		return false
	case in.Reference != "" && in.Reference != sale.Reference:
		return false
	case sold < within.From || within.To != 0 && sold >= within.To:
		return false
	case in.Tracking != "" && !slices.ContainsFunc(o.Parcels, func(p record.Parcel) bool { return p.Tracking == in.Tracking }):
		return false
	}
	return in.SKU == "" || slices.ContainsFunc(o.Order.Lines, func(l order.Line) bool { return string(l.SKU) == in.SKU })
}

// soldStatus is the status of a sale of which nothing was shipped. Nobody has to accept it.
const soldStatus = "sold"

func saleStatus(sale *record.OwnSale) string {
	if status := sale.Sale.Order.Status(); status != order.Accepted {
		return status.String()
	}
	return soldStatus
}

// saleWhole shows a sale with its address and note, while they are kept.
func (s *saleRoutes) saleWhole(sale *record.OwnSale) (view.Sale, error) {
	v := s.saleView(sale)
	if sale.Sale.ShipToHash == [32]byte{} {
		return v, nil
	}
	to, err := s.desk.Orders.Delivery(exchange.Supplier, &sale.Sale)
	switch {
	case err == nil:
		v.ShipTo, v.Note = ptr(view.ShipTo(to.ShipTo)), to.Note
	case exchange.CodeOf(err) != exchange.CodeNotFound:
		return v, err
	}
	return v, nil
}

// saleView shows a sale without its address and note, as orderView does an order.
func (s *saleRoutes) saleView(sale *record.OwnSale) view.Sale {
	o := &sale.Sale
	money := func(minor int64) view.Money {
		return view.MoneyOf(exchange.Money{Minor: minor, Currency: o.Quote.Currency})
	}
	v := view.Sale{
		ID: o.ID, Status: saleStatus(sale), Lines: make([]view.SaleLine, 0, len(o.Quote.Lines)), Total: money(o.Quote.Total), Due: money(o.Due()),
		Tax: view.Tax{Treatment: o.Quote.Tax.Treatment.String(), RateBP: uint32(o.Quote.Tax.Rate)}, Sold: view.Time(o.Order.Submitted), Late: sale.Late,
		Parcels: parcelsView(o.Parcels), CancelledAt: view.Time(o.Cancelled), Reason: o.Reason, Reference: sale.Reference,
	}
	for i := range min(len(o.Quote.Lines), len(o.Order.Lines)) { // the one was made of the other
		l, c := &o.Quote.Lines[i], o.Order.Lines[i]
		v.Lines = append(v.Lines, view.SaleLine{
			SKU: l.SKU, Title: l.Title, Price: money(l.List), Total: money(l.Total), Sold: c.Ordered, Shipped: c.Shipped, Cancelled: c.Cancelled,
			Returned: sale.ReturnedOf(l.SKU), Snapshot: snapshotView(l), Short: min(toShip(o, c), s.desk.Shelf.Shortfalls().OfOrders(o.StockOf(l.SKU))),
		})
	}
	return v
}

func parcelsView(parcels []record.Parcel) []view.Parcel {
	out := make([]view.Parcel, len(parcels))
	for i, p := range parcels {
		out[i] = view.Parcel{At: view.Time(p.At), Lines: make([]view.Units, len(p.Lines)), Carrier: p.Carrier, Tracking: p.Tracking}
		for j, u := range p.Lines {
			out[i].Lines[j] = view.Units{SKU: u.SKU, Units: u.Units}
		}
	}
	return out
}

type limitsInput struct {
	SKU string `path:"sku" maxLength:"128" doc:"Percent-encoded."`
}

func (s *saleRoutes) getLimits(_ context.Context, in *limitsInput) (*body[view.Limits], error) {
	sku, err := exchange.ParseSKU(in.SKU)
	if err != nil {
		return nil, err
	}
	return answer(s.limitsView(sku))
}

type setLimitsInput struct {
	SKU  string `path:"sku" maxLength:"128" doc:"Percent-encoded."`
	Body view.SetLimits
}

func (s *saleRoutes) setLimits(ctx context.Context, in *setLimitsInput) (*body[view.Limits], error) {
	sku, err := exchange.ParseSKU(in.SKU)
	if err != nil {
		return nil, err
	}
	if in.Body.Keep == nil && in.Body.Share == nil {
		return nil, exchange.Errorf(exchange.CodeInvalid, "give keep, share or both")
	}
	set := shelf.SetBounds{SKU: sku, Keep: boundOf(in.Body.Keep), Share: boundOf(in.Body.Share)}
	if err := s.desk.Shelf.Bounds.Set(ctx, []shelf.SetBounds{set}); err != nil {
		return nil, err
	}
	return answer(s.limitsView(sku))
}

// boundOf reads a bound; -1 is the shop's default.
func boundOf(units *int64) *record.Bound {
	switch {
	case units == nil:
		return nil
	case *units < 0:
		return &record.Bound{}
	}
	return &record.Bound{Set: true, Units: *units}
}

func (s *saleRoutes) limitsView(sku exchange.SKU) (view.Limits, error) {
	of, err := s.desk.Shelf.Bounds.Of(sku)
	if err != nil {
		return view.Limits{}, err
	}
	keep, share := s.desk.Shelf.Bounds.Defaults()
	return view.Limits{
		SKU: sku, Keep: of.Keep.Or(keep), KeepDefault: !of.Keep.Set, Share: of.Share.Or(share), ShareDefault: !of.Share.Set,
	}, nil
}
