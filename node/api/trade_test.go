package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/replica"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// TestTrade goes through all that two shops do with each other, over their APIs.
func TestTrade(t *testing.T) {
	acorn, birch := pair(t, nil)
	ctx := waiting(t)

	declineFirst(t, acorn, birch)
	proposed := must(acorn.Propose(ctx, view.Propose{Partner: birch.id(), Direction: view.Sell, Terms: view.ProposedTerms{DiscountBP: 1500}}))(t)
	if p := proposed.Partnerships; len(p) != 1 || p[0].Status != "proposed" || p[0].Proposal.By != "self" || p[0].Proposal.Terms.HoldSeconds != 1800 {
		t.Fatalf("proposed: %+v", p)
	}
	var offer view.Partnership
	birch.await("the proposal", func() bool {
		list := must(birch.Partnerships(ctx))(t).Partnerships
		if len(list) == 1 && list[0].Proposal != nil && list[0].Proposal.ID == proposed.Partnerships[0].Proposal.ID {
			offer = list[0]
		}
		return offer.Proposal != nil
	})
	if offer.Declined != nil || proposed.Partnerships[0].Declined != nil {
		t.Error("a newer proposal shows an older one as declined still")
	}
	if offer.Partner != acorn.id() || offer.PartnerName != "Acorn Shoes" || offer.Direction != view.Buy || offer.Proposal.By != "partner" {
		t.Fatalf("the retailer sees %+v", offer)
	}
	_, err := birch.AcceptTerms(ctx, acorn.id(), view.Answer{Proposal: offer.Proposal.ID[32:] + offer.Proposal.ID[:32]})
	wantCode(t, "accepting what was not proposed", err, exchange.CodeStale)
	must(birch.AcceptTerms(ctx, acorn.id(), view.Answer{Proposal: offer.Proposal.ID}))(t)
	birch.await("the partnership", func() bool { return must(birch.Partnerships(ctx))(t).Partnerships[0].Status == "active" })

	birch.await("the catalog", func() bool {
		return len(must(birch.Products(ctx, replica.Query{Text: "running", InStock: true}))(t).Products) == 1
	})
	shoe := must(birch.Product(ctx, acorn.product("shoe"), true))(t)
	if shoe.Own || shoe.ShopName != "Acorn Shoes" || shoe.Price.Amount != "99.00" || shoe.PriceUSD.Amount != "108.90" || !shoe.Sellable || shoe.Live == nil || shoe.Live.Available.Units != 10 {
		t.Errorf("the retailer sees %+v", shoe)
	}
	birch.await("the supplier's window", func() bool {
		_, ready := birch.desk().Retailer.Window(acorn.id())
		return ready
	})

	held := must(birch.Reserve(ctx, reserve(acorn, "shoe", 3, "hat", 1)))(t)
	if q := held.Quote; held.State != "held" || q == nil || q.Total.Minor != 3*8415+1063+490 || q.Total.Amount != "267.98" || q.Tax.RateBP != 2000 || q.Lines[0].Unit.Amount != "84.15" {
		t.Fatalf("held: %+v, quote %+v", held, held.Quote)
	}
	own := must(acorn.Product(ctx, acorn.product("shoe"), false))(t)
	if own.Stock == nil || own.Stock.Held != 3 || own.Stock.Available != 7 {
		t.Errorf("the supplier's stock: %+v", own.Stock)
	}
	longer := must(birch.Extend(ctx, held.ID, held.Created.Add(held.Expires.Sub(held.Created))))(t)
	if longer.Expires.Before(held.Expires) {
		t.Errorf("extended to %v, from %v", longer.Expires, held.Expires)
	}

	placed := must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience))(t)
	if placed.ID != held.ID || placed.Status != "accepted" || placed.Role != view.Bought || placed.ShipTo != nil {
		t.Fatalf("placed: %+v", placed)
	}
	sold := must(acorn.Order(ctx, placed.ID))(t)
	if sold.Role != view.Sold || sold.Partner != birch.id() || sold.ShipTo == nil || sold.ShipTo.Name != stockholm.Name {
		t.Errorf("the supplier sees %+v", sold)
	}
	if list := must(acorn.Orders(ctx, client.OrdersQuery{Role: view.Sold, Status: "accepted"}))(t); len(list.Orders) != 1 || list.Orders[0].ShipTo == nil {
		t.Errorf("the supplier lists %+v", list)
	}

	must(acorn.ShipOrder(ctx, placed.ID, view.Ship{Lines: []view.Units{{SKU: "shoe", Units: 2}}, Carrier: "PostNord", Tracking: "P1"}))(t)
	if got := must(birch.CancelOrder(ctx, placed.ID, view.Cancel{Lines: []view.Units{{SKU: "hat", Units: 1}}, Reason: "changed my mind"}))(t); got.Status != "partly_shipped" || got.Lines[1].Cancelled != 1 {
		t.Errorf("after the cancel: %+v", got)
	}
	_, err = acorn.RejectOrder(ctx, placed.ID, view.Reject{Reason: "too late"})
	wantCode(t, "rejecting what was accepted", err, exchange.CodeState)
	must(acorn.ShipOrder(ctx, placed.ID, view.Ship{Tracking: "P2"}))(t)
	if got := must(acorn.DeliverOrder(ctx, placed.ID, view.Deliver{}))(t); got.Status != "delivered" || len(got.Parcels) != 2 {
		t.Errorf("after delivery: %+v", got)
	}
	birch.await("delivery", func() bool { return must(birch.Order(ctx, placed.ID))(t).Status == "delivered" })

	other := must(birch.Reserve(ctx, reserve(acorn, "hat", 2)))(t)
	if got := must(birch.Release(ctx, other.ID))(t); got.State != "released" {
		t.Errorf("released: %+v", got)
	}
	if got := must(birch.Reservation(ctx, other.ID))(t); got.State != "released" {
		t.Errorf("read again: %+v", got)
	}
	ended := must(birch.EndTrade(ctx, acorn.id(), view.End{Direction: view.Buy, Reason: "moving on"}))(t)
	if s := ended.Partnerships[0].Status; s != "ending" && s != "ended" {
		t.Errorf("after the end it is %s", s)
	}
	_, err = birch.Reserve(ctx, reserve(acorn, "hat", 1))
	wantCode(t, "reserving after the end", err, exchange.CodeNoPartnership)
	answered(t, []*shop{acorn, birch}, "propose", "list-partners", "accept-partner", "end-partner", "search-products", "get-product",
		"reserve", "get-reservation", "extend-reservation", "release-reservation", "place-order", "get-order", "list-orders",
		"ship-order", "cancel-order", "deliver-order")
}

