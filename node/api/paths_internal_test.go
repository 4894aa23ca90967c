package api

import "testing"

func TestRewrite(t *testing.T) {
	for name, c := range map[string]struct{ from, to, path, want string }{
		"one name":      {"/v1/orders/{id}/ship", "/v1/order/{id}/ship", "/v1/orders/AB/ship", "/v1/order/AB/ship"},
		"moved":         {"/v1/dial/{shop}", "/v1/members/{shop}/dial", "/v1/dial/12D3", "/v1/members/12D3/dial"},
		"encoded":       {"/v1/products/{id}", "/v1/product/{id}", "/v1/products/S:a%2Fb", "/v1/product/S:a%2Fb"},
		"like a name":   {"/v1/{a}/{b}", "/v2/{b}/{a}", "/v1/{b}/x", "/v2/x/{b}"},
		"no name":       {"/v1/orders", "/v1/order", "/v1/orders", "/v1/order"},
		"no such match": {"/v1/orders/{id}", "/v1/order/{id}", "/v1/orders", "/v1/orders"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := rewrite(c.from, c.to, c.path); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// TestKeysOfTheVersionBefore: keys that were recorded under a singular path are found by the
// plural one.
func TestKeysOfTheVersionBefore(t *testing.T) {
	s := deskServer(t)
	for pattern, paths := range map[string][2]string{
		"POST /api/v1/orders":                   {"/api/v1/orders", "/api/v1/order"},
		"POST /api/v1/order":                    {"/api/v1/order", "/api/v1/order"},
		"POST /api/v1/orders/{id}/ship":         {"/api/v1/orders/A/ship", "/api/v1/order/A/ship"},
		"POST /api/v1/order/{id}/ship":          {"/api/v1/order/A/ship", "/api/v1/order/A/ship"},
		"POST /api/v1/orders/{id}/cancel":       {"/api/v1/orders/A/cancel", "/api/v1/order/A/cancel"},
		"POST /api/v1/partners/{shop}/accept":   {"/api/v1/partners/A/accept", "/api/v1/partners/A/accept"},
		"POST /api/v1/reservations/{id}/extend": {"/api/v1/reservations/A/extend", "/api/v1/reservations/A/extend"},
		"POST /api/v1/reservations":             {"/api/v1/reservations", "/api/v1/reservations"},
	} {
		t.Run(pattern, func(t *testing.T) {
			rt := s.router.routes[pattern]
			if rt == nil {
				t.Fatal("there is no such route")
			}
			if got := rt.keyPath(paths[0]); got != paths[1] {
				t.Errorf("%s is recorded as %s, want %s", paths[0], got, paths[1])
			}
		})
	}
}
