package words

import (
	"crypto/ed25519"
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/tyler-smith/go-bip39/wordlists"

	"github.com/souk-market/souk/exchange"
)

const (
	// FingerprintWords is how many words a fingerprint has: 66 bits.
	FingerprintWords = 6
	// RecoveryWords is how many words a recovery phrase has: 256 bits and 8 of checksum.
	RecoveryWords = 24

	bitsPerWord       = 11 // 2,048 words
	fingerprintDomain = "souk/fingerprint/1"
	knownBy           = 4 // letters that tell any two words of the list apart
)

// Fingerprint is six words, separated by spaces, for an Ed25519 public key.
func Fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(append([]byte(fingerprintDomain), key...))
	return strings.Join(encode(sum[:], FingerprintWords), " ")
}

// RecoveryPhrase is the 24 words, separated by spaces, from which ParseRecovery
// makes the key again. It is as secret as the key.
func RecoveryPhrase(key ed25519.PrivateKey) string {
	seed := key.Seed()
	sum := sha256.Sum256(seed)
	return strings.Join(encode(append(seed, sum[0]), RecoveryWords), " ")
}

// ParseRecovery reads a recovery phrase as people type it: in any case, with any white space, each
// word whole or its first four letters. A word that is not in the list, a wrong count or
// a wrong checksum is CodeInvalid, with the word's number where there is one.
func ParseRecovery(phrase string) (ed25519.PrivateKey, error) {
	typed := strings.Fields(strings.ToLower(phrase))
	if len(typed) != RecoveryWords {
		return nil, exchange.Errorf(exchange.CodeInvalid, "a recovery phrase has %d words, not %d", RecoveryWords, len(typed))
	}
	bits := make([]byte, ed25519.SeedSize+1)
	for i, w := range typed {
		n, ok := lookup(w)
		if !ok {
			return nil, exchange.Errorf(exchange.CodeInvalid, "word %d, %.20q, is not in the list; check its spelling", i+1, w)
		}
		put(bits, i, n)
	}
	seed := bits[:ed25519.SeedSize]
	if sha256.Sum256(seed)[0] != bits[ed25519.SeedSize] {
		return nil, exchange.Errorf(exchange.CodeInvalid, "the recovery phrase does not add up: a word is wrong or two changed places")
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// RecoveryHash is what the member list holds of a recovery key: the SHA-256 of its public half.
func RecoveryHash(key ed25519.PrivateKey) [sha256.Size]byte {
	return sha256.Sum256(key.Public().(ed25519.PublicKey))
}

// encode writes the first n × 11 bits of b as words.
func encode(b []byte, n int) []string {
	out := make([]string, n)
	for i := range out {
		v := 0
		for bit := i * bitsPerWord; bit < (i+1)*bitsPerWord; bit++ {
			v = v<<1 | int(b[bit/8]>>(7-bit%8))&1
		}
		out[i] = wordlists.English[v]
	}
	return out
}

// put writes v as the i-th group of 11 bits.
func put(b []byte, i, v int) {
	for k := range bitsPerWord {
		bit := i*bitsPerWord + k
		b[bit/8] |= byte(v>>(bitsPerWord-1-k)&1) << (7 - bit%8)
	}
}

// lookup finds a word, or the only one that starts with the four letters typed.
func lookup(w string) (int, bool) {
	i, ok := slices.BinarySearch(wordlists.English, w)
	if !ok && len(w) == knownBy && i < len(wordlists.English) {
		ok = strings.HasPrefix(wordlists.English[i], w)
	}
	return i, ok
}
