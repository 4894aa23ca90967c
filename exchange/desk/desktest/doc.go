// Package desktest is a world for tests of the core: a few shops in one goroutine, with
// real desks, codec, signatures and stores in memory, a clock that the test moves, and a
// network that calls the other desk. Nothing in it depends on the machine's time or chance.
//
// [World] has the shops and what becomes of their requests; [FeedWorld] a supplier and one
// copy of its catalog, whose pulls the test cuts and bends. [Pair] is where most tests
// begin. It is imported by tests alone.
package desktest
