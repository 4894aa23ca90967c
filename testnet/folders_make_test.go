package testnet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/node/api/view"
	"github.com/souk-market/souk/node/inventory/samples"
)

// Flags of TestMakeFolders.
var (
	makerBinary  = flag.String("folders.binary", "", "have TestMakeFolders write folders with this souk binary")
	makerVersion = flag.String("folders.version", "", "the commit that the binary was built of: the name of the folder below testdata/folders")
)

// folderMaker makes the folders of a hub and shops with the binary of any version. It speaks to
// that binary alone, by its command line and by the paths of its API that stay.
type folderMaker struct {
	t       *testing.T
	ctx     context.Context
	binary  string
	dir     string
	free    ports
	hub     *process
	shops   []*madeShop
	written *madeFolders
}

// madeShop is one of the maker's shops; its process is stopped and started many times.
type madeShop struct {
	*process
	m      *folderMaker
	folder string
	id     exchange.ShopID
}

// TestMakeFolders writes testdata/folders/VERSION anew, with the binary of that version:
//
//	go test ./testnet -run TestMakeFolders -folders.binary FILE -folders.version COMMIT
//
// The README there says what it must hold.
func TestMakeFolders(t *testing.T) {
	if *makerBinary == "" || *makerVersion == "" {
		t.Skip("it needs the flags -folders.binary and -folders.version")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	m := &folderMaker{t: t, ctx: ctx, binary: *makerBinary, dir: t.TempDir(), free: ports{}, written: &madeFolders{
		Version: *makerVersion, Orders: map[string]exchange.OrderID{}, Reservations: map[string]exchange.HoldID{},
		Keyed: map[string]keyedCall{}, Shown: map[string]map[string]json.RawMessage{},
	}}
	t.Cleanup(m.end)
	m.startHub()
	acorn, birch, cedar := m.shop("Acorn", "EUR"), m.shop("Birch", "EUR"), m.shop("Cedar", "EUR")
	dogwood, elm := m.shop("Dogwood", "EUR"), m.shop("Elm", "EUR")
	m.know(5)
	m.catalogs(acorn, birch, cedar, dogwood)
	m.leaver(acorn, elm)
	m.fork(dogwood, birch)
	m.partnerships(acorn, birch, cedar)
	m.briefOrders(acorn, cedar)
	m.orders(acorn, birch)
	m.queues(acorn, birch, cedar)
	m.pack(acorn, birch, cedar, dogwood)
}

func (m *folderMaker) must(what string, err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatalf("%s: %v", what, err)
	}
}

func (m *folderMaker) end() {
	for _, s := range m.shops {
		if m.t.Failed() {
			m.t.Logf("%s, the end of its log:\n%s", s.name, indent(s.logTail()))
		}
		_ = s.kill()
	}
	if m.hub != nil {
		_ = m.hub.kill()
	}
}

// wait asks until ok; an error beside it says what is missing.
func (m *folderMaker) wait(what string, ok func() (bool, error)) {
	m.t.Helper()
	ctx, cancel := context.WithTimeoutCause(m.ctx, patience, fmt.Errorf("not within %v", patience))
	defer cancel()
	m.must(what, until(ctx, nil, func(context.Context) (bool, error) {
		done, err := ok()
		if done {
			err = nil
		}
		return done, err
	}))
}

// run runs the binary on a folder and reads its answer into out, unless that is nil.
func (m *folderMaker) run(dir string, out any, args ...string) {
	m.t.Helper()
	m.must(strings.Join(args, " "), m.try(dir, out, args...))
}

func (m *folderMaker) try(dir string, out any, args ...string) error {
	cmd := exec.CommandContext(m.ctx, m.binary, append(args, "--dir", dir, "--json")...)
	var said, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &failed
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s%s", err, failed.Bytes(), said.Bytes())
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(said.Bytes(), out); err != nil {
		return fmt.Errorf("%w in %s", err, said.Bytes())
	}
	return nil
}

func (m *folderMaker) port() int {
	m.t.Helper()
	port, err := m.free.free()
	m.must("a port", err)
	return port
}

