package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/hub"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory/samples"
)

// town runs command lines of souk in this process, on folders of its own.
type town struct {
	t   *testing.T
	dir string
}

func newTown(t *testing.T) *town {
	t.Setenv("SOUK_DIR", "")
	// A short path: the hub's socket lies in it, and a socket's path has 108 bytes.
	dir, err := os.MkdirTemp("", "souk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Chdir(dir)
	return &town{t, dir}
}

// patient is souk for an owner who waits however long a partner that is online takes to confirm, and,
// where the command is to succeed, for what is still on its way to this shop.
func patient(code int) *app {
	a := &app{in: strings.NewReader(""), now: time.Now, arrive: time.Hour, meet: meetWithin}
	if code == exitOK {
		a.meet = time.Hour
	}
	return a
}

// souk runs a command line that is to end with an exit code, and returns all it said.
func (tn *town) souk(code int, args ...string) string {
	tn.t.Helper()
	got, out := tn.try(patient(code), args...)
	if got != code {
		tn.t.Fatalf("souk %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, out)
	}
	return out
}

// try runs a command line, and returns its exit code and all it said.
func (tn *town) try(a *app, args ...string) (int, string) {
	var out, errs bytes.Buffer
	code := a.run(tn.t.Context(), args, &out, &errs)
	return code, out.String() + errs.String()
}

// ok runs a command line that succeeds and says something.
func (tn *town) ok(says string, args ...string) string {
	tn.t.Helper()
	out := tn.souk(exitOK, args...)
	if !strings.Contains(out, says) {
		tn.t.Fatalf("souk %s does not say %q:\n%s", strings.Join(args, " "), says, out)
	}
	return out
}

// read runs a command line with --json and reads what it prints.
func (tn *town) read(into any, args ...string) {
	tn.t.Helper()
	var out, errs bytes.Buffer
	if code := patient(exitOK).run(tn.t.Context(), append(args, "--json"), &out, &errs); code != exitOK {
		tn.t.Fatalf("souk %s: exit code %d\n%s", strings.Join(args, " "), code, errs.String())
	}
	dec := json.NewDecoder(&out)
	if err := dec.Decode(into); err != nil {
		tn.t.Fatalf("souk %s prints no JSON: %v", strings.Join(args, " "), err)
	}
	if _, err := dec.Token(); err != io.EOF {
		tn.t.Fatalf("souk %s prints more than one value", strings.Join(args, " "))
	}
}

// paste runs the first command that a text shows behind lead.
func (tn *town) paste(text, lead string) string {
	tn.t.Helper()
	_, rest, found := strings.Cut(text, lead)
	if !found {
		tn.t.Fatalf("no %q in:\n%s", lead, text)
	}
	line, _, _ := strings.Cut(rest, "\n")
	return tn.souk(exitOK, splitWords(tn.t, line)[1:]...)
}

// process is a long-lived command.
type process struct {
	stop func()
	done chan struct{} // closed when it has ended with code
	code int
}

// start runs a long-lived command and returns when it has said that it is up.
func (tn *town) start(args ...string) *process {
	tn.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{done: make(chan struct{})}
	out, w := io.Pipe()
	var errs bytes.Buffer // read once done is closed
	go func() {
		defer close(p.done)
		p.code = run(ctx, append(args, "--json", "--log-level", "error"), strings.NewReader(""), w, &errs)
		w.Close()
	}()
	p.stop = func() {
		cancel()
		<-p.done
		if p.code != exitOK {
			tn.t.Errorf("souk %s: exit code %d\n%s", strings.Join(args, " "), p.code, errs.String())
		}
	}
	tn.t.Cleanup(p.stop)
	var up any
	if err := json.NewDecoder(out).Decode(&up); err != nil {
		tn.t.Fatalf("souk %s did not come up: %v", strings.Join(args, " "), err)
	}
	go io.Copy(io.Discard, out)
	return p
}

// lookEvery is how often await looks: often enough that nobody waits for the test,
// rarely enough that the shops have the processor for themselves.
const lookEvery = 20 * time.Millisecond

// await looks again and again until there is what the test waits for; how long that
// takes is only bounded by the test's own time limit.
func (tn *town) await(dir string, there func(c *client.Client) bool) {
	tn.t.Helper()
	c, err := client.Open(dir)
	if err != nil {
		tn.t.Fatal(err)
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for !there(c) {
		select {
		case <-tick.C:
		case <-tn.t.Context().Done():
			tn.t.Fatal(tn.t.Context().Err())
		}
	}
}

// openTown has a running hub, and two shops with their sample catalogs.
func openTown(t *testing.T) *town {
	tn := newTown(t)
	tn.ok("Next: souk hub run --dir hub", "hub", "init", "--dir", "hub", "--name", "riverside",
		"--listen", "127.0.0.1", "--open-port", "-1", "--closed-port", "-1", "--status", "127.0.0.1:0")
	tn.start("hub", "run", "--dir", "hub")
	for dir, name := range map[string]string{"acorn": "Acorn Shoes", "birch": "Birch"} {
		out := tn.ok("RECOVERY WORDS", "node", "init", "--dir", dir, "--name", name, "--currency", "EUR", "--api", "127.0.0.1:0",
			"--listen", "/ip4/127.0.0.1/tcp/0", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1")
		if !strings.Contains(out, "souk node join --dir "+dir) {
			t.Errorf("node init does not say what comes next:\n%s", out)
		}
	}
	return tn
}

// invite is a fresh invite's code.
func (tn *town) invite(args ...string) string {
	tn.t.Helper()
	var made struct{ Invite string }
	tn.read(&made, append([]string{"hub", "invite", "--dir", "hub"}, args...)...)
	return made.Invite
}

// sample writes one of the sample files into the town's folder.
func (tn *town) sample(name string) string {
	tn.t.Helper()
	b, err := fs.ReadFile(samples.FS(), name)
	if err != nil {
		tn.t.Fatal(err)
	}
	path := filepath.Join(tn.dir, name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		tn.t.Fatal(err)
	}
	return path
}

// TestTrade takes two shops through a day's work by command lines alone, on real
// folders and sockets.
func TestTrade(t *testing.T) {
	tn := openTown(t)
	tn.ok("Next: souk node run --dir birch", "node", "join", "--dir", "birch", "--later", tn.invite())
	birch := tn.start("node", "run", "--dir", "birch") // joins by itself
	tn.ok("Joined the federation riverside-", "node", "join", "--dir", "acorn", tn.invite("--shop-name", "Acorn Shoes"))
	tn.start("node", "run", "--dir", "acorn")

	t.Run("members", tn.testMembers)
	t.Run("catalog", tn.testCatalog)
	t.Run("partners", tn.testPartners)
	t.Run("order", tn.testOrder)
	t.Run("doctor", func(t *testing.T) { tn.testDoctor(t, birch) })
	t.Run("leave", tn.testLeave)
}

func (tn *town) testMembers(t *testing.T) {
	tn = &town{t, tn.dir}
	var list view.Members
	tn.read(&list, "members", "--dir", "acorn")
	if len(list.Members) != 2 {
		t.Fatalf("%d members, want 2", len(list.Members))
	}
	for _, m := range list.Members {
		tn.ok(m.Fingerprint, "members", "--dir", "acorn")
		tn.ok(m.Name, "members", "--dir", "acorn", m.Shop.String())
	}
	tn.souk(exitUsage, "dial", "--dir", "acorn", "acorn-shoes")
	tn.souk(exitFailure, "dial", "--dir", "acorn", "oak")
	tn.ok("running, version", "hub", "status", "--dir", "hub")
	var members []hub.MemberInfo
	tn.read(&members, "hub", "members", "--dir", "hub")
	if len(members) != 2 {
		t.Errorf("the hub knows %d members, want 2", len(members))
	}
}

func (tn *town) testCatalog(t *testing.T) {
	tn = &town{t, tn.dir}
	products, rates := tn.sample("acorn-shoes.csv"), tn.sample("ecb-rates.xml")
	tn.testRates(products, rates)
	tn.souk(exitUsage, "catalog", "import", "--dir", "acorn", "--dry-run", "--rates", rates, products)
	tn.ok("Dry run", "catalog", "import", "--dir", "acorn", "--dry-run", products)
	tn.ok("Left out on purpose", "catalog", "import", "--dir", "acorn", products)
	var again view.ImportReport
	tn.read(&again, "catalog", "import", "--dir", "acorn", products)
	if again.Items == 0 || again.Unchanged != again.Items {
		t.Errorf("the same file again: %+v", again)
	}
	bad := filepath.Join(tn.dir, "bad.jsonl")
	lines := `{"sku":"OK-1","title":"Fine","price":"1.00","stock":3}` + "\n"
	for i := range errorsShown + 5 {
		lines += fmt.Sprintf(`{"sku":"BAD-%d","title":"Not","price":"1,0,0"}`+"\n", i)
	}
	if err := os.WriteFile(bad, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	out := tn.ok("… and 5 more", "catalog", "import", "--dir", "acorn", bad)
	if n := strings.Count(out, "line "); n != errorsShown {
		t.Errorf("%d bad rows are listed, want %d:\n%s", n, errorsShown, out)
	}
	tn.souk(exitFailure, "catalog", "import", "--dir", "acorn", "--strict", bad)
	tn.souk(exitFailure, "catalog", "import", "--dir", "acorn", "no-such-file.csv")
	tn.testReadsBack()
	tn.ok("AC-LAST-42", "catalog", "list", "--dir", "acorn", "--all")
	tn.ok("unlimited", "catalog", "set-stock", "--dir", "acorn", "AC-BALM-75=40", "OK-1=unlimited")
	tn.souk(exitUsage, "catalog", "set-stock", "--dir", "acorn", "AC-BALM-75=-1")
	tn.souk(exitFailure, "catalog", "set-stock", "--dir", "acorn", "NONE=1")
	tn.testStockArgs()
	tn.testStockTold()
	tn.testImportReports()
	tn.testOwnersWord()
}

func (tn *town) testPartners(t *testing.T) {
	tn = &town{t, tn.dir}
	tn.souk(exitUsage, "partner", "propose", "--dir", "acorn", "birch", "--discount", "15%")
	tn.ok("15% off", "partner", "propose", "--dir", "acorn", "birch", "--sell", "--discount", "15%", "--countries", "se,DE")
	tn.await("birch", func(c *client.Client) bool {
		list, err := c.Partnerships(t.Context())
		return err == nil && len(list.Partnerships) == 1 && list.Partnerships[0].Proposal != nil
	})
	tn.ok("Round trips", "dial", "--dir", "acorn", "birch")
	out := tn.ok("Acorn Shoes proposes", "partner", "list", "--dir", "birch")
	tn.souk(exitRefused, "partner", "accept", "--dir", "birch", "acorn-shoes", "--proposal", "00000000")
	tn.souk(exitRefused, "partner", "accept", "--dir", "birch", "acorn-shoes", "--sell")
	if accepted := tn.paste(out, "Accept it: "); !strings.Contains(accepted, "15% off") || !strings.Contains(accepted, "DE, SE") {
		t.Errorf("accept does not show the terms:\n%s", accepted)
	}
	tn.await("birch", func(c *client.Client) bool {
		list, err := c.Partnerships(t.Context())
		return err == nil && list.Partnerships[0].Status == "active"
	})
	// A change keeps what is not said.
	tn.ok("20% off", "partner", "propose", "--dir", "birch", "acorn-shoes", "--buy", "--discount", "20%")
	tn.await("acorn", func(c *client.Client) bool {
		list, err := c.Partnerships(t.Context())
		return err == nil && list.Partnerships[0].Proposal != nil
	})
	if out := tn.ok("20% off", "partner", "decline", "--dir", "acorn", "birch"); !strings.Contains(out, "DE, SE") {
		t.Errorf("the change does not keep the countries:\n%s", out)
	}
}

func (tn *town) testOrder(t *testing.T) {
	tn = &town{t, tn.dir}
	tn.await("birch", func(c *client.Client) bool {
		p, err := c.Product(t.Context(), tn.product("Acorn Shoes", "AC-LAST-42"), false)
		return err == nil && p.Sellable
	})
	tn.ok("Acorn-Shoes:AC-LAST-42", "products", "last pair", "--dir", "birch", "--in-stock", "--shop", "acorn-shoes", "--live")
	tn.ok("Nothing found", "products", "--dir", "birch", "--max-usd", "0.01")
	tn.ok("COST", "products", "last pairs", "--dir", "birch")
	if out := tn.ok("Products: ", "products", "--dir", "birch", "--sort", "-price", "--limit", "1", "--count"); !strings.Contains(out, "Shops: Acorn Shoes ") || !strings.Contains(out, "In stock: ") {
		t.Errorf("counted:\n%s", out)
	}
	var news view.Products
	tn.read(&news, "products", "--dir", "birch", "--updated-since", "7d", "--limit", "2")
	if len(news.Products) != 2 || news.Next == "" || news.AsOf.IsZero() || len(news.Shops) == 0 {
		t.Errorf("changed since last week: %+v", news)
	}
	tn.ok("Nothing found", "products", "--dir", "birch", "--updated-since", "2999-01-01T00:00:00Z")
	tn.souk(exitUsage, "products", "--dir", "birch", "--updated-since", "yesterday")
	tn.souk(exitUsage, "products", "--dir", "birch", "--sort", "colour")

	out := tn.ok("Total", "reserve", "--dir", "birch", "acorn-shoes:AC-LAST-42", "Acorn-Shoes:AC-BALM-75=2", "--ship-to-country", "se", "--max-total", "500")
	for _, no := range [][]string{
		{"acorn-shoes:AC-LAST-42", "--ship-to-country", "SE"},
		{"acorn-shoes:AC-BALM-75", "--ship-to-country", "FR"},
		{"acorn-shoes:AC-BALM-75=9", "--ship-to-country", "SE", "--max-total", "1.00 EUR"},
	} {
		tn.souk(exitRefused, append([]string{"reserve", "--dir", "birch"}, no...)...)
	}
	if out := tn.souk(exitFailure, "reserve", "--dir", "birch", "AC-BALM-75", "--ship-to-country", "SE"); !strings.Contains(out, "SHOP:SKU") {
		t.Errorf("a partner's product without its shop: %s", out)
	}
	if out := tn.souk(exitUsage, "reserve", "--dir", "birch", "acorn-shoes:AC-BALM-75", "--ship-to-country", "Sweden"); !strings.Contains(out, "two letters") {
		t.Errorf("a country by its name: %s", out)
	}
	if out := tn.souk(exitRefused, "reserve", "--dir", "birch", "acorn-shoes:AC-BALM-75=9", "--ship-to-country", "SE", "--max-total", "1.00 EUR"); !strings.Contains(out, "above the limit of 1.00 EUR") {
		t.Errorf("dearer than allowed: %s", out)
	}
	if f := fail(t, exitRefused, "reserve", "--dir", "birch", "acorn-shoes:AC-BALM-75=200", "--ship-to-country", "SE"); len(f.Lines) != 1 || f.Lines[0].SKU != "AC-BALM-75" || f.Lines[0].Asked != 200 {
		t.Errorf("a line that is short: %+v", f)
	}
	given := strings.Fields(out)[1]
	if out := tn.paste(out, "  or: "); !strings.Contains(out, "released") {
		t.Errorf("the pasted release says:\n%s", out)
	}
	if out := tn.ok("given back", "reservation", "show", "--dir", "birch", given); strings.Contains(out, "souk order place") {
		t.Errorf("a released reservation can be ordered:\n%s", out)
	}

	out = tn.ok("Next: souk order place", "reserve", "--dir", "birch", "acorn-shoes:AC-BALM-75=3", "--ship-to-country", "SE", "--lifetime", "5m")
	id := strings.Fields(out)[1]
	tn.ok("Held until", "reservation", "extend", "--dir", "birch", id, "--by", "1m")
	tn.ok("Beeswax", "reservation", "show", "--dir", "birch", id)
	if out := tn.ok(id, "reservation", "list", "--dir", "birch"); strings.Contains(out, given) || !strings.Contains(out, "Acorn Shoes") {
		t.Errorf("what is held:\n%s", out)
	}
	tn.ok(given, "reservation", "list", "--dir", "birch", "--all")
	if out := tn.paste(out, "Next: "); !strings.Contains(out, "Order "+id) {
		t.Errorf("the pasted order says:\n%s", out)
	}
	if out := tn.ok("It has been ordered", "reservation", "show", "--dir", "birch", id); strings.Contains(out, "souk order place") {
		t.Errorf("an ordered reservation can be ordered:\n%s", out)
	}
	if out := tn.souk(exitRefused, "order", "place", "--dir", "birch", id, "--name", "Other", "--address", "Elsewhere 1", "--city", "Lund"); !strings.Contains(out, "ordered for another address") {
		t.Errorf("an order to another address: %s", out)
	}
	tn.souk(exitUsage, "order", "place", "--dir", "birch", id, "--name", "Other")
	tn.souk(exitUsage, "order", "list", "--dir", "birch", "--status", "nonsense")
	short := strings.ToUpper(id[len(id)-minShort:])
	tn.await("birch", func(c *client.Client) bool {
		o, err := c.Order(t.Context(), tn.order(id))
		return err == nil && o.Status == "accepted"
	})
	tn.ok("Ship to:", "order", "show", "--dir", "acorn", short)
	if out := tn.souk(exitRefused, "order", "ship", "--dir", "birch", short); !strings.Contains(out, "only the supplier, Acorn Shoes") {
		t.Errorf("the retailer ships: %s", out)
	}
	tn.souk(exitRefused, "order", "ship", "--dir", "acorn", short, "--line", "AC-BALM-75=5")
	tn.ok("partly shipped", "order", "ship", "--dir", "acorn", short, "--line", "AC-BALM-75=1", "--carrier", "Post", "--tracking", "T1")
	tn.ok("Post T1", "order", "show", "--dir", "acorn", short)
	tn.ok("shipped", "order", "ship", "--dir", "acorn", short)
	tn.await("birch", func(c *client.Client) bool {
		o, err := c.Order(t.Context(), tn.order(id))
		return err == nil && o.Status == "shipped"
	})
	tn.souk(exitRefused, "order", "cancel", "--dir", "birch", short)
	tn.ok(id, "order", "list", "--dir", "birch", "--open")
	tn.ok("delivered", "order", "deliver", "--dir", "acorn", short)
	tn.ok("No orders", "order", "list", "--dir", "acorn", "--open")
	tn.ok(id, "order", "list", "--dir", "acorn", "--role", "sold", "--status", "delivered")
	tn.souk(exitFailure, "order", "show", "--dir", "acorn", "zzzzzzzz")
}

// product and order read IDs that the test knows to be right.
func (tn *town) product(shop, sku string) exchange.ProductID {
	tn.t.Helper()
	c, err := client.Open("birch")
	if err != nil {
		tn.t.Fatal(err)
	}
	fed, err := loadFederation(tn.t.Context(), c)
	if err != nil {
		tn.t.Fatal(err)
	}
	k, err := findShop(fed.shops, shop)
	if err != nil {
		tn.t.Fatal(err)
	}
	return exchange.ProductID{Shop: k.shop, SKU: exchange.SKU(sku)}
}

func (tn *town) order(id string) exchange.OrderID {
	tn.t.Helper()
	o, err := exchange.ParseHoldID(id)
	if err != nil {
		tn.t.Fatal(err)
	}
	return o
}

func (tn *town) testDoctor(t *testing.T, birch *process) {
	tn = &town{t, tn.dir}
	var d diagnosis
	tn.read(&d, "doctor", "--dir", "birch")
	if !d.Well || !d.Running {
		t.Errorf("a running shop: %+v", d)
	}
	tn.souk(exitAway, "node", "run", "--dir", "birch") // locked
	birch.stop()
	out := tn.souk(exitFailure, "doctor", "--dir", "birch", "--json")
	d = diagnosis{}
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&d); err != nil || d.Well || d.Running || !d.seen("ledgers") {
		t.Errorf("a stopped shop: %v, %+v", err, d)
	}
	if out := tn.souk(exitFailure, "doctor", "--dir", "birch"); !strings.Contains(out, "all ledgers verified") || !strings.Contains(out, "souk node run --dir birch") {
		t.Errorf("a stopped shop: %s", out)
	}
	if out := tn.souk(exitAway, "members", "--dir", "birch"); !strings.Contains(out, "souk node run --dir birch") {
		t.Errorf("a stopped node: %s", out)
	}
	if err := os.Remove(filepath.Join("birch", "key")); err != nil {
		t.Fatal(err)
	}
	if out := tn.souk(exitFailure, "doctor", "--dir", "birch"); !strings.Contains(out, "✗") {
		t.Errorf("a shop without its key: %s", out)
	}
}

func (tn *town) testLeave(t *testing.T) {
	tn = &town{t, tn.dir}
	tn.ok("is revoked", "hub", "revoke", "--dir", "hub", "birch", "--why", "closed")
	code := tn.invite("--uses", "2")
	tn.ok("Nobody can join", "hub", "void", "--dir", "hub", code)
	tn.ok("is made in cedar", "node", "init", "--dir", "cedar", "--name", "Cedar", "--currency", "SEK", "--recovery-file", "words.txt")
	if words, err := os.ReadFile("words.txt"); err != nil || len(strings.Fields(string(words))) != 24 {
		t.Errorf("the recovery file holds %q, %v", words, err)
	}
	tn.souk(exitFailure, "node", "init", "--dir", "cedar2", "--name", "Cedar", "--currency", "SEK", "--recovery-file", "words.txt")
	tn.souk(exitRefused, "node", "join", "--dir", "cedar", code)
	tn.ok("Trade with Birch ends", "node", "leave", "--dir", "acorn", "--preview")
	tn.souk(exitUsage, "node", "leave", "--dir", "acorn")
	tn.ok("has left the federation", "node", "leave", "--dir", "acorn", "--yes")
}
