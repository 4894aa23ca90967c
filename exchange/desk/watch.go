package desk

import (
	"sync"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
)

// EventType says what happened.
type EventType string

const (
	EventHold        EventType = "hold"        // holds were placed, released or expired here, as supplier; own ones expired, as retailer
	EventStock       EventType = "stock"       // the counts of own products changed
	EventOrder       EventType = "order"       // an order changed, at either side
	EventPartnership EventType = "partnership" // a proposal, terms or an end
	EventCatalog     EventType = "catalog"     // a partner's catalog or ours changed
	EventFrozen      EventType = "frozen"      // a ledger was frozen as evidence
	EventStopped     EventType = "stopped"     // selling was stopped
	EventGreet       EventType = "greet"       // the partner should be greeted again; internal
)

// Event tells a watcher that something changed; the details are read where they
// are kept, so that a watcher that missed events has missed nothing.
type Event struct {
	Type  EventType
	At    exchange.Time
	Shop  exchange.ShopID // the partner
	Side  exchange.Party  // ours
	Order exchange.OrderID
	// Status is an order's, as its machine calls it, or a partnership's (its record's
	// Status); of either "refused" where the supplier refused a request of this shop's.
	Status string
	Detail string // a reason for people: of a refusal, of an end
	// By is which side did what EventPartnership tells of; 0 where neither is named.
	By exchange.Party
	// Due is what is owed for the order as it stands, and Cancelled what this change
	// took off the amount due of an accepted one; minor units.
	Due       int64
	Cancelled int64
	Currency  exchange.Currency
	// Of EventHold: how many holds, the one where it is one, and their lines summed up
	// by product. Where they are of more than MaxLines products there are none; Shop is
	// zero where they are of more shops than an event each is spent on. No Count says that
	// some may have expired that are not counted.
	Count int
	Hold  exchange.HoldID
	Lines []exchange.Line
	// SKUs are the products of EventStock; none where there are more than MaxLines.
	SKUs []exchange.SKU
}

// watchers hand out events. A watcher that does not keep up loses the oldest.
type watchers struct {
	mu   sync.Mutex
	next int
	list map[int]chan Event
}

// watchBuffer is how far a watcher may fall behind.
const watchBuffer = 256

// Watch returns a channel of events from now on, and a function that ends it.
func (d *Desk) Watch() (<-chan Event, func()) {
	w := &d.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.list == nil {
		w.list = make(map[int]chan Event)
	}
	id := w.next
	w.next++
	ch := make(chan Event, watchBuffer)
	w.list[id] = ch
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.list, id)
	}
}

// CatalogChanged tells the watchers that this shop's copy of a catalog, a
// supplier's or its own, is proven equal to a newer head.
func (d *Desk) CatalogChanged(shop exchange.ShopID) {
	d.watch.notify(Event{Type: EventCatalog, At: d.clock.Now(), Shop: shop})
}

// notify never blocks: it drops the oldest event of a full watcher.
func (w *watchers) notify(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.list {
		for {
			select {
			case ch <- e:
			default:
				select {
				case <-ch:
				default:
				}
				continue
			}
			break
		}
	}
}

// orderChanged follows a durable change of an order that took off so much of the
// amount due.
func (d *Desk) orderChanged(rec *record.Order, partner exchange.ShopID, side exchange.Party, off int64) {
	status := rec.Order.Status().String()
	if rec.Refusal != exchange.CodeOK && rec.Order.Submitted == 0 {
		status = "refused"
	}
	d.watch.notify(Event{
		Type: EventOrder, At: d.meta.Written, Shop: partner, Side: side, Order: rec.ID, Status: status,
		Detail: rec.Detail, Due: rec.Due(), Cancelled: off, Currency: rec.Quote.Currency,
	})
}
