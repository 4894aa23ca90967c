//go:build !(linux || darwin || freebsd)

package store

import "math"

// freeBytes cannot be told here: there is no floor on this system.
func freeBytes(string) (int64, error) { return math.MaxInt64, nil }
