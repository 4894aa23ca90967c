package protocol

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol/pb"
)

// Records of a shop's own products and their stock.

func productRecordToPB(v *record.Product) *pb.ProductRecord {
	m := &pb.ProductRecord{
		Product: productToPB(&v.Product), ImportedMs: int64(v.Imported), Removed: v.Removed,
		FileStock: &pb.FileStock{Set: v.FileStock.Set, Unlimited: v.FileStock.Unlimited, Units: v.FileStock.Units},
		Withdrawn: v.Withdrawn, LeftMs: int64(v.Left), Took: v.Took, Succeeded: v.Succeeded,
		Source: v.Source, SourceId: v.ID, SourceGroup: v.Group, Pool: string(v.Pool),
	}
	if s := v.Sale; s != nil {
		m.Sale = &pb.Sale{Regular: s.Regular, CompareAt: s.CompareAt, Price: s.Price, FromMs: int64(s.From), ToMs: int64(s.To)}
	}
	return m
}

func productRecordFromPB(_ *fields, m *pb.ProductRecord) *record.Product {
	file := m.FileStock
	v := &record.Product{
		Product: productFromPB(m.Product), Imported: exchange.Time(m.ImportedMs), Removed: m.Removed,
		FileStock: record.FileStock{Set: file.GetSet(), Unlimited: file.GetUnlimited(), Units: file.GetUnits()},
		Withdrawn: m.Withdrawn, Left: exchange.Time(m.LeftMs), Took: m.Took, Succeeded: m.Succeeded,
		Source: m.Source, ID: m.SourceId, Group: m.SourceGroup, Pool: exchange.StockID(m.Pool),
	}
	if s := m.Sale; s != nil {
		v.Sale = &record.Sale{
			Regular: s.Regular, CompareAt: s.CompareAt, Price: s.Price, From: exchange.Time(s.FromMs), To: exchange.Time(s.ToMs),
		}
	}
	return v
}

func stockRecordToPB(v *record.Stock) *pb.StockRecord {
	s := v.Stock
	m := &pb.StockRecord{
		Unlimited: s.Unlimited, Stocked: s.Stocked, Held: s.Held, Sold: s.Sold, Shipped: s.Shipped,
		Missing: s.Missing, Revision: s.Revision, Moves: v.Moves, Shared: v.Shared, Pruned: v.Pruned, Gone: v.Gone,
		Left: v.Left, Keep: boundToPB(v.Keep), Share: boundToPB(v.Share),
	}
	if v.Shares != nil {
		m.Shares = each(*v.Shares, func(s record.Share) *pb.PartnerShare {
			return &pb.PartnerShare{Partner: raw(s.Partner[:]), Held: s.Held}
		})
	}
	return m
}

func boundToPB(b record.Bound) *int64 {
	if !b.Set {
		return nil
	}
	return &b.Units
}

func boundFromPB(units *int64) record.Bound {
	if units == nil {
		return record.Bound{}
	}
	return record.Bound{Set: true, Units: *units}
}

func stockRecordFromPB(f *fields, m *pb.StockRecord) *record.Stock {
	v := &record.Stock{
		Stock: hold.Stock{
			Unlimited: m.Unlimited, Stocked: m.Stocked, Held: m.Held, Sold: m.Sold, Shipped: m.Shipped,
			Missing: m.Missing, Revision: m.Revision,
		},
		Moves: m.Moves, Shared: m.Shared, Pruned: m.Pruned, Gone: m.Gone,
		Left: m.Left, Keep: boundFromPB(m.Keep), Share: boundFromPB(m.Share),
	}
	if len(m.Shares) > 0 {
		shares := record.Shares(each(m.Shares, func(s *pb.PartnerShare) record.Share {
			share := record.Share{Held: s.Held}
			f.fixed("partner", share.Partner[:], s.Partner)
			return share
		}))
		v.Shares = &shares
	}
	return v
}

func stockIDsToPB(list []exchange.StockID) []string {
	return each(list, func(id exchange.StockID) string { return string(id) })
}

func stockIDsFromPB(list []string) []exchange.StockID {
	return each(list, func(id string) exchange.StockID { return exchange.StockID(id) })
}

func movementToPB(v *record.Movement) *pb.Movement {
	return &pb.Movement{
		Cause: uint32(v.Cause), Units: v.Units, AtMs: int64(v.At), OrderedMs: int64(v.Ordered),
		Partner: raw(v.Partner[:]), Order: raw(v.Order[:]), Source: v.Source, Sku: string(v.SKU), Net: v.Net,
		SlackMs: v.Slack.Milliseconds(), ToldMs: int64(v.Told), Contained: v.Contained, Channel: v.Channel, Reference: v.Reference, Note: v.Note,
	}
}

