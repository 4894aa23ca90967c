package protocol

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/basket"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol/pb"
)

// Records of baskets.

func basketRecordToPB(v *record.Basket) *pb.BasketRecord {
	return &pb.BasketRecord{
		Id: raw(v.ID[:]), State: uint32(v.State), Parts: each(v.Parts, basketPartToPB), Partial: v.Partial, CancelRest: v.CancelRest,
		End: uint32(v.End), BeganMs: int64(v.Began), EndedMs: int64(v.Ended), Content: raw(v.Content[:]), Country: v.Country,
	}
}

func basketPartToPB(p basket.Part) *pb.BasketPart {
	return &pb.BasketPart{
		Supplier: raw(p.Supplier[:]), Hold: raw(p.Hold[:]), Lines: linesToPB(p.Lines), State: uint32(p.State), ExpiresMs: int64(p.Expires),
		Refusal: pb.Code(p.Refusal), Detail: clip(p.Detail), Short: shortToPB(p.Short),
	}
}

func basketRecordFromPB(f *fields, m *pb.BasketRecord) *record.Basket {
	v := &record.Basket{
		Basket: basket.Basket{
			State: basket.State(m.State), Partial: m.Partial, CancelRest: m.CancelRest, End: basket.State(m.End),
			Began: exchange.Time(m.BeganMs), Ended: exchange.Time(m.EndedMs),
			Parts: each(m.Parts, func(p *pb.BasketPart) basket.Part { return basketPartFromPB(f, p) }),
		},
		Country: m.Country,
	}
	f.fixed("id", v.ID[:], m.Id)
	f.fixed("content", v.Content[:], m.Content)
	return v
}

func basketPartFromPB(f *fields, m *pb.BasketPart) basket.Part {
	p := basket.Part{
		Lines: f.lines(m.Lines), State: basket.PartState(m.State), Expires: exchange.Time(m.ExpiresMs),
		Refusal: exchange.Code(m.Refusal), Detail: m.Detail, Short: shortFromPB(m.Short),
	}
	f.fixed("supplier", p.Supplier[:], m.Supplier)
	f.fixed("hold", p.Hold[:], m.Hold)
	return p
}
