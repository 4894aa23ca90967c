package exchange

// Party is a shop's side of one direction of trade.
type Party uint32

const (
	Supplier Party = 1 // owns the product and ships it
	Retailer Party = 2 // sells it to a consumer
)

// Other is the opposite side.
func (p Party) Other() Party { return Supplier + Retailer - p }

func (p Party) String() string {
	switch p {
	case Supplier:
		return "supplier"
	case Retailer:
		return "retailer"
	}
	return "nobody"
}