func movementFromPB(f *fields, m *pb.Movement) *record.Movement {
	v := &record.Movement{
		Cause: record.Cause(m.Cause), Units: m.Units, At: exchange.Time(m.AtMs), Ordered: exchange.Time(m.OrderedMs),
		Source: m.Source, SKU: exchange.SKU(m.Sku), Net: m.Net,
		Slack: f.duration("slack", m.SlackMs), Told: exchange.Time(m.ToldMs), Contained: m.Contained, Channel: m.Channel, Reference: m.Reference, Note: m.Note,
	}
	f.fixed("partner", v.Partner[:], m.Partner)
	f.fixed("order", v.Order[:], m.Order)
	return v
}

func readingToPB(v *record.Reading) *pb.Reading {
	return &pb.Reading{
		Source: v.Source, Set: v.Set, Unlimited: v.Unlimited, Units: v.Units, LowMs: int64(v.Low), HighMs: int64(v.High),
		CountedMs: int64(v.Counted), CountedBy: v.CountedBy, Owed: v.Owed, CountedFromMs: int64(v.CountedFrom), Behind: stockIDsToPB(v.Behind),
	}
}

func readingFromPB(_ *fields, m *pb.Reading) *record.Reading {
	return &record.Reading{
		Source: m.Source, Set: m.Set, Unlimited: m.Unlimited, Units: m.Units, Low: exchange.Time(m.LowMs), High: exchange.Time(m.HighMs),
		Counted: exchange.Time(m.CountedMs), CountedBy: m.CountedBy, Owed: m.Owed, CountedFrom: exchange.Time(m.CountedFromMs), Behind: stockIDsFromPB(m.Behind),
	}
}

func sourceToPB(v *record.Source) *pb.SourceRecord {
	return &pb.SourceRecord{
		Name: v.Name, Figure: uint32(v.Figure), BookedWithinMs: v.BookedWithin.Milliseconds(), Columns: v.Columns,
		Locations: v.Locations, QualifySku: v.QualifySKU, Files: each(v.Files, sourceFileToPB),
		LowMs: int64(v.Low), HighMs: int64(v.High), EndedMs: int64(v.Ended),
		ClockSlackMs: proto.Int64(v.ClockSlack.Milliseconds()),
	}
}

func sourceFromPB(f *fields, m *pb.SourceRecord) *record.Source {
	v := &record.Source{
		Name: m.Name, Figure: record.Figure(m.Figure), BookedWithin: f.duration("booked-within", m.BookedWithinMs), Columns: m.Columns,
		Locations: m.Locations, QualifySKU: m.QualifySku,
		Low: exchange.Time(m.LowMs), High: exchange.Time(m.HighMs), Ended: exchange.Time(m.EndedMs),
	}
	if v.ClockSlack = record.DefaultClockSlack; m.ClockSlackMs != nil {
		v.ClockSlack = f.duration("clock-slack", *m.ClockSlackMs)
	}
	for _, file := range m.Files {
		kept := record.SourceFile{Low: exchange.Time(file.LowMs), High: exchange.Time(file.HighMs)}
		f.fixed("digest", kept.Digest[:], file.Digest)
		v.Files = append(v.Files, kept)
	}
	return v
}

func sourceFileToPB(f record.SourceFile) *pb.SourceFile {
	return &pb.SourceFile{Digest: raw(f.Digest[:]), LowMs: int64(f.Low), HighMs: int64(f.High)}
}

func toldLineToPB(v *record.ToldLine) *pb.ToldLine {
	return &pb.ToldLine{AtMs: int64(v.At), Content: raw(v.Content[:]), Contained: v.Contained}
}

func toldLineFromPB(f *fields, m *pb.ToldLine) *record.ToldLine {
	v := &record.ToldLine{At: exchange.Time(m.AtMs), Contained: m.Contained}
	f.fixed("content", v.Content[:], m.Content)
	return v
}

// partLines is how many lines a part has, so that no list has more than MaxParts.
const partLines = 500

func intentToPB(v *record.Intent) *pb.Intent {
	m := &pb.Intent{AtMs: int64(v.At), Done: v.Done}
	for part := range slices.Chunk(v.Lines, partLines) {
		m.Parts = append(m.Parts, &pb.IntentPart{Lines: each(part, func(l record.IntentLine) *pb.IntentLine {
			return &pb.IntentLine{
				Sku: string(l.SKU), Cause: uint32(l.Cause), Units: l.Units, AtMs: int64(l.At), AgoMs: l.Ago.Milliseconds(), Now: l.Now,
				Revision: l.Revision, Id: l.ID, Channel: l.Channel, Reference: l.Reference, Note: l.Note,
			}
		})})
	}
	return m
}

func intentFromPB(f *fields, m *pb.Intent) *record.Intent {
	v := &record.Intent{At: exchange.Time(m.AtMs), Done: m.Done}
	for _, part := range m.Parts {
		for _, l := range part.Lines {
			v.Lines = append(v.Lines, record.IntentLine{
				SKU: exchange.SKU(l.Sku), Cause: record.Cause(l.Cause), Units: l.Units, At: exchange.Time(l.AtMs), Ago: f.duration("ago", l.AgoMs),
				Now: l.Now, Revision: l.Revision, ID: l.Id, Channel: l.Channel, Reference: l.Reference, Note: l.Note,
			})
		}
	}
	return v
}
