// Package exchange is Souk's vocabulary: the nouns that every other package
// speaks in. Read it first.
//
// A [ShopID] names a member shop, a [SKU] one of its products, a [ProductID]
// both. [Money] is an amount in minor units of an ISO 4217 [Currency], which knows its
// decimals; [Rate] turns it into US cents. [Terms] are what a supplier and a retailer agreed
// on; [Lines] are what a hold asks for; a [Quote] is the supplier's priced answer to a hold; an [Error] is a
// refusal or fault whose [Code] survives the wire and a restart.
//
// All times are [Time]: milliseconds since the Unix epoch, as they stand in
// signed records. Values of this package are plain data, safe to copy unless a
// field is a slice, in which case the owner of the value owns the slice.
//
// # One word a thing
//
// Code, commands, API, documents and logs keep to these words.
//
//	shop           a member of a federation; its ShopID is its public key
//	supplier       the shop that has a product, prices it and ships it
//	retailer       the shop that sells a supplier's product to a customer
//	partnership    the terms between one supplier and one retailer, which both signed
//	hold           units of products that a supplier sets aside for one retailer
//	reservation    what the retailer keeps of a hold and makes of it
//	quote          what a hold's units cost, until when; sealed by the supplier
//	order          what becomes of a reservation that the retailer places
//	delivery       where an order goes, with the retailer's own reference and note
//	shortfall      units of a product that are held or sold and not there
//	request        a numbered, signed message of a retailer that enters the ledger
//	act            what a request or an entry does: submit, cancel, accept, ship, propose, end …
//	entry          one signed row of a ledger; it embeds the request that it answers
//	ledger         all entries of one supplier and one retailer, in order
//	chain          the hash chain over a ledger's entries, and nothing else
//	head           how far a ledger or a feed goes, signed
//	seal           one signature over everything that a batch of the writer decided
//	feed           a supplier's numbered changes of its catalog
//	replica        a partner's copy of a feed
//	apply          to bring a feed's changes into a replica
//	adopt          to take a supplier's entries into the retailer's copy of the ledger
//	outbox         requests that are not answered yet; they are sent until they are
//	sender, queue  what sends requests and entries, and what it has to send to one partner
//	window         a day that is a part of a hold's id; holds of past ones are refused
//	shelf          a supplier's own products and their stock
//	pool           a stock from which several products sell
//	movement       a change of a stock with a cause; a stock's movements are its journal
//	figure         what a file says of a stock; its meaning is on-hand, free or free-unaware
//	withdrawn      of a product: the owner's system takes it off sale, and may bring it back
//	removed        of a product: its owner took it off sale; no file brings it back
//	shortfall      units that are promised and not there
//	tombstone      a record that something is gone, so that it does not come back
//	quarantine     where a supplier puts a hold or an order that it cannot end by itself
//	frozen         of a ledger: the partner signed two different entries at one position
//	departed       of a shop: it left the federation or was revoked
//	cold start     what a shop does after an absence, before it trusts its own clock and records
//	rollback       a store that lost records which this shop signed
//	greeting       what two shops tell each other first on a connection
//	status         where a member, a partnership or an order stands
//	effect         a value that says what follows a commit
//	room           one package of the map below
//
// # The map
//
// The core has no clock, randomness, protobuf, network or disk of its own. Arrows between
// packages go up in this list only; a test of the module holds every import to a row.
//
//	exchange                           these words, money, errors                     → std
//	merkle  backoff  wake              hashes; pauses; a signal                       → std
//	hold  order  partnership  ledger   machines: state, event, time → next state      → exchange
//	catalog  membership                rules of a catalog; of the member list         → exchange, merkle
//	kv                                 ordered keys, opaque values, one commit        → exchange
//	message                            what two shops send, sign and seal             → machines
//	record                             what a shop stores, under which key            → message, machines, kv
//	writer                             one goroutine, one batch, one commit           → kv
//	bucket                             digests of a set of products                   → catalog, message, kv
//	shelf                              own products and their stock                   → writer, record, hold
//	feed                               the own catalog, numbered, signed and served   → shelf, bucket
//	event                              what watchers of a shop are told               → exchange
//	trade                              partnerships, holds, orders, ledgers           → shelf, event, machines
//	replica                            partners' catalogs, how they follow, search    → bucket, record
//	desk                               opens the parts of a shop and connects them    → shelf, feed, trade, event
//	audit                              checks the books by the records alone          → record, machines
//	roster                             the member list as stored                      → membership, kv
//
// The machines never import each other: package trade runs them together. Package exchangetest
// and desk/desktest are for tests: values, and a world of shops in memory.
//
// # The walk of a hold
//
// A customer of the retailer buys what a supplier has.
//
//	at the retailer
//	 1  node/api   POST /api/v1/reservations: the body becomes a trade.ReserveRequest
//	 2  exchange   NewLines checks the lines, once: whoever has Lines need not ask again
//	 3  trade      Retailer.Reserve makes the hold's id of the supplier's window and the key,
//	               and frames a message.Hold
//	 4  protocol   encodes it; protocol/p2p sends it on a stream and waits
//
//	at the supplier
//	 5  protocol   checks and decodes what a stranger sent
//	 6  trade      Supplier.serveHold puts an operation into the writer's queue
//	 7  writer     first what is due (Due.Expire), then the batch's operations, one by one:
//	      trade      a known id gets its first answer again; window, selling and terms may refuse
//	      shelf      Offered: the product; exchange.PriceQuote makes the quote, in the newest
//	                 format that the request says its sender reads
//	      hold       Step: none → HELD, and what to move
//	      trade      the open quantity that the terms allow
//	      shelf      Fits, then Move: units from the shelf into the hold
//	      trade      the ledger's total of open units; the expiry is indexed and planned
//	      writer     Seal: the answer joins the batch's Merkle tree
//	 8  writer     one signature, the tables' rows (a changed product gets its dirty mark, by
//	               feed.Changed), one Commit
//	 9  trade      effects: watchers are told of the hold (event)
//	10  protocol   the sealed answer goes back
//
//	at the retailer
//	11  message    Unframe; the seal is verified by the supplier's key
//	12  trade      the quote is checked against the request and the terms in force
//	13  record     Reservation.Take: the answer, its state, its expiry
//	14  trade      pending: the record is readable at once; the writer commits it with others,
//	               for a reservation lost in a crash is found again by its key
//	15  node/api   answers with the reservation, its quote and its state
//
// Where no connection comes about, nothing was asked, and nothing is recorded. No
// answer within the caller's time leaves the outcome unknown; the same call with the same
// key finds the same hold. The supplier is asked until it has answered, and a hold that nobody
// comes back for is given back (package trade, asker.go). TestBudget (package trade) counts what a
// hold and an order cost.
//
// # The walk of a stock change
//
// A supplier counts 7 pieces where 9 were.
//
//	at the supplier
//	 1  node/api   PUT /api/v1/products/{sku}/stock, or souk set-stock
//	 2  shelf      Count: one operation of the writer
//	 3  writer     in its turn: hold.Stock.Count sets the count; what is promised and missing
//	               is a shortfall, never a negative number
//	 4  writer     the stock's row is encoded, once a batch, however often it changed
//	      shelf      Config.Changed
//	      feed       Changed: a dirty mark, in the same commit
//	 5  writer     Commit. Whoever reads now sees 7: Shelf.Current reads where it is written
//	 6  event      watchers are told, at most ten times a second
//	 7  feed       Run is woken (wake): for each mark it compares the product with what was
//	               published last, numbers what differs, and signs a head: a commit of its own
//	      bucket     the digest of the product's bucket and of the whole set
//	 8  node       OnPublish: the update is encrypted with the feed's key (protocol) and
//	               gossiped (protocol/p2p)
//
//	at each partner
//	 9  node       decrypts the update with the key that a greeting brought
//	10  replica    Follower: an update that continues the copy is applied; otherwise the
//	               partner pulls what it lacks, and after a failure again (backoff)
//	11  bucket     the copy's digest must be the one that the head states
//	12  replica    one commit: rows, index, position. Search shows 7
//
// Gossip may lose the update; the next head, greeting or pull shows that something is missing.
package exchange
