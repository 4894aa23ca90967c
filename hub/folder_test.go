package hub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/hub"
	"github.com/souk-market/souk/hub/hubsim"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/members"
	"github.com/souk-market/souk/protocol/p2p"
)

// loopback is a hub for this machine alone, on free ports.
func loopback(name string) hub.InitOptions {
	return hub.InitOptions{
		Name: name, Listen: []string{"127.0.0.1"}, OpenPort: hub.AnyPort, ClosedPort: hub.AnyPort, Status: "127.0.0.1:0",
	}
}

func initHub(t *testing.T) (dir string, p hub.Public) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "h")
	p, err := hub.Init(dir, loopback("riverside"))
	if err != nil {
		t.Fatal(err)
	}
	return dir, p
}

// runHub runs the hub of a folder until stop.
func runHub(t *testing.T, dir string) (h *hub.Hub, stop func()) {
	t.Helper()
	h, err := hub.Open(dir, hub.Options{Logger: hubsim.Log("hub"), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	select {
	case <-h.Ready():
	case err := <-ended:
		t.Fatalf("the hub did not start: %v", err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return h, stop
}

// joinByCode joins a fresh shop over TCP or QUIC on the loopback, as node join does.
func joinByCode(t *testing.T, code string) (exchange.ShopID, error) {
	t.Helper()
	inv, err := membership.ParseInvite(code)
	if err != nil {
		t.Fatal(err)
	}
	var addrs []string
	for _, a := range inv.Hub.Open.Addrs {
		addrs = append(addrs, a+"/p2p/"+inv.Hub.Open.Peer.String())
	}
	k := hubsim.NewKey(t)
	_, err = members.Join(t.Context(), members.JoinRequest{Invite: inv, Key: k, Name: "Acorn Shoes"}, func(ctx context.Context, req []byte) ([]byte, error) {
		return p2p.Ask(ctx, p2p.AskConfig{Addrs: addrs, Federation: inv.Federation.Label()}, protocol.Join, req)
	})
	return hubsim.IDOf(k), err
}

func TestInitNeverOverwrites(t *testing.T) {
	dir, p := initHub(t)
	if _, err := hub.Init(dir, loopback("other")); exchange.CodeOf(err) != exchange.CodeConflict {
		t.Errorf("a second init: %v", err)
	}
	if p.Federation.Name() != "riverside" {
		t.Errorf("the federation is %q", p.Federation.Origin)
	}
	if runtime.GOOS != "windows" {
		for _, f := range []string{"log.key", "admission.key", "open.key", "closed.key"} {
			info, err := os.Stat(filepath.Join(dir, f))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", f, info, err)
			}
		}
	}
	bad := filepath.Join(t.TempDir(), "h")
	if _, err := hub.Init(bad, loopback("No Spaces")); err == nil {
		t.Error("a bad name was taken")
	}
	if _, err := hub.Init(bad, loopback("good")); err != nil {
		t.Errorf("after a bad name: %v", err)
	}
}

// TestCommands holds the commands to the same answers with a hub running, stopped and restarted.
func TestCommands(t *testing.T) {
	dir, p := initHub(t)
	ctx := t.Context()
	invite := func() string {
		t.Helper()
		made, err := hub.Invite(ctx, dir, hub.InviteOptions{})
		if err != nil || len(made.Warnings) != 1 || !strings.Contains(made.Warnings[0], "loopback") {
			t.Fatalf("%v %v", made.Warnings, err)
		}
		return made.Code
	}
	early, lost := invite(), invite()
	if _, err := hub.Void(ctx, dir, lost, "lost in the mail"); err != nil {
		t.Fatal(err)
	}

	h, stop := runHub(t, dir)
	if _, err := hub.Open(dir, hub.Options{}); exchange.CodeOf(err) != exchange.CodeLocked {
		t.Errorf("a second hub on the folder: %v", err)
	}
	if got := h.Addresses().Open.Addrs; strings.Join(got, " ") != strings.Join(p.Hub.Open.Addrs, " ") {
		t.Errorf("invites made before the start name %v, the hub listens on %v", p.Hub.Open.Addrs, got)
	}
	shop, err := joinByCode(t, early)
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{lost, early} {
		if _, err := joinByCode(t, code); exchange.CodeOf(err) != exchange.CodeInvite {
			t.Errorf("a void or used invite: %v", err)
		}
	}
	running := must(hub.Status(ctx, dir))(t)
	if !running.Running || running.Active != 1 || running.StatusURL != h.StatusURL() || len(running.Problems) > 0 {
		t.Errorf("status: %+v", running)
	}
	if _, err := hub.Revoke(ctx, dir, "Acorn Shoes", "sold nothing"); exchange.CodeOf(err) != exchange.CodeInvalid {
		t.Errorf("revoking by name: %v", err)
	}
	if _, err := hub.Revoke(ctx, dir, shop.String(), " "); exchange.CodeOf(err) != exchange.CodeInvalid {
		t.Errorf("revoking without a reason: %v", err)
	}
	for i, why := range []string{"sold nothing", "again"} {
		r, err := hub.Revoke(ctx, dir, shop.String(), why)
		if err != nil || r.Why != "sold nothing" || r.At == 0 || r.Already != (i > 0) {
			t.Fatalf("revoked: %+v, %v", r, err)
		}
	}
	if _, err := hub.Revoke(ctx, dir, hubsim.IDOf(hubsim.NewKey(t)).String(), "sold nothing"); exchange.CodeOf(err) != exchange.CodeNotFound {
		t.Errorf("revoking a stranger: %v", err)
	}
	while := must(hub.Members(ctx, dir))(t)
	stop()
	after := must(hub.Members(ctx, dir))(t)
	for _, list := range [][]hub.MemberInfo{while, after} {
		if len(list) != 1 || list[0].Shop != shop || list[0].Status != "revoked" || list[0].Why != "sold nothing" || list[0].Fingerprint == "" {
			t.Errorf("members: %+v", list)
		}
	}
	if r := must(hub.Status(ctx, dir))(t); r.Running || r.Entries != 3 || r.Revoked != 1 {
		t.Errorf("status of a stopped hub: %+v", r)
	}

	late := invite()
	again, _ := runHub(t, dir)
	if got, want := again.JoinAddresses()[0], h.JoinAddresses()[0]; got != want {
		t.Errorf("after a restart the hub is at %s, not %s", got, want)
	}
	if _, err := joinByCode(t, late); err != nil {
		t.Errorf("an invite made while the hub was stopped: %v", err)
	}
}

// TestAdmissionElsewhere: a folder with the admission key and federation.json alone invites,
// voids and revokes.
func TestAdmissionElsewhere(t *testing.T) {
	dir, _ := initHub(t)
	away := t.TempDir()
	for _, f := range []string{"admission.key", "federation.json"} {
		b, err := os.ReadFile(filepath.Join(dir, f))
		if err == nil {
			err = os.WriteFile(filepath.Join(away, f), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "admission.key")); err != nil {
		t.Fatal(err)
	}
	runHub(t, dir)
	ctx := t.Context()
	made, err := hub.Invite(ctx, away, hub.InviteOptions{Shop: "Acorn Shoes"})
	if err != nil {
		t.Fatal(err)
	}
	code := made.Code
	if _, err := hub.Invite(ctx, dir, hub.InviteOptions{}); exchange.CodeOf(err) != exchange.CodeNotFound || !strings.Contains(err.Error(), "in the folder that holds it") {
		t.Errorf("an invite without the admission key: %v", err)
	}
	shop, err := joinByCode(t, code)
	if err != nil {
		t.Fatal(err)
	}
	if list := must(hub.Invites(ctx, away))(t).Invites; len(list) != 1 || list[0].Used != nil || list[0].Status != hub.InviteUnknown {
		t.Errorf("invites where there is no list: %+v", list)
	}
	if _, err := hub.Void(ctx, away, code, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := hub.Revoke(ctx, away, shop.String(), "test"); err != nil {
		t.Fatal(err)
	}
	if list := must(hub.Members(ctx, dir))(t); len(list) != 1 || list[0].Status != "revoked" {
		t.Errorf("members: %+v", list)
	}
	if _, err := hub.Members(ctx, away); exchange.CodeOf(err) != exchange.CodeNotFound {
		t.Errorf("members where there is no list: %v", err)
	}
}

// TestPages reads every page as a browser and a monitor do.
func TestPages(t *testing.T) {
	dir, p := initHub(t)
	h, _ := runHub(t, dir)
	made, err := hub.Invite(t.Context(), dir, hub.InviteOptions{Shop: `<b>Bold & "Sons"`})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := joinByCode(t, made.Code); err != nil {
		t.Fatal(err)
	}
	get := func(path, host string) (int, string, http.Header) {
		t.Helper()
		req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, h.StatusURL()+path, nil))(t)
		if host != "" {
			req.Host = host
		}
		resp := must(http.DefaultClient.Do(req))(t)
		defer resp.Body.Close()
		body := must(io.ReadAll(resp.Body))(t)
		return resp.StatusCode, string(body), resp.Header
	}
	for path, want := range map[string]string{
		"/":           "&lt;b&gt;Bold &amp; &#34;Sons&#34;",
		"/style.css":  "color-scheme",
		"/checkpoint": p.Federation.Origin + "\n1\n",
		"/healthz":    "ok\n",
		"/metrics":    "souk_hub_members 1\n",
	} {
		t.Run(path, func(t *testing.T) {
			if status, body, _ := get(path, ""); status != http.StatusOK || !strings.Contains(body, want) {
				t.Errorf("%d\n%s", status, body)
			}
		})
	}
	_, body, header := get("/status", "")
	var r hub.Report
	if err := json.Unmarshal([]byte(body), &r); err != nil || r.Active != 1 || r.Origin != p.Federation.Origin {
		t.Errorf("/status: %v %s", err, body)
	}
	if !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("headers: %v", header)
	}
	_, body, _ = get("/members", "")
	var list []hub.MemberInfo
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list) != 1 || list[0].Name != `<b>Bold & "Sons"` {
		t.Errorf("/members: %v %s", err, body)
	}
	_, note, _ := get("/checkpoint", "")
	if _, err := membership.OpenCheckpoint(p.Federation, []byte(note)); err != nil {
		t.Error(err)
	}
	if status, _, _ := get("/members", "attacker.example"); status != http.StatusMisdirectedRequest {
		t.Errorf("a page of another site was answered: %d", status)
	}
	if status, _, _ := get("/members", "localhost:80"); status != http.StatusOK {
		t.Errorf("localhost was not answered: %d", status)
	}
	resp := must(http.Post(h.StatusURL()+"/statement", "application/octet-stream", strings.NewReader("x")))(t)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("the page takes statements: %d", resp.StatusCode)
	}
}

