package api_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory"
)

// cfgFresh gives a further server of a shop a registry of its own.
func cfgFresh(cfg api.Config) api.Config {
	cfg.Registry = prometheus.NewRegistry()
	return cfg
}

func TestMembersAndDial(t *testing.T) {
	acorn, birch := pair(t, nil)
	ctx := waiting(t)
	way := must(birch.Dial(ctx, acorn.id()))(t)
	if !way.Direct || way.Shop != acorn.id() || way.Transport != "tcp" || len(way.RTTs) == 0 || way.RTTs[0] <= 0 {
		t.Errorf("dialed: %+v", way)
	}
	_, err := birch.Dial(ctx, exchange.ShopID{1})
	wantCode(t, "dialing a stranger", err, exchange.CodeNotMember)
	list := must(birch.Members(ctx))(t).Members
	if len(list) != 2 || !list[0].Self || list[1].Name != "Acorn Shoes" || !list[1].Online || len(strings.Fields(list[1].Fingerprint)) < 4 {
		t.Errorf("members: %+v", list)
	}
	_, err = birch.Propose(ctx, view.Propose{Partner: birch.id(), Direction: view.Sell})
	wantCode(t, "proposing to oneself", err, exchange.CodeInvalid)
	_, err = birch.Propose(ctx, view.Propose{Partner: acorn.id(), Direction: view.Sell, Terms: view.ProposedTerms{Currency: "SEK"}})
	wantCode(t, "selling in another currency", err, exchange.CodeCurrency)
	_, err = birch.EndTrade(ctx, acorn.id(), view.End{})
	wantCode(t, "ending what never was", err, exchange.CodeNoPartnership)
	_, err = birch.Reserve(ctx, reserve(acorn, "shoe", 1))
	wantCode(t, "buying without a partnership", err, exchange.CodeNoPartnership)
	wantNamed(t, err, acorn)
}

func TestImport(t *testing.T) {
	s := lone(t)
	ctx := waiting(t)
	file := `{"sku":"cap","title":"Cap","price":"12.50","stock":4}
{"sku":"tie","title":"Tie","price":"a lot","stock":4}
{"sku":"sock","title":"Sock","price":"3.00"}
`
	calls := 0
	progress := func(view.ImportProgress) { calls++ }
	dry := must(s.Import(ctx, strings.NewReader(file), client.ImportOptions{DryRun: true}, progress))(t)
	if !dry.DryRun || dry.Added != 2 || dry.ErrorCount != 1 || dry.Errors[0].Line != 2 {
		t.Errorf("dry run: %+v", dry)
	}
	report, err := s.Import(ctx, strings.NewReader(file), client.ImportOptions{Strict: true}, nil)
	if exchange.CodeOf(err) != exchange.CodeInvalid || report == nil || report.ErrorCount != 1 {
		t.Errorf("strict: %+v, %v", report, err)
	}
	if _, err := s.desk().Shelf.Product("cap"); exchange.CodeOf(err) != exchange.CodeNotFound {
		t.Errorf("nothing should be there yet: %v", err)
	}
	if got := must(s.Import(ctx, strings.NewReader(file), client.ImportOptions{}, progress))(t); got.Added != 2 || got.Untracked != 1 {
		t.Errorf("imported: %+v", got)
	}
	if calls == 0 {
		t.Error("no progress was told")
	}
	res, body := s.raw(http.MethodPost, "/api/v1/imports?format=jsonl&untracked=unlimited", file, "Content-Type", "application/octet-stream")
	var again view.ImportReport
	if err := json.Unmarshal([]byte(body), &again); err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	if again.Unchanged != 1 || again.StockOnly != 1 { // the sock is unlimited now
		t.Errorf("again: %+v", again)
	}
	res, body = s.raw(http.MethodPost, "/api/v1/imports?strict=1", file, "Content-Type", "application/octet-stream")
	var p view.Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil || res.StatusCode != 422 || p.Report == nil || p.Report.ErrorCount != 1 {
		t.Errorf("strict, without records: %d %s", res.StatusCode, body)
	}
	_, err = s.Import(ctx, strings.NewReader(file), client.ImportOptions{Currency: "SEK"}, nil)
	wantCode(t, "prices in another currency", err, exchange.CodeCurrency)
}

// TestLongImport: a file longer than what any buffer on the way holds, given up early
// and read to its end.
func TestLongImport(t *testing.T) {
	s := lone(t)
	var file strings.Builder
	for i := range 20_000 {
		file.WriteString(`{"sku":"p` + string(rune('a'+i%26)) + strings.Repeat("x", i%50) + `","title":"Product","price":"1.00","stock":1}` + "\n")
	}
	got := must(s.Import(waiting(t), strings.NewReader(file.String()), client.ImportOptions{DryRun: true}, nil))(t)
	if got.Rows != 20_000 || got.Bytes != int64(file.Len()) {
		t.Errorf("read %d rows of %d bytes", got.Rows, got.Bytes)
	}
	_, err := s.Import(waiting(t), strings.NewReader("{bad}\n"+file.String()), client.ImportOptions{Strict: true, DryRun: true}, nil)
	wantCode(t, "a bad first row", err, exchange.CodeInvalid)
}

