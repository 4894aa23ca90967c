package protocol

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/ledger"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/order"
	"github.com/souk-market/souk/protocol/pb"
)

func requestToPB(v *message.Request) *pb.Request {
	return &pb.Request{
		Supplier: raw(v.Supplier[:]), Retailer: raw(v.Retailer[:]),
		Number: v.Number, AtMs: int64(v.At), Act: actToPB(v.Act),
	}
}

func requestFromPB(f *fields, m *pb.Request) *message.Request {
	v := &message.Request{Number: m.Number, At: exchange.Time(m.AtMs), Act: f.act(m.Act)}
	f.fixed("supplier", v.Supplier[:], m.Supplier)
	f.fixed("retailer", v.Retailer[:], m.Retailer)
	return v
}

func entryToPB(v *message.Entry) *pb.Leaf {
	m := &pb.Entry{
		Supplier: raw(v.Supplier[:]), Retailer: raw(v.Retailer[:]), Position: v.Position,
		Prev: raw(v.Prev[:]), AtMs: int64(v.At), Number: v.Number,
		Outcome: pb.Code(v.Outcome), Detail: clip(v.Detail), Terms: v.Terms, Own: actToPB(v.Own),
	}
	if v.Request != nil {
		m.Request = signedToPB(v.Request.Payload, v.Request.Signature)
	}
	return &pb.Leaf{Kind: &pb.Leaf_Entry{Entry: m}}
}

func entryFromPB(f *fields, leaf *pb.Leaf) *message.Entry {
	m := leaf.GetEntry()
	if m == nil {
		f.fail("the leaf holds none")
		return nil
	}
	v := &message.Entry{
		Link:    ledger.Link{Position: m.Position, At: exchange.Time(m.AtMs), Number: m.Number},
		Outcome: exchange.Code(m.Outcome), Detail: m.Detail, Terms: m.Terms,
	}
	f.fixed("supplier", v.Supplier[:], m.Supplier)
	f.fixed("retailer", v.Retailer[:], m.Retailer)
	f.fixed("prev", v.Prev[:], m.Prev)
	if m.Request != nil {
		request := requestSignedFromPB(m.Request)
		v.Request = &request
	}
	if m.Own != nil {
		v.Own = f.act(m.Own)
	}
	return v
}

func headToPB(v *message.Head) *pb.Head {
	return &pb.Head{
		Supplier: raw(v.Supplier[:]), Retailer: raw(v.Retailer[:]), Position: v.Position, Hash: raw(v.Hash[:]),
	}
}

func headFromPB(f *fields, m *pb.Head) *message.Head {
	v := &message.Head{Position: m.GetPosition()}
	f.fixed("the head's supplier", v.Supplier[:], m.GetSupplier())
	f.fixed("the head's retailer", v.Retailer[:], m.GetRetailer())
	f.fixed("the head's hash", v.Hash[:], m.GetHash())
	return v
}

func signedHeadToPB(v *message.SignedHead) *pb.Signed {
	return &pb.Signed{Payload: v.Payload, Signature: v.Signature}
}

func signedHeadFromPB(_ *fields, m *pb.Signed) *message.SignedHead {
	v := headSignedFromPB(m)
	return &v
}