func TestFolderFaults(t *testing.T) {
	if _, err := hub.Open(t.TempDir(), hub.Options{}); exchange.CodeOf(err) != exchange.CodeNotFound {
		t.Errorf("an empty folder: %v", err)
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	if _, err := hub.Init(long, loopback("riverside")); exchange.CodeOf(err) != exchange.CodeInvalid {
		t.Errorf("a path too long for the socket: %v", err)
	}
	dir, _ := initHub(t)
	path := filepath.Join(dir, "hub.toml")
	b := must(os.ReadFile(path))(t)
	if err := os.WriteFile(path, append(b, "\nlisten_port = 3\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := hub.Open(dir, hub.Options{}); exchange.CodeOf(err) != exchange.CodeInvalid || !strings.Contains(err.Error(), "listen_port") {
		t.Errorf("an unknown key: %v", err)
	}
	if err := os.WriteFile(path, append([]byte("status = 'nowhere'\n"), bytes.Replace(b, []byte("status = "), []byte("#"), 1)...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := hub.Open(dir, hub.Options{}); exchange.CodeOf(err) != exchange.CodeInvalid || !strings.Contains(err.Error(), "hub.toml, line 1: status: ") {
		t.Errorf("a bad value: %v", err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, other := initHub(t)
	raw := must(json.Marshal(other))(t)
	if err := os.WriteFile(filepath.Join(dir, "federation.json"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := hub.Open(dir, hub.Options{}); exchange.CodeOf(err) != exchange.CodeConflict {
		t.Errorf("another hub's federation.json: %v", err)
	}
}

// TestPortTaken: a second hub on the first one's ports is refused before a shop meets the wrong one.
func TestPortTaken(t *testing.T) {
	dir, _ := initHub(t)
	h, _ := runHub(t, dir)
	second, _ := initHub(t)
	path := filepath.Join(second, "hub.toml")
	own := must(os.ReadFile(filepath.Join(dir, "hub.toml")))(t)
	text := strings.Replace(string(own), strings.TrimPrefix(h.StatusURL(), "http://"), "", 1)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := hub.Open(second, hub.Options{}); exchange.CodeOf(err) != exchange.CodeUnavailable || !strings.Contains(err.Error(), "_port") {
		t.Errorf("a hub on ports in use: %v", err)
	}
}

// TestForeignVoid: an invite of another federation is not voided by mistake.
func TestForeignVoid(t *testing.T) {
	dir, _ := initHub(t)
	other, _ := initHub(t)
	made, err := hub.Invite(t.Context(), other, hub.InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hub.Void(t.Context(), dir, made.Code, ""); exchange.CodeOf(err) != exchange.CodeInvite {
		t.Errorf("voiding another federation's invite: %v", err)
	}
}
