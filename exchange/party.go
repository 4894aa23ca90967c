package exchange

// Party is a shop's side of a partnership, a ledger or an order.
type Party uint32

const (
	Supplier Party = 1 // owns the product and ships it
	Retailer Party = 2 // sells it to a consumer
)

// Check reports a value that is neither side.
func (p Party) Check() error {
	if p != Supplier && p != Retailer {
		return Errorf(CodeInvalid, "party %d is neither supplier nor retailer", uint32(p))
	}
	return nil
}

// Other is the opposite side of p, which is one of the two.
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
