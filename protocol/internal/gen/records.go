package gen

import (
	"time"

	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/partnership"
	"github.com/souk-market/souk/exchange/record"
)

func productRecord(s source) message.Value {
	v := &record.Product{
		Product: s.product(), Imported: s.time(), Removed: s.flag(),
		FileStock: record.FileStock{Set: s.flag(), Unlimited: s.flag(), Units: s.amount()},
	}
	if s.first {
		return v
	}
	v.Took, v.Succeeded = s.flag(), s.flag()
	v.Withdrawn, v.Left, v.Source, v.ID, v.Group = s.text(), s.time(), s.text(), s.text(), s.text()
	if s.flag() {
		v.Pool = s.stockID()
		v.Sale = &record.Sale{Regular: s.amount(), CompareAt: s.amount(), Price: s.amount(), From: s.time(), To: s.time()}
	}
	return v
}

func movement(s source) message.Value {
	return &record.Movement{
		Cause: record.Cause(s.small()), Units: -s.amount(), At: s.time(), Ordered: s.time(), Partner: s.shop(), Order: s.holdID(),
		Source: s.text(), SKU: s.sku(), Net: -s.amount(),
	}
}

func reading(s source) message.Value {
	return &record.Reading{
		Source: s.text(), Set: s.flag(), Unlimited: s.flag(), Units: -s.amount(), Low: s.time(), High: s.time(), Counted: s.time(), CountedBy: -s.amount(), Owed: s.amount(),
		Behind: list(s, 3, s.stockID),
	}
}

func toldLine(s source) message.Value {
	return &record.ToldLine{At: s.time(), Content: s.hash(), Contained: s.flag()}
}

func intent(s source) message.Value {
	return &record.Intent{At: s.time(), Done: uint32(s.small()), Lines: list(s, 3, func() record.IntentLine {
		l := record.IntentLine{
			SKU: s.sku(), Cause: record.Cause(s.small()), Units: s.amount(), At: s.time(), Ago: time.Duration(s.upTo(1e6)) * time.Millisecond,
			Now: s.flag(), ID: s.text(), Channel: s.text(), Reference: s.text(), Note: s.text(),
		}
		if s.flag() {
			l.Revision = new(s.number())
		}
		return l
	})}
}

func sourceRecord(s source) message.Value {
	return &record.Source{
		Name: s.text(), Figure: record.Figure(s.small()), BookedWithin: time.Duration(s.upTo(1e6)) * time.Millisecond, Columns: s.text(),
		Locations: list(s, 3, s.text), QualifySKU: s.flag(), Low: s.time(), High: s.time(), Ended: s.time(),
		ClockSlack: time.Duration(s.upTo(1e6)) * time.Millisecond,
		Files: list(s, 3, func() record.SourceFile {
			return record.SourceFile{Digest: s.hash(), Low: s.time(), High: s.time()}
		}),
	}
}

func stockRecord(s source) message.Value {
	v := &record.Stock{Stock: hold.Stock{
		Unlimited: s.flag(), Stocked: -s.amount(), Held: s.amount(), Sold: s.amount(), Shipped: s.amount(),
	}}
	if !s.first {
		v.Stock.Missing, v.Stock.Revision, v.Moves, v.Shared = s.amount(), s.number(), s.number(), s.flag()
		v.Pruned = s.number()
	}
	return v
}

func holdRecord(s source) message.Value {
	v := &record.Hold{
		Retailer: s.shop(),
		Hold:     hold.Hold{State: s.state(), Issued: s.time(), Expires: s.time(), Ended: s.time(), Refusal: s.code()},
		Terms:    s.small(), Placed: s.optional(), Latest: s.optional(),
	}
	if s.flag() {
		v.Request, v.LatestRequest, v.Hold.Lines = s.hash(), s.hash(), s.lines()
		if !s.first {
			v.Hold.From = list(s, 3, s.stockID)
		}
	}
	return v
}

