package protocol

import (
	"slices"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol/pb"
)

// firstOptions is how many options a version before reads of a product. Further ones are in a
// field of their own, which it passes over.
const firstOptions = 3

func optionsToPB(list []exchange.Option) []*pb.Option {
	return each(list, func(o exchange.Option) *pb.Option { return &pb.Option{Name: o.Name, Value: o.Value} })
}

func optionsFromPB(list, more []*pb.Option) []exchange.Option {
	if len(more) > 0 {
		list = slices.Concat(list, more)
	}
	return each(list, func(o *pb.Option) exchange.Option { return exchange.Option{Name: o.Name, Value: o.Value} })
}

func productToPB(p *exchange.Product) *pb.Product {
	first := min(len(p.Options), firstOptions)
	return &pb.Product{
		Sku: string(p.SKU), Group: p.Group, Title: p.Title,
		Options: optionsToPB(p.Options[:first]), MoreOptions: optionsToPB(p.Options[first:]),
		Description: p.Description, Vendor: p.Vendor, Category: p.Category, Barcode: p.Barcode,
		Image: p.Image, Grams: p.Grams, Price: moneyToPB(p.Price),
		Usd:       usdPriceToPB(&p.USD),
		Available: availabilityToPB(p.Available),
		Summary:   p.Summary, Tags: p.Tags, MoreCategories: p.MoreCategories, MoreImages: p.MoreImages,
		CompareAt: p.CompareAt, NoShipping: p.NoShipping,
	}
}

func productFromPB(m *pb.Product) exchange.Product {
	u := m.GetUsd()
	return exchange.Product{
		SKU: exchange.SKU(m.GetSku()), Group: m.GetGroup(), Title: m.GetTitle(),
		Options:     optionsFromPB(m.GetOptions(), m.GetMoreOptions()),
		Description: m.GetDescription(), Vendor: m.GetVendor(), Category: m.GetCategory(), Barcode: m.GetBarcode(),
		Image: m.GetImage(), Grams: m.GetGrams(), Price: moneyFromPB(m.GetPrice()),
		USD:       exchange.USDPrice{Cents: u.GetCents(), Rate: u.GetRate(), Source: u.GetSource(), Date: u.GetDate()},
		Available: availabilityFromPB(m.GetAvailable()),
		Summary:   m.GetSummary(), Tags: m.GetTags(), MoreCategories: m.GetMoreCategories(), MoreImages: m.GetMoreImages(),
		CompareAt: m.GetCompareAt(), NoShipping: m.GetNoShipping(),
	}
}

// usdPriceToPB leaves out the price of a shop without a rate.
func usdPriceToPB(p *exchange.USDPrice) *pb.UsdPrice {
	if *p == (exchange.USDPrice{}) {
		return nil
	}
	return &pb.UsdPrice{Cents: p.Cents, Rate: p.Rate, Source: p.Source, Date: p.Date}
}

func moneyToPB(v exchange.Money) *pb.Money {
	return &pb.Money{Minor: v.Minor, Currency: string(v.Currency)}
}

func moneyFromPB(m *pb.Money) exchange.Money {
	return exchange.Money{Minor: m.GetMinor(), Currency: exchange.Currency(m.GetCurrency())}
}

func availabilityToPB(v exchange.Availability) *pb.Availability {
	return &pb.Availability{Unlimited: v.Unlimited, Units: v.Units}
}

func availabilityFromPB(m *pb.Availability) exchange.Availability {
	return exchange.Availability{Unlimited: m.GetUnlimited(), Units: m.GetUnits()}
}

func feedProductToPB(v *message.FeedProduct) *pb.FeedProduct {
	return &pb.FeedProduct{Product: productToPB(&v.Product)}
}

func feedProductFromPB(_ *fields, m *pb.FeedProduct) *message.FeedProduct {
	return &message.FeedProduct{Product: productFromPB(m.Product)}
}

func feedHeadToPB(v *message.FeedHead) *pb.FeedHead {
	return &pb.FeedHead{
		Shop: raw(v.Shop[:]), Feed: v.Feed, Epoch: v.Epoch, Sequence: v.Sequence,
		Count: v.Count, Digest: raw(v.Digest[:]), AtMs: int64(v.At),
	}
}

func feedHeadFromPB(f *fields, m *pb.FeedHead) *message.FeedHead {
	v := &message.FeedHead{
		Feed: m.Feed, Epoch: m.Epoch, Sequence: m.Sequence, Count: m.Count, At: exchange.Time(m.AtMs),
	}
	f.fixed("shop", v.Shop[:], m.Shop)
	f.fixed("digest", v.Digest[:], m.Digest)
	return v
}

