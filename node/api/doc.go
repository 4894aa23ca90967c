// Package api is a shop's local HTTP API: what the owner's own system, the command
// line and the console talk to. It listens on the loopback, asks for the bearer
// token in the shop's folder, and answers JSON.
//
// The shop's use cases are the parts that package desk opens and connects: shelf, feed and
// trade. What else the API needs of a shop, ports.go declares and package node implements.
// The bodies are in package view, a Go client in package client.
//
// The OpenAPI 3.1 document comes from the handlers themselves and is served at
// /api/v1/openapi.json. It has an example of each call, and for each operation the codes
// that it refuses with, by status. Requests are refused where they have unknown fields;
// answers may gain fields, and their schemas say so.
//
// # Routes
//
//	GET    /api/v1/products                 search own and partners' products; ?sort=, ?count=1,
//	                                        ?facets=1; ?updated_since= what came, changed or went
//	GET    /api/v1/products/{id}            one; ?live=1 asks its supplier now
//	GET    /api/v1/catalog?state=           own products, those that are off sale too
//	DELETE /api/v1/products/{sku}           take off sale; POST …/publish brings back; PUT …/price
//	GET    /api/v1/products/{sku}/movements the stock's journal; GET /api/v1/sources
//	GET    /api/v1/products/{sku}/stock     the stock, ETag is its revision; PUT counts the shelf, If-Match
//	                                        or counted_at; PUT /api/v1/stock several, all or none
//	POST   /api/v1/stock/movements          what channels sold, received, …; all or none, or each by itself
//	POST   /api/v1/imports, PUT /api/v1/rates
//	POST   /api/v1/reservations             hold at a supplier; GET, DELETE …/{id}; POST …/{id}/extend
//	GET    /api/v1/reservations?status=     those of this shop, newest first
//	POST   /api/v1/baskets                  hold at several shops at once; GET; GET, DELETE …/{id};
//	                                        POST …/{id}/extend|order
//	POST   /api/v1/orders                   order a reservation; ?wait= seconds for the answer
//	GET    /api/v1/orders?role=, /api/v1/orders/{id}
//	POST   /api/v1/orders/{id}/accept|reject|ship|deliver|cancel
//	GET    /api/v1/partners; POST = propose; POST …/{shop}/accept|decline|withdraw|end
//	GET    /api/v1/members?online=1; POST …/{shop}/dial; GET …/{shop}/ways tries each way
//	GET    /api/v1/shop; POST /api/v1/leave
//	GET    /api/v1/reach                    how members reach this shop, and it its partners
//	GET    /api/v1/events                   server-sent events, from after Last-Event-ID or ?after= on
//	GET    /api/v1/changes?since=           own products and orders that have changed since a cursor
//	GET    /api/v1/partners/{shop}/ledger   entries by position; POST …/compare asks the partner
//	GET    /healthz, /readyz, /metrics
//
// A read after a write sees it: lists, searches and GET of an own product show it as the
// last answered import, count, rate, hold or order left it.
//
// A GET never makes a reservation. Lists have cursors: give next of one page as
// cursor of the following one.
//
// Collections have plural names; shop is the one shop that the API belongs to, catalog its own
// catalog; stock and leave are no collections. Three paths are the original protocol's and stay:
//
//	GET    /api/v1/products
//	GET    /api/v1/product/{id}             as /api/v1/products/{id}
//	POST   /api/v1/order                    as POST /api/v1/orders
//
// The singular paths of the version before (/api/v1/order/{id} and below,
// /api/v1/dial/{shop}, /api/v1/import) answer for one release, with the headers
// Deprecation (RFC 9745) and Link, which names the successor. No day is set for the
// release that drops them, so there is no Sunset header.
//
// # What a request passes
//
// In this order, each with a problem (RFC 9457) as its refusal:
//
//	host      a Host header that names the loopback, or a configured host: a page of
//	          a site that lets its name point to 127.0.0.1 is refused (421)
//	origin    a browser's request from another origin is refused (403), whatever it
//	          carries; there are no CORS headers
//	token     Authorization: Bearer, compared in constant time (401); never in a URL.
//	          /healthz needs none; /readyz and /metrics need it unless configured open
//	limits    1024 requests at once (429); 1 MiB of body (413) within 10 s (408);
//	          30 s of work, 8 s where a partner is asked, after which the outcome is
//	          unknown (503)
//	key       Idempotency-Key, see below
//	schema    unknown fields and parameters, wrong types and bounds (400, 415, 422)
//
// Imports and event streams have no deadline; an import's sender may not fall
// silent for 30 s, and 64 streams may be open.
//
// # Problems
//
// A problem's code is the name of an [exchange.Code], the same between shops and in
// ledgers, and what a program goes by. retry says that the same request may work
// later. detail is for a person and ends with the next step. The table in problems.go has
// the status of each code. A supplier's "no" comes with the supplier's code.
//
// # Idempotency-Key
//
// Every POST but imports, dial and compare, whose repeats change nothing, takes a key: a new
// one for each new wish. The same key with another request is a conflict; a repeat
// that arrives while the first is worked on waits for it.
//
//	reservations   The key decides the hold's id: HMAC-SHA-256 under a secret of this
//	               shop over supplier and key, 96 bits of it. So nothing is written
//	               here on the way of a hold, and a repeat, even after a crash, is
//	               the same request to the supplier, who answers byte for byte as
//	               before. (After midnight UTC it is looked for under the id of the day
//	               before; in the first day after a start of this shop at the supplier
//	               too, and while that does not answer, the repeat is unavailable.) A
//	               key that is used again after 24 hours is a new wish.
//	               A request that is refused before a supplier is asked leaves its
//	               key free.
//	order          Ordering a reservation twice finds the one order. The key is
//	               recorded for telling other requests apart; a repeat is answered
//	               with the order as it stands.
//	all others     The key is recorded in the commit of each act of the request. The
//	               final answer is written behind, with a later commit; a repeat gets
//	               that answer. If a crash lost the answer, a repeat gets what was
//	               done, as it stands then. Answers that invite to try again (408,
//	               429, 5xx), and answers that find the request at fault (400, 404,
//	               413, 415, 422), are not kept: nothing was done, and the next
//	               request may have the same key.
//
// A request is the same by each path of its operation. Its key is recorded under the path
// that the operation had first, so that keys of the version before are honoured, too.
//
// Keys are kept for 24 hours in the shop's store, at most 100,000; the oldest keys are
// removed first. The store has keys and requests only as digests under the shop's
// secret. No kept answer has a consumer's address.
//
// # Events
//
// An event says that something changed; a client reads the details by other calls. Those that
// package event keeps in its log have an id, with which a client goes on over restarts: each comes
// once and in order, or a gap says that some may be missing. Changes of holds and stock are
// collected: at most ten events a second for each partner and outcome, however hot a product is.
// They have no id, and a client that does not keep up loses the oldest. What the events add up to
// is in /api/v1/changes, whose cursor holds the feed's (epoch, sequence), the newest event and the
// newest commit, and is refused (410) where a change may be missing. docs/events.md has all of it.
//
// # Entity tags
//
// Every GET that answers JSON has an ETag, the digest of the answer: strong, but weak where the answer
// says of what moment it is. With it as If-None-Match the answer is 304 where it would be the same.
//
// # Files
//
//	front.go         what stands before every route; server.go  the server's life
//	routes.go        registering operations, the document; paths.go  their further paths
//	document.go      the OpenAPI document; refusals.go  its errors
//	examples.go example_bodies.go   its examples
//	problems.go      errors
//	products.go catalog.go stock.go reservations.go reservation_list.go orders.go order_view.go partners.go
//	members.go reach.go shop.go imports.go events.go changes.go ledger.go     the operations: a type for each subject, which
//	                 [Server] composes
//	shops.go departed.go   names of other shops; shops out of the federation
//	idempotency.go kept.go   keys; token.go  the token's file and the address's
//	etag.go          entity tags
//	metrics.go business.go   figures of requests and of trade
package api
