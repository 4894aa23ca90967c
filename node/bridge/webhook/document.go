package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// signed are the headers of every request.
func signed() []*huma.Param {
	header := func(name, pattern, text string) *huma.Param {
		return &huma.Param{Name: name, In: "header", Required: true, Description: text, Schema: &huma.Schema{Type: huma.TypeString, Pattern: pattern}}
	}
	return []*huma.Param{
		header("webhook-id", "", "Another one for each attempt."),
		header("webhook-timestamp", "^[0-9]+$", "Unix seconds. Refuse what is more than five minutes off."),
		header("webhook-signature", "", "Signatures, with a space between: v1, a comma, and in base64 the HMAC-SHA-256 of ID.TIMESTAMP.PAYLOAD "+
			"under the secret's bytes. The payload is the raw body of a POST, and the raw query of a GET."),
	}
}

type posted[B any] struct{ Body B }

type changesQuery struct {
	Since string `query:"since" required:"true" maxLength:"256" doc:"next of the page before; empty = from the start."`
}

type openQuery struct {
	After string `query:"after" required:"true" doc:"The last ID of the page before; empty = from the start."`
}

type answered[B any] struct{ Body B }

// Document is the OpenAPI document of the HTTP form, as JSON, made of the types that are parsed.
func Document() ([]byte, error) {
	// Both sides ignore fields that they do not know.
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	api := humago.New(http.NewServeMux(), huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Souk: the stock bridge", Version: "1", Description: "What a node asks of a shop's own system, which keeps the stock. " +
				"The system serves these paths; the node calls them. An answer that is no 200 within two seconds, and is not as said here, tells the node nothing: " +
				"it asks again, or gives back. Statuses below 500, other than 408 and 429, say that something is set up wrong."},
			Components: &huma.Components{Schemas: registry},
			Servers:    []*huma.Server{{URL: "https://shop.example/souk", Description: "What the shop's owner has configured: https, or http on the node's own machine."}},
		},
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
	})
	describe[posted[holdRequest], answerBody](api, http.MethodPost, pathHold, "hold", "Set goods aside",
		"Of each ask all lines or none. The same ID with the same lines is answered yes again while it is held or committed, and else no; with other lines, key_reused. A refused ID stays refused.")
	describe[posted[commitRequest], answerBody](api, http.MethodPost, pathCommit, "commit", "Holds become orders",
		"Yes again for an ask that is committed; missing for one that was refused, given back, or never asked.")
	describe[posted[releaseRequest], answerBody](api, http.MethodPost, pathRelease, "release", "Give goods back",
		"Of a hold that ended or an order that was cancelled. Always yes. Of an unknown ID, note that it is released, so that the hold, should it come late, is refused.")
	describe[changesQuery, changesBody](api, http.MethodGet, pathChanges, "changes", "What is free",
		"For the catalog. A product may be told twice; its figure is the present one.")
	describe[openQuery, openBody](api, http.MethodGet, pathOpen, "open", "What is set aside",
		"Asks that are held or committed and not all given back, in the order of IDs.")
	doc := *api.OpenAPI()
	for _, s := range registry.Map() {
		s.AdditionalProperties = nil
	}
	b, err := json.Marshal(&doc)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// describe adds an operation to the document; nothing serves it.
func describe[I, B any](api huma.API, method, path, id, summary, description string) {
	problem := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problemBody](), true, "")
	refused := func(text string) *huma.Response {
		return &huma.Response{Description: text, Content: map[string]*huma.MediaType{"application/problem+json": {Schema: problem}}}
	}
	huma.Register(api, huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary, Description: description, Parameters: signed(),
		Responses: map[string]*huma.Response{
			"401":     refused("The signature is wrong, the message old, or it came before. Nothing was done."),
			"503":     refused("Not now; the node asks again."),
			"default": refused("Something is set up wrong."),
		},
	}, func(context.Context, *I) (*answered[B], error) { return nil, nil })
}
