package protocol

import (
	"crypto/rand"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/message"
)

// FeedBoxOverhead is what encryption adds: key id (8), nonce (24), tag (16).
const FeedBoxOverhead = 8 + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead

const feedBoxDomain = "souk/feedbox/1"

// SealFeed encrypts an encoded FeedUpdate of shop's feed with the feed's current
// key; doc.go has the layout. The nonce is random (random; nil is crypto/rand):
// with 192 bits it may be so for as many messages as a key will ever see.
func SealFeed(key message.FeedKey, origin string, shop exchange.ShopID, feed string, update []byte, random io.Reader) ([]byte, error) {
	if len(update) > MaxFeedUpdate {
		return nil, exchange.Errorf(exchange.CodeLimit, "a feed update has %d bytes; %d are allowed", len(update), MaxFeedUpdate)
	}
	if random == nil {
		random = rand.Reader
	}
	bound, err := feedBoxBound(origin, shop, feed)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(key.Key[:])
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "feed encryption: %w", err)
	}
	head := len(key.ID) + chacha20poly1305.NonceSizeX
	box := make([]byte, head, FeedBoxOverhead+len(update))
	copy(box, key.ID[:])
	nonce := box[len(key.ID):head]
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "no randomness for a feed update: %w", err)
	}
	return aead.Seal(box, nonce, update, append(bound, key.ID[:]...)), nil
}

// OpenFeed decrypts what SealFeed made. It fails with CodeNotFound where the box was
// made with another key (FeedBoxKey tells which: fetch it from the supplier), with
// CodeInvalid for a box of a wrong size, and with CodeSignature where it was made for
// another shop or feed, or altered.
func OpenFeed(key message.FeedKey, origin string, shop exchange.ShopID, feed string, box []byte) ([]byte, error) {
	id, err := FeedBoxKey(box)
	if err != nil {
		return nil, err
	}
	if id != key.ID {
		return nil, exchange.Errorf(exchange.CodeNotFound, "the update is encrypted with key %x, ours is %x; ask the supplier for its feed's key", id, key.ID)
	}
	bound, err := feedBoxBound(origin, shop, feed)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(key.Key[:])
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeInternal, "feed encryption: %w", err)
	}
	head := len(key.ID) + chacha20poly1305.NonceSizeX
	update, err := aead.Open(nil, box[len(key.ID):head], box[head:], append(bound, key.ID[:]...))
	if err != nil {
		return nil, exchange.Errorf(exchange.CodeSignature, "an update of shop %s's feed %.40q does not decrypt", shop, feed)
	}
	return update, nil
}

// FeedBoxKey is the id of the key that a box was made with; CodeInvalid where
// the bytes cannot be a box.
func FeedBoxKey(box []byte) (id [8]byte, err error) {
	if len(box) < FeedBoxOverhead || len(box) > MaxGossip {
		return id, exchange.Errorf(exchange.CodeInvalid, "an encrypted feed update has %d to %d bytes, not %d", FeedBoxOverhead, MaxGossip, len(box))
	}
	copy(id[:], box)
	return id, nil
}

// feedBoxBound is the associated data but for the key id: a box opens for the
// shop and feed it was made for, and nowhere else.
func feedBoxBound(origin string, shop exchange.ShopID, feed string) ([]byte, error) {
	if origin == "" || len(origin) > maxOrigin || feed == "" || len(feed) > exchange.MaxText {
		return nil, exchange.Errorf(exchange.CodeInvalid, "a feed's origin and name have 1 to 255 bytes, not %d and %d", len(origin), len(feed))
	}
	b := make([]byte, 0, len(feedBoxDomain)+3+len(origin)+len(shop)+len(feed)+8)
	b = append(b, feedBoxDomain...)
	b = append(b, '\n', byte(len(origin)))
	b = append(b, origin...)
	b = append(b, shop[:]...)
	b = append(b, byte(len(feed)))
	return append(b, feed...), nil
}
