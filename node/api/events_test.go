package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
)

// TestEvents: the stream says hello, then what happens.
func TestEvents(t *testing.T) {
	acorn, birch := partners(t, nil)
	held := must(birch.Reserve(waiting(t), reserve(acorn, "shoe", 1)))(t)
	ctx, stop := context.WithCancel(waiting(t))
	var types []string
	err := birch.Follow(ctx, client.EventsFrom{}, func(e view.Event) error {
		types = append(types, e.Type)
		switch {
		case len(types) == 1:
			must(birch.PlaceOrder(ctx, view.PlaceOrder{Reservation: held.ID, ShipTo: stockholm}, 0))(t)
		case e.Type == "order" && e.Status == "accepted":
			if e.Order != held.ID || e.Partner != acorn.id() || e.Side != "retailer" || e.Due == nil || e.Due.Minor != held.Quote.Total.Minor || e.At.IsZero() {
				t.Errorf("the event of the order: %+v", e)
			}
			stop()
		}
		return nil
	})
	if err != nil || types[0] != "hello" {
		t.Fatalf("events %v: %v", types, err)
	}
	enough := errors.New("enough")
	if err := birch.Follow(waiting(t), client.EventsFrom{}, func(view.Event) error { return enough }); err != enough {
		t.Errorf("an error of the handler comes back as %v", err)
	}
	res, body := "", birch.firstBytes("/api/v1/events", 3)
	if res = body; !strings.HasPrefix(res, "id: ") || !strings.Contains(res, "\ndata: {\"id\":\"") || !strings.Contains(res, "\"type\":\"hello\"") {
		t.Errorf("the stream begins with %q", res)
	}
}

// TestHoldEvents: a supplier hears of the reservations of its products, and of its own
// stock.
func TestHoldEvents(t *testing.T) {
	acorn, birch := partners(t, nil)
	ctx, stop := context.WithCancel(waiting(t))
	var held *view.Reservation
	statuses, stock := []string{}, 0
	err := acorn.Follow(ctx, client.EventsFrom{}, func(e view.Event) error {
		switch {
		case e.Type == "hello":
			held = must(birch.Reserve(ctx, reserve(acorn, "shoe", 2, "hat", 1)))(t)
		case e.Type == "stock" && slices.Contains(e.Products, acorn.product("shoe")):
			stock++
		case e.Type == "hold" && e.Status == "held":
			must(birch.Release(ctx, held.ID))(t)
			fallthrough
		case e.Type == "hold":
			statuses = append(statuses, e.Status)
			if e.Count != 1 || e.Reservation != held.ID || e.Partner != birch.id() || e.Side != "supplier" || !slices.Equal(e.Lines, reserve(acorn, "shoe", 2, "hat", 1).Lines) {
				t.Errorf("the event of the hold: %+v", e)
			}
		}
		if len(statuses) == 2 && stock > 1 {
			stop()
		}
		return nil
	})
	if err != nil || !slices.Equal(statuses, []string{"held", "released"}) {
		t.Errorf("events of holds %v, %d of stock: %v", statuses, stock, err)
	}
}

// firstBytes reads a stream's first lines.
func (s *shop) firstBytes(target string, lines int) string {
	s.t.Helper()
	conn := must(net.Dial("tcp", strings.TrimPrefix(s.url, "http://")))(s.t)
	defer conn.Close()
	io.WriteString(conn, "GET "+target+" HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer "+s.token+"\r\n\r\n")
	b := make([]byte, 0, 4096)
	for {
		n, err := conn.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		_, body, ok := strings.Cut(string(b), "\r\n\r\n")
		if err != nil || ok && strings.Count(body, "\n") >= lines {
			return body
		}
	}
}

// TestServe: the server says where it is, ends its streams when it stops, and then
// nobody answers.
func TestServe(t *testing.T) {
	s := lone(t)
	cfg := s.config()
	server := must(api.New(cfgFresh(cfg)))(t)
	if _, err := client.Open(s.dir); exchange.CodeOf(err) != exchange.CodeNotRunning || !strings.Contains(err.Error(), "souk node run --dir "+s.dir) {
		t.Errorf("before it runs: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	ln := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	addr := filepath.Join(s.dir, api.AddrFile)
	go func() { done <- server.Serve(ctx, ln) }()
	res := must(client.New("http://"+ln.Addr().String(), s.token).Ready(waiting(t)))(t) // it answers, so it has written its address
	if !res.Ready {
		t.Errorf("not ready: %+v", res)
	}
	c := must(client.Open(s.dir))(t)
	if got := must(c.Shop(waiting(t)))(t); got.Shop != s.id() || got.Name != "Acorn Shoes" || got.Currency != "EUR" {
		t.Errorf("the shop of the folder: %+v", got)
	}
	err := c.Follow(waiting(t), client.EventsFrom{}, func(e view.Event) error {
		stop() // at hello
		return nil
	})
	wantCode(t, "the stream of a server that stops", err, exchange.CodeUnavailable)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(addr); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", addr, err)
	}
	_, err = c.Shop(waiting(t))
	wantCode(t, "a server that has stopped", err, exchange.CodeNotRunning)
}

// TestTokenFile: made once, for the owner alone.
func TestTokenFile(t *testing.T) {
	dir := t.TempDir()
	token := must(api.EnsureToken(dir))(t)
	info := must(os.Stat(filepath.Join(dir, api.TokenFile)))(t)
	if len(token) != 43 || info.Mode().Perm() != 0o600 {
		t.Errorf("token of %d characters, mode %v", len(token), info.Mode())
	}
	if again := must(api.EnsureToken(dir))(t); again != token {
		t.Error("the token changes")
	}
	for _, bad := range []string{"", "short", strings.Repeat("!", 43)} {
		t.Run(fmt.Sprintf("%.10q", bad), func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(dir, api.TokenFile), []byte(bad), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := api.EnsureToken(dir)
			wantCode(t, "a damaged token file", err, exchange.CodeInvalid)
		})
	}
}
