package testnet_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/exchangetest"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/exchange/shelf"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/testnet"
)

// What shops of a town do, and what a test waits for.

// partner makes retailer a partner of supplier.
func (w *town) partner(supplier, retailer *shop) {
	w.t.Helper()
	if err := testnet.Partner(w.ctx(), supplier.Shop, retailer.Shop, exchange.DefaultTerms("EUR")); err != nil {
		w.t.Fatalf("%s to %s: %v", supplier.name, retailer.name, err)
	}
	w.ready(supplier, retailer)
}

// ready waits until retailer may place holds at supplier: it is connected, and was told
// the window of the day.
func (w *town) ready(supplier, retailer *shop) {
	w.t.Helper()
	w.wait(time.Minute, retailer.name+" may place holds at "+supplier.name, func() bool {
		_, ready := retailer.Desk().Retailer.Window(supplier.id)
		return ready && retailer.Net().Connected(supplier.id)
	})
}

// sku names the i-th product of any shop.
func sku(i int) exchange.SKU { return exchange.SKU(fmt.Sprintf("SHOE-%03d", i)) }

// stock imports products SHOE-000 … with so many units of each.
func (s *shop) stock(products int, units int64) {
	s.town.t.Helper()
	var items []shelf.Item
	for i := range products {
		items = append(items, shelf.Item{
			Product: exchange.Product{
				SKU: sku(i), Title: fmt.Sprintf("Running shoe %d of %s", i, s.name),
				Price: exchange.Money{Minor: 4990 + int64(i), Currency: "EUR"},
			},
			Stock: shelf.Figure{Set: true, Units: units},
		})
	}
	for chunk := range slices.Chunk(items, shelf.ImportChunk) {
		if _, err := s.Desk().Shelf.Import(s.town.ctx(), shelf.Statement{}, chunk); err != nil {
			s.town.t.Fatal(err)
		}
	}
}

// setStock counts a shelf.
func (s *shop) setStock(k exchange.SKU, units int64) {
	s.town.t.Helper()
	if _, err := s.Desk().Shelf.SetStock(s.town.ctx(), k, units, false); err != nil {
		s.town.t.Fatal(err)
	}
}

// seen is what s's copy of supplier's catalog says is available of a product; ok is
// false where it shows none.
func (s *shop) seen(supplier *shop, k exchange.SKU) (units int64, ok bool) {
	found, err := s.Product(context.Background(), exchange.ProductID{Shop: supplier.id, SKU: k})
	if err != nil {
		return 0, false
	}
	return found.Product.Available.Units, true
}

// sees waits until s's copy of supplier's catalog says that so many units are available.
func (w *town) sees(s, supplier *shop, k exchange.SKU, units int64) time.Duration {
	w.t.Helper()
	return w.wait(5*time.Second, fmt.Sprintf("%s sees %d of %s", s.name, units, k), func() bool {
		n, ok := s.seen(supplier, k)
		return ok && n == units
	})
}

// equal reports whether s's copy of supplier's catalog is proven equal to the
// supplier's own copy.
func (s *shop) equal(supplier *shop) bool {
	own, ok := supplier.Replicas().Status(supplier.id)
	copied, also := s.Replicas().Status(supplier.id)
	return ok && also && own.Proven && copied.Proven && own.Head.Count > 0 &&
		own.Head.Digest == copied.Head.Digest && own.Head.Sequence == copied.Head.Sequence
}

var shipTo = exchange.Delivery{ShipTo: exchange.ShipTo{Name: "Ada", Lines: []string{"Main street 1"}, City: "Lund", PostalCode: "22100", Country: "SE"}}

// reserve holds units of a supplier's product.
func (s *shop) reserve(supplier *shop, k exchange.SKU, units exchange.Quantity) (*trade.Reservation, error) {
	return s.Desk().Retailer.Reserve(s.town.ctx(), trade.ReserveRequest{
		Supplier: supplier.id, Lines: exchangetest.Lines(exchange.Line{SKU: k, Quantity: units}), Country: "SE",
	})
}

// order buys units of a supplier's product and returns the order's id.
func (s *shop) order(supplier *shop, k exchange.SKU, units exchange.Quantity) exchange.OrderID {
	s.town.t.Helper()
	res, err := s.reserve(supplier, k, units)
	if err != nil {
		s.town.t.Fatalf("%s reserves at %s: %v", s.name, supplier.name, err)
	}
	rec, err := s.Desk().Retailer.PlaceOrder(s.town.ctx(), res.Request.ID, shipTo)
	if err != nil {
		s.town.t.Fatalf("%s orders at %s: %v", s.name, supplier.name, err)
	}
	return rec.ID
}

// status is an order's, as s has it in the given role; "" where it has none.
func (s *shop) status(side exchange.Party, id exchange.OrderID) string {
	rec, err := s.Desk().Orders.Find(side, id)
	if err != nil {
		return ""
	}
	if rec.Refusal != exchange.CodeOK && rec.Order.Submitted == 0 {
		return "refused: " + rec.Refusal.String()
	}
	return rec.Order.Status().String()
}

// bought waits until s knows that its order has a status.
func (w *town) bought(limit time.Duration, s *shop, id exchange.OrderID, status string) time.Duration {
	w.t.Helper()
	return w.wait(limit, fmt.Sprintf("%s sees its order %s", s.name, status), func() bool { return s.status(exchange.Retailer, id) == status })
}

// quiet waits until neither of two shops owes the other anything.
func (w *town) quiet(limit time.Duration, a, b *shop) {
	w.t.Helper()
	w.wait(limit, a.name+" and "+b.name+" owe each other nothing", func() bool {
		return settled(a, b) && settled(b, a)
	})
}

func settled(supplier, retailer *shop) bool {
	s, err := supplier.Desk().Partnerships.Get(retailer.id, exchange.Supplier)
	if err != nil {
		return false
	}
	r, err := retailer.Desk().Partnerships.Get(supplier.id, exchange.Retailer)
	return err == nil && s.Position == r.Position && s.Hash == r.Hash && s.Acked == s.Position && r.Waiting == 0
}

// everKnown verifies with the key of everybody who ever joined: what a shop signed
// while it was a member stays signed (invariant I8).
type everKnown struct{ list *roster.Roster }

func (k everKnown) Key(shop exchange.ShopID) (ed25519.PublicKey, bool) {
	m, ok := k.list.Member(shop)
	return m.Key, ok
}

// booksOf reads and checks the store of a shop.
func booksOf(w *town, s *shop) *audit.Books {
	w.t.Helper()
	list, err := roster.Open(roster.Config{Store: s.disks.Store, Federation: w.fed, Clock: w.clock})
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := audit.Shop(s.id, s.disks.Store, protocol.Codec{}, protocol.NewVerifier(w.fed.Origin, everKnown{list}))
	if err != nil {
		w.t.Errorf("%s: %v", s.name, err)
	}
	return b
}

// audit stops the shops and checks invariants I1 to I9 on their stores, of each
// and between any two of them.
func (w *town) audit(shops ...*shop) {
	w.t.Helper()
	var books []*audit.Books
	for _, s := range shops {
		s.stop()
		books = append(books, booksOf(w, s))
	}
	for i, a := range books {
		for _, b := range books[:i] {
			if err := audit.Healed(a, b); err != nil {
				w.t.Error(err)
			}
		}
	}
}
