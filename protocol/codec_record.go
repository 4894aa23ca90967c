package protocol

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/exchange/partnership"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol/pb"
)

func holdRecordToPB(v *record.Hold) *pb.HoldRecord {
	h := &v.Hold
	m := &pb.HoldRecord{
		Retailer: raw(v.Retailer[:]), State: pb.HoldState(h.State), Lines: linesToPB(h.Lines),
		IssuedMs: int64(h.Issued), ExpiresMs: int64(h.Expires), EndedMs: int64(h.Ended),
		Refusal: pb.Code(h.Refusal), Request: raw(v.Request[:]), Terms: v.Terms,
		Placed: v.Placed, Latest: v.Latest, LatestRequest: raw(v.LatestRequest[:]), From: stockIDsToPB(h.From),
		Counted: v.Counted, DeadlineMs: int64(h.Deadline),
	}
	if v.Own != nil {
		m.Own = quoteToPB(v.Own)
	}
	return m
}

func holdRecordFromPB(f *fields, m *pb.HoldRecord) *record.Hold {
	v := &record.Hold{
		Hold: hold.Hold{
			State: hold.State(m.State), Lines: f.lines(m.Lines), From: stockIDsFromPB(m.From), Issued: exchange.Time(m.IssuedMs),
			Expires: exchange.Time(m.ExpiresMs), Ended: exchange.Time(m.EndedMs), Refusal: exchange.Code(m.Refusal),
			Deadline: exchange.Time(m.DeadlineMs),
		},
		Terms: m.Terms, Placed: m.Placed, Latest: m.Latest, Own: f.quote(m.Own), Counted: m.Counted,
	}
	f.fixed("retailer", v.Retailer[:], m.Retailer)
	f.fixed("request", v.Request[:], m.Request)
	f.fixed("latest request", v.LatestRequest[:], m.LatestRequest)
	return v
}

func orderRecordToPB(v *record.Order) *pb.OrderRecord {
	o := &v.Order
	m := &pb.OrderRecord{
		Id: raw(v.ID[:]), Supplier: raw(v.Supplier[:]), Retailer: raw(v.Retailer[:]),
		Cancel: pb.CancelRule(o.Cancel), SubmittedMs: int64(o.Submitted), AcceptByMs: int64(o.AcceptBy),
		AcceptedMs: int64(o.Accepted), ClosedMs: int64(o.Closed), Rejected: o.Rejected, Expired: o.Expired,
		Quote: quoteToPB(&v.Quote), ShipToHash: raw(v.ShipToHash[:]), First: v.First, Last: v.Last,
		Reason: v.Reason, RequestedMs: int64(v.Requested), Refusal: pb.Code(v.Refusal),
		Detail: clip(v.Detail), CancelAtMs: int64(v.CancelAt),
		CancelledMs: int64(v.Cancelled), CancelledBy: pb.Party(v.CancelledBy), From: stockIDsToPB(v.From),
	}
	m.Lines = each(o.Lines, func(l order.Line) *pb.OrderLine {
		return &pb.OrderLine{
			Sku: string(l.SKU), Ordered: l.Ordered, Shipped: l.Shipped, Delivered: l.Delivered, Cancelled: l.Cancelled,
		}
	})
	m.Parcels = each(v.Parcels, func(p record.Parcel) *pb.Parcel {
		return &pb.Parcel{AtMs: int64(p.At), Lines: unitsToPB(p.Lines), Carrier: p.Carrier, Tracking: p.Tracking}
	})
	return m
}

func orderRecordFromPB(f *fields, m *pb.OrderRecord) *record.Order {
	v := &record.Order{
		Order: order.Order{
			Cancel: exchange.CancelRule(m.Cancel), Submitted: exchange.Time(m.SubmittedMs),
			AcceptBy: exchange.Time(m.AcceptByMs), Accepted: exchange.Time(m.AcceptedMs),
			Closed: exchange.Time(m.ClosedMs), Rejected: m.Rejected, Expired: m.Expired,
		},
		First: m.First, Last: m.Last, Reason: m.Reason, Requested: exchange.Time(m.RequestedMs),
		Refusal: exchange.Code(m.Refusal), Detail: m.Detail, CancelAt: exchange.Time(m.CancelAtMs),
		Cancelled: exchange.Time(m.CancelledMs), CancelledBy: exchange.Party(m.CancelledBy), From: stockIDsFromPB(m.From),
	}
	v.Order.Lines = each(m.Lines, func(l *pb.OrderLine) order.Line {
		return order.Line{
			SKU: exchange.SKU(l.Sku), Ordered: l.Ordered, Shipped: l.Shipped, Delivered: l.Delivered, Cancelled: l.Cancelled,
		}
	})
	v.Parcels = each(m.Parcels, func(p *pb.Parcel) record.Parcel {
		return record.Parcel{At: exchange.Time(p.AtMs), Lines: unitsFromPB(p.Lines), Carrier: p.Carrier, Tracking: p.Tracking}
	})
	if q := f.quote(m.Quote); q != nil {
		v.Quote = *q
	}
	f.fixed("id", v.ID[:], m.Id)
	f.fixed("supplier", v.Supplier[:], m.Supplier)
	f.fixed("retailer", v.Retailer[:], m.Retailer)
	f.fixed("ship-to hash", v.ShipToHash[:], m.ShipToHash)
	return v
}

