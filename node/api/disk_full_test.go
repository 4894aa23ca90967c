package api_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
)

// TestSupplierWithoutRoom: a supplier that cannot write is told as a sure no, by its name,
// without its paths and without a reservation to look at.
func TestSupplierWithoutRoom(t *testing.T) {
	acorn, birch := partners(t, nil)
	acorn.full.Store(true)
	_, err := birch.Reserve(waiting(t), reserve(acorn, "shoe", 1))
	wantCode(t, "a hold at a full disk", err, exchange.CodeUnavailable)
	var p *view.Problem
	if !errors.As(err, &p) || p.Reservation != nil || !p.Retry || !strings.HasPrefix(p.Detail, "Acorn Shoes cannot write") || strings.Contains(p.Detail, "/private") {
		t.Errorf("the problem: %+v", p)
	}
	acorn.full.Store(false)
	must(birch.Reserve(waiting(t), reserve(acorn, "shoe", 1)))(t)
}
