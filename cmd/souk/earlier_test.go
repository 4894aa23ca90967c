package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// What a node of the version before answers.
const (
	earlierMembers = `{"members":[{"shop":"12D3KooWL5oWzc9UWpshKRrgLwcHCvAGXamPnbBNoSabM5fG8Eeq","self":true,"name":"Shop a","status":"active","joined":"2026-12-01T02:42:03.033Z","fingerprint":"tumble cannon","online":true,"addresses":[]},
{"shop":"12D3KooWFwsgZEDNfsQStoxYhKounRnroQn7q92p9BcckFJK3zKA","self":false,"name":"Shop b","status":"active","joined":"2026-12-01T02:42:03.356Z","fingerprint":"vintage upgrade","online":true,"addresses":[],"transport":"tcp"}]}`
	earlierTrades  = `{"partnerships":[{"partner":"12D3KooWFwsgZEDNfsQStoxYhKounRnroQn7q92p9BcckFJK3zKA","status":"active"}]}`
	earlierShop    = `{"name":"Shop a","version":"1","started":"2026-12-01T02:42:03Z","member_list":{"members":2,"freshness":"fresh","hub_online":true}}`
	earlierDialed  = `{"path":"dht","address":"/ip4/127.0.0.1/tcp/41533","transport":"tcp","direct":true,"rtt_ms":[0.5]}`
	earlierNoQuery = `{"title":"Unprocessable Entity","status":422,"code":"invalid","retry":false,"detail":"the request is not valid: online unknown query parameter","fields":[{"location":"query.online","message":"unknown query parameter"}]}`
	earlierNoRoute = `{"title":"Not Found","status":404,"code":"not-found","retry":false,"detail":"there is no such route; GET /api/v1/openapi.json lists all"}`
)

// earlierVersion is a shop's folder on which a node of the version before seems to run.
func earlierVersion(t *testing.T) (dir string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		problem := func(status int, body string) {
			w.Header().Set("Content-Type", view.ProblemType)
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
		switch {
		case r.URL.Path == "/api/v1/members" && r.URL.RawQuery != "":
			problem(http.StatusUnprocessableEntity, earlierNoQuery)
		case r.URL.Path == "/api/v1/members":
			io.WriteString(w, earlierMembers)
		case r.URL.Path == "/api/v1/partners":
			io.WriteString(w, earlierTrades)
		case r.URL.Path == "/api/v1/shop":
			io.WriteString(w, earlierShop)
		case strings.HasSuffix(r.URL.Path, "/readyz"):
			io.WriteString(w, `{"ready":true,"problems":[]}`)
		case strings.HasSuffix(r.URL.Path, "/dial"):
			io.WriteString(w, earlierDialed)
		default:
			problem(http.StatusNotFound, earlierNoRoute)
		}
	}))
	t.Cleanup(s.Close)
	dir = t.TempDir()
	for name, content := range map[string]string{
		"api.addr": strings.TrimPrefix(s.URL, "http://"), "api.token": "secret", "key": "k", shopFile: "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestEarlierNode: beside a node of the version before, commands go on with what it tells, and say once
// that it is of an earlier version.
func TestEarlierNode(t *testing.T) {
	dir := earlierVersion(t)
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"members":        {[]string{"members"}, []string{"Shop a  yes     this shop", "Shop b  yes     directly, by TCP"}},
		"one member":     {[]string{"members", "Shop-b"}, []string{"Online       yes", "Connected    directly, by TCP"}},
		"dial --explain": {[]string{"dial", "Shop-b", "--explain"}, []string{"Shop b is reached directly, by TCP\n"}},
		"doctor":         {[]string{"doctor"}, []string{"✓  hub          connected", "1 partner, all in reach: Shop b directly, by TCP"}},
	} {
		t.Run(name, func(t *testing.T) {
			tn := &town{t: t, dir: dir}
			out := tn.souk(exitOK, append(c.args, "--dir", dir)...)
			says(t, out, append(c.says, client.EarlierNode)...)
			if n := strings.Count(out, "earlier version"); n != 1 || strings.Contains(out, "no such route") || strings.Contains(out, "query parameter") {
				t.Errorf("said %d times:\n%s", n, out)
			}
		})
	}
}