func ownSaleToPB(v *record.OwnSale) *pb.OwnSaleRecord {
	return &pb.OwnSaleRecord{Sale: orderRecordToPB(&v.Sale), Reference: v.Reference, Returned: unitsToPB(v.Returned), Late: v.Late}
}

func ownSaleFromPB(f *fields, m *pb.OwnSaleRecord) *record.OwnSale {
	v := &record.OwnSale{Reference: m.Reference, Returned: unitsFromPB(m.Returned), Late: m.Late}
	if m.Sale != nil {
		v.Sale = *orderRecordFromPB(f, m.Sale)
	}
	return v
}

func ledgerRecordToPB(v *record.Ledger) *pb.ChainRecord {
	c := &v.Chain
	return &pb.ChainRecord{
		Supplier: raw(c.Supplier[:]), Retailer: raw(c.Retailer[:]), Position: c.Position, Hash: raw(c.Hash[:]),
		AtMs: int64(c.At), Answered: c.Answered, Acked: c.Acked, Frozen: c.Frozen, Queued: v.Queued,
		OpenHeld: v.OpenHeld, OpenUnshipped: v.OpenUnshipped,
		AckedHead: signedToPB(v.AckedHead.Payload, v.AckedHead.Signature),
	}
}

func ledgerRecordFromPB(f *fields, m *pb.ChainRecord) *record.Ledger {
	v := &record.Ledger{
		Chain: ledger.Chain{
			Position: m.Position, At: exchange.Time(m.AtMs), Answered: m.Answered, Acked: m.Acked, Frozen: m.Frozen,
		},
		Queued: m.Queued, OpenHeld: m.OpenHeld, OpenUnshipped: m.OpenUnshipped, AckedHead: headSignedFromPB(m.AckedHead),
	}
	f.fixed("supplier", v.Chain.Supplier[:], m.Supplier)
	f.fixed("retailer", v.Chain.Retailer[:], m.Retailer)
	f.fixed("hash", v.Chain.Hash[:], m.Hash)
	return v
}

func partnershipRecordToPB(v *record.Partnership) *pb.PartnershipRecord {
	s := &v.State
	return &pb.PartnershipRecord{
		Version: s.Version, Terms: termsToPB(&s.Terms), Active: s.Active, SinceMs: int64(s.Since),
		EndedMs: int64(s.Ended), EndedBy: pb.Party(s.EndedBy),
		Open: &pb.Proposal{
			Hash: raw(s.Open.Hash[:]), By: pb.Party(s.Open.By), Terms: termsToPB(&s.Open.Terms), AtMs: int64(s.Open.At),
		},
		Ending: v.Ending, Queued: v.Queued, Refusal: pb.Code(v.Refusal), Detail: clip(v.Detail), Declined: declinedToPB(s.Declined),
		EndReason: clip(s.EndReason), EndingMs: int64(v.EndingAt), EndingReason: clip(v.EndingReason), QueuedNumber: v.QueuedNumber,
		EndNumber: v.EndNumber, WithdrawnTo: v.WithdrawnTo, Withdrawn: raw(v.Withdrawn[:]),
	}
}

func declinedToPB(v partnership.Declined) *pb.Declined {
	if v == (partnership.Declined{}) {
		return nil
	}
	return &pb.Declined{Hash: raw(v.Hash[:]), Of: pb.Party(v.Of), By: pb.Party(v.By), AtMs: int64(v.At)}
}

func partnershipRecordFromPB(f *fields, m *pb.PartnershipRecord) *record.Partnership {
	open := m.GetOpen()
	return &record.Partnership{
		State: partnership.State{
			Version: m.Version, Terms: f.terms(m.Terms), Active: m.Active, Since: exchange.Time(m.SinceMs),
			Ended: exchange.Time(m.EndedMs), EndedBy: exchange.Party(m.EndedBy), EndReason: m.EndReason,
			Open: partnership.Proposal{
				Hash: f.hash("proposal", open.GetHash()), By: exchange.Party(open.GetBy()),
				Terms: f.terms(open.GetTerms()), At: exchange.Time(open.GetAtMs()),
			},
			Declined: partnership.Declined{
				Hash: f.hash("declined proposal", m.GetDeclined().GetHash()), Of: exchange.Party(m.GetDeclined().GetOf()),
				By: exchange.Party(m.GetDeclined().GetBy()), At: exchange.Time(m.GetDeclined().GetAtMs()),
			},
		},
		Ending: m.Ending, EndingAt: exchange.Time(m.EndingMs), EndingReason: m.EndingReason,
		Queued: m.Queued, QueuedNumber: m.QueuedNumber, Refusal: exchange.Code(m.Refusal), Detail: m.Detail,
		EndNumber: m.EndNumber, WithdrawnTo: m.WithdrawnTo, Withdrawn: f.hash("withdrawn proposal", m.Withdrawn),
	}
}

