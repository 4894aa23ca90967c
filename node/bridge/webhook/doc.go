// Package webhook is the HTTP form of a stock bridge: the client, which a node uses, and a handler
// that serves any bridge.Bridge, for systems written in Go and for tests.
//
//	POST {url}/hold      {"asks":[…]}   → {"answers":[…]}
//	POST {url}/commit    {"refs":[…]}   → {"answers":[…]}
//	POST {url}/release   {"parts":[…]}  → {"answers":[…]}
//	GET  {url}/changes?since=CURSOR     → {"changes":[…],"next":"…"}
//	GET  {url}/open?after=ID            → {"open":[…]}
//
// docs/bridge.openapi.json describes it, made of the types in wire.go; docs/bridge-integrator.md
// tells how to write the other side. Both sides ignore fields that they do not know.
//
//	wire.go      the bodies, as JSON
//	parse.go     bodies read and checked, on both sides
//	sign.go      secrets and signatures
//	client.go    the client; address.go where it may call; batch.go how much in one call
//	server.go    the handler; replay.go messages that came before
//	document.go  the OpenAPI document
//
// # Signatures
//
// Each request is signed by the rules of Standard Webhooks, by their own library: HMAC-SHA-256 over
// "id.timestamp.payload". The payload is the body of a POST, and the raw query of a GET. Each payload
// names its call ("asks", "refs", "parts", "since=", "after="), so that a signature of one call is
// none of another. Each attempt has an ID and a time of its own.
//
// The library's release accepts an empty secret and has the machine's own clock, so that both are
// looked at here: a secret has 24 to 64 bytes, a message is of the last or next five minutes.
//
// # What an answer means
//
// 200 with exactly one answer for each ID is an answer. 408, 429, 5xx, no answer within 2 s, and a
// body that is too long, no JSON, or lacks an ID, has one twice or one that was not asked: nothing
// is known. Every other status, and an address that may not be called, is bridge.ErrSetup: nothing
// is known either, and repeating it will not help.
package webhook
