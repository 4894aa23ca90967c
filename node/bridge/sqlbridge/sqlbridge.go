package sqlbridge

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/bridge"
)

const (
	// connections to the database, and so transactions at once.
	connections = 4
	// connectTime bounds connecting.
	connectTime = 2 * time.Second
	// lockTime bounds the wait for a row that somebody else has locked, of the two seconds that a
	// node waits in all. After it the answer is busy.
	lockTime = time.Second
	// strandedTime is how long the database keeps the locks of a transaction whose client is gone
	// without a word.
	strandedTime = 5 * time.Second
)

// System is a shop's database: a bridge.Bridge, safe for concurrent use.
type System struct {
	pool  *pgxpool.Pool
	names names
}

var _ bridge.Bridge = (*System)(nil)

// Open is the system at a PostgreSQL URL, such as postgres://souk@localhost/shop. What the URL does
// not say, as a password, is taken from the usual environment and ~/.pgpass. Nothing is connected
// yet; an error is bridge.ErrSetup, and does not repeat the URL. Close it when done.
func Open(ctx context.Context, url string, tables Tables) (*System, error) {
	names, err := tables.names()
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("%w: the database's URL cannot be read: %w", bridge.ErrSetup, err) // pgx hides the password
	}
	return open(ctx, config, names)
}

func open(ctx context.Context, config *pgxpool.Config, names names) (*System, error) {
	config.MaxConns = connections
	config.ConnConfig.ConnectTimeout = connectTime
	for name, value := range sessions {
		config.ConnConfig.RuntimeParams[name] = value
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", bridge.ErrSetup, err)
	}
	return &System{pool, names}, nil
}

// sessions are the settings of every session, whatever the database's defaults are.
var sessions = map[string]string{
	"synchronous_commit":                  "on", // an answer is durable
	"lock_timeout":                        milliseconds(lockTime),
	"idle_in_transaction_session_timeout": milliseconds(strandedTime),
	"application_name":                    "souk",
}

func milliseconds(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }

// Close ends all connections.
func (s *System) Close() { s.pool.Close() }

// Hold implements bridge.Bridge.
func (s *System) Hold(ctx context.Context, asks []bridge.Ask) ([]bridge.Answer, error) {
	return call(ctx, s, asks, func(a bridge.Ask) exchange.HoldID { return a.ID }, s.hold)
}

// Commit implements bridge.Bridge.
func (s *System) Commit(ctx context.Context, refs []bridge.Ref) ([]bridge.Answer, error) {
	return call(ctx, s, refs, func(r bridge.Ref) exchange.HoldID { return r.ID }, s.commit)
}

// Release implements bridge.Bridge.
func (s *System) Release(ctx context.Context, parts []bridge.Part) ([]bridge.Answer, error) {
	return call(ctx, s, parts, func(p bridge.Part) exchange.HoldID { return p.ID }, s.release)
}

// call does each element in a transaction of its own, as many at once as there are connections.
func call[E any](ctx context.Context, s *System, list []E, id func(E) exchange.HoldID, do func(context.Context, pgx.Tx, E) (bridge.Answer, error)) ([]bridge.Answer, error) {
	if len(list) > bridge.MaxBatch {
		return nil, fmt.Errorf("%d elements; a call has at most %d", len(list), bridge.MaxBatch)
	}
	answers := make([]bridge.Answer, len(list))
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(connections)
	for i, e := range list {
		all.Go(func() (err error) {
			answers[i], err = transact(ctx, s, e, id(e), do)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return nil, meaning(err)
	}
	return answers, nil
}

// transact does one element. Of transactions that waited for each other the database undoes one,
// which is then tried again; one that waited too long for a row is answered busy.
func transact[E any](ctx context.Context, s *System, e E, id exchange.HoldID, do func(context.Context, pgx.Tx, E) (bridge.Answer, error)) (bridge.Answer, error) {
	for try := 1; ; try++ {
		var a bridge.Answer
		err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) (err error) {
			a, err = do(ctx, tx, e)
			return err
		})
		switch {
		case err == nil:
			return a, nil
		case isBusy(err), isDeadlock(err) && try == maxTries:
			return bridge.Answer{ID: id, Problem: bridge.Busy}, nil
		case !isDeadlock(err):
			return bridge.Answer{}, err
		}
	}
}
