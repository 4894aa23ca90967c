// Package event is what a shop tells of itself: to watchers as it happens, and to followers from any
// place of a durable log on.
//
// An [Event] says that something changed. The details are read where they are kept, so a
// watcher that missed events has missed no state. [Watchers] hands events out, and never waits
// for a watcher. A hot product changes thousands of times a second, so changes of holds and of
// stock are collected and handed out ten times a second ([Watchers.Hold],
// [Watchers.StockChanged]), and are not in the log.
//
// # The log
//
// The others are numbered 1, 2, 3 … and written in the commit of what they tell of: an operation
// adds an event to its batch as an effect (writer.Batch.Then), and [Log.Stamp], the last that
// changes the batch, adds a row of all of them, so an operation that fails tells nothing, a plain
// hold writes no row, and an order one. The Meta record has the last number, and up to which
// number events were deleted (30 days, a million; [Log.Prune]).
//
//	g/ first number     record.Events: the time of the commit, and its events
//
// An [ID] is an event's number and the time of its commit. A store that was put back from a copy
// gives a number again, at another time, so whoever comes with an ID of what was lost is told a
// [Gap]. The first commit after each opening begins with [Started], which names the newest commit
// that the store had then: by it [Log.Has] finds out that a commit was lost though no event was.
//
// # A follower
//
// [Follower] reads the log from its place on and then takes what is handed out. It asks to be handed
// events before it reads where the log ends, knows by the number which event comes next, leaves out
// what it has read before, and reads again where a number is missing, because it was slow. So it is told
// each event once and in order, with a bounded number in memory, however slow it is.
//
// Events are for watchers alone. What one part of a shop needs of another goes through the
// connections that package desk makes.
package event
