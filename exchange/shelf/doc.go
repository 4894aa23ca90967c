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
// Shipments, counts, figures, orders and their cancellations stand in a stock's journal
// ([Shelf.Movements]); holds do not, for no figure depends on them. Figures are read against it.
// A stock keeps its newest 2,000 movements and those of the last eight days; where the journal does not reach back to a file's
// reading, everything that it does not explain counts as having happened since.
//
// Of which products more is promised than is there, [Shelf.Shortfalls] says at once.
//
// [Shelf.Current] reads what is offered and how much of it is available from the records
// themselves, so a read sees every write before it. Search finds products by an index that
// follows later; package replica says how an import waits for the index.
package shelf
