package protocol

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol/pb"
)

// Records of the event log.

func eventsRecordToPB(v *record.Events) *pb.EventsRecord {
	return &pb.EventsRecord{AtMs: int64(v.At), Events: each(v.List, eventToPB)}
}

func eventsRecordFromPB(f *fields, m *pb.EventsRecord) *record.Events {
	return &record.Events{
		At:   exchange.Time(m.AtMs),
		List: each(m.Events, func(e *pb.EventRecord) record.Event { return eventFromPB(f, e) }),
	}
}

func eventToPB(v record.Event) *pb.EventRecord {
	return &pb.EventRecord{
		What: uint32(v.What), AtMs: int64(v.At), Partner: raw(v.Partner[:]), Side: pb.Party(v.Side), Order: raw(v.Order[:]),
		Status: v.Status, Detail: clip(v.Detail), By: pb.Party(v.By), Due: v.Due, Cancelled: v.Cancelled, Currency: string(v.Currency),
		Lines: each(v.Lines, func(l record.EventLine) *pb.EventLine {
			return &pb.EventLine{Sku: string(l.SKU), Units: l.Units}
		}),
		FoundMs: int64(v.Found), Previous: v.Previous,
	}
}

func eventFromPB(f *fields, m *pb.EventRecord) record.Event {
	v := record.Event{
		What: record.What(m.What), At: exchange.Time(m.AtMs), Side: exchange.Party(m.Side),
		Status: m.Status, Detail: m.Detail, By: exchange.Party(m.By), Due: m.Due, Cancelled: m.Cancelled,
		Currency: exchange.Currency(m.Currency),
		Lines: each(m.Lines, func(l *pb.EventLine) record.EventLine {
			return record.EventLine{SKU: exchange.SKU(l.Sku), Units: l.Units}
		}),
		Found: exchange.Time(m.FoundMs), Previous: m.Previous,
	}
	f.fixed("partner", v.Partner[:], m.Partner)
	f.fixed("order", v.Order[:], m.Order)
	return v
}
