// Package gen makes random values of every kind of packages message and record, as a well-behaved shop
// would send or store them, for property tests of what carries them. [Value] is
// the way in; a value it makes encodes.
package gen
