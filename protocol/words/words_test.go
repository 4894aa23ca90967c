package words

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	bip39 "github.com/tyler-smith/go-bip39"
	"github.com/tyler-smith/go-bip39/wordlists"
	"pgregory.net/rapid"

	"github.com/souk-market/souk/exchange"
)

func drawKey(t *rapid.T) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(rapid.SliceOfN(rapid.Byte(), ed25519.SeedSize, ed25519.SeedSize).Draw(t, "seed"))
}

// TestList holds what lookup relies on.
func TestList(t *testing.T) {
	if len(wordlists.English) != 1<<bitsPerWord || !slices.IsSorted(wordlists.English) {
		t.Fatalf("the list has %d words, or is not sorted", len(wordlists.English))
	}
	seen := map[string]string{}
	for _, w := range wordlists.English {
		short := w[:min(len(w), knownBy)]
		if seen[short] != "" {
			t.Fatalf("%q and %q share their first letters", w, seen[short])
		}
		seen[short] = w
	}
}

func TestRecoveryRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := drawKey(t)
		phrase := RecoveryPhrase(key)
		got, err := ParseRecovery(phrase)
		if err != nil || !got.Equal(key) {
			t.Fatalf("%q gives another key: %v", phrase, err)
		}
		entropy, err := bip39.EntropyFromMnemonic(phrase) // another implementation reads the same
		if err != nil || !bytes.Equal(entropy, key.Seed()) {
			t.Fatalf("%q is not the BIP-39 mnemonic of the seed: %v", phrase, err)
		}
		var short []string
		for _, w := range strings.Fields(phrase) {
			short = append(short, strings.ToUpper(w[:min(len(w), knownBy)]))
		}
		if got, err := ParseRecovery(" " + strings.Join(short, "\n\t") + " "); err != nil || !got.Equal(key) {
			t.Fatalf("the first four letters give another key: %v", err)
		}
	})
}

// TestRecoveryVectors are BIP-39's own, for 256 bits.
func TestRecoveryVectors(t *testing.T) {
	for _, v := range []struct{ seed, phrase string }{
		{strings.Repeat("00", 32), strings.Repeat("abandon ", 23) + "art"},
		{strings.Repeat("7f", 32), strings.Repeat("legal winner thank year wave sausage worth useful ", 2) + "legal winner thank year wave sausage worth title"},
		{strings.Repeat("ff", 32), strings.Repeat("zoo ", 23) + "vote"},
	} {
		t.Run(v.seed[:2], func(t *testing.T) {
			seed, err := hex.DecodeString(v.seed)
			if err != nil {
				t.Fatal(err)
			}
			if got := RecoveryPhrase(ed25519.NewKeyFromSeed(seed)); got != v.phrase {
				t.Errorf("%s: %q, want %q", v.seed, got, v.phrase)
			}
		})
	}
}

func TestRecoveryRefused(t *testing.T) {
	good := strings.Fields(RecoveryPhrase(ed25519.NewKeyFromSeed(make([]byte, 32))))
	change := func(i int, w string) string {
		c := slices.Clone(good)
		c[i] = w
		return strings.Join(c, " ")
	}
	for _, c := range []struct{ name, phrase, says string }{
		{"a word short", strings.Join(good[1:], " "), "24 words, not 23"},
		{"empty", "", "24 words, not 0"},
		{"misspelt", change(6, "abandom"), `word 7, "abandom"`},
		{"prefix too short", change(0, "aba"), `word 1, "aba"`},
		{"another word", change(3, "zoo"), "does not add up"},
		{"not a letter", change(23, "ärt"), "word 24"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseRecovery(c.phrase)
			if exchange.CodeOf(err) != exchange.CodeInvalid || !strings.Contains(err.Error(), c.says) {
				t.Error(err)
			}
		})
	}
}

func TestFingerprint(t *testing.T) {
	a := ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)
	b := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)).Public().(ed25519.PublicKey)
	if Fingerprint(a) == Fingerprint(b) || len(strings.Fields(Fingerprint(a))) != FingerprintWords {
		t.Fatalf("%q, %q", Fingerprint(a), Fingerprint(b))
	}
	// Owners compare these by telephone: they must never change.
	if got, want := Fingerprint(a), "return attack danger auto circle arrow"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzParseRecovery(f *testing.F) {
	f.Add(RecoveryPhrase(ed25519.NewKeyFromSeed(make([]byte, 32))))
	f.Add(strings.Repeat("zoo ", 24))
	f.Fuzz(func(t *testing.T, phrase string) {
		key, err := ParseRecovery(phrase)
		if err != nil {
			return
		}
		if again, err := ParseRecovery(RecoveryPhrase(key)); err != nil || !again.Equal(key) {
			t.Fatalf("%q: %v", phrase, err)
		}
	})
}
