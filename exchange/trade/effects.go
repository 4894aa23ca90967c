package trade

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/event"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/partnership"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// What follows a durable batch, as values. An event.Event is one more: watchers are told.
type (
	// requestQueued: a signed request waits in the outbox for a supplier.
	requestQueued struct{ supplier exchange.ShopID }
	// entryAppended: an entry waits for its retailer; inAnswer where the answer to the
	// retailer's request carries it.
	entryAppended struct {
		ledger   ledger.ID
		inAnswer bool
	}
	// ledgerChanged: the durable record of a ledger is now this.
	ledgerChanged struct {
		ledger ledger.ID
		record *record.Ledger
	}
	// headCountersigned: the retailer has the ledger up to acked; it ends at head.
	headCountersigned struct {
		ledger      ledger.ID
		acked, head uint64
	}
	// partnershipChanged: the partnership of a ledger is now this.
	partnershipChanged struct {
		ledger  ledger.ID
		record  record.Partnership
		effects partnership.Effects
	}
	// termsEnded: the holds made under a version of the terms and earlier ones are to be
	// released.
	termsEnded struct {
		ledger  ledger.ID
		version uint32
	}
	// holdsReleased: of the holds of an ended version none is left before from, or none at
	// all where that is nil.
	holdsReleased struct {
		ledger  ledger.ID
		version uint32
		from    []byte
	}
	// indexScanned: an expiry index has nothing before to.
	indexScanned struct {
		index *expiryIndex
		to    exchange.Time
	}
	// holdChanged: a hold was placed, released or expired here.
	holdChanged struct {
		retailer exchange.ShopID
		id       exchange.HoldID
		hold     hold.Hold
	}
	// orderChanged: an order is now this; cancelled is what the change took off the amount
	// due of an accepted one.
	orderChanged struct {
		order     *record.Order
		partner   exchange.ShopID
		side      exchange.Party // this shop's
		cancelled int64
	}
	// reservationRecorded: a reservation's record is durable.
	reservationRecorded struct{ reservation *record.Reservation }
	// reservationOrdered: a reservation became an order.
	reservationOrdered struct{ id exchange.HoldID }
)

// Apply does an effect of a batch that was made durable at the writer's time at; it reports
// whether the effect is trade's.
func (t *Trade) Apply(at exchange.Time, e writer.Effect) bool {
	switch e := e.(type) {
	case requestQueued:
		t.Ledgers.sender.queued(e.supplier)
	case entryAppended:
		t.Ledgers.sender.appended(e.ledger, e.inAnswer)
	case ledgerChanged:
		t.Ledgers.ends.set(e.ledger, e.record)
	case headCountersigned:
		t.Ledgers.sender.acknowledged(e.ledger, e.acked, e.head)
	case partnershipChanged:
		t.Partnerships.changed(at, e)
	case termsEnded:
		t.Supplier.end(e.ledger, e.version)
	case holdsReleased:
		t.Supplier.releasedUntil(e.ledger, e.version, e.from)
	case indexScanned:
		e.index.from = max(e.index.from, e.to)
	case holdChanged:
		t.Supplier.events.Hold(at, e.retailer, exchange.Supplier, e.hold.State.String(), e.id, e.hold.Lines)
	case orderChanged:
		t.Orders.notify(at, e)
	case reservationRecorded:
		t.Retailer.notices.note(e.reservation)
	case reservationOrdered:
		t.Retailer.pending.drop(e.id)
	case event.Event:
		t.Ledgers.events.Notify(e)
	default:
		return false
	}
	return true
}
