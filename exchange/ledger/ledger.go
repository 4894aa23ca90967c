package ledger

import "github.com/souk-market/souk/exchange"

// Hash is SHA-256 of an entry's exact bytes.
type Hash = [32]byte

// Link is what ties an entry into its chain.
type Link struct {
	Supplier exchange.ShopID
	Retailer exchange.ShopID
	Position uint64 // from 1
	Prev     Hash   // of the entry before; zero at position 1
	At       exchange.Time
	Number   uint64 // of the retailer's request that this entry answers; 0 = the supplier's own act
}

// Chain is what one side knows of a chain's end. The zero Chain, with the two
// shops set, is empty.
type Chain struct {
	Supplier exchange.ShopID
	Retailer exchange.ShopID
	Position uint64
	Hash     Hash
	At       exchange.Time
	Answered uint64 // number of the last request that an entry answers
	Acked    uint64 // position the retailer has countersigned, ≤ Position (the supplier's copy)
	Frozen   bool   // a fork was seen: nothing is appended any more
}

// Next is the link that the next entry must carry; number is the request it
// answers, or 0.
func (c Chain) Next(now exchange.Time, number uint64) Link {
	return Link{
		Supplier: c.Supplier, Retailer: c.Retailer, Position: c.Position + 1,
		Prev: c.Hash, At: max(now, c.At), Number: number,
	}
}

// Append returns the chain with the entry at its end. It fails with CodeBehind
// where entries before it are missing, CodeFork where it breaks a rule, CodeFrozen
// on a frozen chain, and CodeInvalid for an entry of another ledger, which proves
// nothing against this one. An entry at or below Position is the caller's to
// compare with the stored one first: equal bytes are a repeat, others a fork.
func (c Chain) Append(l Link, hash Hash) (Chain, error) {
	switch {
	case c.Frozen:
		return c, exchange.Errorf(exchange.CodeFrozen, "the ledger with this shop is frozen as evidence")
	case l.Supplier != c.Supplier || l.Retailer != c.Retailer:
		return c, exchange.Errorf(exchange.CodeInvalid, "the entry belongs to the ledger of %s and %s", l.Supplier.Short(), l.Retailer.Short())
	case l.Position > c.Position+1:
		return c, exchange.Errorf(exchange.CodeBehind, "entry %d came, but the ledger ends at %d", l.Position, c.Position)
	case l.Position <= c.Position:
		return c, exchange.Errorf(exchange.CodeFork, "position %d is taken", l.Position)
	case l.Prev != c.Hash:
		return c, exchange.Errorf(exchange.CodeFork, "entry %d does not follow the entry before it", l.Position)
	case l.At < c.At:
		return c, exchange.Errorf(exchange.CodeFork, "entry %d is older than the entry before it", l.Position)
	case l.Number != 0 && l.Number != c.Answered+1:
		return c, exchange.Errorf(exchange.CodeFork, "entry %d answers request %d; request %d is next", l.Position, l.Number, c.Answered+1)
	}
	c.Position, c.Hash, c.At = l.Position, hash, l.At
	if l.Number != 0 {
		c.Answered = l.Number
	}
	return c, nil
}

// Ack records how far the retailer has countersigned. hashAt must be the hash
// of the supplier's own entry at position (zero at 0); a head beyond the chain
// means that the supplier has lost entries (CodeRestored), another hash is a fork
// (CodeFork). An older head than Acked changes nothing.
func (c Chain) Ack(position uint64, hash, hashAt Hash) (Chain, error) {
	switch {
	case position > c.Position:
		return c, exchange.Errorf(exchange.CodeRestored, "the partner holds entry %d; this ledger ends at %d", position, c.Position)
	case hash != hashAt:
		return c, exchange.Errorf(exchange.CodeFork, "the partner holds another entry %d", position)
	}
	c.Acked = max(c.Acked, position)
	return c, nil
}

// Freeze returns the chain, frozen.
func (c Chain) Freeze() Chain {
	c.Frozen = true
	return c
}
