package api

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// The codes with which an operation may refuse, for the OpenAPI document. A route lists its own
// codes; the front's codes follow from the kind of operation. Where a partner answers, the
// list has all codes that the partner may return.

var (
	// mayWrite are the codes of an operation that writes to this shop's own store.
	mayWrite = []exchange.Code{exchange.CodeDiskFull, exchange.CodeUnavailable, exchange.CodeRestored}

	// mayAct are the codes of an operation on a ledger with a partner, or on an order in the ledger.
	mayAct = also(mayWrite,
		exchange.CodeNotFound, exchange.CodeConflict, exchange.CodeState, exchange.CodeFork, exchange.CodeFrozen,
		exchange.CodeNotMember, exchange.CodeNoPartnership, exchange.CodeBehind, exchange.CodeFreshness, exchange.CodeOverflow, exchange.CodeLimit,
	)

	// mayOrder are the codes of a supplier's operation on a sold order.
	mayOrder = also(mayAct,
		exchange.CodeShipped, exchange.CodeCancelRule, exchange.CodeOrdered, exchange.CodeExpired, exchange.CodeReleased,
	)

	// mayAsk are the codes of a question to a partner that changes nothing.
	mayAsk = []exchange.Code{
		exchange.CodeNotFound, exchange.CodeNotMember, exchange.CodeNoPartnership, exchange.CodeLimit, exchange.CodeSignature, exchange.CodeVersion,
		exchange.CodeUnavailable, exchange.CodeBehind, exchange.CodeRestored, exchange.CodeFreshness, exchange.CodeDiskFull, exchange.CodeState, exchange.CodeFrozen,
	}

	// mayRelay are the codes of an operation that a supplier or the hub decides: all codes but
	// those between programs on this machine.
	mayRelay = everyCodeBut(exchange.CodeOK, exchange.CodeInvite, exchange.CodeUnauthorized, exchange.CodeNotRunning, exchange.CodeLocked)
)

// also returns codes and more, together.
func also(codes []exchange.Code, more ...exchange.Code) []exchange.Code {
	return slices.Concat(codes, more)
}

func everyCodeBut(these ...exchange.Code) []exchange.Code {
	var codes []exchange.Code
	for code := range statuses {
		if !slices.Contains(these, code) {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return codes
}

// refusals are the codes that an operation may answer with, by status.
func refusals(op *huma.Operation, rt *route) map[int][]exchange.Code {
	out := make(map[int][]exchange.Code)
	add := func(status int, codes ...exchange.Code) {
		for _, code := range codes {
			if !slices.Contains(out[status], code) {
				out[status] = append(out[status], code)
			}
		}
	}
	for _, code := range rt.may {
		add(statusOf(code), code)
	}
	if rt.conditional {
		add(http.StatusPreconditionFailed, exchange.CodeStale)
		add(http.StatusPreconditionRequired, exchange.CodePrecondition)
	}
	add(http.StatusMisdirectedRequest, exchange.CodeInvalid)
	add(http.StatusTooManyRequests, exchange.CodeLimit)
	add(http.StatusInternalServerError, exchange.CodeInternal)
	add(http.StatusServiceUnavailable, exchange.CodeUnavailable)
	if !rt.open {
		add(http.StatusUnauthorized, exchange.CodeUnauthorized)
	}
	if op.Method != http.MethodGet {
		add(http.StatusForbidden, exchange.CodeUnauthorized)
	}
	if !rt.plain {
		add(http.StatusUnprocessableEntity, exchange.CodeInvalid)
	}
	if op.RequestBody != nil {
		add(http.StatusBadRequest, exchange.CodeInvalid)
		add(http.StatusRequestTimeout, exchange.CodeUnavailable)
		add(http.StatusRequestEntityTooLarge, exchange.CodeInvalid)
		add(http.StatusUnsupportedMediaType, exchange.CodeInvalid)
	}
	if rt.key != keyIgnored {
		add(http.StatusConflict, exchange.CodeConflict)
		add(http.StatusInsufficientStorage, exchange.CodeDiskFull)
	}
	return out
}

// documentRefusals adds a response for each status that the operation may refuse with.
func (r *router) documentRefusals(op *huma.Operation, rt *route) {
	for status, codes := range refusals(op, rt) {
		name := strconv.Itoa(status)
		said := op.Responses[name]
		if said == nil {
			said = &huma.Response{Description: http.StatusText(status) + "; the code says why."}
		}
		newer := rt.relays && (status == statusNewerNo || status == statusNewerLater)
		content := map[string]*huma.MediaType{view.ProblemType: {Schema: problemSchema(r, codes, newer)}}
		for mediaType, other := range said.Content { // a 503 that is no problem
			content[mediaType] = other
		}
		op.Responses[name] = &huma.Response{Description: said.Description, Content: content}
	}
}

// problemSchema is a problem with one of codes, or, with newer, with the number of a code
// that this version does not know.
func problemSchema(r *router, codes []exchange.Code, newer bool) *huma.Schema {
	slices.Sort(codes)
	known := &huma.Schema{Type: huma.TypeString}
	for _, code := range codes {
		known.Enum = append(known.Enum, code.String())
	}
	code := known
	if newer {
		code = &huma.Schema{AnyOf: []*huma.Schema{known, {
			Type: huma.TypeString, Pattern: "^code-[0-9]+$", Description: "What another shop of a newer version says.",
		}}}
	}
	return &huma.Schema{AllOf: []*huma.Schema{
		schemaOf[view.Problem](r),
		{Type: huma.TypeObject, Properties: map[string]*huma.Schema{"code": code}},
	}}
}
