package api

import (
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
)

// The story of the examples: Birch Bikes, whose API this is, sells a pair of shoes that
// Acorn Shoes has, to a customer in Malmö. Where the supplier acts, the API is Acorn's.

// examples are all of them.
func examples() exampleSet {
	s := newStory()
	all := make(exampleSet)
	for _, add := range []func(exampleSet){s.products, s.reservations, s.orders, s.acts, s.sales, s.baskets, s.partners, s.shopItself} {
		add(all)
	}
	return all
}

type story struct {
	birch, acorn exchange.ShopID
	start        time.Time
	shoe         exchange.ProductID
	order        exchange.OrderID
	quote        view.Quote
	held         view.Reservation
	placed       view.Order
}

func (s *story) at(after time.Duration) time.Time { return s.start.Add(after) }

func euros(cents int64) view.Money {
	return view.MoneyOf(exchange.Money{Minor: cents, Currency: "EUR"})
}

func dollars(cents int64) *view.Money { return view.USD(cents, true) }

func kronor(ore int64) view.Money {
	return view.MoneyOf(exchange.Money{Minor: ore, Currency: "SEK"})
}

const (
	shoeSKU   = exchange.SKU("AC-TRAIL-MOS-42")
	shoeTitle = "Trail Runner"
	proposal  = "3f5a0b6c1d2e4f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8"
)

func newStory() *story {
	s := &story{
		birch: exampleShop("Birch Bikes"), acorn: exampleShop("Acorn Shoes"),
		start: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC),
	}
	s.shoe = exchange.ProductID{Shop: s.acorn, SKU: shoeSKU}
	window := exchange.Window(s.start.Unix() / int64(24*time.Hour/time.Second))
	s.order = exchange.NewHoldID(window, [12]byte{0x7a, 0x11, 0xc0, 0x3e, 0x59, 0x84, 0x2d, 0xf6, 0x90, 0x1b, 0xe7, 0x42})
	s.quote = view.Quote{
		Lines: []view.QuoteLine{{
			Product: s.shoe, SKU: shoeSKU, Title: shoeTitle, Quantity: 2, List: euros(12000), Unit: euros(10800), Total: euros(21600),
			UnitUSD: dollars(12150), TotalUSD: dollars(24300), Snapshot: s.snapshot(),
		}},
		Format: 2, DiscountBP: ptr(uint32(1000)),
		Country: "SE", Shipping: euros(800), ShippingUSD: dollars(900), Tax: view.Tax{Treatment: "included", RateBP: 2500},
		Total: euros(22400), TotalUSD: dollars(25200), Rate: "1.1250", RateDate: "2026-06-01", RateSource: "ECB",
		TermsVersion: 1, Cancel: "until-shipped", AcceptSeconds: 172800, Issued: s.start, Expires: s.at(30 * time.Minute),
	}
	s.held = view.Reservation{
		ID: s.order, Supplier: s.acorn, SupplierName: "Acorn Shoes", State: "held",
		Lines: []view.ReserveLine{{Product: s.shoe, Quantity: 2}}, Country: "SE", Quote: &s.quote,
		Created: s.start, Expires: s.quote.Expires,
	}
	s.placed = view.Order{
		ID: s.order, Role: view.Bought, Partner: s.acorn, PartnerName: "Acorn Shoes", Status: "submitted",
		Lines: []view.OrderLine{{Product: s.shoe, SKU: shoeSKU, Title: shoeTitle, Ordered: 2, Snapshot: s.snapshot()}}, Quote: s.quote, Parcels: []view.Parcel{},
		Due: s.quote.Total, DueUSD: s.quote.TotalUSD,
		Requested: s.at(4 * time.Minute), Submitted: s.at(4*time.Minute + time.Second), AcceptBy: s.at(48*time.Hour + 4*time.Minute), FirstEntry: 7, LastEntry: 7,
	}
	return s
}

// snapshot is what the shoe was when it was quoted.
func (s *story) snapshot() view.Snapshot {
	return view.Snapshot{
		Options: []view.Option{{Name: "Size", Value: "42"}, {Name: "Colour", Value: "Moss"}},
		Barcode: "4012345000103", Image: "https://images.example.com/acorn/trail-runner.jpg",
	}
}

