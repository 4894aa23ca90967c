// Package record is what a shop stores: one value under one key of its synced store.
// keys.go lists every key; the other files have the records by subject, each with what
// follows from its own fields alone. Fields are only ever added, and package protocol
// gives them numbers.
//
// The packages above read records with [Get] and [Rows] and write them through package
// writer. Package audit reads them too, and nothing else of the core, so that a checker
// shares no rule with what it checks.
package record
