// Package ledger is the rule of the hash chain that one supplier and one
// retailer share. The supplier alone appends; the retailer holds a copy and
// countersigns how far it has it.
//
// An entry's [Link] says which chain and position it is, the hash of the entry
// before, the supplier's time, and the number of the retailer's request that it
// answers, if any. The hash of an entry is SHA-256 of its exact bytes as sealed; the
// package never sees or needs what they mean.
//
// Rules, checked by both sides with the same [Chain.Append]:
//   - positions count 1, 2, 3 …; each entry names the hash of the one before (zeros at 1);
//   - times never decrease;
//   - the retailer numbers its requests 1, 2, 3 … and each is answered by exactly
//     one entry, in order, refusals included: withholding one blocks the rest;
//   - a second entry at a position, or one that breaks a rule, is a fork: the chain
//     is frozen and both pieces of evidence are kept.
package ledger
