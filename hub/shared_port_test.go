package hub_test

import (
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/hub"
)

// TestSharedPort: a shop that gets out by the shared port alone joins there.
func TestSharedPort(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "h")
	o := loopback("riverside")
	o.SharedPort = hub.AnyPort
	p, err := hub.Init(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	h, stop := runHub(t, dir)
	made, err := hub.Invite(t.Context(), dir, hub.InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := membership.ParseInvite(made.Code)
	if err != nil {
		t.Fatal(err)
	}
	if got := inv.Hub.Open.Addrs; len(got) != 3 || got[0] != inv.Hub.Closed.Addrs[0] || !slices.Equal(got, p.Hub.Open.Addrs) {
		t.Fatalf("the invite names %v and %v", got, inv.Hub.Closed.Addrs)
	}
	inv.Hub.Open.Addrs, inv.Hub.Closed.Addrs = inv.Hub.Open.Addrs[:1], inv.Hub.Closed.Addrs[:1]
	if _, err := joinByCode(t, inv.Code()); err != nil {
		t.Fatal(err)
	}
	if list := h.Members(); len(list) != 1 {
		t.Fatalf("%d members", len(list))
	}
	stop()
	again, stop := runHub(t, dir) // at the same port
	if !slices.Equal(again.Addresses().Open.Addrs, p.Hub.Open.Addrs) {
		t.Errorf("%v after a restart, %v before", again.Addresses().Open.Addrs, p.Hub.Open.Addrs)
	}
	stop()
	port, err := strconv.Atoi(strings.Split(p.Hub.Open.Addrs[0], "/")[4])
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, err := hub.Open(dir, hub.Options{}); exchange.CodeOf(err) != exchange.CodeUnavailable || !strings.Contains(err.Error(), "shared_port") {
		t.Errorf("a shared port that is taken: %v", err)
	}
}
