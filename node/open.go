package node

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/backoff"
	"github.com/souk-market/souk/exchange/kv"
	"github.com/souk-market/souk/exchange/membership"
	"github.com/souk-market/souk/exchange/roster"
	"github.com/souk-market/souk/node/api"
	"github.com/souk-market/souk/protocol"
	"github.com/souk-market/souk/protocol/keyfile"
	"github.com/souk-market/souk/protocol/members"
	"github.com/souk-market/souk/protocol/p2p"
	"github.com/souk-market/souk/store"
)

// Options are what a process says about running a folder. All are optional.
type Options struct {
	Logger  *slog.Logger
	Version string
	Clock   exchange.Clock // nil = the machine's
	// Joining is told how a pending invite fares. With nil, Open does not wait for a hub
	// that it does not reach.
	Joining func(JoinStep)
	// Network may change the network's configuration, as in Parts.
	Network func(*p2p.Config)
}

func (o Options) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Logger
}

func (o Options) clock() exchange.Clock {
	if o.Clock == nil {
		return wallClock{}
	}
	return o.Clock
}

// JoinStep is one step of using a pending invite: the hub is asked, or was not reached,
// or has let the shop in.
type JoinStep struct {
	Federation membership.Federation
	Err        error         // why the hub was not reached; nil otherwise
	Again      time.Duration // until the hub is asked again, where it was not
	Joined     bool
}

// Folder is an opened shop's folder: locked, its state verified. Nothing runs
// until Run.
type Folder struct {
	dir      string
	opts     Options
	cfg      Config
	key      ed25519.PrivateKey
	fed      federationFile
	registry *prometheus.Registry
	lock     *store.FolderLock
	db       *store.DB
	replicas *store.DB
	shop     *Shop
	leave    func()        // lets go of the shop's own system; nil = there is none
	ready    chan struct{} // closed by Run; address is set before
	address  string
}

// wallClock is the machine's clock.
type wallClock struct{}

func (wallClock) Now() exchange.Time { return exchange.TimeOf(time.Now()) }

// Open locks a shop's folder and opens its state. A shop that has not joined yet
// joins with its pending invite. CodeLocked where another process runs the
// folder; CodeState where there is neither a federation nor an invite. Close
// must be called, after Run or without it. With Options.Joining it waits for a hub that
// cannot be reached, until ctx ends.
func Open(ctx context.Context, dir string, o Options) (*Folder, error) {
	f := &Folder{dir: dir, opts: o, registry: prometheus.NewRegistry(), ready: make(chan struct{})}
	var err error
	if f.cfg, err = readConfig(dir); err != nil {
		return nil, err
	}
	if f.key, err = keyfile.Read(filepath.Join(dir, keyName), keyPurpose); err != nil {
		return nil, err
	}
	if f.lock, err = store.Lock(dir); err != nil {
		return nil, err
	}
	// A killed process leaves its address behind; whoever listens there now must not
	// be sent the token.
	if err := os.Remove(filepath.Join(dir, api.AddrFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, f.Close())
	}
	if err := f.open(ctx); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *Folder) open(ctx context.Context) error {
	joined, err := readJSON(filepath.Join(f.dir, federationName), &f.fed)
	if err != nil {
		return err
	}
	if err := f.registry.Register(collectors.NewGoCollector()); err != nil {
		return err
	}
	if err := f.registry.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})); err != nil {
		return err
	}
	f.db, err = store.Open(filepath.Join(f.dir, storeName), store.Options{
		Sync: true, Profile: store.Ledger, Logger: f.opts.logger(), Registerer: f.registry, Name: storeName,
	})
	if err != nil {
		return err
	}
	if !joined {
		if err := f.joinPatiently(ctx); err != nil {
			return err
		}
	}
	f.replicas, err = store.Open(filepath.Join(f.dir, replicasName), store.Options{
		Profile: store.Replica, Logger: f.opts.logger(), Registerer: f.registry, Name: replicasName,
	})
	if err != nil {
		return exchange.Errorf(exchange.CodeOf(err), "%w. The folder %s holds only copies of partners' catalogs: you may delete it, they are fetched again", err, filepath.Join(f.dir, replicasName))
	}
	rate, err := f.rate()
	if err != nil {
		return err
	}
	system, leave, err := f.cfg.Bridge.open(ctx, f.dir)
	if err != nil {
		return err
	}
	f.leave = leave
	f.shop, err = New(Parts{
		Bridge: system,
		Key:    f.key, Config: f.cfg, Federation: f.fed.Federation, Hub: f.fed.Hub,
		Store: f.db, Limits: limitsOf(f.db), Replicas: f.replicas, ReplicaLimits: limitsOf(f.replicas),
		Clock: f.opts.clock(), Random: rand.Reader, Logger: f.opts.logger(), Registry: f.registry,
		Rate: rate, Version: f.opts.Version, Folder: f.dir, TempDir: f.dir, Network: f.opts.Network,
		Healthy: f.db.Healthy, FreeBytes: f.db.Free,
		AskHub: func(ctx context.Context, request []byte) ([]byte, error) {
			ask := openHost(f.fed.Federation, f.fed.Hub)
			ask.Key = f.key
			return p2p.Ask(ctx, ask, protocol.Join, request)
		},
	})
	return err
}

