// Package order is the machine of an order between two shops. Supplier and
// retailer run the same one: the supplier to decide, the retailer to check each
// ledger entry it receives.
//
// An order commits one hold whole. Every line counts units ordered, shipped,
// delivered and cancelled, with
//
//	shipped + cancelled ≤ ordered, delivered ≤ shipped
//
// and the status that people see is derived from the counts and three marks
// (accepted, rejected, expired):
//
//	SUBMITTED ──► ACCEPTED ──► PARTLY_SHIPPED ──► SHIPPED ──► DELIVERED
//	    ├──► REJECTED   └───────────┴──► CANCELLED when nothing is left to ship and nothing was
//	    └──► EXPIRED
//
// The supplier makes every transition; submit and the retailer's cancel are
// requests it answers. There is no error state.
package order
