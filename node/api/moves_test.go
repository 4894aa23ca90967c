package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
)

// importAs imports one product whose figure has a stated meaning.
func (s *shop) importAs(sku, figure string, units int) {
	s.t.Helper()
	file := fmt.Sprintf(`{"sku":%q,"title":"A %s","price":"12.50","stock":%d}`, sku, sku, units)
	must(s.Import(waiting(s.t), strings.NewReader(file), client.ImportOptions{Source: "system", Figure: inventory.Figure(figure)}, nil))(s.t)
}

// TestFourCalls: a shelf of 2; a partner buys 1 and it ships; the shop's own system, which had read 2,
// sells 1 and writes 1: refused, with what it is to do. It tells the sale, and the next partner is refused.
func TestFourCalls(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	acorn.importAs("lamp", "on-hand", 2)
	res, body := acorn.raw(http.MethodGet, "/api/v1/products/lamp/stock", "")
	etag := res.Header.Get("ETag")
	if read := must(acorn.Stocks().Of(ctx, "lamp"))(t); res.StatusCode != 200 || etag != strconv.Quote(strconv.FormatUint(read.Revision, 10)) || read.Shelf != 2 {
		t.Fatalf("%d %s %s %+v", res.StatusCode, etag, body, read)
	}
	held := must(birch.Reserve(ctx, reserve(acorn, "lamp", 1)))(t)
	placed := must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience))(t)
	must(acorn.ShipOrder(ctx, placed.ID, view.Ship{}))(t)

	for name, c := range map[string]struct {
		body   string
		header []string
		status int
	}{
		"of what it had read": {`{"units":1}`, []string{"If-Match", etag}, http.StatusPreconditionFailed},
		"of nothing":          {`{"units":1}`, nil, http.StatusPreconditionRequired},
	} {
		res, body := acorn.raw(http.MethodPut, "/api/v1/products/lamp/stock", c.body, c.header...)
		now := must(acorn.Stocks().Of(ctx, "lamp"))(t)
		if res.StatusCode != c.status || !strings.Contains(string(body), fmt.Sprintf(`"revision":%d`, now.Revision)) || now.Shelf != 1 {
			t.Errorf("%s: %d %s; %+v", name, res.StatusCode, body, now)
		}
	}
	told := must(acorn.Stocks().Tell(ctx, view.TellMovements{Movements: []view.ToldMovement{
		{SKU: "lamp", Kind: "sold", Units: 1, ID: "web 4711", Channel: "web shop", Reference: "4711"},
	}}))(t).Movements[0]
	if told.Result != "applied" || told.Stock.Shelf != 0 {
		t.Errorf("%+v", told)
	}
	if line := must(acorn.Stocks().Movements(ctx, "lamp", 1, ""))(t).Movements[0]; line.Kind != "sold" || line.Units != -1 || line.Channel != "web shop" || line.Reference != "4711" {
		t.Errorf("who took the last one: %+v", line)
	}
	_, err := birch.Reserve(ctx, reserve(acorn, "lamp", 1))
	wantCode(t, "an empty shelf", err, exchange.CodeInsufficient)
	answered(t, []*shop{acorn}, "get-stock", "tell-movements", "list-movements")
}