// TestRateByHand: a rate is stated as JSON, and none is taken that the shop has no use for.
func TestRateByHand(t *testing.T) {
	s := lone(t)
	got := must(s.StateRate(waiting(t), inventory.FixedRate{USD: "2.0", Date: "2026-02-01"}, client.RatesOptions{}))(t)
	if want := (view.Rate{Currency: "EUR", Rate: "2", Source: "fixed", Date: "2026-02-01"}); got.Rate != want || got.Rewritten != 1 {
		t.Errorf("%+v", got)
	}
	if p := must(s.Products(waiting(t), replica.Query{}))(t).Products[0].PriceUSD; p == nil || p.Rate != "2" || p.Source != "fixed" {
		t.Errorf("the price is %+v", p)
	}
	for name, c := range map[string]struct {
		rate inventory.FixedRate
		code exchange.Code
	}{
		"of another currency": {inventory.FixedRate{Currency: "SEK", USD: "0.1"}, exchange.CodeCurrency},
		"nothing":             {inventory.FixedRate{}, exchange.CodeInvalid},
		"zero":                {inventory.FixedRate{USD: "0.00"}, exchange.CodeInvalid},
		"a comma":             {inventory.FixedRate{USD: "1,1"}, exchange.CodeInvalid},
		"too exact":           {inventory.FixedRate{USD: "1.12345678901234"}, exchange.CodeInvalid},
		"of no day":           {inventory.FixedRate{USD: "1.1", Date: "yesterday"}, exchange.CodeInvalid},
		"of a day to come":    {inventory.FixedRate{USD: "1.1", Date: "9000-01-01"}, exchange.CodeInvalid},
		"of a day before":     {inventory.FixedRate{USD: "1.1", Date: "2026-01-31"}, exchange.CodeStale},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.StateRate(waiting(t), c.rate, client.RatesOptions{})
			wantCode(t, name, err, c.code)
		})
	}
	for _, body := range []string{`{"usd": 1.1}`, `{"usd":"1.1"} {}`, `{"eur":"1.1"}`, `{`} {
		t.Run(body, func(t *testing.T) {
			_, err := s.SetRates(waiting(t), strings.NewReader(body), client.RatesOptions{})
			wantCode(t, body, err, exchange.CodeInvalid)
		})
	}
	if got = must(s.StateRate(waiting(t), inventory.FixedRate{USD: "1.1", Date: "2026-01-31"}, client.RatesOptions{AllowOlder: true}))(t); got.Rate.Rate != "1.1" {
		t.Errorf("%+v", got)
	}
}

func TestRates(t *testing.T) {
	s := lone(t)
	file := must(os.ReadFile("../inventory/samples/ecb-rates.xml"))(t)
	got := must(s.SetRates(waiting(t), strings.NewReader(string(file)), client.RatesOptions{}))(t)
	if got.Rate.Currency != "EUR" || got.Rate.Rate == "" || got.Rewritten != 1 {
		t.Errorf("rates: %+v", got)
	}
	_, err := s.SetRates(waiting(t), strings.NewReader("<html>"), client.RatesOptions{})
	wantCode(t, "no rates file", err, exchange.CodeInvalid)
	if _, err = s.SetRates(waiting(t), strings.NewReader(""), client.RatesOptions{}); exchange.CodeOf(err) != exchange.CodeInvalid || !strings.Contains(err.Error(), "it should hold the rates file") {
		t.Errorf("no body: %v", err)
	}
	must(s.Products(waiting(t), replica.Query{}))(t)
}

// TestFigures: what /metrics shows after a trade, and that no label names an order.
func TestFigures(t *testing.T) {
	acorn, birch := partners(t, nil)
	held := must(birch.Reserve(waiting(t), reserve(acorn, "shoe", 1)))(t)
	placed := must(birch.PlaceOrder(waiting(t), view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience))(t)
	if _, err := birch.Reserve(waiting(t), reserve(acorn, "shoe", 99)); exchange.CodeOf(err) != exchange.CodeInsufficient {
		t.Error(err)
	}
	_, body := birch.raw(http.MethodGet, "/metrics", "")
	for _, want := range []string{
		`souk_holds_total{outcome="held",partner="` + acorn.id().String() + `",side="retailer"} 1`,
		`souk_holds_total{outcome="insufficient-stock",partner="` + acorn.id().String() + `",side="retailer"} 1`,
		`souk_http_requests_total{method="POST",route="/api/v1/reservations",status="2xx"} 1`,
		`souk_http_requests_total{method="POST",route="/api/v1/reservations",status="4xx"} 1`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(body, placed.ID.String()) {
		t.Error("a label names an order")
	}
}