// sold is the order as the supplier has it.
func (s *story) sold(status string, change func(*view.Order)) view.Order {
	o := s.placed
	o.Role, o.Partner, o.PartnerName, o.Status, o.Requested = view.Sold, s.birch, "Birch Bikes", status, time.Time{}
	o.Lines = append([]view.OrderLine{}, o.Lines...)
	o.LastEntry = 8
	change(&o)
	return o
}

func (s *story) products(all exampleSet) {
	shoe := view.Product{
		ID: s.shoe, Shop: s.acorn, ShopName: "Acorn Shoes", SKU: shoeSKU, Title: shoeTitle, Group: "trail-runner",
		Options:     s.snapshot().Options,
		Description: "A light running shoe for forest paths.", Vendor: "Acorn", Category: "Apparel & Accessories > Shoes", Barcode: s.snapshot().Barcode,
		Image: s.snapshot().Image, Grams: 620, Price: euros(12000),
		PriceUSD: &view.USDPrice{Money: view.Dollars(13500), Rate: "1.1250", Source: "ECB", Date: "2026-06-01"},
		Cost:     ptr(euros(10800)), DiscountBP: 1000,
		Here:      &view.HerePrice{Price: kronor(132300), Cost: ptr(kronor(119070)), Rate: "11.0250", Source: "ECB", Date: "2026-06-01"},
		Available: view.Availability{Units: 12}, Sellable: true, AsOf: s.start, Updated: s.start,
	}
	all["search-products"] = example{
		params: map[string]any{"q": "trail 42", "in_stock": true, "max_usd": "150.00", "sort": "price", "count": true},
		answer: view.Products{Products: []view.Product{shoe}, Total: &view.Total{Count: 1}},
	}
	shoe.Live = &view.LiveStock{Known: true, Available: view.Availability{Units: 11}, Price: ptr(euros(12000))}
	all["get-product"] = example{params: map[string]any{"id": s.shoe.String(), "live": true}, answer: shoe}

	counted := view.Stock{Shelf: 14, Held: 2, Unshipped: 1, Available: 11, Revision: 8}
	all["get-stock"] = example{params: map[string]any{"sku": shoeSKU}, answer: counted}
	all["set-stock"] = example{params: map[string]any{"sku": shoeSKU, "If-Match": etag(7)}, body: view.SetStock{Units: ptr(int64(14))}, answer: counted}
	all["count-shelves"] = example{
		body: view.CountShelves{Counts: []view.ShelfCount{
			{SKU: string(shoeSKU), SetStock: view.SetStock{Units: ptr(int64(14)), CountedAt: "-10m"}},
			{SKU: "AC-GIFT-WRAP", SetStock: view.SetStock{Unlimited: true}, IfRevision: ptr(uint64(3))},
		}},
		answer: view.Shelves{Shelves: []view.Shelf{{SKU: shoeSKU, Stock: counted}, {SKU: "AC-GIFT-WRAP", Stock: view.Stock{Unlimited: true, Revision: 4}}}},
	}
	sold := view.Stock{Shelf: 13, Held: 2, Unshipped: 1, Available: 10, Revision: 9}
	all["tell-movements"] = example{
		params: map[string]any{KeyHeader: "till-4711"},
		body: view.TellMovements{Movements: []view.ToldMovement{
			{SKU: string(shoeSKU), Kind: "sold", Units: 1, At: s.at(-time.Minute).Format(time.RFC3339), ID: "till-2-4711", Reference: "receipt 4711", Channel: "till 2"},
			{SKU: "AC-LACE-BRN-120", Kind: "sold", Units: 2, ID: "till-2-4711/2", Reference: "receipt 4711", Channel: "till 2"},
		}},
		answer: view.MovementResults{Movements: []view.MovementResult{
			{SKU: shoeSKU, ID: "till-2-4711", Result: "applied", Revision: 9, Stock: &sold},
			{SKU: "AC-LACE-BRN-120", ID: "till-2-4711/2", Result: "refused", Problem: &view.MovementProblem{
				Code: exchange.CodeNotFound.String(), Detail: "this shop has no product AC-LACE-BRN-120; see souk catalog list",
			}},
		}},
	}

	listed := shoe
	listed.Own, listed.Live, listed.Stock = true, nil, &counted
	listed.Listing = &view.Listing{State: view.StateListed, Source: "shopify", SourceID: "trail-runner"}
	drafted := listed
	drafted.Sellable, drafted.Why = false, "withdrawn (draft)"
	drafted.Listing = &view.Listing{State: view.StateWithdrawn, Reason: "draft", Since: s.at(time.Hour), Source: "shopify", SourceID: "trail-runner"}
	removed := listed
	removed.Sellable, removed.Why = false, view.StateRemoved
	removed.Listing = &view.Listing{State: view.StateRemoved, Since: s.at(time.Hour), Source: "shopify", SourceID: "trail-runner"}
	all["list-catalog"] = example{params: map[string]any{"state": view.StateWithdrawn, "q": "trail"}, answer: view.Products{Products: []view.Product{drafted}}}
	own := map[string]any{"sku": shoeSKU}
	all["remove-product"] = example{
		params: map[string]any{"id": shoeSKU, "release_holds": true}, answer: view.Removal{Product: removed, Released: 1},
	}
	all["publish-product"] = example{params: map[string]any{"sku": shoeSKU, KeyHeader: "publish-4711"}, answer: listed}
	dearer := listed
	dearer.Price, dearer.PriceUSD.Money = euros(12500), view.Dollars(14063)
	all["set-price"] = example{params: own, body: view.SetPrice{Price: view.Amount{Amount: "125.00", Currency: "EUR"}}, answer: dearer}
	all["list-movements"] = example{params: own, answer: view.Movements{SKU: shoeSKU, Movements: []view.Movement{
		{Number: 4, At: s.at(5 * time.Hour), Kind: "sold", Units: -1, Shelf: 11, Channel: "till 2", Reference: "receipt 4711"},
		{Number: 3, At: s.at(3 * time.Hour), Kind: "shipped", Units: -2, Shelf: 12, Partner: s.birch, Order: s.order},
		{Number: 2, At: s.at(4 * time.Minute), Kind: "ordered", Units: 2, Shelf: 14, Partner: s.birch, Order: s.order},
		{Number: 1, At: s.at(-time.Hour), Kind: "figure", Units: 14, Shelf: 14, Source: "shopify"},
	}}}
	all["list-sources"] = example{answer: view.Sources{Sources: []view.Source{{
		Name: "shopify", StockFigure: "free-unaware", BookedWithin: "10 minutes", ClockSlack: "1 minute", Configured: true,
		Imported: s.at(-time.Hour), AsOf: s.at(-time.Hour),
	}}}}

	report := view.ImportReport{
		Report: inventory.Report{
			Format: "jsonl", Bytes: 214, Rows: 2, Items: 1, Skipped: map[inventory.SkipReason]int64{}, ErrorCount: 1,
			Errors: []inventory.RowError{{Line: 2, Column: 58, ColumnName: "price", Message: `"a lot" is not an amount; write it like 12.50`}},
		},
		Added: 1,
		Stock: view.StockReport{
			Source: "shopify", Figure: "free-unaware", AsOf: s.at(-5 * time.Minute), BookedWithin: "10 minutes", ClockSlack: "1 minute", Differ: 1,
			Readings: []view.StockReading{{SKU: shoeSKU, Units: 14, OnHand: 11, Free: 12, FreeUnaware: 13, Taken: 13}},
		},
		Outcome: inventory.Outcome{Listed: 1, Withheld: 1, Summary: "1 listed, 1 not for sale or not readable."},
	}
	lines := `{"sku":"AC-TRAIL-MOS-42","title":"Trail Runner","price":"120.00","currency":"EUR","stock":12}` + "\n" +
		`{"sku":"AC-LACE-BRN-120","title":"Round Laces","price":"a lot","stock":40}` + "\n"
	csv := "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Price,Status\n" +
		"trail-runner,Trail Runner,Size,42,AC-TRAIL-MOS-42,shopify,12,120.00,active\n"
	all["import"] = example{
		params: map[string]any{"format": "auto", "dry_run": false, "source": "shopify", "stock_figure": "free-unaware", "as_of": "-5m"},
		body:   files{jsonLines: lines, "text/csv": csv, "application/octet-stream": csv},
		answer: files{asJSON: report, jsonLines: view.ImportRecord{Progress: &view.ImportProgress{Bytes: 214, Rows: 2}}},
	}
	rates := `<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">` +
		`<Cube><Cube time="2026-06-01"><Cube currency="USD" rate="1.1250"/></Cube></Cube></gesmes:Envelope>`
	all["set-rates"] = example{
		body: files{
			"application/xml": rates, "application/octet-stream": rates, "text/csv": "Date, USD, \n01 June 2026, 1.1250, \n",
			"application/json": inventory.FixedRate{Currency: "EUR", USD: "1.1250", Date: "2026-06-01"},
		},
		answer: view.Rates{Rate: view.Rate{Currency: "EUR", Rate: "1.1250", Source: "ECB", Date: "2026-06-01"}, Rewritten: 1},
	}
}

