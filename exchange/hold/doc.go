// Package hold is the machine of stock and holds: what a supplier sets aside. What its
// retailer makes of a hold is a reservation, and is none of this package's business.
//
// A [Stock] counts one record of stock at its supplier; [Stock.Step] moves units between
// shelf, hold and sale. A [Hold] sets units of 1 to 64 products aside for one
// retailer; [Step] moves it along
//
//	        ┌─ Place ──► HELD ─┬─ Commit ──► COMMITTED
//	(none) ─┤                  ├─ Release ─► RELEASED
//	        │                  └─ Expire ──► EXPIRED
//	        ├─ Ask ────► ASKED ┬─ Confirm ─► HELD
//	        │                  ├─ Refuse ──► REFUSED
//	        │                  └─ Release ─► RELEASED
//	        ├─ Refuse ──► REFUSED
//	        └─ Release ─► RELEASED (a tombstone: its hold, if it comes, finds it)
//
// and says in its effects what happens to the stock of each line. All states but
// HELD and ASKED are terminal: a hold ends exactly once. The machine reads no clock: the
// caller's time decides, and now ≥ expiry means expired.
//
// ASKED is for a shop whose own system has the authority over its stock (package bridge). The
// units are set aside while it is asked. What the counts here say refuses no Ask, for they are
// a copy of the system's. No answer to a retailer says ASKED.
//
// The invariant of one stock record, at every step (I1):
//
//	available + held + sold = stocked − missing + deficit, none negative
//
// where stocked counts the units ever put on the shelf, sold the units committed
// to orders and not cancelled (shipped ones included), missing the units that left
// though the shelf had none, and deficit the units that are promised or gone and are not
// there. Available and deficit are derived, so the equation cannot break; what can, and is
// checked, is a count below zero.
//
// Several products may sell from one record, a pool, and a product may change its record: so
// a hold remembers which records its units were taken from, and gives them back there.
package hold
