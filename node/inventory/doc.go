// Package inventory reads a shop's products out of files that the shop's own
// system wrote, and the exchange rates that price them in US dollars. It turns
// untrusted bytes into [Item]s; package shelf decides what becomes of the items.
//
// [Read] streams: memory does not grow with the length of the file, but for
// about 50 bytes per product (which SKUs were seen, and at which line), 80 per Shopify
// handle (where its rows start) and 100 per WooCommerce variable product. A row that cannot
// be sold as it stands is named in the [Report]; it never stops the rest unless
// [Options.Strict] is set. The same file and options give the same items.
//
// # What is off sale
//
// What a file takes off sale, a shop takes off sale. An item says so with [Item.Left]: its
// row is a draft, archived, not published, a gift card, at a price of 0, or no product any more
// (a simple product that became a variable one); or its row cannot be sold as it stands: the
// price, title, weight or count cannot be read. A count that cannot be read is among these,
// since what the product had before may be sold by now; where the file tells stock alone, the
// product stays as it is, since such a file can not bring it back. The stock of what is off
// sale is told where it can be read, as its figures are followed. A row whose SKU cannot be
// read stands for any variant of its group, and one that cannot be read at all for any product:
// beside them no absence tells anything.
//
// # One SKU, several products
//
// Which of several rows with one SKU has it never depends on their order. Rows that say the
// same are one product. Of others the catalogued one has it ([Options.Owner]); where none
// is, the only one that is for sale; else none, and each row is an error that names two of
// them. Where two rows both are the catalogued product, it is off sale: the file
// contradicts itself. [Options.QualifySKU] makes "ID/SKU" of each SKU, cut and with a hash
// where that is too long.
//
// So a file is read twice: once for its SKUs (and for where Shopify's handles and WooCommerce's
// variable products stand), once for the products, and between them once more if SKUs
// repeat. A source that cannot seek is first copied to a temporary file, which is gone when
// Read returns.
//
// # Files
//
// A file may be UTF-8, with or without a byte order mark; UTF-16, with one or clearly so;
// or Windows-1252 as a whole, which the report says. A file that is UTF-8 here and
// something else there is refused whole, with a line of each kind, because half of its
// texts would be garbled; so is one whose letters are those of another code page. Lines
// end in LF, CRLF or CR. The file may be packed with gzip, or in a zip archive that
// holds one data file. Workbooks, documents, PDF and web pages are refused with a sentence
// that says how to get a CSV file. A row is at most [MaxRowBytes] long.
//
// A file that can seek and is UTF-8 is read where it is. Any other is first written, as
// UTF-8, to a temporary file, which is gone when Read returns. An archive may not grow
// beyond measure.
//
// CSV columns are separated by commas, semicolons, tabs or bars: the header tells, or
// Excel's first line "sep=;". A title or note may stand above the header. Column names
// are compared without regard to case, spaces and underscores. A row that is shorter
// than the header is filled up with empty cells under two conditions, which hold for
// exports that add columns as they come upon the first product that needs them
// (WooCommerce's attributes) and for no row that was cut off: it has at least the
// columns that decide whether, at which price and in which number a product is sold, and
// no row before it was longer. Any other short row is a bad one, as is a row with more
// cells than the header, unless the further ones are empty.
//
// A column that a format usually has and the file lacks is named in the report with what
// it is good for. A file that lacks those without which there is no product is refused
// with their names; one that has counts and no prices is called a stock list, and the report
// says that the price is missing.
//
// # Numbers
//
// In a CSV file a number may have a decimal point or comma, and thousands grouped by the
// other of the two, by spaces or by apostrophes, where it can be read in one way only:
// "1299.5", "12,99", "1,299.00", "1.299,00", "1'299.00". "1.299" and "1,299" can be read in
// two ways. Then the file's other prices and weights decide, if those that are clear
// agree; else the row is bad and says both readings. Nothing is ever taken from one row
// alone. (For a currency without decimals such a number can only be a group of thousands.)
//
// A price may name the shop's currency beside it, by code or sign; a weight may name its
// unit, which then counts instead of the column's. A price has no more decimals than the
// currency (trailing zeros are fine) and is at most [MaxPrice]. It is in
// [Options.Currency]; a price in another one is an error, since a shop quotes in one
// currency. In JSON lines a price is digits with at most one decimal point.
//
// What a spreadsheet has made of a code, as in "8.71E+12", is no code: a SKU like that is a
// bad row, a barcode is dropped and counted. SKUs and option values that look like a date
// made by a spreadsheet ("02-Mar") are kept and counted. ="0123" is 0123.
// What it writes where a formula fails ("#REF!", "#N/A") is no SKU and no title, so that the
// row is a bad one, and no barcode.
//
// # All formats
//
// A product without a price, or at a price of 0, is a bad row: exports hold zeros
// that nobody meant. [Options.Free] takes the zeros, never the missing ones. What
// has no price on purpose, such as a variable product of WooCommerce, stays left out.
//
// Texts become plain text on one line (descriptions keep their paragraphs):
// control characters, bidirectional overrides and other invisible characters are
// dropped, HTML is reduced to its text, and a text over the limit of package
// exchange is cut. An image URL is written as a URL may be (spaces and letters beyond
// ASCII encoded, //host as https); one that is no http or https URL is dropped. A SKU is
// taken as it is or its row is refused: two systems must mean the same product
// by it. Lists longer than package exchange allows are cut, and where all texts together
// are too long, first further images go, then tags, further categories, the summary and the
// end of the description. The first usable image is the image; a variant has its own first.
//
// A reduced price without dates is the price, and the regular one what it is compared at. One
// with dates is [Item.Sale]; a date without a time zone is in [Options.Zone], an end date
// without a time includes that day. A barcode that a spreadsheet has rounded ("8.72E+12") is
// dropped, and the report warns of it.
//
// # Stock
//
// [Stock] says what the file says. A count may be below zero. What a file does
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
// Several rows share a Handle, which is the product's ID and group; they need not stand
// together. One carries Title,
// Body (HTML), Vendor, Product Category or Type, Tags, Status, Published, Gift Card
// and the option names, which hold for all rows of the handle. A row with an
// option value, a SKU or a price is a variant and becomes one product; the row with the title
// is one where no row of the handle has any of these. The option "Title" = "Default Title"
// means that there is no option. Images are those of all rows, by Image Position. Both
// generations of column names are known ("Variant Price" and "Price").
//
//   - Gift cards, any Status but active, and Published false are off sale.
//   - Stock: an empty Variant Inventory Tracker is not counted; any other one is
//     counted, by Variant Inventory Qty. Without that column (exports of shops
//     with several locations) the count is unknown.
//   - Variant Grams is grams whatever Variant Weight Unit says: that unit is
//     only how Shopify shows it. Variant Requires Shipping false is [exchange.Product.NoShipping].
//   - A blank SKU becomes a slug of the handle and the option values; see [slug].
//     It depends on nothing else in the file, save where two variants of one
//     handle would get the same: then each gets a hash of its exact options.
//
// # Shopify inventory CSV
//
// The export of what lies at each location, in either generation: a row for each
// location, or a column for each after COO. Items have [Item.StockOnly]; their counts are the
// sums over [Options.Locations], or over all. "not stocked" is none. [Options.Figure] says
// which column counts: with [FigureOnHand] "On hand (current)" less "Unavailable", with
// "Committed" beside it; else "Available". A SKU that is blank becomes the slug that the
// product export gives it. A location that stands twice for one product counts once if
// both say the same, else the product's count is unreadable. A file of the product export's
// form that has counts and no prices is read alike.
//
// # WooCommerce product CSV
//
// The header may be in any of the languages of woo_headers.tsv; the names below are the
// English ones.
//
// One row is one product, and its ID is ID. Type is a list whose first known word decides:
//
//   - simple is a product; virtual beside it means that nothing is sent. Its attributes are
//     options, of several values joined by commas.
//   - variation is a product. Parent names its variable product, as "id:12" or
//     by SKU, which names its group and from which it takes what it lacks: title, description,
//     summary, categories, tags, brand, images, weight. Parents may stand before or after
//     their variations. A blank attribute is any of its parent's values: the option says
//     "any of S, M, L", and the customer's choice belongs in the order's note.
//   - variable, grouped, external and types of plug-ins are no products. One that has the SKU
//     of no product of the file is told to be off sale, as it may have been one.
//   - A group is named "id-N" by its ID, or by the SKU where the file has no ID, and is that of a
//     simple product, too: what was a variable product leaves no variations on sale, and a
//     SKU that changes under one ID is no second product. A row that is no product states
//     its group alike, so that one without variations in the file has none.
//   - Not Published = 1, or with a parent that is not, is off sale. Catalog visibility
//     does not matter: a hidden product can be sold, by a link or in a bundle, and its shop
//     goes on selling it. The report counts those that are hidden.
//
// Its price is the Regular price; a blank one is an error.
//
// Stock: a number is a count; empty is not counted. "In stock?" = 0 or backorder
// means a count of 0, or of what the number is below zero. "parent" means that variations
// sell from the count of their parent's row: [Stock.Pool] has the parent's name. Weight is
// read by the unit in the column's name: kg, g, lbs or oz. A blank SKU becomes "id-N" of the ID.
//
// # Any other CSV
//
// [Options.Columns] says which column is which field of a product, under the names of the
// fields of JSON lines and a few more; see [Columns]. Without it the columns of
// PrestaShop, Magento, BigCommerce, Etsy, WebToffee and of a Google feed are known, and
// those whose names mean one thing in any file (sku, title or name, price, stock or
// quantity …). The report says which column was taken for what. If no product can be
// told by the names, the error lists them and shows a --columns line made of them. Each
// row means what a JSON line with the same fields does.
//
// # JSON lines
//
// One JSON object a line; blank lines are skipped. Fields:
//
//	sku          string, required
//	title        string, required
//	price        string or number, decimal: "12.99"; required
//	currency     string, ISO 4217; default: the shop's
//	stock        integer; absent or null: not counted
//	id           string or number: your system's own name of the product
//	group        string: products of one group are variants of one thing
//	options      array of at most 10 {"name": string, "value": string}
//	description, summary   strings, plain or HTML
//	vendor, category, barcode, image   strings
//	more_categories, more_images, tags   arrays of strings
//	grams        number ≥ 0, shipping weight
//	no_shipping  boolean: nothing is sent
//	compare_at   string or number: the price before a reduction
//	sale_price   string or number, with sale_from and sale_to: RFC 3339 times or dates
//	published    boolean, default true; false is off sale
//
// A group does not state all of its variants: a file may hold a few lines.
//
// A field that stands twice is an error. An unknown field is an error under
// Strict, else named once in the report.
//
// # Exchange rates
//
// [ReadRates] reads the euro reference rates of the European Central Bank as it
// publishes them each working day: eurofxref-daily.xml, or eurofxref.csv out of
// its zip. Of a file with several days the latest counts. [FixedRate] is one that
// the owner states instead. A shop needs neither to sell: they tell its prices in US
// dollars.
package inventory
