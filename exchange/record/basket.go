package record

import (
	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/basket"
	"github.com/souk-market/souk/exchange/message"
)

// Basket is a basket of this shop's: what it holds, orders and gives back as one.
type Basket struct {
	basket.Basket
	ID      exchange.BasketID
	Content [32]byte // a digest of what was asked for: a repeat asks for the same
	Country string   // ship-to
}

func (*Basket) Kind() message.Kind { return KindBasket }

// Size is what the record and its key take in the store, from above.
func (r *Basket) Size() int {
	n := 256
	for i := range r.Parts {
		p := &r.Parts[i]
		n += 128 + len(p.Detail)
		for _, l := range p.Lines.All() {
			n += 2*len(l.SKU) + 40 // in the lines, and where it is short
		}
	}
	return n
}