func (s *story) reservations(all exampleSet) {
	id := map[string]any{"id": s.order.String()}
	all["reserve"] = example{
		params: map[string]any{KeyHeader: "basket-4711"},
		body: view.Reserve{
			Lines: s.held.Lines, Country: "SE", Seconds: 1800,
			MaxTotal: &view.Amount{Amount: "230.00", Currency: "EUR"},
		},
		answer: s.held,
	}
	all["get-reservation"] = example{params: id, answer: s.held}
	all["list-reservations"] = example{
		params: map[string]any{"status": view.OpenReservations},
		answer: view.Reservations{Reservations: []view.Reservation{s.held}},
	}
	released, extended := s.held, s.held
	released.State = "released"
	all["release-reservation"] = example{params: id, answer: released}
	extended.Expires = s.at(30*time.Minute + 30*time.Second)
	all["extend-reservation"] = example{
		params: map[string]any{"id": s.order.String(), KeyHeader: "basket-4711-extend"},
		body:   view.Extend{Until: extended.Expires}, answer: extended,
	}
}

func (s *story) orders(all exampleSet) {
	all["list-holds"] = example{
		params: map[string]any{"sku": shoeSKU},
		answer: view.Holds{Holds: []view.Hold{{
			ID: s.order, Retailer: s.birch, RetailerName: "Birch Bikes", Units: 2, Lines: []view.Units{{SKU: shoeSKU, Units: 2}},
			Issued: s.start, Expires: s.quote.Expires,
		}}},
	}
	waiting := s.placed
	waiting.Status, waiting.Submitted, waiting.AcceptBy, waiting.FirstEntry, waiting.LastEntry = "requested", time.Time{}, time.Time{}, 0, 0
	all["place-order"] = example{
		params: map[string]any{KeyHeader: "checkout-4711", "wait": 10},
		body: view.PlaceOrder{Reservation: s.order, ShipTo: view.ShipTo{
			Name: "Maja Berg", Lines: []string{"Storgatan 1"}, City: "Malmö", PostalCode: "211 34", Country: "SE", Email: "maja@example.org",
		}, Reference: "#1001", Note: "A gift: no invoice in the parcel"},
		answer: s.placed, also: map[int]any{202: waiting},
	}
	accepted := s.placed
	accepted.Status, accepted.Accepted, accepted.LastEntry = "accepted", s.at(5*time.Minute), 8
	whole := accepted
	whole.Reference, whole.Note = "#1001", "A gift: no invoice in the parcel"
	whole.ShipTo = &view.ShipTo{Name: "Maja Berg", Lines: []string{"Storgatan 1"}, City: "Malmö", PostalCode: "211 34", Country: "SE", Email: "maja@example.org"}
	all["list-orders"] = example{
		params: map[string]any{"reference": "#1001", "status": "accepted", "limit": 50},
		answer: view.Orders{Orders: []view.Order{whole}},
	}
	all["get-order"] = example{params: map[string]any{"id": s.order.String(), "role": view.Bought}, answer: whole}

	cancelled, asked := s.placed, accepted
	cancelled.Status, cancelled.Lines = "cancelled", []view.OrderLine{{Product: s.shoe, SKU: shoeSKU, Title: shoeTitle, Ordered: 2, Cancelled: 2, Snapshot: s.snapshot()}}
	cancelled.Due, cancelled.DueUSD, cancelled.LastEntry = euros(0), dollars(0), 8
	cancelled.Cancelled, cancelled.CancelledBy, cancelled.Reason, cancelled.Closed = s.at(time.Hour), "retailer", "the customer changed her mind", s.at(time.Hour)
	asked.Cancelling = s.at(time.Hour)
	all["cancel-order"] = example{
		params: map[string]any{"id": s.order.String(), KeyHeader: "cancel-4711"},
		body:   view.Cancel{Reason: "the customer changed her mind"}, answer: cancelled, also: map[int]any{202: asked},
	}
}

