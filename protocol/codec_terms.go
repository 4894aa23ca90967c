package protocol

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol/pb"
)

// Terms, quotes and addresses: parts of several messages and records.

func termsToPB(t *exchange.Terms) *pb.Terms {
	return &pb.Terms{
		DiscountBp: uint32(t.Discount), Currency: string(t.Currency),
		HoldLifetimeMs: t.HoldLifetime.Milliseconds(), OpenQuantity: t.OpenQuantity,
		AcceptWithinMs: t.AcceptWithin.Milliseconds(), Cancel: pb.CancelRule(t.Cancel),
		Countries: t.Countries, Feed: t.Feed, SettlementDays: t.SettlementDays,
	}
}

func (f *fields) terms(m *pb.Terms) exchange.Terms {
	return exchange.Terms{
		Discount: exchange.BasisPoints(m.GetDiscountBp()), Currency: exchange.Currency(m.GetCurrency()),
		HoldLifetime: f.duration("hold lifetime", m.GetHoldLifetimeMs()), OpenQuantity: m.GetOpenQuantity(),
		AcceptWithin: f.duration("accept-within", m.GetAcceptWithinMs()), Cancel: exchange.CancelRule(m.GetCancel()),
		Countries: m.GetCountries(), Feed: m.GetFeed(), SettlementDays: m.GetSettlementDays(),
	}
}

func quoteToPB(q *exchange.Quote) *pb.Quote {
	if q == nil {
		return nil
	}
	return &pb.Quote{
		Format: uint32(q.Format), DiscountBp: uint32(q.Discount),
		Supplier: raw(q.Supplier[:]), Retailer: raw(q.Retailer[:]), Hold: raw(q.Hold[:]),
		TermsVersion: q.TermsVersion, Country: q.Country, Currency: string(q.Currency),
		Lines: quoteLinesToPB(q.Lines), Shipping: q.Shipping, UsdShipping: q.USDShipping,
		Tax: pb.TaxTreatment(q.Tax.Treatment), TaxRateBp: uint32(q.Tax.Rate),
		Total: q.Total, UsdTotal: q.USDTotal, Rate: rateToPB(&q.Rate),
		IssuedMs: int64(q.Issued), ExpiresMs: int64(q.Expires),
		AcceptWithinMs: q.AcceptWithin.Milliseconds(), Cancel: pb.CancelRule(q.Cancel),
	}
}

func (f *fields) quote(m *pb.Quote) *exchange.Quote {
	if m == nil {
		return nil
	}
	q := &exchange.Quote{
		Format: exchange.QuoteFormat(m.Format), Discount: exchange.BasisPoints(m.DiscountBp),
		TermsVersion: m.TermsVersion, Country: m.Country, Currency: exchange.Currency(m.Currency),
		Lines: quoteLinesFromPB(m.Lines), Shipping: m.Shipping, USDShipping: m.UsdShipping,
		Tax:   exchange.Tax{Treatment: exchange.TaxTreatment(m.Tax), Rate: exchange.BasisPoints(m.TaxRateBp)},
		Total: m.Total, USDTotal: m.UsdTotal, Rate: rateFromPB(m.Rate),
		Issued: exchange.Time(m.IssuedMs), Expires: exchange.Time(m.ExpiresMs),
		AcceptWithin: f.duration("accept-within", m.AcceptWithinMs), Cancel: exchange.CancelRule(m.Cancel),
	}
	f.fixed("the quote's supplier", q.Supplier[:], m.Supplier)
	f.fixed("the quote's retailer", q.Retailer[:], m.Retailer)
	f.fixed("the quote's hold", q.Hold[:], m.Hold)
	return q
}

func quoteLinesToPB(lines []exchange.QuoteLine) []*pb.QuoteLine {
	if len(lines) == 0 {
		return nil
	}
	backing, out := make([]pb.QuoteLine, len(lines)), make([]*pb.QuoteLine, len(lines))
	for i := range lines {
		l, m := &lines[i], &backing[i]
		m.Sku, m.Title, m.Quantity = string(l.SKU), l.Title, int64(l.Quantity)
		m.List, m.Unit, m.Total = l.List, l.Unit, l.Total
		m.UsdUnit, m.UsdTotal = l.USDUnit, l.USDTotal
		m.Options, m.Barcode, m.Image, m.Cut = optionsToPB(l.Options), l.Barcode, l.Image, l.Cut
		out[i] = m
	}
	return out
}

func quoteLinesFromPB(lines []*pb.QuoteLine) []exchange.QuoteLine {
	return each(lines, func(m *pb.QuoteLine) exchange.QuoteLine {
		return exchange.QuoteLine{
			SKU: exchange.SKU(m.Sku), Title: m.Title, Quantity: exchange.Quantity(m.Quantity),
			List: m.List, Unit: m.Unit, Total: m.Total, USDUnit: m.UsdUnit, USDTotal: m.UsdTotal,
			Options: optionsFromPB(m.Options, nil), Barcode: m.Barcode, Image: m.Image, Cut: m.Cut,
		}
	})
}

func rateToPB(r *exchange.Rate) *pb.Rate {
	if *r == (exchange.Rate{}) {
		return nil
	}
	return &pb.Rate{From: string(r.From), Num: r.Num, Den: r.Den, Text: r.Text, Source: r.Source, Date: r.Date}
}

func rateFromPB(m *pb.Rate) exchange.Rate {
	return exchange.Rate{
		From: exchange.Currency(m.GetFrom()), Num: m.GetNum(), Den: m.GetDen(),
		Text: m.GetText(), Source: m.GetSource(), Date: m.GetDate(),
	}
}

func shipToToPB(v *message.ShipTo) *pb.ShipTo {
	return &pb.ShipTo{
		Name: v.Name, Lines: v.Lines, City: v.City, Region: v.Region, PostalCode: v.PostalCode,
		Country: v.Country, Email: v.Email, Phone: v.Phone, Reference: v.Reference, Note: v.Note,
	}
}

func shipToFromPB(_ *fields, m *pb.ShipTo) *message.ShipTo {
	return &message.ShipTo{Delivery: exchange.Delivery{
		ShipTo: exchange.ShipTo{
			Name: m.Name, Lines: m.Lines, City: m.City, Region: m.Region, PostalCode: m.PostalCode,
			Country: m.Country, Email: m.Email, Phone: m.Phone,
		},
		Reference: m.Reference, Note: m.Note,
	}}
}
