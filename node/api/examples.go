package api

import (
	"crypto/ed25519"
	"crypto/sha256"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// Examples of the OpenAPI document: a request and an answer of each operation. They tell one
// story, in example_bodies.go. A test holds each against its schema.

const asJSON = "application/json"

// example is of one operation.
type example struct {
	params map[string]any // by name
	body   any            // of the request; where it is a file, its text by media type
	answer any            // of the success; where it is no JSON, by media type
	also   map[int]any    // further answers, by status
}

// files are texts by media type.
type files map[string]any

// exampleSet is by the operation's id, without what original and deprecated put before it.
type exampleSet map[string]example

// problemExample is what every operation may answer.
var problemExample = view.Problem{
	Title: http.StatusText(http.StatusServiceUnavailable), Status: http.StatusServiceUnavailable, Code: exchange.CodeUnavailable.String(), Retry: true,
	Detail: "Acorn Shoes did not answer in time, so whether it acted is unknown; send the same request with the same Idempotency-Key again within 20 seconds, after which this shop gives the stock back",
}

// addTo documents op by its example.
func (s exampleSet) addTo(op *huma.Operation) {
	id := op.OperationID
	for _, kind := range []string{"original-", "deprecated-"} {
		id = strings.TrimPrefix(id, kind)
	}
	e := s[id]
	for i, p := range op.Parameters {
		if value, ok := e.params[p.Name]; ok {
			with := *p // operations share what they were made of
			with.Example = value
			op.Parameters[i] = &with
		}
	}
	if op.RequestBody != nil {
		show(op.RequestBody.Content, e.body)
	}
	for name, res := range op.Responses {
		status, err := strconv.Atoi(name)
		switch answer, ok := e.also[status]; {
		case ok:
			show(res.Content, answer)
		case err == nil && status < http.StatusMultipleChoices:
			show(res.Content, e.answer)
		case err != nil: // default
			show(res.Content, files{view.ProblemType: problemExample})
		}
	}
}

func show(content map[string]*huma.MediaType, value any) {
	texts, ok := value.(files)
	if !ok {
		texts = files{asJSON: value}
	}
	for mediaType, m := range content {
		if text, ok := texts[mediaType]; ok {
			with := *m
			with.Example = text
			content[mediaType] = &with
		}
	}
}

// exampleShop is the ShopID of a shop that does not exist.
func exampleShop(name string) exchange.ShopID {
	seed := sha256.Sum256([]byte(name))
	var id exchange.ShopID
	copy(id[:], ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey))
	return id
}