// acts are what the supplier does with the order.
func (s *story) acts(all exampleSet) {
	act := func(name string, body any, answer view.Order) {
		all[name+"-order"] = example{params: map[string]any{"id": s.order.String(), KeyHeader: name + "-4711"}, body: body, answer: answer}
	}
	accepted := s.at(5 * time.Minute)
	act("accept", nil, s.sold("accepted", func(o *view.Order) { o.Accepted = accepted }))
	act("reject", view.Reject{Reason: "the last pair is damaged"}, s.sold("rejected", func(o *view.Order) {
		o.Lines[0].Cancelled, o.Due, o.DueUSD = 2, euros(0), dollars(0)
		o.Cancelled, o.CancelledBy, o.Reason, o.Closed = accepted, "supplier", "the last pair is damaged", accepted
	}))
	units := []view.Units{{SKU: shoeSKU, Units: 2}}
	parcel := view.Parcel{At: s.at(3 * time.Hour), Lines: units, Carrier: "PostNord", Tracking: "SE123"}
	ship := func(o *view.Order) {
		o.Accepted, o.Lines[0].Shipped, o.Parcels, o.LastEntry = accepted, 2, []view.Parcel{parcel}, 9
	}
	act("ship", view.Ship{Lines: units, Carrier: "PostNord", Tracking: "SE123"}, s.sold("shipped", ship))
	act("deliver", view.Deliver{Lines: units}, s.sold("delivered", func(o *view.Order) {
		ship(o)
		o.Lines[0].Delivered, o.Closed, o.LastEntry = 2, s.at(26*time.Hour), 10
	}))
}

