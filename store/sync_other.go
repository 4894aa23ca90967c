//go:build !linux

package store

import "os"

// syncData makes a file's content durable.
func syncData(f *os.File) error { return f.Sync() }

// hole finds none: not every system can tell what a memory map has written.
func hole(_ *os.File, from, _ int64) (start, end int64) { return from, from }
