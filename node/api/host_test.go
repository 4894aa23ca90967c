package api

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

// FuzzHost: whatever stands in the Host header, only names of this machine or of the
// configuration pass.
func FuzzHost(f *testing.F) {
	for _, h := range []string{"localhost", "LOCALHOST.:7350", "127.0.0.1:7350", "[::1]:7350", "::1", "shop.example", "evil.example", "127.0.0.1.evil.example", "localhost:80:90", "[localhost]", "0", "127.1", ""} {
		f.Add(h)
	}
	list := newHostList([]string{"Shop.Example:443"})
	f.Fuzz(func(t *testing.T, host string) {
		if !list.allows(host) {
			return
		}
		name := strings.ToLower(host)
		for _, ok := range []string{"localhost", "shop.example", "::1", "127."} {
			if strings.HasPrefix(strings.TrimPrefix(name, "["), ok) {
				return
			}
		}
		if ip := net.ParseIP(bareHost(host)); ip == nil || !ip.IsLoopback() {
			t.Errorf("%q passes", host)
		}
	})
}

// FuzzBearer: only the token itself is admitted.
func FuzzBearer(f *testing.F) {
	token := strings.Repeat("A", 43)
	b := newBearer(token)
	for _, h := range []string{"Bearer " + token, "bearer " + token, "Bearer", "Bearer ", "Basic " + token, token, "Bearer  " + token} {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := &http.Request{Header: http.Header{"Authorization": {header}}}
		if b.admits(r) && !(len(header) == 7+len(token) && strings.EqualFold(header[:7], "bearer ") && header[7:] == token) {
			t.Errorf("%q is admitted", header)
		}
	})
}
