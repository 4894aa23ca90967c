package hub

import (
	"crypto/ed25519"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/store"
)

// Options are what a process says about running a folder. All are optional.
type Options struct {
	Logger  *slog.Logger
	Version string
	Clock   exchange.Clock // nil = the machine's
}

// Open locks a hub's folder, reads it and verifies its list. CodeLocked means that another process
// uses the folder. Run closes the folder at its end; a hub that is never run is closed by Close.
func Open(dir string, o Options) (*Hub, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = wallClock{}
	}
	if _, err := readConfig(dir); err != nil {
		return nil, err
	}
	if err := checkSocket(dir); err != nil {
		return nil, err
	}
	lock, err := store.Lock(dir)
	if err != nil {
		return nil, err
	}
	h, err := openLocked(dir, o)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	h.folder.lock = lock
	return h, nil
}

func openLocked(dir string, o Options) (*Hub, error) {
	parts, err := readParts(dir)
	if err != nil {
		return nil, err
	}
	if err := parts.Config.checkPorts(); err != nil {
		return nil, err
	}
	parts.Logger, parts.Version = o.Logger, o.Version
	parts.Clock, parts.Registry = o.Clock, prometheus.NewRegistry()
	parts.Registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	db, err := openStore(dir, o.Logger, parts.Registry)
	if err != nil {
		return nil, err
	}
	parts.Store, parts.Healthy = db, db.Healthy
	h, err := New(parts)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	h.folder.db = db
	h.dir = dir
	return h, nil
}

// folder is what a Hub made by Open has opened and must close.
type folder struct {
	once sync.Once
	err  error
	db   *store.DB
	lock *store.FolderLock
}

func (f *folder) close() error {
	f.once.Do(func() {
		var errs []error
		if f.db != nil {
			errs = append(errs, f.db.Close())
		}
		if f.lock != nil {
			errs = append(errs, f.lock.Unlock())
		}
		f.err = errors.Join(errs...)
	})
	return f.err
}

// Close releases the folder that Open locked. Run closes the folder, too; a second Close does
// nothing.
func (h *Hub) Close() error { return h.folder.close() }

func openStore(dir string, log *slog.Logger, reg prometheus.Registerer) (*store.DB, error) {
	return store.Open(filepath.Join(dir, storeName), store.Options{
		Sync: true, Profile: store.Ledger, Logger: log, Registerer: reg, Name: storeName,
	})
}

// readParts reads configuration and keys of a locked folder, fixes ports left open, and brings
// federation.json up to date.
func readParts(dir string) (Parts, error) {
	var p Parts
	var err error
	if p.Config, err = readConfig(dir); err != nil {
		return p, err
	}
	changed, err := p.Config.fixPorts()
	if err == nil && changed {
		err = writeConfig(dir, p.Config)
	}
	if err != nil {
		return p, err
	}
	for k, into := range map[key]*ed25519.PrivateKey{logKey: &p.LogKey, openKey: &p.OpenKey, closedKey: &p.ClosedKey} {
		if *into, err = k.read(dir); err != nil {
			return p, err
		}
	}
	old, err := readPublic(dir)
	if err != nil {
		return p, err
	}
	if !old.Federation.LogKey.Equal(public(p.LogKey)) {
		return p, exchange.Errorf(exchange.CodeConflict, "log.key is not that of %s in %s; restore the folder from one backup", old.Federation.Origin, federationFile)
	}
	now, err := p.Config.public(old.Federation, p.OpenKey, p.ClosedKey)
	if err != nil {
		return p, err
	}
	p.Federation, p.Hub = now.Federation, now.Hub
	return p, writePublic(dir, now)
}
