package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
)

func get[T any](ctx context.Context, c *Client, path string, query url.Values) (*T, error) {
	return as[T](ctx, c, call{method: http.MethodGet, path: path, query: query})
}

func post[T any](ctx context.Context, c *Client, path string, body any) (*T, error) {
	return as[T](ctx, c, call{method: http.MethodPost, path: path, body: body})
}

func as[T any](ctx context.Context, c *Client, in call) (*T, error) {
	out := new(T)
	if err := c.do(ctx, in, out); err != nil {
		return nil, err
	}
	return out, nil
}

// values drops what is not set.
func values(pairs ...string) url.Values {
	v := make(url.Values)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func flag(b bool) string {
	if !b {
		return ""
	}
	return "true"
}

// Shop describes the shop.
func (c *Client) Shop(ctx context.Context) (*view.Shop, error) {
	return get[view.Shop](ctx, c, path("shop"), nil)
}

// Ready says whether the shop may be sent work, and what is in its way. A shop that
// is not ready is no error.
func (c *Client) Ready(ctx context.Context) (*view.Readiness, error) {
	return as[view.Readiness](ctx, c, call{method: http.MethodGet, path: "/readyz", also: http.StatusServiceUnavailable})
}

// Members lists all shops that are or were members.
func (c *Client) Members(ctx context.Context) (*view.Members, error) {
	return c.members(ctx, nil)
}

// MembersOnline is Members, and has the hub and members that relay asked who is online. Of a node that
// cannot ask it is an error; see Earlier.
func (c *Client) MembersOnline(ctx context.Context) (*view.Members, error) {
	return c.members(ctx, values("online", flag(true)))
}

func (c *Client) members(ctx context.Context, query url.Values) (*view.Members, error) {
	list, err := get[view.Members](ctx, c, path("members"), query)
	if err != nil {
		return nil, err
	}
	for i := range list.Members {
		upgradeMember(&list.Members[i])
	}
	return list, nil
}

// Changes are the own products and orders that have changed since next of the answer before; "" =
// all. CodeTooOld: begin again with "".
func (c *Client) Changes(ctx context.Context, since string, limit int) (*view.Changes, error) {
	return get[view.Changes](ctx, c, path("changes"), values("since", since, "limit", number(limit)))
}

// Ledger is a page of a ledger's entries, those after a position. direction, view.Sell or view.Buy,
// may be "" where there is one ledger with the partner.
func (c *Client) Ledger(ctx context.Context, shop exchange.ShopID, direction string, after uint64) (*view.LedgerEntries, error) {
	return get[view.LedgerEntries](ctx, c, path("partners", shop.String(), "ledger"), values("direction", direction, "after", strconv.FormatUint(after, 10)))
}

// CompareLedger asks a partner where its ledgers with this shop end, and compares.
func (c *Client) CompareLedger(ctx context.Context, shop exchange.ShopID) (*view.LedgerComparisons, error) {
	return post[view.LedgerComparisons](ctx, c, path("partners", shop.String(), "ledger", "compare"), nil)
}

// Dial reaches a member directly by its ID and measures the way.
func (c *Client) Dial(ctx context.Context, shop exchange.ShopID) (*view.Dialed, error) {
	d, err := post[view.Dialed](ctx, c, path("members", shop.String(), "dial"), nil)
	if err == nil && d.Way == "" {
		d.Way = wayBy(d.Transport)
	}
	return d, err
}

// Ways tries every way to a member by itself, and says what each answered.
func (c *Client) Ways(ctx context.Context, shop exchange.ShopID) (*view.Ways, error) {
	return get[view.Ways](ctx, c, path("members", shop.String(), "ways"), nil)
}

// Reach says how members reach this shop, how it reaches its partners, and what it relays for others.
func (c *Client) Reach(ctx context.Context) (*view.Reach, error) {
	return get[view.Reach](ctx, c, path("reach"), nil)
}

// Bridge says how the shop stands with its own system, where that keeps the stock.
func (c *Client) Bridge(ctx context.Context) (*view.Bridge, error) {
	return get[view.Bridge](ctx, c, path("bridge"), nil)
}

// Leave leaves the federation; with preview it only says what that would do.
func (c *Client) Leave(ctx context.Context, preview bool) (*view.Leaving, error) {
	return as[view.Leaving](ctx, c, call{method: http.MethodPost, path: path("leave"), query: values("preview", flag(preview))})
}

// Products searches own and partners' products, one page at a time.
func (c *Client) Products(ctx context.Context, q replica.Query) (*view.Products, error) {
	return c.products(ctx, q, false)
}

// ProductsCounted is Products with the total and the facets of all pages.
func (c *Client) ProductsCounted(ctx context.Context, q replica.Query) (*view.Products, error) {
	return c.products(ctx, q, true)
}

func (c *Client) products(ctx context.Context, q replica.Query, counted bool) (*view.Products, error) {
	dollars := func(cents int64) string {
		if cents == 0 {
			return ""
		}
		return exchange.Money{Minor: cents, Currency: exchange.USD}.Amount()
	}
	since := ""
	if q.UpdatedSince != 0 {
		since = q.UpdatedSince.Std().Format(time.RFC3339Nano)
	}
	return get[view.Products](ctx, c, path("products"), values(
		"q", q.Text, "shop", q.Shop.String(), "group", q.Group, "category", q.Category,
		"min_usd", dollars(q.MinCents), "max_usd", dollars(q.MaxCents),
		"in_stock", flag(q.InStock), "sort", string(q.Sort), "updated_since", since,
		"count", flag(counted), "facets", flag(counted), "limit", number(q.Limit), "cursor", q.Cursor))
}

// Product is one product; live asks its supplier what is available now.
func (c *Client) Product(ctx context.Context, id exchange.ProductID, live bool) (*view.Product, error) {
	return get[view.Product](ctx, c, path("products", id.String()), values("live", flag(live)))
}

// CatalogQuery asks for the shop's own products, those that are off sale too.
type CatalogQuery struct {
	State  string // view.StateListed, StateWithdrawn, StateRemoved or StateOffSale; "" = all
	Text   string
	Limit  int    // 0 = 50; at most 200
	Cursor string // view.Products.Next of the page before
}

// Catalog lists the shop's own products by SKU, one page at a time.
func (c *Client) Catalog(ctx context.Context, q CatalogQuery) (*view.Products, error) {
	return get[view.Products](ctx, c, path("catalog"), values("state", q.State, "q", q.Text, "limit", number(q.Limit), "cursor", q.Cursor))
}

// RemoveProduct takes one of the shop's own products off sale until PublishProduct; with
// releaseHolds it also ends the open reservations of it.
func (c *Client) RemoveProduct(ctx context.Context, sku exchange.SKU, releaseHolds bool) (*view.Removal, error) {
	return as[view.Removal](ctx, c, call{method: http.MethodDelete, path: path("products", string(sku)), query: values("release_holds", flag(releaseHolds))})
}

// PublishProduct brings a removed product back.
func (c *Client) PublishProduct(ctx context.Context, sku exchange.SKU) (*view.Product, error) {
	return post[view.Product](ctx, c, path("products", string(sku), "publish"), nil)
}

// SetPrice sets the list price of one of the shop's own products.
func (c *Client) SetPrice(ctx context.Context, sku exchange.SKU, price view.Amount) (*view.Product, error) {
	return as[view.Product](ctx, c, call{method: http.MethodPut, path: path("products", string(sku), "price"), body: view.SetPrice{Price: price}})
}

// Sources are the files and systems that tell of products.
func (c *Client) Sources(ctx context.Context) (*view.Sources, error) {
	return get[view.Sources](ctx, c, path("sources"), nil)
}

// RatesOptions say which rates are taken.
type RatesOptions struct {
	AllowOlder bool // also those that are older than the ones in force
}

// SetRates gives new exchange rates: a file in the ECB's format, at most 1 MiB.
func (c *Client) SetRates(ctx context.Context, file io.Reader, o RatesOptions) (*view.Rates, error) {
	return as[view.Rates](ctx, c, call{method: http.MethodPut, path: path("rates"), query: values("allow_older", flag(o.AllowOlder)), body: file})
}

// StateRate gives one exchange rate by hand.
func (c *Client) StateRate(ctx context.Context, rate inventory.FixedRate, o RatesOptions) (*view.Rates, error) {
	return as[view.Rates](ctx, c, call{method: http.MethodPut, path: path("rates"), query: values("allow_older", flag(o.AllowOlder)), body: rate})
}

// Reserve sets stock aside at a supplier.
func (c *Client) Reserve(ctx context.Context, r view.Reserve) (*view.Reservation, error) {
	return post[view.Reservation](ctx, c, path("reservations"), r)
}

// Reservation is a reservation of this shop's.
func (c *Client) Reservation(ctx context.Context, id exchange.HoldID) (*view.Reservation, error) {
	return get[view.Reservation](ctx, c, path("reservations", id.String()), nil)
}

// ReservationsQuery asks for reservations.
type ReservationsQuery struct {
	Status string // "" = all; view.OpenReservations = held, or not answered
	Limit  int    // 0 = 50; at most 200
	Cursor string // view.Reservations.Next of the page before
}

// Reservations lists this shop's reservations, one page at a time. No supplier is asked.
func (c *Client) Reservations(ctx context.Context, q ReservationsQuery) (*view.Reservations, error) {
	return get[view.Reservations](ctx, c, path("reservations"), values("status", q.Status, "limit", number(q.Limit), "cursor", q.Cursor))
}

// Release gives a reservation back.
func (c *Client) Release(ctx context.Context, id exchange.HoldID) (*view.Reservation, error) {
	return as[view.Reservation](ctx, c, call{method: http.MethodDelete, path: path("reservations", id.String())})
}

// Extend moves a reservation's expiry, within the terms.
func (c *Client) Extend(ctx context.Context, id exchange.HoldID, until time.Time) (*view.Reservation, error) {
	return post[view.Reservation](ctx, c, path("reservations", id.String(), "extend"), view.Extend{Until: until})
}

// PlaceOrder orders a reservation and waits for the supplier's answer, in whole
// seconds up to 30. An order that the supplier has not answered by then is "requested".
func (c *Client) PlaceOrder(ctx context.Context, o view.PlaceOrder, wait time.Duration) (*view.Order, error) {
	return as[view.Order](ctx, c, call{
		method: http.MethodPost, path: path("orders"), body: o,
		query: url.Values{"wait": {strconv.Itoa(int(min(max(wait, 0), 30*time.Second) / time.Second))}},
	})
}

// HoldsQuery asks for what partners hold of this shop's own products.
type HoldsQuery struct {
	SKU     exchange.SKU    // "" = all
	Partner exchange.ShopID // zero = all
	Limit   int             // 0 = 50; at most 200
	Cursor  string          // view.Holds.Next of the page before
}

// Holds lists holds on this shop's stock by when they expire, one page at a time.
func (c *Client) Holds(ctx context.Context, q HoldsQuery) (*view.Holds, error) {
	return get[view.Holds](ctx, c, path("holds"), values(
		"sku", string(q.SKU), "partner", q.Partner.String(), "limit", number(q.Limit), "cursor", q.Cursor))
}

// OrdersQuery asks for orders; every condition given must hold.
type OrdersQuery struct {
	Role      string          // view.Bought or view.Sold; "" = both
	Status    string          // "" = all; view.OpenOrders = those that somebody still has to act on
	Partner   exchange.ShopID // zero = all
	Reference string          // exactly the retailer's; "" = all
	Tracking  string          // exactly a parcel's; "" = all
	SKU       exchange.SKU    // with a line of this product; "" = all
	ToShip    bool            // with units to be shipped (of SKU)
	From, To  time.Time       // placed at From or later, before To; zero = any
	Limit     int             // 0 = 50; at most 200
	Cursor    string          // view.Orders.Next of the page before
}

// Orders lists orders, one page at a time. A page may be short, even empty, while Next is set.
func (c *Client) Orders(ctx context.Context, q OrdersQuery) (*view.Orders, error) {
	return get[view.Orders](ctx, c, path("orders"), values(
		"role", q.Role, "status", q.Status, "partner", q.Partner.String(), "reference", q.Reference, "tracking", q.Tracking,
		"sku", string(q.SKU), "to_ship", flag(q.ToShip), "from", moment(q.From), "to", moment(q.To),
		"limit", number(q.Limit), "cursor", q.Cursor))
}

// moment is a time as a parameter; "" where it is zero.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// Order is one order, in either role.
func (c *Client) Order(ctx context.Context, id exchange.OrderID) (*view.Order, error) {
	return get[view.Order](ctx, c, path("orders", id.String()), nil)
}

// AcceptOrder binds this shop to ship.
func (c *Client) AcceptOrder(ctx context.Context, id exchange.OrderID) (*view.Order, error) {
	return post[view.Order](ctx, c, path("orders", id.String(), "accept"), nil)
}

// RejectOrder turns a submitted order down.
func (c *Client) RejectOrder(ctx context.Context, id exchange.OrderID, r view.Reject) (*view.Order, error) {
	return post[view.Order](ctx, c, path("orders", id.String(), "reject"), r)
}

// ShipOrder sends units on their way.
func (c *Client) ShipOrder(ctx context.Context, id exchange.OrderID, s view.Ship) (*view.Order, error) {
	return post[view.Order](ctx, c, path("orders", id.String(), "ship"), s)
}

// DeliverOrder marks units as arrived.
func (c *Client) DeliverOrder(ctx context.Context, id exchange.OrderID, d view.Deliver) (*view.Order, error) {
	return post[view.Order](ctx, c, path("orders", id.String(), "deliver"), d)
}

// CancelOrder cancels unshipped units, in either role; as retailer it waits up to 10 s
// for the supplier's answer.
func (c *Client) CancelOrder(ctx context.Context, id exchange.OrderID, r view.Cancel) (*view.Order, error) {
	return post[view.Order](ctx, c, path("orders", id.String(), "cancel"), r)
}

// Partnerships lists all partnerships.
func (c *Client) Partnerships(ctx context.Context) (*view.Partnerships, error) {
	return get[view.Partnerships](ctx, c, path("partners"), nil)
}

// Propose offers a member terms.
func (c *Client) Propose(ctx context.Context, p view.Propose) (*view.Partnerships, error) {
	return post[view.Partnerships](ctx, c, path("partners"), p)
}

// AcceptTerms puts a partner's proposal into force.
func (c *Client) AcceptTerms(ctx context.Context, partner exchange.ShopID, a view.Answer) (*view.Partnerships, error) {
	return post[view.Partnerships](ctx, c, path("partners", partner.String(), "accept"), a)
}

// DeclineTerms declines a partner's proposal, or withdraws one's own.
func (c *Client) DeclineTerms(ctx context.Context, partner exchange.ShopID, a view.Answer) (*view.Partnerships, error) {
	return post[view.Partnerships](ctx, c, path("partners", partner.String(), "decline"), a)
}

// WithdrawTerms takes back this shop's own proposals to a partner.
func (c *Client) WithdrawTerms(ctx context.Context, partner exchange.ShopID, w view.Withdraw) (*view.Partnerships, error) {
	return post[view.Partnerships](ctx, c, path("partners", partner.String(), "withdraw"), w)
}

// EndTrade ends trade with a partner, where it has not ended.
func (c *Client) EndTrade(ctx context.Context, partner exchange.ShopID, e view.End) (*view.Partnerships, error) {
	return post[view.Partnerships](ctx, c, path("partners", partner.String(), "end"), e)
}

// OpenAPI is the API's own description, as JSON.
func (c *Client) OpenAPI(ctx context.Context) ([]byte, error) {
	in := call{method: http.MethodGet, path: path("openapi.json")}
	res, err := c.send(ctx, in)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, unknown(in, err)
	}
	return b, nil
}
