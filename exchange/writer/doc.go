// Package writer makes all changes of a shop's state, one batch after the other. It knows
// no product, hold or order: an operation is a function of a [Batch].
//
// # One batch
//
// One goroutine ([Writer.Run]) drains a queue of operations. It applies them, one after the
// other, to an overlay of the store; seals everything they decided under one signature;
// commits the whole in one durable transaction; and only then answers the callers and hands
// the batch's effects to [Config.Apply]. Nothing signed leaves the process before it is
// durable, and a hot product costs one fsync a batch, not one a sale.
//
//	Do(op) ─► queue ─► Due.Expire ─► op, op, op … ─► seal ─► tables' rows, stamp ─► Commit ─► effects, answers
//	                                  │ error: the overlay, seals and effects of op are undone
//	                                  ▼
//	                                 next op
//
// Effects of tables ([Rows.Flushed]) come before those of operations: whoever an operation's
// effect wakes finds the records' state as committed. What is written behind
// ([Writer.WriteBehind]) is the one exception to effects as values: who asked for it is told
// by a function that it is over, also where nothing was committed.
//
// An operation that fails leaves no trace. A commit that the store refuses (kv.ErrRefused)
// wrote nothing: its operations run again, each in a batch of its own, so that only the one
// that is too large fails. Any other error of a commit leaves its outcome unknown: [Writer.Run]
// returns it, and the process must end and read its store again.
//
// # What an operation uses
//
//	Batch.Get, Put, Delete   rows of the store, as this batch sees them
//	Table                    records of one type, decoded until the commit
//	Batch.Seal               a payload under the batch's signature
//	Batch.Then               an effect: a value that says what follows the commit
//	Batch.Attempt            a part that may be refused without failing the whole
//
// # Time
//
// The writer's time ([Batch.Now]) is the same for a whole batch and never runs backwards:
// the clock's, or that of the last commit where the clock is behind it. What time alone
// makes due is [Due]'s to do, before a batch's operations.
package writer