func orderRecord(s source) message.Value {
	v := &record.Order{
		ID: s.holdID(), Quote: s.quote(), ShipToHash: s.hash(), First: s.number(), Last: s.number(),
		Reason: s.text(), Requested: s.time(), Refusal: s.code(), Detail: s.text(), CancelAt: s.time(),
		Order: order.Order{
			Cancel: s.cancel(), Submitted: s.time(), AcceptBy: s.time(), Accepted: s.time(), Closed: s.time(),
			Rejected: s.flag(), Expired: s.flag(),
			Lines: list(s, 3, func() order.Line {
				return order.Line{SKU: s.sku(), Ordered: s.amount(), Shipped: s.amount(), Delivered: s.amount(), Cancelled: s.amount()}
			}),
		},
		Parcels: list(s, 3, func() record.Parcel {
			return record.Parcel{At: s.time(), Lines: s.units(), Carrier: s.text(), Tracking: s.text()}
		}),
	}
	v.Supplier, v.Retailer = s.parties()
	if s.flag() {
		v.Cancelled, v.CancelledBy = s.time(), s.party()
		if !s.first {
			v.From = list(s, 3, s.stockID)
		}
	}
	return v
}

func ledgerRecord(s source) message.Value {
	v := &record.Ledger{
		Chain: ledger.Chain{
			Position: s.number(), Hash: s.hash(), At: s.time(), Answered: s.number(), Acked: s.number(), Frozen: s.flag(),
		},
		Queued: s.number(), OpenHeld: s.amount(), OpenUnshipped: s.amount(),
	}
	v.Chain.Supplier, v.Chain.Retailer = s.parties()
	if s.flag() {
		v.AckedHead = message.SignedHead{Payload: s.blob(), Signature: s.signature()}
	}
	return v
}

func partnershipRecord(s source) message.Value {
	v := &record.Partnership{Ending: s.flag(), Queued: s.text(), Refusal: s.code(), Detail: s.text()}
	if s.flag() {
		v.State = partnership.State{
			Version: s.small(), Terms: s.terms(), Active: s.flag(), Since: s.time(), Ended: s.time(), EndedBy: s.party(),
		}
	}
	if s.flag() {
		v.State.Open = partnership.Proposal{Hash: s.hash(), By: s.party(), Terms: s.terms(), At: s.time()}
	} else if s.flag() {
		v.State.Declined = partnership.Declined{Hash: s.hash(), Of: s.party(), By: s.party(), At: s.time()}
	}
	if s.flag() {
		v.State.EndReason, v.EndingAt, v.EndingReason, v.QueuedNumber = s.text(), s.time(), s.text(), s.number()
	}
	if s.flag() {
		v.EndNumber, v.WithdrawnTo, v.Withdrawn = s.number(), s.number(), s.hash()
	}
	return v
}

func outboxRecord(s source) message.Value {
	v := &record.Outbox{Number: s.positive(), Signed: s.signed()}
	if s.flag() {
		v.Salt, v.ShipTo = s.salt(), s.blob()
	}
	return v
}

func reservationRecord(s source) message.Value {
	return &record.Reservation{
		Supplier: s.shop(), Request: s.holdRequest(), Raw: s.blob(), State: s.state(), Answer: s.optional(),
		Refusal: s.code(), Detail: s.text(), Created: s.time(), Expires: s.time(),
	}
}

func evidenceRecord(s source) message.Value {
	v := &record.Evidence{Position: s.positive(), Ours: s.optional(), Theirs: s.blob(), Why: s.text(), At: s.time()}
	v.Supplier, v.Retailer = s.parties()
	return v
}

func feedMeta(s source) message.Value {
	return &record.Feed{
		Epoch: s.number(), Sequence: s.number(), Count: s.number(), Floor: s.number(), Tombstones: s.number(),
		Key: s.feedKey(), Head: s.signedFeed(),
	}
}

func replicaMeta(s source) message.Value {
	return &record.Replica{
		Shop: s.shop(), Head: s.signedFeed(), Epoch: s.number(), At: s.number(), Key: s.feedKey(), Refreshed: s.time(),
	}
}

func meta(s source) message.Value {
	v := &record.Meta{Written: s.time(), Stopped: s.text()}
	if !s.first {
		v.Journaled = s.time()
	}
	return v
}
