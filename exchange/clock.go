package exchange

// Clock tells the time. Only the supplier's clock decides expiry.
type Clock interface{ Now() Time }
