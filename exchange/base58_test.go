package exchange

import (
	"bytes"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestBase58 compares with the definition: the number in base 58, and a "1" for
// each leading zero byte.
func TestBase58(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zeros := rapid.IntRange(0, 4).Draw(t, "zeros")
		b := append(make([]byte, zeros), rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "bytes")...)
		text := base58Encode(b)
		if want := base58ByDefinition(b); text != want {
			t.Fatalf("%x is %q, want %q", b, text, want)
		}
		if back, err := base58Decode(text); err != nil || !bytes.Equal(back, b) {
			t.Fatalf("%q decodes to %x, %v; want %x", text, back, err, b)
		}
	})
}

func base58ByDefinition(b []byte) string {
	n, base, digit := new(big.Int).SetBytes(b), big.NewInt(58), new(big.Int)
	var reversed []byte
	for n.Sign() > 0 {
		n.DivMod(n, base, digit)
		reversed = append(reversed, base58Alphabet[digit.Int64()])
	}
	zeros := len(b) - len(bytes.TrimLeft(b, "\x00"))
	var out strings.Builder
	out.WriteString(strings.Repeat("1", zeros))
	for i := len(reversed) - 1; i >= 0; i-- {
		out.WriteByte(reversed[i])
	}
	return out.String()
}