// sales are of Birch's own shop.
func (s *story) sales(all exampleSet) {
	const tube = exchange.SKU("BB-TUBE-28")
	line := view.SaleLine{SKU: tube, Title: "Inner Tube 28\"", Price: kronor(8900), Total: kronor(17800), Sold: 2}
	sale := view.Sale{
		ID: s.order, Status: "sold", Lines: []view.SaleLine{line}, Total: kronor(17800), Due: kronor(17800),
		Tax: view.Tax{Treatment: "included", RateBP: 2500}, Sold: s.at(4 * time.Minute), Parcels: []view.Parcel{}, Reference: "#1002",
	}
	changed := func(status string, change func(*view.Sale, *view.SaleLine)) view.Sale {
		v := sale
		v.Status, v.Lines = status, []view.SaleLine{line}
		change(&v, &v.Lines[0])
		return v
	}
	all["sell"] = example{
		params: map[string]any{KeyHeader: "paid-1002"},
		body:   view.NewSale{Reservation: &s.order, Reference: "#1002", IfStillThere: true}, answer: sale,
	}
	all["list-sales"] = example{params: map[string]any{"status": view.OpenSales, "limit": 50}, answer: view.Sales{Sales: []view.Sale{sale}}}
	all["get-sale"] = example{params: map[string]any{"id": s.order.String()}, answer: sale}
	act := func(name string, body any, answer view.Sale) {
		all[name+"-sale"] = example{params: map[string]any{"id": s.order.String(), KeyHeader: name + "-1002"}, body: body, answer: answer}
	}
	units := []view.Units{{SKU: tube, Units: 2}}
	ship := func(v *view.Sale, l *view.SaleLine) {
		l.Shipped, v.Parcels = 2, []view.Parcel{{At: s.at(3 * time.Hour), Lines: units, Carrier: "PostNord", Tracking: "SE124"}}
	}
	act("ship", view.Ship{Lines: units, Carrier: "PostNord", Tracking: "SE124"}, changed("shipped", ship))
	act("cancel", view.Cancel{Reason: "paid twice"}, changed("cancelled", func(v *view.Sale, l *view.SaleLine) {
		l.Cancelled, v.Due, v.CancelledAt, v.Reason = 2, kronor(0), s.at(time.Hour), "paid twice"
	}))
	act("return", view.Return{Lines: []view.Units{{SKU: tube, Units: 1}}, Damaged: true}, changed("shipped", func(v *view.Sale, l *view.SaleLine) {
		ship(v, l)
		l.Returned = 1
	}))
	limits := view.Limits{SKU: tube, Keep: 2, Share: 5, ShareDefault: true}
	own := map[string]any{"sku": tube}
	all["get-limits"] = example{params: own, answer: limits}
	all["set-limits"] = example{params: own, body: view.SetLimits{Keep: ptr(int64(2))}, answer: limits}
}

