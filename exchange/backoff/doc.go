// Package backoff spaces attempts that fail: each pause is twice the last, up to a longest
// one. The zero [Doubling] is the pause between two shops: 1, 2, 4, 8, 8 … seconds.
//
// It reads no clock and no randomness, so that the pure core can use it; a caller who must
// not return together with others varies the pause itself.
package backoff