// TestByHand: the owner decides about each order.
func TestByHand(t *testing.T) {
	acorn, birch := partners(t, byHand)
	ctx := waiting(t)
	place := func() *view.Order {
		held := must(birch.Reserve(ctx, reserve(acorn, "hat", 1)))(t)
		got := must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, patience))(t)
		if got.Status != "submitted" {
			t.Fatalf("placed: %+v", got)
		}
		return got
	}
	first, second, third := place(), place(), place()
	if got := must(acorn.AcceptOrder(ctx, first.ID))(t); got.Status != "accepted" {
		t.Errorf("accepted: %+v", got)
	}
	if got := must(acorn.RejectOrder(ctx, second.ID, view.Reject{Reason: "damaged"}))(t); got.Status != "rejected" || got.Reason != "damaged" {
		t.Errorf("rejected: %+v", got)
	}
	if got := must(acorn.CancelOrder(ctx, third.ID, view.Cancel{}))(t); got.Status != "cancelled" {
		t.Errorf("cancelled by the supplier: %+v", got)
	}
	page := must(acorn.Orders(ctx, client.OrdersQuery{Role: view.Sold, Limit: 2}))(t)
	rest := must(acorn.Orders(ctx, client.OrdersQuery{Role: view.Sold, Limit: 2, Cursor: page.Next}))(t)
	if len(page.Orders) != 2 || len(rest.Orders) != 1 || rest.Next != "" {
		t.Errorf("pages of %d and %d orders", len(page.Orders), len(rest.Orders))
	}
	answered(t, []*shop{acorn}, "accept-order", "reject-order")
}

// TestUnanswered: where a supplier has a request and does not answer in time, nobody knows whether it
// holds the stock; the problem names the reservation to ask about.
func TestUnanswered(t *testing.T) {
	acorn, birch := partners(t, nil)
	wish := string(must(json.Marshal(reserve(acorn, "hat", 1)))(t))
	acorn.slow.Lock()
	p := birch.briefly(http.MethodPost, "/api/v1/reservations", wish)
	acorn.slow.Unlock()
	if p.Status != 503 || !p.Retry || p.Reservation == nil || !strings.HasPrefix(p.Detail, "Acorn Shoes did not answer in time, so") {
		t.Fatalf("reserving: %+v", p)
	}
	if got := must(birch.Reservation(waiting(t), *p.Reservation))(t); got.State != "held" {
		t.Errorf("asked again, the supplier says %+v", got)
	}
}

// TestCallerBreaksOff: a caller that goes away while the supplier is asked, and gave no key, waits for
// nothing any more. The reservation is listed from soon after it was asked for, and its stock is given
// back as soon as the supplier answers.
func TestCallerBreaksOff(t *testing.T) {
	acorn, birch := partners(t, nil)
	wish := string(must(json.Marshal(reserve(acorn, "hat", 1)))(t))
	ctx, breakOff := context.WithCancel(waiting(t))
	req := must(http.NewRequestWithContext(ctx, http.MethodPost, birch.url+"/api/v1/reservations", strings.NewReader(wish)))(t)
	req.Header.Set("Authorization", "Bearer "+birch.token)
	req.Header.Set("Content-Type", "application/json")
	acorn.slow.Lock()
	ended := make(chan error, 1)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			res.Body.Close()
		}
		ended <- err
	}()
	list := func(status string) []view.Reservation {
		return must(birch.Reservations(waiting(t), client.ReservationsQuery{Status: status}))(t).Reservations
	}
	birch.await("it is listed", func() bool { return len(list("none")) == 1 })
	breakOff()
	if err := <-ended; err == nil {
		t.Error("it was answered")
	}
	acorn.slow.Unlock()
	birch.await("it is given back", func() bool { return len(list("released")) == 1 })
	if got := list("")[0]; got.Refusal == nil || !strings.Contains(got.Refusal.Detail, "nobody came back") || !got.ReleaseAt.IsZero() {
		t.Errorf("it is %+v", got)
	}
	if got := must(acorn.Holds(waiting(t), client.HoldsQuery{}))(t); len(got.Holds) != 0 {
		t.Errorf("held for nobody: %+v", got.Holds)
	}
}

