package node

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
)

// deadInvite is an invite to a hub that does not run.
func deadInvite(t *testing.T) string {
	t.Helper()
	public := func() (ed25519.PublicKey, ed25519.PrivateKey) {
		pub, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return pub, key
	}
	log, _ := public()
	host, _ := public()
	admission, key := public()
	fed, err := membership.NewFederation("riverside", log, admission)
	if err != nil {
		t.Fatal(err)
	}
	at := membership.HubHost{Peer: exchange.ShopID(host), Addrs: []string{"/ip4/127.0.0.1/tcp/1"}}
	inv, err := membership.NewInvite(fed, membership.Hub{Open: at, Closed: at}, key,
		membership.InviteOptions{Uses: 1, Expires: wallClock{}.Now().Add(time.Hour)}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return inv.Code()
}

// TestJoinWaits: a run with a pending invite says at once that it waits for a hub that it
// does not reach, and ends when it is stopped; a join does not wait.
func TestJoinWaits(t *testing.T) {
	dir := initShop(t)
	code := deadInvite(t)
	if _, err := Join(t.Context(), dir, code, Options{}); exchange.CodeOf(err) != exchange.CodeUnavailable {
		t.Errorf("a join without a hub: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	_, err := Open(ctx, dir, Options{Joining: func(step JoinStep) {
		if told++; told == 1 { // before the hub is asked
			if step.Err != nil || step.Joined || step.Federation.Name() != "riverside" {
				t.Errorf("first: %+v", step)
			}
			return
		}
		if exchange.CodeOf(step.Err) != exchange.CodeUnavailable || step.Again != time.Second || step.Joined {
			t.Errorf("then: %+v", step)
		}
		cancel()
	}})
	if told != 2 || !errors.Is(err, context.Canceled) {
		t.Errorf("told %d times, ended with %v", told, err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	_, err = Open(ctx, dir, Options{Joining: func(JoinStep) { cancel() }}) // while the hub is asked
	if !errors.Is(err, context.Canceled) {
		t.Errorf("stopped while it asked its hub: %v", err)
	}
}
