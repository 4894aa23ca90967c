package desk

import "github.com/souk-market/souk/exchange"

// A shop that has lost records, and who is told what of it.

// RestoreAdvice is what the owner of a shop that has stopped selling should know and do.
// There is no way back without the lost records: where no copy has them, what is left is
// another shop, whose key has signed nothing yet.
const RestoreAdvice = "This shop has lost records that it had signed, so it sells nothing and enters nothing into its ledgers: otherwise it could sell twice. " +
	"Stop the node and put the newest copy of its folder back, all of it, newer than the one in use; delete nothing. " +
	"Records that no copy holds cannot be taken back from partners by this version: if they are gone for good, this shop will not sell again. " +
	"Keep the folder, finish open orders with the partners by hand, and begin a new shop in another folder, with a new invite from the hub and new partnerships"

// maySell refuses a partner while the shop has stopped selling. Who proved what is not
// the partner's business.
func (d *Desk) maySell() error {
	if d.Stopped() == "" {
		return nil
	}
	return exchange.Errorf(exchange.CodeRestored, "the shop has stopped selling, for it has lost records; ask its owner")
}

// mayAct refuses the owner's own acts while the shop has stopped selling.
func (d *Desk) mayAct() error {
	if why := d.Stopped(); why != "" {
		return exchange.Errorf(exchange.CodeRestored, "selling has stopped: %s. %s", why, RestoreAdvice)
	}
	return nil
}
