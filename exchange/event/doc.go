// Package event is what watchers of a shop are told.
//
// An [Event] says that something changed. A watcher reads the details where they are kept, so
// a watcher that misses events can catch up. [Watchers] hand out events and never wait for
// a watcher. A hot product changes thousands of times a second, so Watchers collect changes
// of holds and stock and tell them ten times a second ([Watchers.Hold],
// [Watchers.StockChanged]).
//
// The parts of a shop do not talk by events; package desk connects the parts.
package event