func outboxRecordToPB(v *record.Outbox) *pb.OutboxRecord {
	return &pb.OutboxRecord{
		Number: v.Number, Signed: signedToPB(v.Signed.Payload, v.Signed.Signature), Salt: raw(v.Salt[:]), ShipTo: v.ShipTo,
	}
}

func outboxRecordFromPB(f *fields, m *pb.OutboxRecord) *record.Outbox {
	v := &record.Outbox{Number: m.Number, Signed: requestSignedFromPB(m.Signed), ShipTo: m.ShipTo}
	f.fixed("salt", v.Salt[:], m.Salt)
	return v
}

func reservationRecordToPB(v *record.Reservation) *pb.ReservationRecord {
	return &pb.ReservationRecord{
		Supplier: raw(v.Supplier[:]), Request: holdToPB(&v.Request), Raw: v.Raw, State: pb.HoldState(v.State),
		Answer: v.Answer, Refusal: pb.Code(v.Refusal), Detail: clip(v.Detail),
		CreatedMs: int64(v.Created), ExpiresMs: int64(v.Expires), Short: shortToPB(v.Short),
		ReleaseAtMs: int64(v.ReleaseAt), ExtendToMs: int64(v.ExtendTo), Left: v.Left,
	}
}

func reservationRecordFromPB(f *fields, m *pb.ReservationRecord) *record.Reservation {
	v := &record.Reservation{
		Request: *holdFromPB(f, m.Request), Raw: m.Raw, State: hold.State(m.State), Answer: m.Answer,
		Refusal: exchange.Code(m.Refusal), Detail: m.Detail,
		Created: exchange.Time(m.CreatedMs), Expires: exchange.Time(m.ExpiresMs), Short: shortFromPB(m.Short),
		ReleaseAt: exchange.Time(m.ReleaseAtMs), ExtendTo: exchange.Time(m.ExtendToMs), Left: m.Left,
	}
	f.fixed("supplier", v.Supplier[:], m.Supplier)
	return v
}

func metaRecordToPB(v *record.Meta) *pb.MetaRecord {
	return &pb.MetaRecord{
		WrittenMs: int64(v.Written), Stopped: clip(v.Stopped), JournaledMs: int64(v.Journaled),
		LastEvent: v.LastEvent, LastStart: v.LastStart, PrunedEvent: v.PrunedEvent, PrunedAtMs: int64(v.PrunedAt),
	}
}

func metaRecordFromPB(_ *fields, m *pb.MetaRecord) *record.Meta {
	return &record.Meta{
		Written: exchange.Time(m.WrittenMs), Stopped: m.Stopped, Journaled: exchange.Time(m.JournaledMs),
		LastEvent: m.LastEvent, LastStart: m.LastStart, PrunedEvent: m.PrunedEvent, PrunedAt: exchange.Time(m.PrunedAtMs),
	}
}

func evidenceRecordToPB(v *record.Evidence) *pb.EvidenceRecord {
	return &pb.EvidenceRecord{
		Supplier: raw(v.Supplier[:]), Retailer: raw(v.Retailer[:]), Position: v.Position,
		Ours: v.Ours, Theirs: v.Theirs, Why: clip(v.Why), AtMs: int64(v.At),
	}
}

func evidenceRecordFromPB(f *fields, m *pb.EvidenceRecord) *record.Evidence {
	v := &record.Evidence{
		Position: m.Position, Ours: m.Ours, Theirs: m.Theirs, Why: m.Why, At: exchange.Time(m.AtMs),
	}
	f.fixed("supplier", v.Supplier[:], m.Supplier)
	f.fixed("retailer", v.Retailer[:], m.Retailer)
	return v
}

func shipToRecordToPB(v *record.ShipTo) *pb.ShipToRecord {
	return &pb.ShipToRecord{Salt: raw(v.Salt[:]), Raw: v.Raw}
}

func shipToRecordFromPB(f *fields, m *pb.ShipToRecord) *record.ShipTo {
	v := &record.ShipTo{Raw: m.Raw}
	f.fixed("salt", v.Salt[:], m.Salt)
	return v
}
