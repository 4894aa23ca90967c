package protocol_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
	"github.com/souk-market/souk/protocol"
)

func feedKey(name string) (k message.FeedKey) {
	r := stream("feed key " + name)
	_, _ = r.Read(k.ID[:]) // ChaCha8 never fails
	_, _ = r.Read(k.Key[:])
	return k
}

func TestFeedBox(t *testing.T) {
	key, shop, update := feedKey("a"), shopID("acorn"), []byte("an update")
	box, err := protocol.SealFeed(key, origin, shop, exchange.MainFeed, update, nil)
	if err != nil || len(box) != len(update)+protocol.FeedBoxOverhead {
		t.Fatalf("%d bytes, %v", len(box), err)
	}
	if id, err := protocol.FeedBoxKey(box); err != nil || id != key.ID {
		t.Fatalf("%x, %v", id, err)
	}
	got, err := protocol.OpenFeed(key, origin, shop, exchange.MainFeed, box)
	if err != nil || !bytes.Equal(got, update) {
		t.Fatalf("%q, %v", got, err)
	}
	twice, err := protocol.SealFeed(key, origin, shop, exchange.MainFeed, update, nil)
	if err != nil || bytes.Equal(box, twice) {
		t.Fatal("two boxes of one update are equal", err)
	}
}

func TestFeedBoxRefusals(t *testing.T) {
	key, shop := feedKey("a"), shopID("acorn")
	box, err := protocol.SealFeed(key, origin, shop, exchange.MainFeed, []byte("an update"), nil)
	if err != nil {
		t.Fatal(err)
	}
	open := func(k message.FeedKey, o string, s exchange.ShopID, feed string, b []byte) error {
		_, err := protocol.OpenFeed(k, o, s, feed, b)
		return err
	}
	wantCode(t, "another key", open(feedKey("b"), origin, shop, "main", box), exchange.CodeNotFound)
	wantCode(t, "another federation", open(key, "souk/other", shop, "main", box), exchange.CodeSignature)
	wantCode(t, "another shop", open(key, origin, shopID("birch"), "main", box), exchange.CodeSignature)
	wantCode(t, "another feed", open(key, origin, shop, "side", box), exchange.CodeSignature)
	wantCode(t, "too short", open(key, origin, shop, "main", box[:protocol.FeedBoxOverhead-1]), exchange.CodeInvalid)
	wantCode(t, "too long", open(key, origin, shop, "main", make([]byte, protocol.MaxGossip+1)), exchange.CodeInvalid)
	renamed := key
	renamed.ID[0] ^= 1
	other := slices.Clone(box)
	other[0] ^= 1
	wantCode(t, "another key id", open(renamed, origin, shop, "main", other), exchange.CodeSignature)
	for i := len(key.ID); i < len(box); i++ {
		bad := slices.Clone(box)
		bad[i] ^= 0x80
		wantCode(t, "a flipped bit", open(key, origin, shop, "main", bad), exchange.CodeSignature)
	}
	_, err = protocol.SealFeed(key, origin, shop, "main", make([]byte, protocol.MaxFeedUpdate+1), nil)
	wantCode(t, "a long update", err, exchange.CodeLimit)
	_, err = protocol.SealFeed(key, "", shop, "main", nil, nil)
	wantCode(t, "no origin", err, exchange.CodeInvalid)
}