// TestTellMovements: what is answered of each movement, and of those that are told together.
func TestTellMovements(t *testing.T) {
	s := lone(t)
	ctx := waiting(t)
	s.importAs("cap", "on-hand", 10)
	s.importAs("tie", "on-hand", 10)
	revision := must(s.Stocks().Of(ctx, "cap"))(t).Revision
	list := []view.ToldMovement{
		{SKU: "cap", Kind: "sold", Units: 1, ID: "a"},
		{SKU: "cap", Kind: "sold", Units: 1, ID: "a"},
		{SKU: "cap", Kind: "sold", Units: 2, ID: "a"},
		{SKU: "boot", Kind: "sold", Units: 1},
		{SKU: "tie", Kind: "damaged", Units: 2, At: "-24h"},
		{SKU: "tie", Kind: "received", Units: 2},
		{SKU: "cap", Kind: "counted", Units: 3, IfRevision: &revision},
		{SKU: "cap", Kind: "counted", Units: 3, At: "-200h"},
	}
	want := []string{"applied", "repeated", "refused conflict", "refused not-found", "contained", "applied", "refused stale", "refused stale"}
	for i, m := range must(s.Stocks().Tell(ctx, view.TellMovements{Movements: list}))(t).Movements {
		got := m.Result
		if m.Problem != nil {
			got += " " + m.Problem.Code
		}
		if got != want[i] || m.SKU != exchange.SKU(list[i].SKU) || m.ID != list[i].ID {
			t.Errorf("%+v: %+v", list[i], m)
		}
	}
	if a, b := must(s.Stocks().Of(ctx, "cap"))(t), must(s.Stocks().Of(ctx, "tie"))(t); a.Shelf != 9 || b.Shelf != 12 {
		t.Errorf("%+v, %+v", a, b)
	}
	_, err := s.Stocks().Tell(ctx, view.TellMovements{Atomic: true, Movements: list[4:7]})
	wantCode(t, "together", err, exchange.CodeStale)
	var p *view.Problem
	if !errors.As(err, &p) || p.Status != http.StatusConflict || len(p.Movements) != 1 || p.Movements[0].SKU != "cap" || p.Stock == nil || p.Stock.Shelf != 9 || p.Stock.Revision == revision {
		t.Errorf("%+v", p)
	}
	if b := must(s.Stocks().Of(ctx, "tie"))(t); b.Shelf != 12 {
		t.Errorf("a refused list changed %+v", b)
	}
	for name, m := range map[string]view.ToldMovement{
		"no kind":              {SKU: "cap", Kind: "stolen", Units: 1},
		"nothing":              {SKU: "cap", Kind: "sold"},
		"too many":             {SKU: "cap", Kind: "sold", Units: 1_000_001},
		"a count of no moment": {SKU: "cap", Kind: "counted", Units: 1},
		"no moment":            {SKU: "cap", Kind: "sold", Units: 1, At: "soon"},
		"a moment to come":     {SKU: "cap", Kind: "sold", Units: 1, At: "5m"},
		"a sale of a revision": {SKU: "cap", Kind: "sold", Units: 1, IfRevision: &revision},
	} {
		_, err := s.Stocks().Tell(ctx, view.TellMovements{Movements: []view.ToldMovement{{SKU: "cap", Kind: "sold", Units: 1}, m}})
		wantCode(t, name, err, exchange.CodeInvalid)
	}
	if a := must(s.Stocks().Of(ctx, "cap"))(t); a.Shelf != 9 {
		t.Errorf("a list with a mistake changed %+v", a)
	}
}

// TestToldOnceByKey: a repeated call without ids happens once by its key.
func TestToldOnceByKey(t *testing.T) {
	s := lone(t)
	ctx := client.WithKey(waiting(t), "till-1")
	s.importAs("cap", "on-hand", 5000)
	tell := view.TellMovements{Atomic: true}
	for range 1500 {
		tell.Movements = append(tell.Movements, view.ToldMovement{SKU: "cap", Kind: "sold", Units: 1})
	}
	for range 2 {
		got := must(s.Stocks().Tell(ctx, tell))(t).Movements
		if len(got) != 1500 || got[1499].Result != "applied" {
			t.Errorf("%d, %+v", len(got), got[len(got)-1])
		}
	}
	if a := must(s.Stocks().Of(ctx, "cap"))(t); a.Shelf != 3500 {
		t.Errorf("%+v", a)
	}
}

// TestOldCounts: a shelf that nothing has ever told of may be counted without saying when.
func TestOldCounts(t *testing.T) {
	s := lone(t)
	ctx := waiting(t)
	must(s.Import(ctx, strings.NewReader(`{"sku":"cap","title":"Cap","price":"12.50"}`), client.ImportOptions{}, nil))(t)
	if got := must(s.Stocks().Set(ctx, "cap", view.SetStock{Units: ptr(int64(4))}))(t); got.Shelf != 4 {
		t.Errorf("%+v", got)
	}
	_, err := s.Stocks().Set(ctx, "cap", view.SetStock{Units: ptr(int64(5))})
	wantCode(t, "the second", err, exchange.CodePrecondition)
	now := must(s.Stocks().Of(ctx, "cap"))(t).Revision
	if got := must(s.Stocks().SetOf(ctx, "cap", view.SetStock{Units: ptr(int64(5))}, now))(t); got.Shelf != 5 || got.Revision == now {
		t.Errorf("%+v", got)
	}
	_, err = s.Stocks().Count(ctx, view.CountShelves{Counts: []view.ShelfCount{{SKU: "cap", SetStock: view.SetStock{Units: ptr(int64(6))}, IfRevision: &now}}})
	wantCode(t, "of the revision before", err, exchange.CodeStale)
	answered(t, []*shop{s}, "set-stock")
}