func (m *folderMaker) startHub() {
	m.t.Helper()
	dir := filepath.Join(m.dir, hubFolder)
	m.run(dir, nil, "hub", "init", "--name", federation, "--listen", loopback,
		"--open-port", strconv.Itoa(m.port()), "--closed-port", strconv.Itoa(m.port()), "--status", loopbackPort(m.port()))
	m.hub = &process{name: "the hub", dir: dir, binary: m.binary, args: []string{"hub", "run", "--dir", dir}}
	m.must("the hub", m.hub.start())
	m.wait("the hub hears", func() (bool, error) {
		_, err := os.Stat(filepath.Join(dir, "hub.sock"))
		return err == nil, err
	})
}

// shop makes, lets in and starts a shop that accepts orders by hand.
func (m *folderMaker) shop(name string, currency exchange.Currency) *madeShop {
	m.t.Helper()
	folder := strings.ToLower(name)
	dir := filepath.Join(m.dir, folder)
	port := strconv.Itoa(m.port())
	var made struct {
		Shop exchange.ShopID `json:"shop"`
	}
	m.run(dir, &made, "node", "init", "--name", name, "--currency", string(currency), "--api", loopbackPort(m.port()),
		"--listen", "/ip4/"+loopback+"/tcp/"+port, "--listen", "/ip4/"+loopback+"/udp/"+port+"/quic-v1")
	m.configure(dir)
	var invite struct {
		Invite string `json:"invite"`
	}
	m.run(m.hub.dir, &invite, "hub", "invite", "--shop-name", name)
	m.run(dir, nil, "node", "join", invite.Invite)
	s := &madeShop{m: m, folder: folder, id: made.Shop, process: &process{name: name, dir: dir, binary: m.binary, args: []string{"node", "run", "--dir", dir}}}
	m.shops = append(m.shops, s)
	m.written.Shops = append(m.written.Shops, madeMember{Name: name, Folder: folder, Shop: made.Shop})
	s.begin()
	return s
}

// configure edits shop.toml as an owner would.
func (m *folderMaker) configure(dir string) {
	m.t.Helper()
	path := filepath.Join(dir, shopConfig)
	b, err := os.ReadFile(path)
	m.must("reading "+path, err)
	text := string(b)
	for old, now := range map[string]string{
		"# accept_by_hand = false": "accept_by_hand = true",
		"sells = ''":               "sells = 'what a test needs'",
	} {
		if strings.Count(text, old) != 1 {
			m.t.Fatalf("%s does not say %s once:\n%s", path, old, text)
		}
		text = strings.Replace(text, old, now, 1)
	}
	text += "\n[tax]\ntreatment = 'included'\nrate = '20'\n\n[[shipping]]\ncountries = []\nflat = '4.90'\n"
	m.must("writing "+path, os.WriteFile(path, []byte(text), 0o600))
}

// begin starts the shop and waits until its API answers.
func (s *madeShop) begin() {
	s.m.t.Helper()
	s.m.must("starting "+s.name, s.start())
	s.m.wait(s.name+" answers", func() (bool, error) {
		if err := s.ended(); err != nil {
			s.m.t.Fatalf("%s: %v", s.name, err)
		}
		_, err := s.get("/api/v1/shop")
		return err == nil, err
	})
}

func (s *madeShop) halt() {
	s.m.t.Helper()
	s.m.must("stopping "+s.name, s.stop())
}

func (s *madeShop) run(out any, args ...string) {
	s.m.t.Helper()
	s.m.run(s.dir, out, args...)
}

// get reads a path of the shop's API.
func (s *madeShop) get(path string) (json.RawMessage, error) {
	return callAPI(s.m.ctx, s.dir, http.MethodGet, path, "", nil)
}

// keyed posts a body under an Idempotency-Key, and notes what was asked and answered.
func (s *madeShop) keyed(name, path string, body any, out any) {
	s.m.t.Helper()
	raw, err := json.Marshal(body)
	s.m.must(name, err)
	key := "folders: " + name
	answer, err := callAPI(s.m.ctx, s.dir, http.MethodPost, path, key, raw)
	s.m.must(name, err)
	s.m.written.Keyed[name] = keyedCall{Shop: s.folder, Path: path, Key: key, Body: string(raw), Answer: string(answer)}
	s.m.must(name, json.Unmarshal(answer, out))
}

// callAPI asks the API of the shop that runs on dir. What is no success is an error.
func callAPI(ctx context.Context, dir, method, path, key string, body []byte) (json.RawMessage, error) {
	address, err := os.ReadFile(filepath.Join(dir, "api.addr"))
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(filepath.Join(dir, "api.token"))
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+strings.TrimSpace(string(address))+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %s", res.Status, b)
	}
	return b, err
}

