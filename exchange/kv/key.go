package kv

import "encoding/binary"

// Key is a prefix and parts, one after the other, in a slice of the caller's.
func Key(prefix string, parts ...[]byte) []byte {
	n := len(prefix)
	for _, p := range parts {
		n += len(p)
	}
	k := append(make([]byte, 0, n), prefix...)
	for _, p := range parts {
		k = append(k, p...)
	}
	return k
}

// Uint64 is n as a part of a key: big-endian, so that keys are in the order of numbers.
func Uint64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