func actToPB(a message.Act) *pb.Act {
	switch a := a.(type) {
	case message.ProposeTerms:
		return &pb.Act{Act: &pb.Act_ProposeTerms{ProposeTerms: &pb.ProposeTerms{Terms: termsToPB(&a.Terms)}}}
	case message.AcceptTerms:
		return &pb.Act{Act: &pb.Act_AcceptTerms{AcceptTerms: &pb.AcceptTerms{Proposal: raw(a.Proposal[:])}}}
	case message.DeclineTerms:
		return &pb.Act{Act: &pb.Act_DeclineTerms{DeclineTerms: &pb.DeclineTerms{Proposal: raw(a.Proposal[:])}}}
	case message.EndTrade:
		return &pb.Act{Act: &pb.Act_EndTrade{EndTrade: &pb.EndTrade{Reason: a.Reason}}}
	case message.SubmitOrder:
		return &pb.Act{Act: &pb.Act_SubmitOrder{SubmitOrder: &pb.SubmitOrder{
			Order: raw(a.Order[:]), Quote: a.Quote, ShipTo: raw(a.ShipTo[:]),
		}}}
	case message.CancelOrder:
		return &pb.Act{Act: &pb.Act_CancelOrder{CancelOrder: &pb.CancelOrder{
			Order: raw(a.Order[:]), Lines: unitsToPB(a.Lines), Reason: a.Reason,
		}}}
	case message.AcceptOrder:
		return &pb.Act{Act: &pb.Act_AcceptOrder{AcceptOrder: &pb.AcceptOrder{Order: raw(a.Order[:])}}}
	case message.RejectOrder:
		return &pb.Act{Act: &pb.Act_RejectOrder{RejectOrder: &pb.RejectOrder{Order: raw(a.Order[:]), Reason: a.Reason}}}
	case message.ShipOrder:
		return &pb.Act{Act: &pb.Act_ShipOrder{ShipOrder: &pb.ShipOrder{
			Order: raw(a.Order[:]), Lines: unitsToPB(a.Lines), Carrier: a.Carrier, Tracking: a.Tracking,
		}}}
	case message.DeliverOrder:
		return &pb.Act{Act: &pb.Act_DeliverOrder{DeliverOrder: &pb.DeliverOrder{
			Order: raw(a.Order[:]), Lines: unitsToPB(a.Lines),
		}}}
	case message.ExpireOrder:
		return &pb.Act{Act: &pb.Act_ExpireOrder{ExpireOrder: &pb.ExpireOrder{Order: raw(a.Order[:])}}}
	}
	return nil
}

// act reads an act; one that this version does not know, or none, is an error.
func (f *fields) act(m *pb.Act) message.Act {
	switch a := m.GetAct().(type) {
	case *pb.Act_ProposeTerms:
		return message.ProposeTerms{Terms: f.terms(a.ProposeTerms.GetTerms())}
	case *pb.Act_AcceptTerms:
		return message.AcceptTerms{Proposal: f.hash("proposal", a.AcceptTerms.Proposal)}
	case *pb.Act_DeclineTerms:
		return message.DeclineTerms{Proposal: f.hash("proposal", a.DeclineTerms.Proposal)}
	case *pb.Act_EndTrade:
		return message.EndTrade{Reason: a.EndTrade.Reason}
	case *pb.Act_SubmitOrder:
		m := a.SubmitOrder
		return message.SubmitOrder{Order: f.order(m.Order), Quote: m.Quote, ShipTo: f.hash("ship-to hash", m.ShipTo)}
	case *pb.Act_CancelOrder:
		m := a.CancelOrder
		return message.CancelOrder{Order: f.order(m.Order), Lines: unitsFromPB(m.Lines), Reason: m.Reason}
	case *pb.Act_AcceptOrder:
		return message.AcceptOrder{Order: f.order(a.AcceptOrder.Order)}
	case *pb.Act_RejectOrder:
		return message.RejectOrder{Order: f.order(a.RejectOrder.Order), Reason: a.RejectOrder.Reason}
	case *pb.Act_ShipOrder:
		m := a.ShipOrder
		return message.ShipOrder{Order: f.order(m.Order), Lines: unitsFromPB(m.Lines), Carrier: m.Carrier, Tracking: m.Tracking}
	case *pb.Act_DeliverOrder:
		return message.DeliverOrder{Order: f.order(a.DeliverOrder.Order), Lines: unitsFromPB(a.DeliverOrder.Lines)}
	case *pb.Act_ExpireOrder:
		return message.ExpireOrder{Order: f.order(a.ExpireOrder.Order)}
	}
	f.fail("the act is missing or unknown; the other shop may run a newer version")
	return nil
}

func (f *fields) hash(name string, b []byte) (h [32]byte) {
	f.fixed(name, h[:], b)
	return h
}

func (f *fields) order(b []byte) (id exchange.OrderID) {
	f.fixed("order", id[:], b)
	return id
}

func unitsToPB(lines []order.Units) []*pb.Units {
	return each(lines, func(u order.Units) *pb.Units { return &pb.Units{Sku: string(u.SKU), Units: u.Units} })
}

func unitsFromPB(lines []*pb.Units) []order.Units {
	return each(lines, func(u *pb.Units) order.Units { return order.Units{SKU: exchange.SKU(u.Sku), Units: u.Units} })
}
