package exchange

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
)

// ShopID names a shop for good: it is the Ed25519 public key with which the
// shop joined its federation. A shop that rotates its key keeps its ShopID; the
// member list maps it to the current key.
//
// Its text form is the libp2p peer ID of that key: base58btc of the identity
// multihash of the protobuf-encoded public key (libp2p peer-ids spec), 52
// characters starting with "12D3KooW". Its binary form, in keys and on the wire,
// is the 32 bytes of the key.
type ShopID [ed25519.PublicKeySize]byte

// multihashPrefix is what precedes the 32 key bytes in a peer ID:
// identity multihash (0x00) of 36 bytes (0x24): protobuf field 1 (key type) = 1
// (Ed25519), field 2 (data) of 32 bytes.
var multihashPrefix = []byte{0x00, 0x24, 0x08, 0x01, 0x12, 0x20}

// ShopIDFromKey returns the ShopID of the shop that joins with this key. The
// all-zero key, which is a point of small order and stands for "no shop", is refused.
func ShopIDFromKey(key ed25519.PublicKey) (ShopID, error) {
	var id ShopID
	if len(key) != len(id) {
		return id, Errorf(CodeInvalid, "an Ed25519 public key has %d bytes, not %d", len(id), len(key))
	}
	copy(id[:], key)
	if id.IsZero() {
		return id, Errorf(CodeInvalid, "the all-zero key is no shop's")
	}
	return id, nil
}

// ShopIDFromBytes reads the 32-byte binary form; zeros give the zero ShopID.
func ShopIDFromBytes(b []byte) (ShopID, error) {
	var id ShopID
	if len(b) != len(id) {
		return id, Errorf(CodeInvalid, "a ShopID has %d bytes, not %d", len(id), len(b))
	}
	copy(id[:], b)
	return id, nil
}

// ParseShopID reads the text form. Only peer IDs of Ed25519 keys are ShopIDs;
// a text that parses is the one that String gives back.
func ParseShopID(s string) (ShopID, error) {
	var id ShopID
	if len(s) > maxBase58 {
		return id, Errorf(CodeInvalid, "%.20q… is too long for a shop ID", s)
	}
	b, err := base58Decode(s)
	if err != nil {
		return id, Errorf(CodeInvalid, "%q is not a shop ID: %v", s, err)
	}
	if len(b) != len(multihashPrefix)+len(id) || !bytes.HasPrefix(b, multihashPrefix) {
		return id, Errorf(CodeInvalid, "%q is not the peer ID of an Ed25519 key", s)
	}
	return ShopIDFromKey(b[len(multihashPrefix):])
}

// Key is the public key the shop joined with.
func (id ShopID) Key() ed25519.PublicKey { return ed25519.PublicKey(id[:]) }

// IsZero reports whether id names no shop.
func (id ShopID) IsZero() bool { return id == ShopID{} }

// Bytes is the 32-byte binary form, in a slice of its own.
func (id ShopID) Bytes() []byte { return bytes.Clone(id[:]) }

// Multihash is the binary libp2p peer ID.
func (id ShopID) Multihash() []byte { return append(bytes.Clone(multihashPrefix), id[:]...) }

func (id ShopID) String() string {
	if id.IsZero() {
		return ""
	}
	return base58Encode(id.Multihash())
}

// Short is the end of the text form, for people; it is not unique.
func (id ShopID) Short() string {
	s := id.String()
	if len(s) < 8 {
		return s
	}
	return s[len(s)-8:]
}

// Compare orders ShopIDs by their bytes.
func (id ShopID) Compare(other ShopID) int { return bytes.Compare(id[:], other[:]) }

// MarshalText implements encoding.TextMarshaler with the text form.
func (id ShopID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; an empty text is the zero ShopID.
func (id *ShopID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*id = ShopID{}
		return nil
	}
	parsed, err := ParseShopID(string(b))
	if err == nil {
		*id = parsed
	}
	return err
}

// GoString keeps test failures readable.
func (id ShopID) GoString() string { return fmt.Sprintf("ShopID(%s)", hex.EncodeToString(id[:4])) }
