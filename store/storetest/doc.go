// Package storetest is the contract of kv.Store as tests. Every store passes
// [Run]; a store that keeps its data over a restart passes [RunDurable] as well. A store over
// another database starts here: write Open, run both, and a shop runs on it.
//
// What the tests hold a store to, beyond the port's own comments:
//
//   - keys are ordered by their bytes; a key of 0xff bytes is a key like any other;
//   - an empty value is a value, not an absent key;
//   - a refusal has kv.ErrRefused in its chain and changed nothing;
//   - a batch at the limits is committed, one above is refused;
//   - the caller may reuse its slices after Commit, and own what Get returned;
//   - visit may read and commit, and the scan still sees its snapshot.
package storetest
