package trade

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/exchange/writer"
)

// Effects: values that say what follows a durable batch. An event.Event is an effect too, which
// the event log keeps and watchers are told.
type (
	// requestQueued: a signed request was put into the outbox for a supplier.
	requestQueued struct{ supplier exchange.ShopID }
	// entryAppended: an entry is to go to the ledger's retailer. inAnswer says that the answer
	// to the retailer's request carries it.
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
		ledger ledger.ID
		record record.Partnership
	}
	// termsEnded: the holds made under a version of the terms and earlier ones are to be
	// released.
	termsEnded struct {
		ledger  ledger.ID
		version uint32
	}
	// holdsReleased: no hold of an ended version has a key before from; where from is nil, no
	// hold of it is left.
	holdsReleased struct {
		ledger  ledger.ID
		version uint32
		from    []byte
	}
	// indexScanned: an expiry index has no item before to.
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
	// reservationRecorded: a reservation's record is durable.
	reservationRecorded struct{ reservation *record.Reservation }
	// reservationOrdered: a reservation became an order.
	reservationOrdered struct{ id exchange.HoldID }
)

// Apply carries out an effect of a batch that was committed at the writer's time at. It
// reports whether the effect is one of this package.
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
		t.Partnerships.view.set(e.ledger, viewOf(&e.record))
	case termsEnded:
		t.Supplier.end(e.ledger, e.version)
	case holdsReleased:
		t.Supplier.releasedUntil(e.ledger, e.version, e.from)
	case indexScanned:
		e.index.from = max(e.index.from, e.to)
	case holdChanged:
		t.Supplier.events.Hold(at, e.retailer, exchange.Supplier, e.hold.State.String(), e.id, e.hold.Lines)
	case reservationRecorded:
		t.Retailer.notices.note(e.reservation)
	case reservationOrdered:
		t.Retailer.pending.drop(e.id)
	case holdRecalled:
		t.Ledgers.sender.tell(e.retailer, e.answer.Bytes())
	case reservationEnded:
		r := e.reservation
		t.Retailer.events.Hold(at, r.Supplier, exchange.Retailer, r.State.String(), r.Request.ID, r.Request.Lines)
	default:
		return t.Baskets.applied(e) || t.Bridged.apply(e)
	}
	return true
}
