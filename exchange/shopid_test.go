package exchange_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
)

// shopVectors are peer IDs that go-libp2p v0.51.0 (peer.IDFromPublicKey) gives
// to the Ed25519 keys whose seed is SHA-256 of the name.
var shopVectors = []struct{ name, key, peerID string }{
	{"acorn", "f13f304add9029745d3608b8c7e0c4a8b73f440e8e540ed12b352d68f077e452", "12D3KooWS46JqTqxwCqsJEPY5F8ZYQgwNGi3kDP9DsunnrpAbEoK"},
	{"birch", "4b2e542c2300d15049b16377397e752d0080c8851d1c17acc929f11942353647", "12D3KooWEsqigskRK1zcDyiM2dReNmUG589trYiQMiMXJSTD6CrS"},
	{"cedar", "38e8059e74fdfb205440194919b4c4be95c426b99eea52a3df14d1b755829e87", "12D3KooWDeWCdLRxM4eMKkJbpfwnxZLp1KEfipK5C381u7BuJimc"},
}

// vectorShop is the shop of the i-th vector.
func vectorShop(i int) exchange.ShopID {
	id, err := exchange.ParseShopID(shopVectors[i].peerID)
	if err != nil {
		panic(err)
	}
	return id
}

func TestShopIDIsThePeerID(t *testing.T) {
	for _, v := range shopVectors {
		t.Run(v.name, func(t *testing.T) {
			seed := sha256.Sum256([]byte(v.name))
			key := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
			if hex.EncodeToString(key) != v.key {
				t.Fatal("the vector's key is not the seed's")
			}
			id, err := exchange.ShopIDFromKey(key)
			if err != nil {
				t.Fatal(err)
			}
			if id.String() != v.peerID {
				t.Errorf("%s, want the peer ID %s", id, v.peerID)
			}
			parsed, err := exchange.ParseShopID(v.peerID)
			if err != nil || parsed != id {
				t.Errorf("ParseShopID(%s) = %s, %v", v.peerID, parsed, err)
			}
			if !id.Key().Equal(key) || !bytes.Equal(id.Bytes(), key) || !strings.HasSuffix(v.peerID, id.Short()) || len(id.Short()) != 8 {
				t.Error("the forms of the ShopID differ")
			}
			if want := append([]byte{0x00, 0x24, 0x08, 0x01, 0x12, 0x20}, key...); !bytes.Equal(id.Multihash(), want) {
				t.Errorf("multihash %x, want %x", id.Multihash(), want)
			}
		})
	}
}

func TestParseShopIDRefuses(t *testing.T) {
	good := shopVectors[0].peerID
	for name, text := range map[string]string{
		"empty":                  "",
		"too short":              good[:51],
		"a character more":       good + "1",
		"first character lost":   good[1:],
		"zero byte in front":     "1" + good,
		"white space":            " " + good,
		"line end":               good + "\n",
		"no base58":              strings.Replace(good, "o", "0", 1),
		"not ASCII":              "12D3KooWé6JqTqxwCqsJEPY5F8ZYQgwNGi3kDP9DsunnrpAbEoK",
		"a secp256k1 peer ID":    "16Uiu2HAm6Bq3Y8YjfrnqaQ3xmDeVBS1x12CWXYWNoo3tNEcNaE59",
		"an RSA peer ID":         "QmVPH8PTJphk62uj3UPd6MhdW7f7mJLi7UgaQqptaRtBiR",
		"a CID of a peer":        "k51qzi5uqu5dgutdk6i1ynyzgkqngpha5xpgia3a5qqp4jsh0u4csozksxel2r",
		"the all-zero key":       "12D3KooW9pNAk8aiBuGVQtWRdbkLmo5qVL3e2h5UxbN2Nz9ttwiw",
		"zeros only":             strings.Repeat("1", 38),
		"longer than any":        strings.Repeat("z", 1<<20),
		"the greatest 64 digits": strings.Repeat("z", 64),
	} {
		t.Run(name, func(t *testing.T) {
			id, err := exchange.ParseShopID(text)
			if exchange.CodeOf(err) != exchange.CodeInvalid || !id.IsZero() {
				t.Errorf("%v, %v; want it refused as invalid", id, err)
			}
			if err != nil && len(err.Error()) > 500 {
				t.Errorf("the message has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestShopIDFromBytes(t *testing.T) {
	for _, n := range []int{0, 31, 33, 64} {
		t.Run(fmt.Sprintf("%d bytes", n), func(t *testing.T) {
			if _, err := exchange.ShopIDFromBytes(make([]byte, n)); exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Errorf("as bytes: %v", err)
			}
			if _, err := exchange.ShopIDFromKey(make([]byte, n)); exchange.CodeOf(err) != exchange.CodeInvalid {
				t.Errorf("as a key: %v", err)
			}
		})
	}
	if id, err := exchange.ShopIDFromBytes(make([]byte, 32)); err != nil || !id.IsZero() {
		t.Errorf("zeros: %v, %v; want the zero ShopID", id, err)
	}
	if _, err := exchange.ShopIDFromKey(make([]byte, 32)); exchange.CodeOf(err) != exchange.CodeInvalid {
		t.Errorf("the all-zero key: %v", err)
	}
}

func TestShopIDForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")
		id, err := exchange.ShopIDFromBytes(raw)
		if err != nil {
			t.Fatal(err)
		}
		raw[0]++ // the ShopID and its Bytes have memory of their own
		id.Bytes()[1]++
		raw[0]--
		if !bytes.Equal(id.Bytes(), raw) {
			t.Fatal("the ShopID shares memory")
		}
		encoded, err := json.Marshal(map[exchange.ShopID]exchange.ShopID{id: id})
		if err != nil {
			t.Fatal(err)
		}
		var decoded map[exchange.ShopID]exchange.ShopID
		if err := json.Unmarshal(encoded, &decoded); err != nil || decoded[id] != id {
			t.Fatalf("%s came back as %v, %v", encoded, decoded, err)
		}
		if text := id.String(); !id.IsZero() && (len(text) != 52 || !strings.HasPrefix(text, "12D3KooW")) {
			t.Fatalf("%q is no Ed25519 peer ID", text)
		}
	})
}

func TestShopIDOrder(t *testing.T) {
	a, b := exchange.ShopID{1}, exchange.ShopID{1, 0, 1}
	if a.Compare(b) >= 0 || b.Compare(a) <= 0 || a.Compare(a) != 0 {
		t.Error("ShopIDs are not in the order of their bytes")
	}
	if z := (exchange.ShopID{}); z.String() != "" || z.Short() != "" || !z.IsZero() || a.IsZero() {
		t.Error("the zero ShopID shows as something")
	}
}

func FuzzParseShopID(f *testing.F) {
	f.Add(shopVectors[0].peerID)
	f.Fuzz(func(t *testing.T, text string) {
		id, err := exchange.ParseShopID(text)
		checkParse(t, text, id.String(), err)
	})
}

// checkParse holds a parser of outside text to what all of them promise: what
// they accept is the one text of its value, and what they refuse is CodeInvalid
// with a message that does not grow with the text.
func checkParse(t *testing.T, text, back string, err error) {
	t.Helper()
	switch {
	case err == nil && back != text:
		t.Errorf("%q was accepted and reads %q", text, back)
	case err != nil && exchange.CodeOf(err) != exchange.CodeInvalid:
		t.Errorf("%q: %v (%v)", text, err, exchange.CodeOf(err))
	case err != nil && len(err.Error()) > 1500:
		t.Errorf("the message has %d bytes", len(err.Error()))
	}
}
