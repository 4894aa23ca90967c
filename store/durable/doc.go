// Package durable writes small files that must survive a crash and a power cut: keys,
// configurations, tokens. A reader finds the old file or the new one, never a part, and when
// a call has returned nil, contents and name are on the disk.
//
// It is own code because no library does all of it. renameio does not build for Windows
// (its package maybe writes there in place), and neither it nor moby/sys/atomicwriter syncs
// the folder, without which a power cut may take the new name back.
package durable
