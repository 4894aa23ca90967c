package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// TestEveryCodeHasAStatus walks all codes: those with a name.
func TestEveryCodeHasAStatus(t *testing.T) {
	n := 0
	for code := exchange.Code(0); !strings.HasPrefix(code.String(), "code-"); code++ {
		n++
		status, ok := statuses[code]
		if !ok || http.StatusText(status) == "" {
			t.Errorf("%v has no status", code)
			continue
		}
		if code == exchange.CodeOK {
			continue
		}
		p := problemOf(exchange.Errorf(code, "because"))
		if p.Status != status || p.Code != code.String() || p.Retry != code.Retry() || p.Detail != "because" {
			t.Errorf("%v: %+v", code, p)
		}
		if back := p.Err(); back.Code != code {
			t.Errorf("%v comes back as %v", code, back.Code)
		}
	}
	if n != len(statuses) {
		t.Errorf("%d codes, %d statuses", n, len(statuses))
	}
	for code, status := range map[exchange.Code]int{9999: http.StatusConflict, 9999 | exchange.RetryBit: http.StatusServiceUnavailable} {
		p := problemOf(exchange.Errorf(code, "new"))
		if p.Status != status || p.Retry != code.Retry() || p.Err().Code != code {
			t.Errorf("a code of a newer version: %+v, comes back as %v", p, p.Err().Code)
		}
	}
}

func TestProblemOf(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
		code   exchange.Code
	}{
		"a fault":        {errors.New("x"), 500, exchange.CodeInternal},
		"wrapped":        {fmt.Errorf("x: %w", exchange.Errorf(exchange.CodeShipped, "y")), 409, exchange.CodeShipped},
		"out of time":    {fmt.Errorf("x: %w", context.DeadlineExceeded), 503, exchange.CodeUnavailable},
		"gone":           {context.Canceled, 503, exchange.CodeUnavailable},
		"a code's cause": {exchange.Errorf(exchange.CodeNotFound, "x: %w", context.Canceled), 404, exchange.CodeNotFound},
		"a problem":      {newProblem(413, exchange.CodeInvalid, "x"), 413, exchange.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			p := problemOf(c.err)
			if p.Status != c.status || p.Code != c.code.String() || p.ContentType("application/json") != view.ProblemType {
				t.Errorf("%+v", p)
			}
		})
	}
}
