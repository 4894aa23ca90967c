// Package event is what watchers of a shop are told.
//
// An [Event] says that something changed; the details are read where they are kept, so that
// a watcher that missed events has missed nothing. [Watchers] hands events out, and never
// waits for a watcher. A hot product changes thousands of times a second, so what happens
// to holds and stock is told together, ten times a second ([Watchers.Hold],
// [Watchers.StockChanged]).
//
// What the parts of a shop tell each other is no event; the desk wires that by itself.
package event