func limitsOf(db *store.DB) kv.Limits {
	l := db.Limits()
	return kv.Limits{BatchBytes: int(l.BatchBytes), BatchWrites: l.BatchWrites}
}

// rate is the shop currency's, from the folder's rates file, if there is one.
func (f *Folder) rate() (exchange.Rate, error) {
	data, err := os.ReadFile(filepath.Join(f.dir, ratesName))
	if errors.Is(err, fs.ErrNotExist) {
		return exchange.Rate{}, nil
	}
	if err != nil {
		return exchange.Rate{}, err
	}
	rate, _, err := readRate(data, f.cfg.Currency, "")
	return rate, err
}

// joinPatiently joins, and asks a hub that it does not reach again after 1, 2, 4, 8, 8 … seconds.
func (f *Folder) joinPatiently(ctx context.Context) error {
	invite, err := f.pendingInvite()
	if err != nil {
		return err
	}
	tell := f.opts.Joining
	if tell == nil {
		return f.join(ctx, invite)
	}
	step := JoinStep{Federation: invite.Federation}
	tell(step)
	var pauses backoff.Doubling
	for {
		err := f.join(ctx, invite)
		switch {
		case err == nil:
			step.Joined = true
			tell(step)
			return nil
		case exchange.CodeOf(err) != exchange.CodeUnavailable:
			return err
		case ctx.Err() != nil: // which is why the hub was not reached
			return errors.Join(err, ctx.Err())
		}
		pause := pauses.Next()
		tell(JoinStep{Federation: invite.Federation, Err: err, Again: pause})
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pendingInvite reads the invite that waits in the folder; CodeState where none does.
func (f *Folder) pendingInvite() (membership.Invite, error) {
	code, err := os.ReadFile(filepath.Join(f.dir, inviteName))
	if errors.Is(err, fs.ErrNotExist) {
		return membership.Invite{}, exchange.Errorf(exchange.CodeState, "this shop is in no federation yet. Ask a hub's operator for an invite and run: souk node join --dir %s INVITE", f.dir)
	}
	if err != nil {
		return membership.Invite{}, err
	}
	return membership.ParseInvite(string(code))
}

// join uses the pending invite. Every step may be repeated after a crash: the
// hub returns the entry it made, and the invite goes last.
func (f *Folder) join(ctx context.Context, invite membership.Invite) error {
	if name := invite.Token.ShopName; name != "" && name != f.cfg.Name {
		return exchange.Errorf(exchange.CodeInvite, "this invite is for a shop named %q, and this shop is %q; set name in %s, or ask for another invite", name, f.cfg.Name, configFile)
	}
	var recovery recoveryFile
	if _, err := readJSON(filepath.Join(f.dir, recoveryName), &recovery); err != nil {
		return err
	}
	request := members.JoinRequest{Invite: invite, Key: f.key, Name: f.cfg.Name}
	if copy(request.Recovery[:], recovery.Hash) != len(request.Recovery) {
		return exchange.Errorf(exchange.CodeInvalid, "%s is damaged", filepath.Join(f.dir, recoveryName))
	}
	ask := openHost(invite.Federation, invite.Hub)
	bundle, err := members.Join(ctx, request, func(ctx context.Context, req []byte) ([]byte, error) {
		return p2p.Ask(ctx, ask, protocol.Join, req)
	})
	if err != nil {
		return err
	}
	list, err := roster.Open(roster.Config{Store: f.db, Federation: invite.Federation, Clock: f.opts.clock(), Log: f.opts.logger()})
	if err != nil {
		return err
	}
	if err := list.Apply(bundle); err != nil {
		return err
	}
	me, err := exchange.ShopIDFromKey(f.key.Public().(ed25519.PublicKey))
	if err != nil {
		return err
	}
	if !list.IsMember(me) {
		return exchange.Errorf(exchange.CodeInvite, "the hub answered with a list that does not hold this shop; ask its operator")
	}
	f.fed = federationFile{Federation: invite.Federation, Hub: invite.Hub}
	if err := writeJSON(filepath.Join(f.dir, federationName), f.fed); err != nil {
		return err
	}
	return os.Remove(filepath.Join(f.dir, inviteName))
}

// Join uses an invite now, without running the shop.
func Join(ctx context.Context, dir, code string, o Options) (membership.Federation, error) {
	if err := SaveInvite(dir, code); err != nil {
		return membership.Federation{}, err
	}
	f, err := Open(ctx, dir, o)
	if err != nil {
		return membership.Federation{}, err
	}
	return f.fed.Federation, f.Close()
}

// Shop is the shop that the folder holds.
func (f *Folder) Shop() *Shop { return f.shop }

// Close releases the folder. The shop must not run any more.
func (f *Folder) Close() error {
	if f.leave != nil {
		f.leave()
	}
	var errs []error
	for _, db := range []*store.DB{f.replicas, f.db} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if f.lock != nil {
		errs = append(errs, f.lock.Unlock())
	}
	return errors.Join(errs...)
}
