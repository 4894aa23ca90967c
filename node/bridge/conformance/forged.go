package conformance

import (
	"net/http"

	"github.com/souk-market/souk/exchange"
)

// Forgery is a way in which a message of the HTTP form is not the node's, or not of now.
type Forgery string

// What somebody without the secret, or with an old message, can send.
const (
	Unsigned       Forgery = "unsigned"        // without the three headers
	WrongSecret    Forgery = "wrong-secret"    // signed with another secret
	OtherBody      Forgery = "other-body"      // with the signature of another body
	OtherID        Forgery = "other-id"        // with another webhook-id than the signed one
	OtherTime      Forgery = "other-time"      // with another webhook-timestamp than the signed one
	OldMessage     Forgery = "old-message"     // signed by the node an hour ago
	FutureMessage  Forgery = "future-message"  // signed by the node for in an hour
	OtherScheme    Forgery = "other-scheme"    // the right signature under another version than v1
	EmptySignature Forgery = "empty-signature" // "v1,"
)

// Forgeries are all of them.
var Forgeries = []Forgery{Unsigned, WrongSecret, OtherBody, OtherID, OtherTime, OldMessage, FutureMessage, OtherScheme, EmptySignature}

func forgedCases() []Case {
	var all []Case
	for _, f := range Forgeries {
		all = append(all, Case{
			Name:  "forged-" + string(f),
			Rule:  "A message that is not the node's, or not of now, is answered 401, and nothing is done.",
			needs: func(t Target) string { return lacks(t.Forge == nil, "HTTP") },
			run:   func(t *trial) { tryForged(t, f) },
		})
	}
	return all
}

func tryForged(t *trial, f Forgery) {
	a := t.SKUs[0]
	t.stock(a, 2)
	id := t.id()
	status, err := t.Forge(t.ctx, f, ask(id, lines(a, 1)))
	t.must(wrap("a hold that is forged", err))
	if status != http.StatusUnauthorized {
		t.failf("a hold (%s) was answered %d, not 401", f, status)
	}
	t.wantFree(a, 2, "after it")
	if got := t.hold(id, lines(a, exchange.MaxQuantity)); got.OK || len(got.Short) == 0 {
		t.failf("the ID of a message that was not the node's is known to the system: %+v", got)
	}
}