func (s *story) partners(all exampleSet) {
	terms := view.Terms{
		DiscountBP: 1000, Currency: "EUR", HoldSeconds: 1800, OpenQuantity: 1000, AcceptSeconds: 172800,
		Cancel: "until-shipped", Countries: []string{"DK", "SE"}, Feed: exchange.MainFeed, SettlementDays: 30,
	}
	offered := view.Partnership{
		Partner: s.acorn, PartnerName: "Acorn Shoes", Direction: view.Buy, Status: "proposed",
		Proposal: &view.Proposal{ID: proposal, By: "partner", Terms: terms, At: s.start}, Ledger: view.Ledger{Position: 1, Hash: proposal},
	}
	active := offered
	active.Status, active.Proposal, active.Terms, active.Version, active.Since = "active", nil, &terms, 1, s.at(time.Minute)
	active.Ledger = view.Ledger{Position: 2, Hash: "9c1f" + proposal[4:]}
	list := func(p ...view.Partnership) view.Partnerships { return view.Partnerships{Partnerships: p} }
	all["list-partners"] = example{answer: list(active)}
	s.ledgers(all)

	queued := offered
	queued.Status, queued.Proposal, queued.Queued, queued.Ledger = "queued", nil, "propose", view.Ledger{Hash: zeroHash, Waiting: 1}
	all["propose"] = example{
		params: map[string]any{KeyHeader: "propose-acorn"},
		body: view.Propose{Partner: s.acorn, Direction: view.Buy, Terms: view.ProposedTerms{
			DiscountBP: 1000, HoldSeconds: 1800, Countries: []string{"DK", "SE"},
		}},
		answer: list(queued),
	}
	act := func(name string, body any, answer view.Partnership) {
		all[name+"-partner"] = example{params: map[string]any{"shop": s.acorn.String(), KeyHeader: name + "-acorn"}, body: body, answer: list(answer)}
	}
	declined, withdrawn, ended := offered, offered, active
	act("accept", view.Answer{Proposal: proposal}, active)
	declined.Status, declined.Proposal = "declined", nil
	declined.Declined = &view.Declined{ID: proposal, Of: "partner", By: "self", At: s.at(time.Minute)}
	act("decline", view.Answer{Proposal: proposal}, declined)
	withdrawn.Status, withdrawn.Proposal = "declined", nil
	withdrawn.Declined = &view.Declined{ID: proposal, Of: "self", By: "self", At: s.at(time.Minute)}
	act("withdraw", view.Withdraw{Direction: view.Buy}, withdrawn)
	ended.Status, ended.Ended, ended.EndedBy, ended.EndReason, ended.Ledger.Position = "ended", s.at(90*24*time.Hour), "self", "closing for the season", 11
	act("end", view.End{Direction: view.Buy, Reason: "closing for the season"}, ended)
}

// zeroHash is that of a ledger without entries.
const zeroHash = "0000000000000000000000000000000000000000000000000000000000000000"

