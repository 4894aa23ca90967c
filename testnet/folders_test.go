package testnet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/hub"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/store"
	"github.com/souk-market/souk/store/tomlfile"
)

// TestOldFolders opens the folders that older versions wrote and trades on in
// them: no version loses what another has signed, held or promised.
func TestOldFolders(t *testing.T) {
	packed, err := filepath.Glob(filepath.Join(foldersRoot, "*", packedName))
	if err != nil || len(packed) == 0 {
		t.Fatalf("there are no folders: %v", err)
	}
	for _, path := range packed {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			w := newOldWorld(t, path)
			w.holdsAll()
			w.auditAsFound()
			w.showsTheSame()
			w.start()
			w.answersQueued()
			w.repeatsKeyed()
			w.tradesOn()
			w.settle()
			w.stop()
			w.auditAfter()
		})
	}
}

// oldWorld is a hub and shops that run in this process, with the code under test, on
// real disks and sockets.
type oldWorld struct {
	t     *testing.T
	dir   string
	made  *madeFolders
	clock exchange.Clock
	hub   oldHub
	shops map[string]*oldShop
}

// oldHub is the hub on an older version's folder.
type oldHub struct {
	public hub.Public
	end    func()
}

// oldShop is a shop on an older version's folder.
type oldShop struct {
	w      *oldWorld
	dir    string
	id     exchange.ShopID
	folder *node.Folder
	client *client.Client
	end    func()
}

// sinceMade goes on from the moment at which the folders were made: nothing depends on
// the day of the test.
type sinceMade struct {
	made, begun time.Time
}

func (c sinceMade) Now() exchange.Time { return exchange.TimeOf(c.made.Add(time.Since(c.begun))) }

// pause is how long the folders lay. It is less than the shortest life of what is held.
const pause = time.Minute

func newOldWorld(t *testing.T, path string) *oldWorld {
	t.Helper()
	w := &oldWorld{t: t, dir: t.TempDir(), shops: map[string]*oldShop{}}
	packed, err := os.Open(path)
	w.must("the folders", err)
	defer packed.Close()
	w.must("unpacking", unpackFolders(packed, w.dir))
	w.made, err = readMade(w.dir)
	w.must(madeName, err)
	w.clock = sinceMade{made: w.made.Made.Add(pause), begun: time.Now()}
	for _, m := range w.made.Shops {
		dir := filepath.Join(w.dir, m.Folder)
		if _, err := os.Stat(dir); err == nil {
			w.shops[m.Folder] = &oldShop{w: w, dir: dir, id: m.Shop}
		}
	}
	t.Cleanup(w.stop)
	w.move()
	return w
}

func (w *oldWorld) must(what string, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
}

// move gives everyone ports that are free here, as when the folders come to another machine.
func (w *oldWorld) move() {
	w.t.Helper()
	free := ports{}
	port := func() int {
		p, err := free.free()
		w.must("a port", err)
		return p
	}
	path := filepath.Join(w.dir, hubFolder, "hub.toml")
	h, err := tomlfile.Read[hub.Config](path, nil)
	w.must("hub.toml", err)
	h.OpenPort, h.ClosedPort, h.Status = port(), port(), loopbackPort(port())
	w.must("hub.toml", tomlfile.Write(path, "", h, ""))
	for _, s := range w.shops {
		path := filepath.Join(s.dir, shopConfig)
		c, err := tomlfile.Read[node.Config](path, nil)
		w.must(shopConfig, err)
		p := strconv.Itoa(port())
		c.API = loopbackPort(port())
		c.Listen = []string{"/ip4/" + loopback + "/tcp/" + p, "/ip4/" + loopback + "/udp/" + p + "/quic-v1"}
		w.must(shopConfig, tomlfile.Write(path, "", c, ""))
	}
}

// openStore opens a folder's synced store, to be read or changed while nothing runs on it.
func (w *oldWorld) openStore(dir string) *store.DB {
	w.t.Helper()
	db, err := store.Open(filepath.Join(dir, storeFolder), store.Options{Sync: true, Profile: store.Ledger})
	w.must("the store of "+dir, err)
	return db
}

// start runs the hub, then all shops, and lets them find each other by the hub alone.
func (w *oldWorld) start() {
	w.t.Helper()
	dir := filepath.Join(w.dir, hubFolder)
	w.forgetAddresses(dir)
	h, err := hub.Open(dir, hub.Options{Logger: testLogger(hubFolder), Clock: w.clock})
	w.must("the hub", err)
	w.hub.public = hub.Public{Federation: h.Federation(), Hub: h.Addresses()}
	w.hub.end = runUntil(w.t, hubFolder, h.Run, h.Ready())
	for _, name := range slices.Sorted(maps.Keys(w.shops)) {
		s := w.shops[name]
		w.forgetAddresses(s.dir)
		b, err := json.Marshal(w.hub.public)
		w.must("federation.json", err)
		w.must("federation.json", os.WriteFile(filepath.Join(s.dir, "federation.json"), b, 0o600))
		s.start()
	}
}

// forgetAddresses drops the members' signed addresses: a later one replaces them only if the
// machine's date is later, which a test must not count on.
func (w *oldWorld) forgetAddresses(dir string) {
	w.t.Helper()
	db := w.openStore(dir)
	var writes []kv.Write
	err := db.Scan(kv.Prefix([]byte("addr/")), func(k, _ []byte) bool {
		writes = append(writes, kv.Write{Key: bytes.Clone(k), Delete: true})
		return true
	})
	if err == nil && len(writes) > 0 {
		err = db.Commit(writes)
	}
	w.must("the addresses in "+dir, errors.Join(err, db.Close()))
}

func (s *oldShop) start() {
	w := s.w
	w.t.Helper()
	name := filepath.Base(s.dir)
	f, err := node.Open(w.t.Context(), s.dir, node.Options{Logger: testLogger(name), Version: "test", Clock: w.clock})
	w.must(name, err)
	end := runUntil(w.t, name, f.Run, f.Ready())
	s.folder, s.end = f, func() {
		end()
		if err := f.Close(); err != nil {
			w.t.Errorf("%s does not close: %v", name, err)
		}
	}
	s.client, err = client.Open(s.dir)
	w.must(name, err)
}

func (s *oldShop) stop() {
	if s.end != nil {
		s.end()
		s.end = nil
	}
}

// stop stops what runs.
func (w *oldWorld) stop() {
	for _, s := range w.shops {
		s.stop()
	}
	if w.hub.end != nil {
		w.hub.end()
		w.hub.end = nil
	}
}

// runUntil runs something until end is called, which waits for it. It returns once that is ready.
func runUntil(t *testing.T, what string, run func(context.Context) error, ready <-chan struct{}) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	select {
	case <-ready:
	case err := <-ended:
		cancel()
		t.Fatalf("%s did not start: %v", what, err)
	}
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// testLogger is silent unless SOUK_TEST_LOG is set.
func testLogger(who string) *slog.Logger {
	if os.Getenv("SOUK_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("who", who)
}