func feedItemsToPB(items []message.FeedItem) []*pb.FeedItem {
	if len(items) == 0 {
		return nil
	}
	backing, out := make([]pb.FeedItem, len(items)), make([]*pb.FeedItem, len(items))
	for i := range items {
		m := &backing[i]
		m.Sequence, m.Sku, m.Record = items[i].Sequence, string(items[i].SKU), items[i].Record
		out[i] = m
	}
	return out
}

func feedItemsFromPB(items []*pb.FeedItem) []message.FeedItem {
	return each(items, func(m *pb.FeedItem) message.FeedItem {
		return message.FeedItem{Sequence: m.Sequence, SKU: exchange.SKU(m.Sku), Record: m.Record}
	})
}

func feedUpdateToPB(v *message.FeedUpdate) *pb.FeedUpdate {
	return &pb.FeedUpdate{
		Head: signedToPB(v.Head.Payload, v.Head.Signature), After: v.After, Items: feedItemsToPB(v.Items),
	}
}

func feedUpdateFromPB(_ *fields, m *pb.FeedUpdate) *message.FeedUpdate {
	return &message.FeedUpdate{Head: feedSignedFromPB(m.Head), After: m.After, Items: feedItemsFromPB(m.Items)}
}

func feedPullToPB(v *message.FeedPull) *pb.FeedPull {
	m := &pb.FeedPull{
		Feed: v.Feed, Epoch: v.Epoch, After: v.After, Buckets: v.Buckets, BucketDigests: v.BucketDigests,
	}
	if v.Have != nil {
		m.Have = signedToPB(v.Have.Payload, v.Have.Signature)
	}
	return m
}

func feedPullFromPB(_ *fields, m *pb.FeedPull) *message.FeedPull {
	v := &message.FeedPull{
		Feed: m.Feed, Epoch: m.Epoch, After: m.After, Buckets: m.Buckets, BucketDigests: m.BucketDigests,
	}
	if m.Have != nil {
		head := feedSignedFromPB(m.Have)
		v.Have = &head
	}
	return v
}

func feedChunkToPB(v *message.FeedChunk) *pb.FeedChunk {
	m := &pb.FeedChunk{Full: v.Full, Items: feedItemsToPB(v.Items), Last: v.Last}
	if v.Head != nil {
		m.Head = signedToPB(v.Head.Payload, v.Head.Signature)
	}
	if v.Key != nil {
		m.Key = feedKeyToPB(v.Key)
	}
	if len(v.Digests) > 0 {
		m.Digests = make([]byte, 0, 32*len(v.Digests))
		for i := range v.Digests {
			m.Digests = append(m.Digests, v.Digests[i][:]...)
		}
	}
	return m
}

func feedChunkFromPB(f *fields, m *pb.FeedChunk) *message.FeedChunk {
	v := &message.FeedChunk{Full: m.Full, Items: feedItemsFromPB(m.Items), Last: m.Last}
	if m.Head != nil {
		head := feedSignedFromPB(m.Head)
		v.Head = &head
	}
	if m.Key != nil {
		key := f.feedKey(m.Key)
		v.Key = &key
	}
	if len(m.Digests)%32 != 0 {
		f.fail("digests have %d bytes, no multiple of 32", len(m.Digests))
	} else if len(m.Digests) > 0 {
		v.Digests = make([][32]byte, len(m.Digests)/32)
		for i := range v.Digests {
			copy(v.Digests[i][:], m.Digests[32*i:])
		}
	}
	return v
}

func feedMetaToPB(v *record.Feed) *pb.FeedMeta {
	return &pb.FeedMeta{
		Epoch: v.Epoch, Sequence: v.Sequence, Count: v.Count, Floor: v.Floor, Tombstones: v.Tombstones,
		Key: feedKeyToPB(&v.Key), Head: signedToPB(v.Head.Payload, v.Head.Signature),
	}
}

func feedMetaFromPB(f *fields, m *pb.FeedMeta) *record.Feed {
	return &record.Feed{
		Epoch: m.Epoch, Sequence: m.Sequence, Count: m.Count, Floor: m.Floor, Tombstones: m.Tombstones,
		Key: f.feedKey(m.Key), Head: feedSignedFromPB(m.Head),
	}
}

func replicaMetaToPB(v *record.Replica) *pb.ReplicaMeta {
	return &pb.ReplicaMeta{
		Shop: raw(v.Shop[:]), Head: signedToPB(v.Head.Payload, v.Head.Signature),
		Epoch: v.Epoch, At: v.At, Key: feedKeyToPB(&v.Key), RefreshedMs: int64(v.Refreshed),
	}
}

func replicaMetaFromPB(f *fields, m *pb.ReplicaMeta) *record.Replica {
	v := &record.Replica{
		Head: feedSignedFromPB(m.Head), Epoch: m.Epoch, At: m.At,
		Key: f.feedKey(m.Key), Refreshed: exchange.Time(m.RefreshedMs),
	}
	f.fixed("shop", v.Shop[:], m.Shop)
	return v
}
