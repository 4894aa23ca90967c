package protocol_test

import (
	"crypto/ed25519"
	"fmt"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol"
)

// memberKeys are a verifier's view of the member list.
type memberKeys map[exchange.ShopID]ed25519.PublicKey

func (m memberKeys) Key(shop exchange.ShopID) (ed25519.PublicKey, bool) {
	key, ok := m[shop]
	return key, ok
}

// A shop signs a batch of answers once. Each answer proves itself alone, and a seal that
// was changed proves nothing.
func ExampleSigner_Seal() {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	signer := protocol.NewSigner(key, "bazaar", nil)
	sealed, err := signer.Seal([][]byte{[]byte("held: 2 shoes"), []byte("refused: no caps left")})
	if err != nil {
		fmt.Println(err)
		return
	}

	members := memberKeys{signer.Shop(): key.Public().(ed25519.PublicKey)}
	verifier := protocol.NewVerifier("bazaar", members)
	payload, err := verifier.Open(signer.Shop(), sealed[1])
	fmt.Printf("%s, %v\n", payload, exchange.CodeOf(err))

	sealed[1][len(sealed[1])-1] ^= 1 // the last byte of the signature
	_, err = verifier.Open(signer.Shop(), sealed[1])
	fmt.Println(exchange.CodeOf(err))

	delete(members, signer.Shop()) // which is asked for every leaf, also of a batch that is known
	_, err = verifier.Open(signer.Shop(), sealed[0])
	fmt.Println(exchange.CodeOf(err))
	// Output:
	// refused: no caps left, ok
	// bad-signature
	// not-a-member
}
