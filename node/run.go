package node

import (
	"context"
	"log/slog"
	"net"
	"net/netip"

	"golang.org/x/sync/errgroup"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/exchange/hold"
	"github.com/souk-market/souk/exchange/trade"
	"github.com/souk-market/souk/node/api"
)

// Run runs the shop and its local API until ctx ends, then stops in order: the
// API takes no more, requests in hand are answered, the network closes, the writer
// finishes. An error means that the process must end and be started again. CodeNotMember
// means that this shop is out of its federation: see [Shop.Departed].
func (f *Folder) Run(ctx context.Context) error {
	if f.shop.Departed() != nil {
		return f.shop.closeBooks()
	}
	ln, err := listenAPI(f.cfg.API)
	if err != nil {
		return exchange.Errorf(exchange.CodeUnavailable, "the local API cannot listen on %s (%w); set api in %s to a free address", f.cfg.API, err, configFile)
	}
	server, err := f.server()
	if err != nil {
		ln.Close()
		return err
	}
	figures := server.Business()
	f.shop.desk.Supplier.SetMeter(trade.Meter{Hold: func(retailer exchange.ShopID, state hold.State, refusal exchange.Code) {
		outcome := state.String()
		if refusal != exchange.CodeOK {
			outcome = refusal.String()
		}
		figures.Hold(retailer, exchange.Supplier, outcome)
	}})

	log := f.opts.logger()
	if exposed := f.cfg.exposed(); exposed != "" {
		log.Warn(exposed)
	}
	defer logStop(ctx, log)()

	// Leaving ends the run: a shop that is no member has nothing to serve.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	f.shop.left = stop

	// The API stops before the shop that it talks to.
	shopCtx, stopShop := context.WithCancel(context.WithoutCancel(ctx))
	defer stopShop()
	g, apiCtx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.shop.Run(shopCtx) })
	g.Go(func() error {
		defer stopShop()
		select {
		case <-f.shop.Ready():
		case <-apiCtx.Done():
			return ln.Close()
		}
		return server.Serve(apiCtx, ln)
	})
	g.Go(func() error {
		select {
		case <-server.Serving():
			f.address = ln.Addr().String()
			close(f.ready)
		case <-apiCtx.Done():
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return err
	}
	return f.shop.closeBooks()
}

// logStop says when ctx ends that the shop stops; what it returns says that it has.
func logStop(ctx context.Context, log *slog.Logger) (stopped func()) {
	said := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(said)
		log.Info("stopping: what was taken is finished first", "why", context.Cause(ctx))
	})
	return func() {
		if !stop() {
			<-said
		}
		log.Info("stopped")
	}
}

// listenAPI listens where the owner said, and nowhere else: net.Listen takes 0.0.0.0 to mean IPv6 too.
func listenAPI(address string) (net.Listener, error) {
	network := "tcp"
	if host, _, err := net.SplitHostPort(address); err == nil {
		if ip, err := netip.ParseAddr(host); err == nil && ip.Is4() {
			network = "tcp4"
		}
	}
	return net.Listen(network, address)
}

func (f *Folder) server() (*api.Server, error) {
	token, err := api.EnsureToken(f.dir)
	if err != nil {
		return nil, err
	}
	return api.New(api.Config{
		Desk: f.shop.desk, Store: f.db, Clock: f.opts.clock(), Members: f.shop, Importer: f.shop, Catalog: f.shop, Shop: f.shop, Reach: f.shop.reach,
		Token: token, Dir: f.dir, Hosts: f.cfg.APIHosts, Version: f.opts.Version, Logger: f.opts.logger(), Registry: f.registry,
	})
}

// Ready is closed when partners are served and the API answers.
func (f *Folder) Ready() <-chan struct{} { return f.ready }

// APIAddress is where the API listens, host:port, once Ready is closed.
func (f *Folder) APIAddress() string { return f.address }
