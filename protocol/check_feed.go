package protocol

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/catalog"
	"github.com/souk-market/souk/exchange/message"
)

func checkFeedProduct(v *message.FeedProduct) error { return catalog.CheckProduct(v.Product) }

func checkFeedHead(v *message.FeedHead) error {
	if v.Shop.IsZero() {
		return errorf("the shop is missing")
	}
	if err := checkTimes(v.At); err != nil {
		return err
	}
	return checkFeedName(v.Feed)
}

func checkFeedName(feed string) error {
	if feed == "" {
		return errorf("the feed's name is missing")
	}
	return checkText("the feed's name", feed, exchange.MaxText)
}

func checkFeedUpdate(v *message.FeedUpdate) error {
	if err := checkSignature("the feed's head", v.Head.Payload, v.Head.Signature, maxSmall); err != nil {
		return err
	}
	return checkFeedItems(v.Items)
}

func checkFeedItems(items []message.FeedItem) error {
	for i := range items {
		if items[i].Sequence == 0 {
			return errorf("%s: changes are numbered from 1", items[i].SKU)
		}
		if _, err := exchange.ParseSKU(string(items[i].SKU)); err != nil {
			return err
		}
		if len(items[i].Record) > catalog.MaxRecord {
			return errorf("%s: a record has %d bytes; %d are allowed", items[i].SKU, len(items[i].Record), catalog.MaxRecord)
		}
	}
	return nil
}

func checkFeedPull(v *message.FeedPull) error {
	for i, b := range v.Buckets { // in this order there are no more of them than catalog.Buckets
		if b >= catalog.Buckets || i > 0 && v.Buckets[i-1] >= b {
			return errorf("buckets ascend and are below %d; %d does not", catalog.Buckets, b)
		}
	}
	if h := v.Have; h != nil {
		if err := checkSignature("the feed's head", h.Payload, h.Signature, maxSmall); err != nil {
			return err
		}
	}
	return checkFeedName(v.Feed)
}

func checkFeedChunk(v *message.FeedChunk) error {
	if len(v.Digests) > catalog.Buckets {
		return errorf("%d bucket digests are more than there are buckets", len(v.Digests))
	}
	if v.Head != nil {
		if err := checkSignature("the feed's head", v.Head.Payload, v.Head.Signature, maxSmall); err != nil {
			return err
		}
	}
	return checkFeedItems(v.Items)
}
