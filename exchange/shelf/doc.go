// Package shelf is a supplier's own products and their stock.
//
// A product and its stock are two records, because every hold writes the stock. An owner
// changes both by [Shelf.Import], [Shelf.Count], [Shelf.Remove] and [Shelf.Reprice]. Holds
// and orders move stock by [Shelf.Fits] and [Shelf.Move]; the machine of package hold has
// the rules. Every change of a product or its stock calls Config.Changed, so that the
// catalog follows.
//
// [Shelf.Current] reads what is offered and how much of it is available from the records
// themselves, so a read sees every write before it. Search finds products by an index that
// follows later; package replica says how an import waits for the index.
package shelf
