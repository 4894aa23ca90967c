package p2p_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
)

// everybody is a Directory for two members who know each other.
type everybody struct{}

func (everybody) Admit(exchange.ShopID) bool { return true }
func (everybody) Unknown(exchange.ShopID)    {}

// A shop asks its hub. What the other side refuses comes back as its own answer, with
// its code; any other error leaves the outcome unknown.
func ExampleNode_Request() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	member := func(hubs []string) *p2p.Node {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			log.Fatal(err)
		}
		n, err := p2p.New(p2p.Config{
			Key: key, Federation: "bazaar", Members: everybody{},
			Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Hubs: hubs,
		})
		if err != nil {
			log.Fatal(err)
		}
		n.Handle("stock", func(_ context.Context, from exchange.ShopID, sku []byte) ([]byte, error) {
			if string(sku) != "shoe" {
				return nil, exchange.Errorf(exchange.CodeNotFound, "there is no %s", sku)
			}
			return []byte("2 left"), nil
		})
		if err := n.Start(ctx); err != nil {
			log.Fatal(err)
		}
		return n
	}
	hub := member(nil)
	defer hub.Close()
	shop := member(hub.Addresses())
	defer shop.Close()

	answer, err := shop.Request(ctx, hub.Self(), "stock", []byte("shoe"))
	fmt.Printf("%s, %v\n", answer, err)
	_, err = shop.Request(ctx, hub.Self(), "stock", []byte("hat"))
	fmt.Println(p2p.IsAnswer(err), exchange.CodeOf(err), err)
	// Output:
	// 2 left, <nil>
	// true not-found there is no hat
}