func (s *story) shopItself(all exampleSet) {
	address := "/ip4/203.0.113.7/tcp/7340/p2p/" + s.acorn.String()
	all["list-members"] = example{params: map[string]any{"online": true}, answer: view.Members{OnlineKnown: true, Members: []view.Member{{
		Shop: s.acorn, Name: "Acorn Shoes", Status: "active", Joined: s.at(-30 * 24 * time.Hour), Fingerprint: "amber canoe delta fossil maple orbit",
		Online: true, OnlineBy: "hub riverside", Connected: true, Direct: true, Way: "directly, by TCP", LastSeen: s.start, Addresses: []string{address}, Transport: "tcp",
		Sells: "Shoes for forest paths", Contact: "hello@acorn.example", Returns: "30 days", Web: "https://acorn.example", Currency: "EUR", Countries: []string{"DK", "SE"},
	}}}}
	all["dial"] = example{params: map[string]any{"shop": s.acorn.String()}, answer: view.Dialed{
		Shop: s.acorn, Path: "address book", Address: address, Transport: "tcp", Direct: true, Way: "directly, by TCP", RTTs: []float64{12.4, 11.9, 12.1},
	}}
	s.ways(all, address)
	all["get-shop"] = example{answer: view.Shop{
		Shop: s.birch, Name: "Birch Bikes", Fingerprint: "basil crane ember lunar quartz tulip", Currency: "EUR", Federation: "riverside-1a2b3c4d", Version: "v0.2.0",
		Addresses: []string{"/ip4/198.51.100.4/tcp/7340/p2p/" + s.birch.String()}, Started: s.at(-time.Hour), FreeBytes: 48_318_382_080,
		MemberList: view.MemberList{Members: 3, Entries: 4, Signed: s.at(-10 * time.Minute), Freshness: "fresh", HubOnline: true},
		Rate:       &view.Rate{Currency: "EUR", Rate: "1.1250", Source: "ECB", Date: "2026-06-01"},
	}}
	all["leave"] = example{
		params: map[string]any{"preview": true, KeyHeader: "leave-riverside"},
		answer: view.Leaving{
			Preview: true, Partners: []exchange.ShopID{s.acorn}, Archive: "/srv/birch/archive.json",
			OpenOrders: []view.OpenOrder{{Order: s.order, Partner: s.acorn, Role: view.Bought, Status: "accepted"}},
		},
	}
	all["health"] = example{answer: view.Health{Status: "ok"}}
	hub := view.Condition{Name: "hub", Detail: "hub riverside is not connected. In reach without it, so that trade goes on: Acorn Shoes (directly, by QUIC)"}
	full := view.Condition{Name: "store", Blocks: true, Detail: "less than 1 GiB is free on the disk of the store; make room"}
	all["ready"] = example{
		answer: view.Readiness{Ready: true, Problems: []view.Condition{hub}},
		also:   map[int]any{503: view.Readiness{Problems: []view.Condition{full}}},
	}
	accepted := event.ID{At: exchange.TimeOf(s.at(5 * time.Minute)), Number: 42}.String()
	all["watch-events"] = example{params: map[string]any{"after": event.ID{At: exchange.TimeOf(s.start), Number: 41}.String()}, answer: files{"text/event-stream": []any{
		map[string]any{"data": view.Event{Type: "hello", At: s.at(5 * time.Minute)}},
		map[string]any{"id": accepted, "data": view.Event{
			ID: accepted, Type: "order", At: s.at(5 * time.Minute), Partner: s.acorn, Side: "retailer", Order: s.order, Status: "accepted", Due: &s.quote.Total,
		}},
		map[string]any{"id": accepted, "data": view.Event{ID: accepted, Type: "live", At: s.at(5 * time.Minute)}},
		map[string]any{"data": view.Event{Type: "stock", At: s.at(6 * time.Minute), Side: "supplier", Products: []exchange.ProductID{{Shop: s.birch, SKU: "BELL-BRASS"}}}},
	}}}
	all["get-openapi"] = example{answer: files{"application/openapi+json": map[string]any{
		"openapi": "3.1.0", "info": map[string]any{"title": "Souk: a shop's local API", "version": "v0.2.0"}, "paths": map[string]any{},
	}}}
	all["get-metrics"] = example{answer: files{"text/plain": "# TYPE souk_http_requests_total counter\n" +
		`souk_http_requests_total{method="POST",route="/api/v1/reservations",status="2xx"} 17` + "\n"}}
}