// TestOffline: an order is durable and on its way when the supplier is not there; of a
// reservation nothing was asked.
func TestOffline(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx := waiting(t)
	held := must(birch.Reserve(ctx, reserve(acorn, "shoe", 1)))(t)
	birch.await("the catalog", func() bool {
		_, err := birch.Product(ctx, acorn.product("shoe"), false)
		return err == nil
	})
	acorn.stop()
	birch.await("the loss", func() bool { return !birch.node.Net().Connected(acorn.id()) })
	placed := must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, 0))(t)
	if placed.Status != "requested" || placed.Requested.IsZero() || placed.Lines[0].Ordered != 1 {
		t.Errorf("placed: %+v", placed)
	}
	res, body := birch.raw(http.MethodPost, "/api/v1/orders?wait=0", `{"reservation":"`+held.ID.String()+`","ship_to":`+address+`}`)
	if res.StatusCode != http.StatusAccepted {
		t.Errorf("placed again: %d %s", res.StatusCode, body)
	}
	wish := string(must(json.Marshal(reserve(acorn, "hat", 1)))(t))
	if p := birch.briefly(http.MethodPost, "/api/v1/reservations", wish); p.Status != 503 || !p.Retry || p.Reservation != nil || !strings.HasPrefix(p.Detail, "Acorn Shoes is not reachable, so nothing was asked") {
		t.Errorf("reserving: %+v", p)
	}
	if _, reservation := birch.raw(http.MethodGet, "/api/v1/reservations/"+placed.ID.String(), ""); !strings.Contains(reservation, `"state":"committed"`) {
		t.Errorf("the reservation of an order on its way: %s", reservation)
	}
	if list := must(birch.Orders(ctx, client.OrdersQuery{Role: view.Bought, Status: "requested", Partner: acorn.id()}))(t); len(list.Orders) != 1 {
		t.Errorf("requested: %+v", list)
	}
	if list := must(birch.Orders(ctx, client.OrdersQuery{Role: view.Bought, Status: "refused"}))(t); len(list.Orders) != 0 {
		t.Errorf("refused: %+v", list)
	}
	res, body = birch.raw(http.MethodPost, "/api/v1/orders/"+placed.ID.String()+"/cancel?wait=0", "")
	if res.StatusCode != http.StatusAccepted || !strings.Contains(body, `"cancelling":"`) {
		t.Errorf("cancelled: %d %s", res.StatusCode, body)
	}
	live := "/api/v1/products/" + url.PathEscape(acorn.product("shoe").String()) + "?live=1"
	if p := birch.briefly(http.MethodGet, live, ""); p.Status != 503 || !p.Retry {
		t.Errorf("asking an absent supplier: %+v", p)
	}
}

const address = `{"name":"Åsa Berg","lines":["Storgatan 1"],"city":"Stockholm","postal_code":"111 22","country":"SE"}`

// briefly asks for a moment in which no partner answers.
func (s *shop) briefly(method, target, body string) (p view.Problem) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	req := httptest.NewRequestWithContext(ctx, method, "http://localhost"+target, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	s.server.Handler().ServeHTTP(rec, req)
	if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
		s.t.Fatal(err)
	}
	return p
}

// declineFirst has the retailer decline what the supplier proposes: both see who did
// so, and when.
func declineFirst(t *testing.T, supplier, retailer *shop) {
	t.Helper()
	ctx := waiting(t)
	id := must(supplier.Propose(ctx, view.Propose{Partner: retailer.id(), Direction: view.Sell}))(t).Partnerships[0].Proposal.ID
	retailer.await("the proposal", func() bool {
		list := must(retailer.Partnerships(ctx))(t).Partnerships
		return len(list) == 1 && list[0].Proposal != nil
	})
	must(retailer.DeclineTerms(ctx, supplier.id(), view.Answer{Proposal: id}))(t)
	for s, want := range map[*shop]view.Declined{supplier: {Of: "self", By: "partner"}, retailer: {Of: "partner", By: "self"}} {
		var got view.Partnership
		s.await("the decline", func() bool {
			got = must(s.Partnerships(ctx))(t).Partnerships[0]
			return got.Declined != nil
		})
		if d := got.Declined; got.Status != "declined" || d.ID != id || d.Of != want.Of || d.By != want.By || d.At.IsZero() {
			t.Errorf("declined: %q, %+v, want %+v", got.Status, d, want)
		}
	}
}
