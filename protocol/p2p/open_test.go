package p2p_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/protocol/p2p"
	"github.com/souk-market/souk/protocol/p2p/p2psim"
)

// TestOpenHostCrowd: an open host refuses questions beyond its rate, and says that the crowd is to
// blame, not the asker. A crowd of questions is not in the way of changes of the list.
func TestOpenHostCrowd(t *testing.T) {
	const crowd = 48 // above the burst of questions, below an address's
	synctest.Test(t, func(t *testing.T) {
		world := p2psim.New(time.Millisecond)
		defer world.Close()
		key, _ := newKey(t)
		ctx, cancel := context.WithCancel(context.Background())
		open, err := p2p.OpenServe(ctx, p2p.OpenConfig{
			Key: key, Federation: federation, Logger: testLog(), Listen: world.Listen(0), HostOptions: world.HostOptions(0),
			Question: func(req []byte) bool { return string(req) == "how do I stand?" },
		}, "join", func(context.Context, exchange.ShopID, []byte) ([]byte, error) { return []byte("yes"), nil })
		if err != nil {
			t.Fatal(err)
		}
		defer open.Close()
		defer cancel()
		ask := func(req string) error { // all from one address
			_, err := p2p.Ask(ctx, p2p.AskConfig{Addrs: open.Addresses(), Federation: federation, HostOptions: world.HostOptions(1)}, "join", []byte(req))
			return err
		}
		isLimit := func(err error, says string) bool {
			return exchange.CodeOf(err) == exchange.CodeLimit && strings.Contains(err.Error(), says)
		}
		refused := 0
		for range crowd {
			err := ask("how do I stand?")
			if isLimit(err, "too many ask the hub") {
				refused++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if refused == 0 {
			t.Error("a crowd's questions were all answered")
		}
		if err := ask("let me in"); err != nil {
			t.Errorf("a join amid a crowd of questions: %v", err)
		}
		for err = nil; err == nil; {
			err = ask("let me in")
		}
		if !isLimit(err, "your address") {
			t.Errorf("too many from one address: %v", err)
		}
	})
}
