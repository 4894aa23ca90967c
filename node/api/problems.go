package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// statuses is the HTTP status of each code; a test holds it against the codes.
// A program goes by the code; the status serves proxies and people.
var statuses = map[exchange.Code]int{
	exchange.CodeOK:            http.StatusOK,
	exchange.CodeInternal:      http.StatusInternalServerError,
	exchange.CodeInvalid:       http.StatusUnprocessableEntity,
	exchange.CodeUnavailable:   http.StatusServiceUnavailable,
	exchange.CodeNotFound:      http.StatusNotFound,
	exchange.CodeConflict:      http.StatusConflict,
	exchange.CodeConfirm:       http.StatusConflict,
	exchange.CodePrecondition:  http.StatusPreconditionRequired,
	exchange.CodeNotMember:     http.StatusForbidden,
	exchange.CodeNoPartnership: http.StatusForbidden,
	exchange.CodeInsufficient:  http.StatusConflict,
	exchange.CodePriceChanged:  http.StatusConflict,
	exchange.CodeTooOld:        http.StatusGone,
	exchange.CodeExpired:       http.StatusGone,
	exchange.CodeReleased:      http.StatusGone,
	exchange.CodeCountry:       http.StatusUnprocessableEntity,
	exchange.CodeOpenQuantity:  http.StatusConflict,
	exchange.CodeLifetime:      http.StatusUnprocessableEntity,
	exchange.CodeStale:         http.StatusConflict,
	exchange.CodeShipped:       http.StatusConflict,
	exchange.CodeCancelRule:    http.StatusConflict,
	exchange.CodeState:         http.StatusConflict,
	exchange.CodeOrdered:       http.StatusConflict,
	exchange.CodeCurrency:      http.StatusUnprocessableEntity,
	exchange.CodeNoRate:        http.StatusConflict,
	exchange.CodeOverflow:      http.StatusUnprocessableEntity,
	exchange.CodeSignature:     http.StatusBadGateway,
	exchange.CodeFork:          http.StatusConflict,
	exchange.CodeBehind:        http.StatusServiceUnavailable,
	exchange.CodeRestored:      http.StatusServiceUnavailable,
	exchange.CodeLimit:         http.StatusTooManyRequests,
	exchange.CodeDiskFull:      http.StatusInsufficientStorage,
	exchange.CodeFreshness:     http.StatusServiceUnavailable,
	exchange.CodeFrozen:        http.StatusConflict,
	exchange.CodeInvite:        http.StatusUnprocessableEntity,
	exchange.CodeVersion:       http.StatusBadGateway,
	exchange.CodeUnauthorized:  http.StatusUnauthorized,
	exchange.CodeNotRunning:    http.StatusServiceUnavailable,
	exchange.CodeLocked:        http.StatusLocked,
	exchange.CodeGone:          http.StatusGone,
	exchange.CodeWithdrawn:     http.StatusConflict,
}

// The status of a code that this version does not know: a partner of a newer version said "no", or
// "later".
const (
	statusNewerNo    = http.StatusConflict
	statusNewerLater = http.StatusServiceUnavailable
)

// statusOf is the status of a code, also of one that this version does not know.
func statusOf(code exchange.Code) int {
	if status, ok := statuses[code]; ok {
		return status
	}
	if code.Retry() {
		return statusNewerLater
	}
	return statusNewerNo
}

// problemOf shows an error. An error without a code is a fault of this shop, unless time ran out:
// then nobody knows whether the request was done.
func problemOf(err error) *view.Problem {
	var ready *view.Problem
	if errors.As(err, &ready) {
		return ready
	}
	code, detail := exchange.CodeOf(err), err.Error()
	if code == exchange.CodeInternal && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		code, detail = exchange.CodeUnavailable, "there was no answer in time; whether it was done is unknown. Look before you ask again"
	}
	p := newProblem(statusOf(code), code, detail)
	p.Lines = view.ShortLinesOf(exchange.ShortLines(err))
	return p
}

func newProblem(status int, code exchange.Code, detail string) *view.Problem {
	return &view.Problem{Title: http.StatusText(status), Status: status, Code: code.String(), Retry: code.Retry(), Detail: detail}
}

// noBody is what huma says of a request without a body that needs one.
const noBody = "request body is required"

// humaProblem turns what huma says of a request it does not pass on into a problem.
func humaProblem(ctx huma.Context, _ string, body any) (any, error) {
	m, ok := body.(*huma.ErrorModel)
	if !ok {
		return body, nil
	}
	code := exchange.CodeInvalid
	switch {
	case m.Status == http.StatusRequestTimeout:
		code = exchange.CodeUnavailable
	case m.Status >= http.StatusInternalServerError:
		code = exchange.CodeInternal
	}
	p := newProblem(m.Status, code, m.Detail)
	if m.Detail == noBody {
		p.Detail = "the request has no body; it should hold " + cmp.Or(ctx.Operation().RequestBody.Description, "a JSON object")
	}
	said := make([]string, 0, len(m.Errors))
	for _, e := range m.Errors {
		if e == nil {
			continue
		}
		message := plainly(e.Message)
		p.Fields = append(p.Fields, view.FieldProblem{Location: e.Location, Message: message})
		said = append(said, strings.TrimSpace(fieldName(e.Location)+" "+message))
	}
	if len(said) > 0 {
		p.Detail = "the request is not valid: " + strings.Join(said, "; ")
	}
	return p, nil
}

// fieldName is a location without the part of the request, which a person need not
// know: "lines[0].quantity".
func fieldName(location string) string {
	for _, part := range []string{"body", "query", "path", "header"} {
		if rest, ok := strings.CutPrefix(location, part); ok {
			return strings.TrimPrefix(rest, ".")
		}
	}
	return location
}

// sayings are huma's messages about a field, and what is said instead; %s is the bound.
var sayings = []struct{ begins, ends, instead string }{
	{"expected required property ", " to be present", "%s is missing"},
	{"required ", " parameter is missing", "is missing"},
	{"unexpected property", "", "is not known here"},
	{"expected length <= ", "", "is longer than %s characters"},
	{"expected length >= 1", "", "is empty"},
	{"expected length >= ", "", "is shorter than %s characters"},
	{"expected number <= ", "", "is more than %s"},
	{"expected number >= ", "", "is less than %s"},
	{"expected array length <= ", "", "has more than %s items"},
	{"expected array length >= 1", "", "is empty"},
	{"expected array length >= ", "", "has fewer than %s items"},
	{"expected value to be one of ", "", "is none of %s"},
	{"expected string to be RFC 3339 date-time", "", "is not a moment such as 2030-06-01T12:00:00Z"},
	{"expected ", "", "is not of the right kind: expected %s"},
}

// plainly says huma's message about a field in words for a person.
func plainly(message string) string {
	for _, s := range sayings {
		rest, ok := strings.CutPrefix(message, s.begins)
		if rest, found := strings.CutSuffix(rest, s.ends); ok && found {
			return strings.ReplaceAll(s.instead, "%s", rest)
		}
	}
	return message
}

// writeProblem answers outside of huma.
func writeProblem(w http.ResponseWriter, p *view.Problem) {
	b, err := json.Marshal(p)
	if err != nil { // a problem is texts and numbers
		b = fmt.Appendf(nil, `{"status":%d}`, p.Status)
	}
	w.Header().Set("Content-Type", view.ProblemType)
	w.WriteHeader(p.Status)
	w.Write(append(b, '\n'))
}
