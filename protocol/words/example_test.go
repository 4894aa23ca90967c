package words_test

import (
	"crypto/ed25519"
	"fmt"
	"strings"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/words"
)

// An owner writes the recovery phrase down and types it again, on another machine.
func ExampleParseRecovery() {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	phrase := words.RecoveryPhrase(key)
	again, err := words.ParseRecovery(strings.ToUpper(phrase))
	fmt.Println(again.Equal(key), err)

	_, err = words.ParseRecovery("abandon " + phrase)
	fmt.Println(exchange.CodeOf(err), err)
	// Output:
	// true <nil>
	// invalid a recovery phrase has 24 words, not 25
}

// Two owners who compare six words by telephone know that they speak of one key.
func ExampleFingerprint() {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	fmt.Println(words.Fingerprint(key.Public().(ed25519.PublicKey)))
	// Output: return attack danger auto circle arrow
}
