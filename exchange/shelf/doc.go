// Package shelf is a supplier's own products and their stock.
//
// A product and its stock are two records, because every hold writes the stock. An owner
// changes them by [Shelf.Import], [Shelf.Count], [Shelf.Remove] and [Shelf.Reprice]; holds
// and orders move stock through [Shelf.Fits] and [Shelf.Move], by the machine of package
// hold. Whatever changes a product or its stock calls Config.Changed, so that the catalog
// follows.
//
// What is offered and how much of it is available is read where it is written
// ([Shelf.Current]): a read after a write sees it. What a search finds by is an index that
// follows; package replica says how an import makes sure that it is found.
package shelf
