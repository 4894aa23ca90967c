package hub

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/protocol/keyfile"
	"github.com/souk-market/souk/store"
	"github.com/souk-market/souk/store/durable"
)

// Names in a hub's folder; the package's doc explains them.
const (
	federationFile = "federation.json"
	storeName      = "db"
	socketName     = "hub.sock"
)

// key names one of the hub's four keys: its file is <name>.key and its purpose name.
type key string

const (
	logKey       key = "log"
	admissionKey key = "admission"
	openKey      key = "open"
	closedKey    key = "closed"
)

func (k key) path(dir string) string { return filepath.Join(dir, string(k)+".key") }

func (k key) create(dir string) (ed25519.PrivateKey, error) {
	return keyfile.Create(k.path(dir), "hub-"+string(k), rand.Reader)
}

func (k key) read(dir string) (ed25519.PrivateKey, error) {
	return keyfile.Read(k.path(dir), "hub-"+string(k))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

// Public is federation.json: all that a shop or the admission key's holder needs to know of a hub.
type Public struct {
	Federation membership.Federation `json:"federation"`
	Hub        membership.Hub        `json:"hub"`
}

func (p Public) check() error { return errors.Join(p.Federation.Check(), p.Hub.Check()) }

func readPublic(dir string) (Public, error) {
	var p Public
	path := filepath.Join(dir, federationFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, exchange.Errorf(exchange.CodeNotFound, "%s is not a hub's folder: it has no %s. Make one with souk hub init, or copy that file from the hub", dir, federationFile)
	}
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err == nil {
		err = p.check()
	}
	if err != nil {
		return p, exchange.Errorf(exchange.CodeInvalid, "%s is damaged; copy it from the hub or a backup: %w", path, err)
	}
	return p, nil
}

func writePublic(dir string, p Public) error {
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return exchange.Errorf(exchange.CodeInternal, "%w", err)
	}
	return durable.Write(filepath.Join(dir, federationFile), append(b, '\n'), 0o644)
}

// AnyPort lets Init choose a free port, which the hub then keeps.
const AnyPort = -1

// InitOptions are what an operator says about a new hub. Only Name is required.
type InitOptions struct {
	Name       string   // of the federation: 1 to 32 characters a–z, 0–9 and inner hyphens
	Listen     []string // IP addresses; nil = DefaultListen
	OpenPort   int      // 0 = DefaultOpenPort; AnyPort = a free one
	ClosedPort int      // 0 = DefaultClosedPort; AnyPort = a free one
	SharedPort int      // TCP, for both; 0 = none; AnyPort = a free one
	Announce   []string // names or IP addresses under which shops reach the hub
	Status     string   // host:port; "" = DefaultStatus; port 0 = a free one
}

func (o InitOptions) config() Config {
	c := Config{
		Listen: o.Listen, OpenPort: o.OpenPort, ClosedPort: o.ClosedPort, SharedPort: o.SharedPort,
		Announce: o.Announce, Status: o.Status, StatusHosts: []string{},
	}
	if len(c.Listen) == 0 {
		c.Listen = DefaultListen
	}
	if c.Announce == nil {
		c.Announce = []string{}
	}
	c.WebNames = []string{}
	if c.Status == "" {
		c.Status = DefaultStatus
	}
	for port, standard := range map[*int]int{&c.OpenPort: DefaultOpenPort, &c.ClosedPort: DefaultClosedPort} {
		switch *port {
		case 0:
			*port = standard
		case AnyPort:
			*port = 0
		}
	}
	return c
}

// Init makes a hub's folder: keys, configuration and an empty, signed member list. Init never
// overwrites: a folder that contains a hub, or a key of a hub, is CodeConflict.
func Init(dir string, o InitOptions) (Public, error) {
	cfg := o.config()
	if err := errors.Join(cfg.check(), checkSocket(dir)); err != nil {
		return Public{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Public{}, exchange.Errorf(exchange.CodeInternal, "the folder cannot be made: %w", err)
	}
	lock, err := store.Lock(dir)
	if err != nil {
		return Public{}, err
	}
	p, err := initLocked(dir, o.Name, cfg)
	return p, errors.Join(err, lock.Unlock())
}

func initLocked(dir, name string, cfg Config) (Public, error) {
	for _, f := range []string{configFile, federationFile, storeName} {
		if _, err := os.Lstat(filepath.Join(dir, f)); err == nil {
			return Public{}, exchange.Errorf(exchange.CodeConflict, "%s holds a hub already (%s); choose another folder", dir, f)
		}
	}
	// Check the name before any key is made: Init refuses a folder in which a first try left keys.
	probe := make(ed25519.PublicKey, ed25519.PublicKeySize)
	if _, err := membership.NewFederation(name, probe, probe); err != nil {
		return Public{}, err
	}
	if _, err := cfg.fixPorts(); err != nil {
		return Public{}, err
	}
	keys := map[key]ed25519.PrivateKey{}
	for _, k := range []key{logKey, admissionKey, openKey, closedKey} {
		var err error
		if keys[k], err = k.create(dir); err != nil {
			return Public{}, err
		}
	}
	fed, err := membership.NewFederation(name, public(keys[logKey]), public(keys[admissionKey]))
	if err != nil {
		return Public{}, err
	}
	p, err := cfg.public(fed, keys[openKey], keys[closedKey])
	if err != nil {
		return Public{}, err
	}
	if err := firstCheckpoint(dir, fed, keys[logKey]); err != nil {
		return Public{}, err
	}
	if err := writePublic(dir, p); err != nil {
		return Public{}, err
	}
	return p, writeConfig(dir, cfg) // last: a folder with a configuration is complete
}

// public is federation.json as this configuration makes it, on this machine.
func (c Config) public(fed membership.Federation, open, closed ed25519.PrivateKey) (Public, error) {
	openID, err := exchange.ShopIDFromKey(public(open))
	if err != nil {
		return Public{}, err
	}
	closedID, err := exchange.ShopIDFromKey(public(closed))
	if err != nil {
		return Public{}, err
	}
	interfaces, err := interfaceAddrs()
	if err != nil {
		return Public{}, err
	}
	p := Public{Federation: fed, Hub: c.advertised(openID, closedID, interfaces)}
	return p, p.check()
}

func firstCheckpoint(dir string, fed membership.Federation, key ed25519.PrivateKey) error {
	db, err := store.Open(filepath.Join(dir, storeName), store.Options{Sync: true, Profile: store.Ledger, Name: storeName})
	if err != nil {
		return err
	}
	l, err := openList(db, fed, key, wallClock{}, nil)
	if err == nil {
		_, err = l.roster.Append(key)
	}
	return errors.Join(err, db.Close())
}

// wallClock is the machine's clock.
type wallClock struct{}

func (wallClock) Now() exchange.Time { return exchange.TimeOf(time.Now()) }
