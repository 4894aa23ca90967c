// Package inventory reads a shop's products out of files that the shop's own
// system wrote, and the exchange rates that price them in US dollars. It turns
// untrusted bytes into [Item]s; package shelf decides what becomes of the items.
//
// [Read] streams: memory does not grow with the length of the file, but for
// about 50 bytes per product (which SKUs were seen, and at which line) and 100
// per WooCommerce variable product (where its row starts). A row that cannot be sold
// as it stands is left out and named in the [Report]; it never stops the rest
// unless [Options.Strict] is set. The same file and options give the same items.
//
// # All formats
//
// The file is UTF-8, with or without a byte order mark; lines end in LF or
// CRLF. UTF-16, gzip, zip and Excel files, web pages, whatever else is no text, and
// rows in Windows-1252 are refused with a sentence that says what to do. A row is
// at most [MaxRowBytes] long.
//
// A price is digits with at most one decimal point; no sign, exponent, currency
// symbol or thousands separator. Because WooCommerce writes prices as its shop
// shows them, the CSV formats also take a decimal comma, where it can be nothing
// else: one comma with one or two digits after it and no point ("12,99", never
// "1,299"). A price has no more decimals than the currency (trailing zeros are
// fine) and is at most [MaxPrice]. It is in [Options.Currency]; a JSON line that
// names another one is an error, since a shop quotes in one currency.
//
// A product without a price, or at a price of 0, is a bad row: exports hold zeros
// that nobody meant. [Options.Free] takes the zeros, never the missing ones. What
// has no price on purpose, such as a variable product of WooCommerce, stays left out.
//
// Texts become plain text on one line (descriptions keep their paragraphs):
// control characters, bidirectional overrides and other invisible characters are
// dropped, HTML is reduced to its text, and a text over the limit of package
// exchange is cut. An image that is no http or https URL is dropped. A SKU is
// taken as it is or its row is refused: two systems must mean the same product
// by it. The first product with a SKU stays, a later one is reported with both
// lines.
//
// # Stock
//
// [Stock] says what the file says. A count below zero is none. What a file does
// not count becomes available only by the owner's word, [Options.Untracked]; without
// it a product keeps the stock it has, and a new one has none.
// "May be sold beyond stock" (Shopify's policy continue, WooCommerce's
// backorders) is not honoured: such a product keeps its count, so that Souk
// never promises what is not there, and the report says how many there are. A
// product that is counted, but whose count is not in the file, is available to
// nobody until the shop sets its stock.
//
// # Shopify product CSV
//
// Several rows share a Handle; they stand together. The first carries Title,
// Body (HTML), Vendor, Product Category or Type, Status, Published, Gift Card
// and the option names, which hold for all rows of the handle. A row with an
// option value, a SKU or a price is a variant and becomes one product; a row
// with an image alone is left out silently. The option "Title" = "Default Title"
// means that there is no option. Both generations of column names are known
// ("Variant Price" and "Price").
//
//   - Gift cards, Status draft or archived, and Published false are left out.
//   - Stock: an empty Variant Inventory Tracker is not counted; any other one is
//     counted, by Variant Inventory Qty. Without that column (exports of shops
//     with several locations) the count is unknown.
//   - Variant Grams is grams whatever Variant Weight Unit says: that unit is
//     only how Shopify shows it.
//   - A blank SKU becomes a slug of the handle and the option values; see [slug].
//     It depends on nothing else in the file, save where two variants of one
//     handle would get the same: then each gets a hash of its exact options.
//
// # WooCommerce product CSV (English export)
//
// One row is one product. Type is a list whose first known word decides:
//
//   - simple is a product (downloadable and virtual make no difference).
//   - variation is a product. Parent names its variable product, as "id:12" or
//     by SKU, from which it takes what it lacks: title, description, category,
//     brand, image, weight. Parents may stand before or after their variations.
//   - variable, grouped, external and types of plug-ins are left out, as is
//     anything not Published = 1, or whose parent is not. Catalog visibility does
//     not matter: a hidden product can be sold.
//
// Its price is the Regular price; a blank one is an error. A lower Sale price
// takes its place if it has no dates, or if Options.Now lies within them; a date
// without a time zone is in the zone of Options.Now, an end date without a time
// includes that day. Report.NextPriceChange tells when a sale next starts or ends.
//
// Stock: a number is a count; empty is not counted. "In stock?" = 0 or backorder
// means a count of 0 in any case. "parent" (variations that draw from one common
// count) is a count that is not known: each variation offering all of it would
// sell it more than once. Weight is read by the unit in the column's name: kg,
// g, lbs or oz. A blank SKU becomes "id-N" of the ID.
//
// So that a variation finds its parent anywhere in the file within bounded
// memory, such a file is read twice: once to note where the variable products
// start, once for the products. A source that cannot seek is first copied to a
// temporary file, which is gone when Read returns.
//
// # JSON lines
//
// One JSON object a line; blank lines are skipped. Fields:
//
//	sku          string, required
//	title        string, required
//	price        string or number, decimal: "12.99"; required
//	currency     string, ISO 4217; default: the shop's
//	stock        integer ≥ 0; absent or null: not counted
//	group        string: products of one group are variants of one thing
//	options      array of at most 3 {"name": string, "value": string}
//	description  string, plain or HTML
//	vendor, category, barcode, image   strings
//	grams        number ≥ 0, shipping weight
//	published    boolean, default true; false is left out
//
// A field that stands twice is an error. An unknown field is an error under
// Strict, else named once in the report.
//
// # Exchange rates
//
// [ReadRates] reads the euro reference rates of the European Central Bank as it
// publishes them each working day: eurofxref-daily.xml, or eurofxref.csv out of
// its zip. Of a file with several days the latest counts.
package inventory
