package protocol

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/exchange/record"
	"github.com/souk-market/souk/protocol/pb"
)

func productOut(p *exchange.Product) *pb.Product {
	return &pb.Product{
		Sku: string(p.SKU), Group: p.Group, Title: p.Title,
		Options:     each(p.Options, func(o exchange.Option) *pb.Option { return &pb.Option{Name: o.Name, Value: o.Value} }),
		Description: p.Description, Vendor: p.Vendor, Category: p.Category, Barcode: p.Barcode,
		Image: p.Image, Grams: p.Grams, Price: moneyOut(p.Price),
		Usd:       &pb.UsdPrice{Cents: p.USD.Cents, Rate: p.USD.Rate, Source: p.USD.Source, Date: p.USD.Date},
		Available: availabilityOut(p.Available),
	}
}

func productIn(m *pb.Product) exchange.Product {
	u := m.GetUsd()
	return exchange.Product{
		SKU: exchange.SKU(m.GetSku()), Group: m.GetGroup(), Title: m.GetTitle(),
		Options:     each(m.GetOptions(), func(o *pb.Option) exchange.Option { return exchange.Option{Name: o.Name, Value: o.Value} }),
		Description: m.GetDescription(), Vendor: m.GetVendor(), Category: m.GetCategory(), Barcode: m.GetBarcode(),
		Image: m.GetImage(), Grams: m.GetGrams(), Price: moneyIn(m.GetPrice()),
		USD:       exchange.USDPrice{Cents: u.GetCents(), Rate: u.GetRate(), Source: u.GetSource(), Date: u.GetDate()},
		Available: availabilityIn(m.GetAvailable()),
	}
}

func moneyOut(v exchange.Money) *pb.Money {
	return &pb.Money{Minor: v.Minor, Currency: string(v.Currency)}
}

func moneyIn(m *pb.Money) exchange.Money {
	return exchange.Money{Minor: m.GetMinor(), Currency: exchange.Currency(m.GetCurrency())}
}

func availabilityOut(v exchange.Availability) *pb.Availability {
	return &pb.Availability{Unlimited: v.Unlimited, Units: v.Units}
}

func availabilityIn(m *pb.Availability) exchange.Availability {
	return exchange.Availability{Unlimited: m.GetUnlimited(), Units: m.GetUnits()}
}

func feedProductOut(v *message.FeedProduct) *pb.FeedProduct {
	return &pb.FeedProduct{Product: productOut(&v.Product)}
}

func feedProductIn(_ *fields, m *pb.FeedProduct) *message.FeedProduct {
	return &message.FeedProduct{Product: productIn(m.Product)}
}

func feedHeadOut(v *message.FeedHead) *pb.FeedHead {
	return &pb.FeedHead{
		Shop: raw(v.Shop[:]), Feed: v.Feed, Epoch: v.Epoch, Sequence: v.Sequence,
		Count: v.Count, Digest: raw(v.Digest[:]), AtMs: int64(v.At),
	}
}

func feedHeadIn(f *fields, m *pb.FeedHead) *message.FeedHead {
	v := &message.FeedHead{
		Feed: m.Feed, Epoch: m.Epoch, Sequence: m.Sequence, Count: m.Count, At: exchange.Time(m.AtMs),
	}
	f.fixed("shop", v.Shop[:], m.Shop)
	f.fixed("digest", v.Digest[:], m.Digest)
	return v
}

func feedItemsOut(items []message.FeedItem) []*pb.FeedItem {
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

func feedItemsIn(items []*pb.FeedItem) []message.FeedItem {
	return each(items, func(m *pb.FeedItem) message.FeedItem {
		return message.FeedItem{Sequence: m.Sequence, SKU: exchange.SKU(m.Sku), Record: m.Record}
	})
}

func feedUpdateOut(v *message.FeedUpdate) *pb.FeedUpdate {
	return &pb.FeedUpdate{
		Head: signedOut(v.Head.Payload, v.Head.Signature), After: v.After, Items: feedItemsOut(v.Items),
	}
}

func feedUpdateIn(_ *fields, m *pb.FeedUpdate) *message.FeedUpdate {
	return &message.FeedUpdate{Head: feedSignedIn(m.Head), After: m.After, Items: feedItemsIn(m.Items)}
}

func feedPullOut(v *message.FeedPull) *pb.FeedPull {
	m := &pb.FeedPull{
		Feed: v.Feed, Epoch: v.Epoch, After: v.After, Buckets: v.Buckets, BucketDigests: v.BucketDigests,
	}
	if v.Have != nil {
		m.Have = signedOut(v.Have.Payload, v.Have.Signature)
	}
	return m
}

func feedPullIn(_ *fields, m *pb.FeedPull) *message.FeedPull {
	v := &message.FeedPull{
		Feed: m.Feed, Epoch: m.Epoch, After: m.After, Buckets: m.Buckets, BucketDigests: m.BucketDigests,
	}
	if m.Have != nil {
		head := feedSignedIn(m.Have)
		v.Have = &head
	}
	return v
}

func feedChunkOut(v *message.FeedChunk) *pb.FeedChunk {
	m := &pb.FeedChunk{Full: v.Full, Items: feedItemsOut(v.Items), Last: v.Last}
	if v.Head != nil {
		m.Head = signedOut(v.Head.Payload, v.Head.Signature)
	}
	if v.Key != nil {
		m.Key = feedKeyOut(v.Key)
	}
	if len(v.Digests) > 0 {
		m.Digests = make([]byte, 0, 32*len(v.Digests))
		for i := range v.Digests {
			m.Digests = append(m.Digests, v.Digests[i][:]...)
		}
	}
	return m
}

func feedChunkIn(f *fields, m *pb.FeedChunk) *message.FeedChunk {
	v := &message.FeedChunk{Full: m.Full, Items: feedItemsIn(m.Items), Last: m.Last}
	if m.Head != nil {
		head := feedSignedIn(m.Head)
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

func feedMetaOut(v *record.Feed) *pb.FeedMeta {
	return &pb.FeedMeta{
		Epoch: v.Epoch, Sequence: v.Sequence, Count: v.Count, Floor: v.Floor, Tombstones: v.Tombstones,
		Key: feedKeyOut(&v.Key), Head: signedOut(v.Head.Payload, v.Head.Signature),
	}
}

func feedMetaIn(f *fields, m *pb.FeedMeta) *record.Feed {
	return &record.Feed{
		Epoch: m.Epoch, Sequence: m.Sequence, Count: m.Count, Floor: m.Floor, Tombstones: m.Tombstones,
		Key: f.feedKey(m.Key), Head: feedSignedIn(m.Head),
	}
}

func replicaMetaOut(v *record.Replica) *pb.ReplicaMeta {
	return &pb.ReplicaMeta{
		Shop: raw(v.Shop[:]), Head: signedOut(v.Head.Payload, v.Head.Signature),
		Epoch: v.Epoch, At: v.At, Key: feedKeyOut(&v.Key), RefreshedMs: int64(v.Refreshed),
	}
}

func replicaMetaIn(f *fields, m *pb.ReplicaMeta) *record.Replica {
	v := &record.Replica{
		Head: feedSignedIn(m.Head), Epoch: m.Epoch, At: m.At,
		Key: f.feedKey(m.Key), Refreshed: exchange.Time(m.RefreshedMs),
	}
	f.fixed("shop", v.Shop[:], m.Shop)
	return v
}
