// Package basket is the machine of baskets: holds at several suppliers, the own shop among
// them, that a retailer makes, orders and gives back as one. What becomes of each hold at its
// supplier is the business of package hold; what a supplier makes of an order, of package order.
//
// A [Basket] has a [Part] for each supplier. [Step] moves it along
//
//	(none) ─ Begin ─► HOLDING ─┬─ every part held ────► HELD ─────────┬─ Order ─► ORDERING ─► DONE
//	                           ├─ some held, if partial ► PARTLY_HELD ┘
//	                           └─ a no, or GiveUp ──┐        │
//	                                                ▼        │ Release, Expire, or a part is lost
//	                                             RELEASING ◄─┘
//	                                                │ every supplier has answered
//	                                                ▼
//	                                    REFUSED, RELEASED or EXPIRED
//
// and says in its effects which holds are to be given back and which orders to be cancelled. A
// part moves along
//
//	ASKED ─┬─ Answer ─► HELD ─┬─ Order ─► ORDERED ─┬─ Accept ─► ACCEPTED
//	       │                  │                    └─ Reject ─► REJECTED
//	       │                  └─ End ─► RELEASED, EXPIRED
//	       ├─ Refuse ─► REFUSED
//	       └─ (nobody knows) ─► RETURNING ─► REFUSED, RELEASED, EXPIRED
//
// A basket is all or none, unless it is partial: then it keeps what could be had. Either way
// what is not kept is given back until its supplier has answered: also parts of which nobody
// knows whether they are held, since a request may arrive late.
//
// A basket is ordered whole: every part that is held, at one time, before the earliest of them
// expires. From then on each part ends by itself, accepted or rejected, and the basket is DONE
// when the last one has. The retailer then knows what it can sell and what it must pay back.
//
// The machine reads no clock: the caller's time decides, and now ≥ expiry means expired. An event
// that says what is known already, or comes too late to matter, changes nothing: what is told
// twice, or in another order, ends in the same basket.
package basket
