// Package shelf is a supplier's own products and their stock.
//
// A product and its stock are two records, because every hold writes the stock. Several
// products may sell from one stock, a pool, and a variant under another name sells from the
// stock of the one whose place it took: so a product names its stock ([record.Product.Stock]),
// and holds and orders remember which one they took from. Holds and orders move stock by
// [Shelf.Fits] and [Shelf.Move]; the machine of package hold has the rules. Every change of a
// product or its stock calls Config.Changed, so that the catalog follows.
//
// # What the owner's system says
//
// [Shelf.Import] takes what a file says, [Shelf.Withdraw] what it does not say any more. An item
// is looked at twice by the same function, plan: once by what is committed, so that what changes
// nothing never waits for the writer, and once in the writer's turn.
//
//   - Withdrawn and removed. What the system takes off sale it brings back; what the owner takes
//     off sale ([Shelf.Remove]) only the owner brings back ([Shelf.Publish]). In either case stock,
//     last figure and journal stay, and are followed, so that a product that returns is counted
//     right; holds and orders keep their quotes.
//   - Identity. Another product under a known SKU changes nothing (same, in identity.go).
//   - Figures. [Statement] says what a file's figure means and when the file was read; told.read
//     has the formulas, and TestFigures a model that they stood in. What the file may not know
//     yet is taken as it lowers. A figure that may be older than what is known can only lower.
//   - Price. A sale's price begins and ends by the writer's clock ([Shelf.ChangePrices]; a quote
//     follows it to the millisecond).
//
// The design's rules are in its part SHELF, 1, 3 and 4. Where this package departs from them:
//
//   - A count by hand of a stock whose figures come from a system that knows nothing of Souk
//     stands until that system's next figure, which confirms what the count found or takes it
//     back. The design lets the figure's growth count beside the count; the model then sold what
//     was delivered, counted, and sold by the till before the next file.
//   - A variant that took the place of one other sells from that one's stock for good, not only
//     while promises on it are open: figures of a system that knows nothing of Souk still count
//     what Souk has sent under the old name.
//   - The guard over absences asks when a file is the whole catalog, not for the variants of a
//     group: a group that lost its only variant lost all of a small catalog.
//
// # What other channels tell
//
// [Moves.Tell] takes what the owner's checkout, till, goods-in and people did to the shelf, and
// [Shelf.Count] what people counted. The invariant, which TestFigures holds for every meaning of
// figures, for channels that tell at once, late, twice, by a wrong clock or never, for counts that
// are told long after, and for a web shop that writes sums: the shelf that is believed never
// exceeds the shelf that there is by more than what nobody has told. The rules (in
// standing and since; the model fails where one is left out):
//
//   - What happened is of a span: its moment, by a clock that may be a minute off, and not after it
//     was told. What is told as it happens, without a moment, comes after all that was told before.
//   - Told late, units that went surely before the last count, or the last figure of a system that
//     counts them (on-hand, free), are contained in it. Units that came are contained unless they
//     came surely after it. What is contained stands in the journal and changes nothing.
//   - A count of a moment, and a figure, take off what went and was told of the time since, and add
//     what surely came since. A count that is not surely later than the last count or file is
//     stale.
//   - A write that names a revision may be a count or a sum (CauseSet). Nobody knows of which moment
//     it is: what went is taken off whenever it was, what came until then is not added, and a file
//     that is not surely later lowers the stock by as much as the write did.
//   - A write that names neither is refused, unless nothing has ever told of the stock: that is what
//     sold a unit twice.
//   - Where figures are of a system that knows nothing of Souk, or have no chosen meaning, units
//     come by file alone.
//   - What an own sale sells and sends is to figures what a partner's order does; what comes back of it
//     ([Moves.TakeBack]) is a movement of now.
//
// Where the rules depart from the design's, or say more:
//
//   - [Shelf.Revision] is the stock's own revision and the steps in which files were read. An import
//     that finds a figure as it was writes nothing; a sum of before it, written over it, oversold
//     in the model. A count that finds what was known moves the revision, too, and so does what is told
//     of a stock that nothing counts.
//   - Files are dated by the writer's time ([Shelf.Now], [record.Source.Undated]), which stands still while a clock
//     that was set back catches up. What channels and files say of that time by their own clocks is
//     more than the slack off, and can be read wrong: the design's assumption on clocks is broken then.
//   - Figures of a system that knows nothing of Souk contain no movement, and neither do those
//     without a meaning: what such a system sells, and a channel tells too, is counted twice,
//     downward, until the next count or --rebase. This rule only lowers, and the model does not need
//     it: it is for losses that such a system does not know of, which the model leaves out.
//   - The first figure of such a system after a count notes what the figure alone makes of the stock,
//     so that the count is not taken for a change of the figure.
//   - A moment in the future is of now: a file or movement that is told has happened.
//   - Told now, or counted now, means by this shop's clock and without slack.
//
// Up to 1,000 movements that are told together are one commit; more are one durable record
// (record.Intent), carried out 500 at a time and finished first at a start. Then a count is read
// against what moved after the list was taken; a stock that is counted stands in such a list once.
//
// # What partners are not offered
//
// A stock may keep units back, and bound what one partner holds of it ([Bounds]); a bound that is
// not set is the shop's default. The design has them per product: here they are per stock, for
// products that share one have one shelf to keep. The catalog says what is not kept back, and
// nothing of shares, for it is one for all partners. A share counts the holds placed while it is
// set, and each of those remembers it (record.Hold.Counted), so that setting or dropping a share
// visits no hold, and an audit can add up.
//
// # The journal
//
// Movements, shipments, counts, figures, orders and their cancellations stand in a stock's journal
// ([Shelf.Movements]); holds do not, for no figure depends on them. Figures are read against it.
// A stock keeps the newest 2,000 lines of 400 days, and all of the last eight days; where the
// journal does not reach back to a file's reading, everything that it does not explain counts as
// having happened since. Counts reach back seven days.
//
// Of which products more is promised than is there, [Shelf.Shortfalls] says at once.
//
// [Shelf.Current] reads what is offered and how much of it is available from the records
// themselves, so a read sees every write before it. Search finds products by an index that
// follows later; package replica says how an import waits for the index.
package shelf
