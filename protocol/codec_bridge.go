package protocol

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol/pb"
)

// Records of what a shop's own system is asked.

func askedToPB(v *record.Asked) *pb.AskedRecord {
	return &pb.AskedRecord{Retailer: raw(v.Retailer[:]), AtMs: int64(v.At), Seq: v.Seq, Sure: v.Sure, Denied: v.Denied}
}

func askedFromPB(f *fields, m *pb.AskedRecord) *record.Asked {
	v := &record.Asked{At: exchange.Time(m.AtMs), Seq: m.Seq, Sure: m.Sure, Denied: m.Denied}
	f.fixed("retailer", v.Retailer[:], m.Retailer)
	return v
}

func bridgedToPB(v *record.Bridged) *pb.BridgeMessage {
	return &pb.BridgeMessage{
		Id: raw(v.ID[:]), Commit: v.Commit, Reference: v.Reference, Seq: v.Seq, Lines: unitsToPB(v.Lines), Reason: clip(v.Reason), AtMs: int64(v.At),
	}
}

func bridgedFromPB(f *fields, m *pb.BridgeMessage) *record.Bridged {
	v := &record.Bridged{
		Commit: m.Commit, Reference: m.Reference, Seq: m.Seq, Lines: unitsFromPB(m.Lines), Reason: m.Reason, At: exchange.Time(m.AtMs),
	}
	f.fixed("id", v.ID[:], m.Id)
	return v
}
