package testnet

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/audit"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/store"
)

// storeFolder is a shop's synced store in its folder (package node).
const storeFolder = "db"

// books reads a stopped shop's store and nothing else: the verifier's keys are those
// of the member list in it. The books come with what is wrong in themselves.
func (s *shopProcess) books() (*audit.Books, error) {
	db, err := store.ReadOnly(filepath.Join(s.dir, storeFolder))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	fed, ok, err := roster.Stored(db)
	if err != nil || !ok {
		return nil, errors.Join(err, errors.New("there is no member list in the store"))
	}
	list, err := roster.Open(roster.Config{Store: db, Federation: fed, Clock: Clock{}})
	if err != nil {
		return nil, err
	}
	return audit.Shop(s.id, db, protocol.Codec{}, protocol.NewVerifier(fed.Origin, list))
}

// judgeDead judges a shop's books as a kill has left them, before it may mend
// anything.
func (c *crash) judgeDead(number int, s *shopProcess) {
	c.t.Helper()
	if _, err := s.books(); err != nil {
		c.t.Fatalf("round %d: the books of %s as the kill left them: %v", number, s.name, err)
	}
}

// judgeAll ends all shops, in half of the rounds by another kill, judges all books,
// and starts the shops again.
func (c *crash) judgeAll(number int) {
	c.t.Helper()
	gently := c.random.IntN(2) == 0
	for _, s := range c.net.shops {
		if gently {
			s.interrupt()
		} else {
			c.must("the kill", s.kill())
		}
	}
	for _, s := range c.net.shops {
		c.must("the stop", s.stop())
	}
	sold, err := c.supplier.books()
	if err != nil {
		c.t.Fatalf("round %d: the supplier's books: %v", number, err)
	}
	faults := []error{c.packer.judge(c.buyers, sold), c.till.judge(sold), c.listeners[0].judge(sold)}
	c.lastBooks = map[*buyer]*audit.Books{}
	var bought int64
	for i, b := range c.buyers {
		books, err := b.shop.books()
		if err != nil {
			c.t.Fatalf("round %d: the books of %s: %v", number, b.shop.name, err)
		}
		faults = append(faults, audit.HealedAt(sold, books, b.settledAt), b.judge(sold, books), c.listeners[i+1].judge(books))
		bought += unitsBought(books)
		c.lastBooks[b] = books
	}
	faults = append(faults, c.judgeStock(sold, bought))
	if err := errors.Join(faults...); err != nil {
		c.t.Fatalf("round %d: %v", number, err)
	}
	c.lastSold, c.lastBought = sold, bought
	c.restart(number, c.net.shops)
}

// judgesSee spoils the last books and has the judges find it: silence of a blind judge
// proves nothing.
func (c *crash) judgesSee() {
	b := slices.MaxFunc(c.buyers, func(a, b *buyer) int { return len(a.ordered) - len(b.ordered) })
	sold, bought := c.lastSold, c.lastBooks[b]
	if c.shelved = c.lastBought - 1; c.judgeStock(sold, c.lastBought) == nil {
		c.t.Error("nobody sees one unit sold too many")
	}
	for id := range b.placed {
		delete(sold.Sales, audit.Key{Partner: b.shop.id, ID: id})
	}
	if err := b.judge(sold, bought); !errors.Is(err, errLost) {
		c.t.Errorf("nobody sees the supplier's lost orders: %v", err)
	}
	if audit.Healed(sold, bought) == nil {
		c.t.Error("the audit does not see the supplier's lost orders")
	}
	for id := range b.held {
		delete(sold.Holds, audit.Key{Partner: b.shop.id, ID: id})
	}
	if err := b.judge(sold, bought); !errors.Is(err, errLost) {
		c.t.Errorf("nobody sees lost reservations: %v", err)
	}
}

// unitsBought counts the scarce product in a retailer's own orders.
func unitsBought(b *audit.Books) (units int64) {
	for _, o := range b.Purchases {
		for _, l := range o.Order.Lines {
			if l.SKU == scarce {
				units += l.Ordered - l.Cancelled
			}
		}
	}
	return units
}

// judgeStock compares what the retailers bought with what was ever on the shelf: no
// count of the supplier's is trusted in it.
func (c *crash) judgeStock(sold *audit.Books, bought int64) error {
	var errs []error
	own, left := unitsSoldHere(sold)
	if bought+own > c.shelved {
		errs = append(errs, fmt.Errorf("oversold: %d units were on the shelf, %d are bought, and %d were sold at own channels", c.shelved, bought, own))
	}
	if s := sold.Stock[exchange.OwnStock(scarce)]; s.Sold != bought+own-left {
		errs = append(errs, fmt.Errorf("the supplier has sold %d units, the retailers bought %d, and own channels sold %d that wait", s.Sold, bought, own-left))
	}
	if short := sold.Shortfalls(); len(short) > 0 {
		errs = append(errs, fmt.Errorf("the supplier is short of %v", short))
	}
	return errors.Join(errs...)
}

// judge looks for everything that was answered to consumers in both shops' books
// (I4), at the price that was quoted (I7).
func (b *buyer) judge(sold, bought *audit.Books) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	lost := func(what string, id exchange.HoldID) {
		errs = append(errs, fmt.Errorf("%s: %s %v %w", b.shop.name, what, id, errLost))
	}
	for id, r := range b.held {
		h := sold.Holds[audit.Key{Partner: b.shop.id, ID: id}]
		if h == nil || !sameLines(h.Hold.Lines, r.Lines) {
			lost("reservation", id)
		}
	}
	for id := range b.released {
		if h := sold.Holds[audit.Key{Partner: b.shop.id, ID: id}]; h == nil || h.Hold.State != hold.Released {
			lost("the release of", id)
		}
	}
	for id := range b.cancelled {
		o := sold.Sales[audit.Key{Partner: b.shop.id, ID: id}]
		if o == nil || o.Order.Status() != order.Cancelled {
			lost("the cancellation of order", id)
		}
	}
	for id := range b.placed {
		o := bought.Purchases[audit.Key{Partner: b.supplier, ID: id}]
		switch {
		case o == nil:
			lost("order", id)
		case b.ordered[id] && (o.Order.Submitted == 0 || sold.Sales[audit.Key{Partner: b.shop.id, ID: id}] == nil):
			lost("the supplier's answer to order", id)
		case b.held[id] != nil && o.Quote.Total != b.held[id].Quote.Total.Minor:
			errs = append(errs, fmt.Errorf("order %v costs %d, %d was quoted", id, o.Quote.Total, b.held[id].Quote.Total.Minor))
		}
	}
	return errors.Join(errs...)
}

func sameLines(held exchange.Lines, asked []view.ReserveLine) bool {
	if held.Len() != len(asked) {
		return false
	}
	want := map[exchange.SKU]exchange.Quantity{}
	for _, l := range asked {
		want[l.Product.SKU] = exchange.Quantity(l.Quantity)
	}
	for _, l := range held.All() {
		if want[l.SKU] != l.Quantity {
			return false
		}
	}
	return true
}

// judge looks for every shipment that was answered.
func (p *packer) judge(buyers []*buyer, sold *audit.Books) error {
	var errs []error
	for id, units := range p.shipped {
		var found int64
		for _, b := range buyers {
			if o := sold.Sales[audit.Key{Partner: b.shop.id, ID: id}]; o != nil {
				for _, l := range o.Order.Lines {
					found += l.Shipped
				}
			}
		}
		if found < units {
			errs = append(errs, fmt.Errorf("order %v: %d units were shipped, the books say %d", id, units, found))
		}
	}
	return errors.Join(errs...)
}