// know waits until every shop knows the others.
func (m *folderMaker) know(count int) {
	m.t.Helper()
	for _, s := range m.shops {
		m.wait(s.name+" knows all", func() (bool, error) {
			var list view.Members
			err := s.read("/api/v1/members", &list)
			return len(list.Members) == count, err
		})
	}
}

func (s *madeShop) read(path string, out any) error {
	b, err := s.get(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, out)
}

// catalogs gives each shop products: counted, scarce, without a count, and none left.
func (m *folderMaker) catalogs(shops ...*madeShop) {
	m.t.Helper()
	rates := filepath.Join(m.t.TempDir(), "rates.xml")
	m.must("rates", os.WriteFile(rates, sample(samples.RatesFile), 0o600))
	file := filepath.Join(m.t.TempDir(), "goods.jsonl")
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, p := range []map[string]any{
		{"sku": "BOOT-42", "title": "Winter Boot", "price": "129.90", "stock": 60, "grams": 1400, "group": "winter-boot", "options": []map[string]string{{"name": "Size", "value": "42"}}, "category": "Shoes > Boots"},
		{"sku": "BOOT-43", "title": "Winter Boot", "price": "129.90", "stock": 40, "grams": 1450, "group": "winter-boot", "options": []map[string]string{{"name": "Size", "value": "43"}}, "category": "Shoes > Boots"},
		{"sku": "LACE", "title": "Löparskosnören", "price": "4.50", "stock": 1000, "description": "Vaxade, 120 cm."},
		{"sku": "LAST", "title": "Last pair", "price": "59.00", "stock": 1},
		{"sku": "NONE", "title": "Sold out", "price": "19.00", "stock": 0},
		{"sku": "CARD", "title": "Gift card", "price": "25.00"},
	} {
		p["currency"] = "EUR"
		m.must("a product", enc.Encode(p))
	}
	m.must("the catalog", os.WriteFile(file, b.Bytes(), 0o600))
	for _, s := range shops {
		s.run(nil, "catalog", "import", file, "--format", "jsonl", "--rates", rates)
		s.run(nil, "catalog", "set-stock", "CARD=unlimited")
	}
}

// agree makes a partnership by which supplier sells to retailer.
func (m *folderMaker) agree(supplier, retailer *madeShop, terms ...string) {
	m.t.Helper()
	supplier.run(nil, append([]string{"partner", "propose", retailer.name, "--sell"}, terms...)...)
	m.status(retailer, supplier, view.Buy, "proposed")
	retailer.run(nil, "partner", "accept", supplier.name, "--buy")
	m.status(retailer, supplier, view.Buy, "active")
	m.status(supplier, retailer, view.Sell, "active")
	m.wait(retailer.name+" sees the catalog", func() (bool, error) {
		var found view.Products
		err := retailer.read("/api/v1/products?limit=200&shop="+url.QueryEscape(supplier.id.String()), &found)
		return len(found.Products) == 6, err
	})
}

// status waits until one direction of trade has a status.
func (m *folderMaker) status(s, partner *madeShop, direction, status string) {
	m.t.Helper()
	m.wait(fmt.Sprintf("%s with %s, %s: %s", s.name, partner.name, direction, status), func() (bool, error) {
		var list view.Partnerships
		if err := s.read("/api/v1/partners", &list); err != nil {
			return false, err
		}
		for _, p := range list.Partnerships {
			if p.Partner == partner.id && p.Direction == direction {
				return p.Status == status, fmt.Errorf("it is %s", p.Status)
			}
		}
		return false, errors.New("there is none")
	})
}

// leaver has a shop order and leave, which ends it as a partner and keeps its order.
func (m *folderMaker) leaver(supplier, leaver *madeShop) {
	m.t.Helper()
	m.agree(supplier, leaver)
	id := m.order("left", supplier, leaver, "BOOT-42", 1)
	supplier.run(nil, "order", "accept", id.String())
	m.bought(leaver, id, "accepted")
	leaver.run(nil, "node", "leave", "--yes")
	m.wait(leaver.name+" has ended", func() (bool, error) { return !leaver.alive(), nil })
	m.wait(supplier.name+" knows that", func() (bool, error) {
		var list view.Members
		err := supplier.read("/api/v1/members", &list)
		for _, member := range list.Members {
			if member.Shop == leaver.id {
				return member.Status == "left", err
			}
		}
		return false, err
	})
}
