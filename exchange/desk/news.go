package desk

import (
	"slices"
	"sync"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
)

// What happens to holds and to the shop's own stock: a hot product does both
// thousands of times a second, so watchers are told of it together. So they are of this
// shop's own reservations that expire (lapse.go).

const (
	// newsEvery is how long news is collected: as long as the publisher waits.
	newsEvery = 100 * time.Millisecond
	// maxNews bounds the hold events of one telling, to a quarter of what a watcher
	// may fall behind: 640 a second.
	maxNews = watchBuffer / 4
	// maxNewsProducts is how many products one event names: a reservation's lines.
	maxNewsProducts = exchange.MaxLines
)

// news is what watchers have not been told yet.
type news struct {
	mu      sync.Mutex
	holds   map[holdNews]*Event
	stock   map[exchange.SKU]bool
	waiting bool // a telling is on its way
}

// holdNews is what the holds of one event have in common. Beyond maxNews the other shop
// is left out.
type holdNews struct {
	shop  exchange.ShopID
	side  exchange.Party // ours
	state hold.State
}

// holdChanged follows a hold that was placed, released or expired at this shop. Writer's
// turn only.
func (d *Desk) holdChanged(retailer exchange.ShopID, id exchange.HoldID, h *hold.Hold) {
	d.holdNews(holdNews{retailer, exchange.Supplier, h.State}, id, h.Lines, d.meta.Written)
}

// ownHoldExpired follows a reservation of this shop's whose time has passed by its clock.
func (d *Desk) ownHoldExpired(rec *record.Reservation, now exchange.Time) {
	d.holdNews(holdNews{rec.Supplier, exchange.Retailer, hold.Expired}, rec.Request.ID, rec.Request.Lines, now)
}

func (d *Desk) holdNews(of holdNews, id exchange.HoldID, lines []exchange.Line, at exchange.Time) {
	n := &d.news
	n.mu.Lock()
	if n.holds == nil {
		n.holds = make(map[holdNews]*Event)
	}
	if n.holds[of] == nil && len(n.holds) >= maxNews {
		of.shop = exchange.ShopID{}
	}
	e := n.holds[of]
	if e == nil {
		e = &Event{Type: EventHold, Shop: of.shop, Side: of.side, Hold: id, Status: of.state.String()}
		n.holds[of] = e
	}
	e.At = at
	if e.Count++; e.Count > 1 {
		e.Hold = exchange.HoldID{}
	}
	if of.side == exchange.Supplier || !of.shop.IsZero() { // several suppliers' products are not summed up
		addLines(e, lines)
	}
	d.tellSoon() // unlocks
}

// addLines sums lines up by product; an event that would name too many names none.
func addLines(e *Event, lines []exchange.Line) {
	if e.Count > 1 && len(e.Lines) == 0 {
		return
	}
	for _, l := range lines {
		i := slices.IndexFunc(e.Lines, func(of exchange.Line) bool { return of.SKU == l.SKU })
		switch {
		case i >= 0:
			e.Lines[i].Quantity += l.Quantity
		case len(e.Lines) == maxNewsProducts:
			e.Lines = nil
			return
		default:
			e.Lines = append(e.Lines, l)
		}
	}
}

// stockChanged follows a change of a product's counts.
func (d *Desk) stockChanged(sku exchange.SKU) {
	n := &d.news
	n.mu.Lock()
	if n.stock == nil {
		n.stock = make(map[exchange.SKU]bool)
	}
	if len(n.stock) <= maxNewsProducts { // one more says that there are too many
		n.stock[sku] = true
	}
	d.tellSoon()
}

// tellSoon has the news told, and unlocks it. A desk that runs inline tells at once.
func (d *Desk) tellSoon() {
	n := &d.news
	first := !n.waiting
	n.waiting = true
	n.mu.Unlock()
	switch {
	case d.inline:
		d.tellNews()
	case first:
		time.AfterFunc(newsEvery, d.tellNews)
	}
}

func (d *Desk) tellNews() {
	n := &d.news
	n.mu.Lock()
	holds, stock := n.holds, n.stock
	n.holds, n.stock, n.waiting = nil, nil, false
	n.mu.Unlock()
	for _, e := range holds {
		d.watch.notify(*e)
	}
	if len(stock) == 0 {
		return
	}
	e := Event{Type: EventStock, At: d.clock.Now(), Side: exchange.Supplier}
	if len(stock) <= maxNewsProducts {
		for sku := range stock {
			e.SKUs = append(e.SKUs, sku)
		}
		slices.Sort(e.SKUs)
	}
	d.watch.notify(e)
}
