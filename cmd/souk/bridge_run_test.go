package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/bridge/bridgetest"
	"github.com/souk-market/souk/node/bridge/webhook"
)

// TestBridgeRun: a shop with a bridge in its settings asks its own system, over HTTP, for what its
// channels reserve and sell, and sells nothing where that does not answer.
func TestBridgeRun(t *testing.T) {
	tn := openTown(t)
	tn.souk(exitOK, "node", "join", "--dir", "acorn", tn.invite())
	tn.ok("Wrote", "bridge", "secret", "acorn/bridge.secret")
	if out := tn.souk(exitFailure, "bridge", "secret", "acorn/bridge.secret"); out == "" {
		t.Error("a secret that is there was replaced in silence")
	}
	secret, err := webhook.ReadSecret("acorn/bridge.secret")
	if err != nil {
		t.Fatal(err)
	}
	const sku = "LAMP-1"
	system := bridgetest.NewSystem(sku)
	free := func(want int64, when string) {
		t.Helper()
		if got := system.Free(sku); got != want {
			t.Errorf("%s %d lamps are free, want %d", when, got, want)
		}
	}
	if err := system.SetFree(t.Context(), sku, 3); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(webhook.Handler(system, webhook.ServerConfig{Secrets: []webhook.Secret{secret}}))
	settings := filepath.Join("acorn", "shop.toml")
	text, err := os.ReadFile(settings)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, "\n[bridge]\nurl = '"+server.URL+"'\nsecret_file = 'bridge.secret'\n"...)
	if err := os.WriteFile(settings, text, 0o600); err != nil {
		t.Fatal(err)
	}
	tn.start("node", "run", "--dir", "acorn")
	file := tn.write("lamps.jsonl", `{"sku":"LAMP-1","title":"Desk lamp","price":"20.00","stock":50}`+"\n")
	tn.souk(exitOK, "catalog", "import", "--dir", "acorn", file)

	var held view.Reservation
	tn.read(&held, "reserve", "--dir", "acorn", sku+"=2")
	free(1, "with two reserved")
	if out := tn.souk(exitRefused, "reserve", "--dir", "acorn", sku+"=2"); out == "" {
		t.Error("a refusal without words")
	}
	tn.ok("sold", "sale", "add", "--dir", "acorn", "--reservation", held.ID.String(), "--reference", "#1002")
	if state, _ := system.Standing(held.ID); state != "committed" {
		t.Errorf("the system has the sale as %q", state)
	}
	tn.ok("cancelled", "sale", "cancel", "--dir", "acorn", held.ID.String())
	tn.await("acorn", func(*client.Client) bool { return system.Free(sku) == 3 })
	tn.ok("your own system answers", "bridge", "show", "--dir", "acorn")

	server.Close()
	if code, out := tn.try(patient(exitFailure), "reserve", "--dir", "acorn", sku); code == exitOK {
		t.Errorf("reserved without its system:\n%s", out)
	}
	free(3, "at last")
}
