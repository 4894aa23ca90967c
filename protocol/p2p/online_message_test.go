package p2p

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/souk-market/souk/exchange"
)

// TestOnlineMessage holds the reply to askOnline against its golden bytes, and reads broken ones.
func TestOnlineMessage(t *testing.T) {
	shops := []exchange.ShopID{{1}, {2, 3}}
	golden, err := hex.DecodeString("02" +
		"0100000000000000000000000000000000000000000000000000000000000000" +
		"0203000000000000000000000000000000000000000000000000000000000000")
	if err != nil {
		t.Fatal(err)
	}
	if got := appendOnline(nil, shops); !bytes.Equal(got, golden) {
		t.Errorf("%x", got)
	}
	if got, err := parseOnline(append(golden, "of a later version"...)); err != nil || !slices.Equal(got, shops) {
		t.Errorf("%v, %v", got, err)
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "cut off": golden[:40], "far too many": {0xff, 0xff, 0xff, 0xff, 0x0f}, "more than there are": {0x80, 0x80, 0x01},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := parseOnline(b); err == nil {
				t.Errorf("%v", got)
			}
		})
	}
	if most := len(appendOnline(nil, make([]exchange.ShopID, maxOnline))); most > MaxMessage {
		t.Errorf("a reply may have %d bytes", most)
	}
}
