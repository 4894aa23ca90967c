package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/souk-market/souk/node/api/view"
)

// TestFormerPaths: the original protocol's paths answer as their successors do; those of the
// version before do so too, and name the path to use.
func TestFormerPaths(t *testing.T) {
	acorn, birch := partners(t, nil)
	held := must(birch.Reserve(waiting(t), reserve(acorn, "shoe", 2)))(t)
	acorn.await("its own catalog", func() bool {
		_, err := acorn.Product(waiting(t), acorn.product("shoe"), false)
		return err == nil
	})
	wish := `{"reservation":"` + held.ID.String() + `","ship_to":` + address + `}`
	id, product := held.ID.String(), url.PathEscape(acorn.product("shoe").String())
	for _, c := range []struct {
		shop                 *shop
		method, target, body string
		status               int
		successor            string // "" = the path is not deprecated
	}{
		{birch, "GET", "/api/v1/products?q=shoe", "", 200, ""},
		{acorn, "GET", "/api/v1/product/" + product, "", 200, ""},
		{acorn, "GET", "/api/v1/products/" + product, "", 200, ""},
		{birch, "POST", "/api/v1/order", wish, 201, ""},
		{birch, "POST", "/api/v1/orders", wish, 201, ""},
		{birch, "GET", "/api/v1/orders/" + id, "", 200, ""},
		{birch, "GET", "/api/v1/order/" + id, "", 200, "/api/v1/orders/" + id},
		{acorn, "POST", "/api/v1/order/" + id + "/accept", "", 409, "/api/v1/orders/" + id + "/accept"},
		{acorn, "POST", "/api/v1/order/" + id + "/reject", "", 409, "/api/v1/orders/" + id + "/reject"},
		{acorn, "POST", "/api/v1/order/" + id + "/ship", `{"lines":[{"sku":"shoe","units":1}]}`, 200, "/api/v1/orders/" + id + "/ship"},
		{acorn, "POST", "/api/v1/order/" + id + "/deliver", "", 200, "/api/v1/orders/" + id + "/deliver"},
		{acorn, "POST", "/api/v1/order/" + id + "/cancel", "", 200, "/api/v1/orders/" + id + "/cancel"},
		{birch, "POST", "/api/v1/dial/" + acorn.id().String(), "", 200, "/api/v1/members/" + acorn.id().String() + "/dial"},
		{acorn, "POST", "/api/v1/import?dry_run=1", `{"sku":"cap","title":"Cap","price":"1.00"}`, 200, "/api/v1/imports"},
	} {
		t.Run(c.method+" "+c.target, func(t *testing.T) {
			res, body := c.shop.raw(c.method, c.target, c.body)
			if res.StatusCode != c.status {
				t.Fatalf("%d, want %d: %s", res.StatusCode, c.status, body)
			}
			deprecation, link := res.Header.Get("Deprecation"), res.Header.Get("Link")
			if c.successor == "" {
				if deprecation != "" || link != "" {
					t.Errorf("it is deprecated: %q, %q", deprecation, link)
				}
				return
			}
			if deprecation != "@1795996800" || link != "<"+c.successor+`>; rel="successor-version"` || res.Header.Get("Sunset") != "" {
				t.Errorf("headers: %v", res.Header)
			}
		})
	}
	answered(t, []*shop{acorn, birch}, "original-get-product", "original-place-order", "deprecated-get-order",
		"deprecated-ship-order", "deprecated-deliver-order", "deprecated-cancel-order", "deprecated-dial")
}

// TestKeyByAnotherPath: a repeat is a repeat by whichever path it comes, and another request
// is a conflict by any.
func TestKeyByAnotherPath(t *testing.T) {
	acorn, birch := partners(t, nil)
	held := must(birch.Reserve(waiting(t), reserve(acorn, "shoe", 4)))(t)
	wish := `{"reservation":"` + held.ID.String() + `","ship_to":` + address + `}`
	for _, path := range []string{"/api/v1/order", "/api/v1/orders", "/api/v1/order"} {
		if res, body := birch.raw(http.MethodPost, path, wish, "Idempotency-Key", "checkout 1"); res.StatusCode != http.StatusCreated {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
		other := strings.Replace(wish, "Storgatan 1", "Storgatan 2", 1)
		if res, body := birch.raw(http.MethodPost, path, other, "Idempotency-Key", "checkout 1"); res.StatusCode != http.StatusConflict {
			t.Errorf("%s, elsewhere: %d %s", path, res.StatusCode, body)
		}
	}
	one := `{"lines":[{"sku":"shoe","units":1}]}`
	for key, paths := range map[string][2]string{"parcel 1": {"order", "orders"}, "parcel 2": {"orders", "order"}} {
		for i, name := range paths {
			target := "/api/v1/" + name + "/" + held.ID.String() + "/ship"
			res, body := acorn.raw(http.MethodPost, target, one, "Idempotency-Key", key)
			if res.StatusCode != 200 || (res.Header.Get("Idempotency-Replayed") == "true") != (i == 1) {
				t.Errorf("%s, %s: %d %s", key, target, res.StatusCode, body)
			}
			if (res.Header.Get("Deprecation") != "") != (name == "order") {
				t.Errorf("%s, %s: headers %v", key, target, res.Header)
			}
		}
	}
	if got := must(acorn.Order(waiting(t), held.ID))(t); len(got.Parcels) != 2 || got.Role != view.Sold {
		t.Errorf("sent: %+v", got.Parcels)
	}
}
