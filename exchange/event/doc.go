// Package event is what watchers of a shop are told.
//
// An [Event] says that something changed. The details are read where they are kept, so a
// watcher that missed events has missed no state. [Watchers] hands events out, and never waits
// for a watcher. A hot product changes thousands of times a second, so changes of holds and of
// stock are collected and handed out ten times a second ([Watchers.Hold],
// [Watchers.StockChanged], [Watchers.ShortfallChanged]).
//
// Events are for watchers alone. What one part of a shop needs of another goes through the
// connections that package desk makes.
package event
