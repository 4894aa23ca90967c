package main

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/bridge/bridgetest"
	"github.com/souk-market/souk/node/bridge/webhook"
)

// TestBridgeTest: the trial of a system over HTTP: what it says, what it leaves behind, and how it
// ends where a rule is broken, the secret is wrong, nobody is there, or the command line is.
func TestBridgeTest(t *testing.T) {
	text := webhook.NewSecret()
	secret, err := webhook.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	file := func(content string) string {
		name := filepath.Join(t.TempDir(), "bridge.secret")
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	system := bridgetest.NewSystem("A", "B", "C")
	for _, sku := range []exchange.SKU{"A", "B"} {
		if err := system.SetFree(t.Context(), sku, 25); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(webhook.Handler(system, webhook.ServerConfig{Secrets: []webhook.Secret{secret}}))
	t.Cleanup(server.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	good := file(text + "\n")
	for name, c := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"all":              {[]string{server.URL, "--secret-file", good, "--sku", "A", "--sku", "B"}, exitOK, []string{"Nobody else may sell", "✓ fifty-for-five", "✓ forged-wrong-secret", "– killed: left out", " 0 broken"}},
		"one case":         {[]string{server.URL, "--secret-file", good, "--sku", "A", "--sku", "B", "--case", "hold"}, exitOK, []string{"1 rule kept"}},
		"too little stock": {[]string{server.URL, "--secret-file", good, "--sku", "A", "--sku", "C", "--case", "hold"}, exitFailure, []string{"✗ hold", "0 units of C are free"}},
		"not a pool":       {[]string{server.URL, "--secret-file", good, "--sku", "A", "--sku", "B", "--pool", "A,B", "--case", "pool"}, exitFailure, []string{"✗ pool"}},
		"another secret":   {[]string{server.URL, "--secret-file", file(webhook.NewSecret()), "--sku", "A", "--sku", "B"}, exitFailure, []string{"401"}},
		"nobody":           {[]string{gone.URL, "--secret-file", good, "--sku", "A", "--sku", "B"}, exitAway, []string{"does not answer"}},
		"no system":        {[]string{"--secret-file", good, "--sku", "A", "--sku", "B"}, exitUsage, nil},
		"two systems":      {[]string{server.URL, "--sql", "postgres://localhost/shop", "--sku", "A", "--sku", "B"}, exitUsage, nil},
		"no secret":        {[]string{server.URL, "--sku", "A", "--sku", "B"}, exitUsage, []string{"--secret-file"}},
		"a bad secret":     {[]string{server.URL, "--secret-file", file("sesame"), "--sku", "A", "--sku", "B"}, exitUsage, []string{"whsec_"}},
		"another machine":  {[]string{"http://192.0.2.7", "--secret-file", good, "--sku", "A", "--sku", "B"}, exitUsage, []string{"https"}},
		"one product":      {[]string{server.URL, "--secret-file", good, "--sku", "A"}, exitUsage, []string{"two different products"}},
		"no such case":     {[]string{server.URL, "--secret-file", good, "--sku", "A", "--sku", "B", "--case", "x"}, exitUsage, []string{"no case"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			code := run(t.Context(), append([]string{"bridge", "test"}, c.args...), nil, &out, &out)
			if code != c.code {
				t.Errorf("exit %d, not %d\n%s", code, c.code, out.String())
			}
			for _, says := range c.says {
				if !strings.Contains(out.String(), says) {
					t.Errorf("it does not say %q:\n%s", says, out.String())
				}
			}
			if strings.Contains(out.String(), strings.TrimPrefix(text, "whsec_")) || strings.Contains(out.String(), "sesame") {
				t.Error("the secret is shown")
			}
			if a, b := system.Free("A"), system.Free("B"); a != 25 || b != 25 {
				t.Errorf("%d and %d units are left, not 25", a, b)
			}
		})
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"bridge", "test", server.URL, "--secret-file", good, "--sku", "A", "--sku", "B", "--case", "hold", "--case", "killed", "--json"}, nil, &out, &errs); code != exitOK {
		t.Fatalf("exit %d\n%s", code, errs.String())
	}
	var got tried
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Kept != 1 || got.LeftOut != 1 || len(got.Cases) != 2 || got.Cases[1].Result != "left-out" {
		t.Errorf("%+v, %v\n%s", got, err, out.String())
	}
}

// TestBridgeSchema: the names that are given stand in the SQL, quoted.
func TestBridgeSchema(t *testing.T) {
	var out bytes.Buffer
	code := run(t.Context(), []string{"bridge", "schema", "--stock", `shop.My "Stock"`, "--free-column", "left over"}, nil, &out, &out)
	for _, says := range []string{`ON "shop"."My ""Stock"""`, `NEW."left over"`, `CREATE TABLE IF NOT EXISTS "souk_ask"`} {
		if code != exitOK || !strings.Contains(out.String(), says) {
			t.Errorf("exit %d; it lacks %s:\n%s", code, says, out.String())
		}
	}
	if code := run(t.Context(), []string{"bridge", "schema", "--stock", "a.b.c"}, nil, &out, &out); code != exitUsage {
		t.Errorf("exit %d", code)
	}
}
