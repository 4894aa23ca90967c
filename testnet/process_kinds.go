package testnet

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"

	"github.com/souk-market/souk/exchange"
	"github.com/souk-market/souk/hub"
	"github.com/souk-market/souk/node"
	"github.com/souk-market/souk/node/api/client"
	"github.com/souk-market/souk/store"
	"github.com/souk-market/souk/store/tomlfile"
)

const (
	loopback      = "127.0.0.1"
	hubFolder     = "hub"
	federation    = "riverside"
	shopConfig    = "shop.toml" // of package node
	anyStatusPort = loopback + ":0"
)

// hubProcess is the hub.
type hubProcess struct {
	process
	status string // URL of its page, once it runs
}

func newHubProcess(dir, binary string) *hubProcess {
	folder := filepath.Join(dir, hubFolder)
	return &hubProcess{process: process{
		name: "the hub", dir: folder, binary: binary, args: []string{"hub", "run", "--dir", folder},
	}}
}

// prepare makes the hub's folder: it listens on the loopback alone, on ports that are
// free now and stay its own.
func (h *hubProcess) prepare() (hub.Public, error) {
	return hub.Init(h.dir, hub.InitOptions{
		Name: federation, Listen: []string{loopback}, OpenPort: hub.AnyPort, ClosedPort: hub.AnyPort, Status: anyStatusPort,
	})
}

func (h *hubProcess) member() Member {
	return Member{Name: "hub", Folder: hubFolder, URL: h.status, PID: h.pid()}
}

// ready waits until the hub answers and is well.
func (h *hubProcess) ready(ctx context.Context) error {
	return about(&h.process, until(ctx, &h.process, func(ctx context.Context) (bool, error) {
		err := hubReady(ctx, h.dir)
		return err == nil, err
	}))
}

// hubReady asks the hub of a folder whether it is well. hub.Status reads the folder
// itself where no hub has it, which would keep one that starts from it.
func hubReady(ctx context.Context, dir string) error {
	if _, held, err := store.Holder(dir); err != nil || !held {
		return errors.Join(err, exchange.Errorf(exchange.CodeNotRunning, "the hub has not opened its folder yet"))
	}
	r, err := hub.Status(ctx, dir)
	switch {
	case err != nil:
		return err
	case !r.Running:
		return exchange.Errorf(exchange.CodeNotRunning, "the hub does not answer yet")
	case len(r.Problems) > 0:
		return exchange.Errorf(exchange.CodeUnavailable, "the hub reports: %s", r.Problems[0])
	}
	return nil
}

// shopProcess is a shop.
type shopProcess struct {
	process
	plan     shopPlan
	id       exchange.ShopID
	api      string         // host:port
	client   *client.Client // once it has been ready
	partners []*shopProcess
}

func newShopProcess(dir, binary string, plan shopPlan) *shopProcess {
	folder := filepath.Join(dir, plan.folder())
	return &shopProcess{plan: plan, process: process{
		name: plan.name, dir: folder, binary: binary, args: []string{"node", "run", "--dir", folder},
	}}
}

// prepare makes the shop's folder, with an invite that it uses when it first runs.
func (s *shopProcess) prepare(invite string, free ports) error {
	port, err := free.free()
	if err != nil {
		return err
	}
	apiPort, err := free.free()
	if err != nil {
		return err
	}
	s.api = loopbackPort(apiPort)
	made, err := node.Init(s.dir, node.InitOptions{
		Name: s.plan.name, Currency: s.plan.currency, API: s.api,
		Listen: []string{
			"/ip4/" + loopback + "/tcp/" + strconv.Itoa(port),
			"/ip4/" + loopback + "/udp/" + strconv.Itoa(port) + "/quic-v1",
		},
	})
	if err != nil {
		return err
	}
	s.id = made.Shop
	if err := s.configure(); err != nil {
		return err
	}
	return node.SaveInvite(s.dir, invite)
}

// configure edits shop.toml as an owner would: what partners see and pay.
func (s *shopProcess) configure() error {
	path := filepath.Join(s.dir, shopConfig)
	c, err := tomlfile.Read[node.Config](path, nil)
	if err != nil {
		return err
	}
	c.Tax = node.TaxConfig{Treatment: exchange.TaxIncluded.String(), Rate: "20"}
	c.Shipping = []node.ZoneConfig{{Countries: []string{}, Flat: s.plan.shipping}}
	c.Profile.Sells = s.plan.sells
	return tomlfile.Write(path, "", c, "")
}

func (s *shopProcess) member() Member {
	return Member{Name: s.plan.name, Folder: s.plan.folder(), Shop: s.id, URL: "http://" + s.api, PID: s.pid()}
}

// ready waits until the shop takes work.
func (s *shopProcess) ready(ctx context.Context) error {
	err := until(ctx, &s.process, func(ctx context.Context) (bool, error) {
		err := shopReady(ctx, s.dir)
		return err == nil, err
	})
	if err == nil {
		s.client, err = client.Open(s.dir)
	}
	return about(&s.process, err)
}

// shopReady asks the node of a folder whether it takes work.
func shopReady(ctx context.Context, dir string) error {
	c, err := client.Open(dir)
	if err != nil {
		return err
	}
	r, err := c.Ready(ctx)
	if err != nil {
		return err
	}
	for _, p := range r.Problems {
		if p.Blocks {
			return exchange.Errorf(exchange.CodeUnavailable, "%s", p.Detail)
		}
	}
	return nil
}

// ports gives out ports of the loopback that are free for TCP and UDP, none twice. They
// lie below those that systems give to outgoing connections (from 32768 on Linux,
// 49152 elsewhere), so that nobody gets one by chance before its process starts.
type ports map[int]bool

const firstPort, portCount = 20_000, 12_000

func (given ports) free() (int, error) {
	const tries = 100
	var last error
	for range tries {
		port := firstPort + rand.IntN(portCount)
		if given[port] {
			continue
		}
		addr := loopbackPort(port)
		l, err := net.Listen("tcp", addr)
		if err != nil {
			last = err
			continue
		}
		u, err := net.ListenPacket("udp", addr)
		if err == nil {
			given[port] = true
			return port, errors.Join(u.Close(), l.Close())
		}
		last = errors.Join(err, l.Close())
	}
	return 0, exchange.Errorf(exchange.CodeUnavailable, "no port is free for both TCP and UDP: %w", last)
}

func loopbackPort(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// trouble is an error of which a process's log may tell more.
type trouble struct {
	p   *process
	err error
}

func (t *trouble) Error() string { return t.p.name + ": " + t.err.Error() }
func (t *trouble) Unwrap() error { return t.err }

// about ties an error to the process it is about. nil stays nil.
func about(p *process, err error) error {
	if err == nil {
		return nil
	}
	return &trouble{p, err}
}
