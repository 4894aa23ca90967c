package p2p

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/souk-market/souk/exchange"
)

// WayTried is what one way to a member answered.
type WayTried struct {
	Path    string          // PathOpen, PathAddressBook, PathDHT or PathRelay
	Address string          // the multiaddr
	Relay   exchange.ShopID // of a way through a relay: whose it is; zero where the address does not say
	Reached bool
	Took    time.Duration // until the member had proven its key, or until the failure
	Why     string        // of one that failed, for a person
}

// Explain tries every known way to a member, each by itself, and tells what it answered: the open
// connections by a ping, the others by a handshake after which it hangs up. It changes nothing of what
// is connected. The ways are in the order of the paths.
func (n *Node) Explain(ctx context.Context, shop exchange.ShopID) ([]WayTried, error) {
	p := peerOf(shop)
	if shop == n.cfg.self {
		return nil, exchange.Errorf(exchange.CodeInvalid, "%s is this shop itself", shop)
	}
	if !n.gate.knock(p) {
		return nil, exchange.Errorf(exchange.CodeNotMember, "%s is not in the member list; pull it or check the ID", shop)
	}
	via, ok := n.host.Network().(transports)
	if !ok {
		return nil, errNoTransport
	}
	ctx, cancel := context.WithTimeout(ctx, explainTimeout)
	defer cancel()
	ways := n.ways(ctx, shop)
	var work sync.WaitGroup
	var relayed []*WayTried
	for i := range ways {
		if ways[i].Path == PathRelay {
			relayed = append(relayed, &ways[i])
			continue
		}
		work.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, dialTimeout)
			defer cancel()
			n.try(ctx, via, shop, &ways[i])
		})
	}
	work.Go(func() { n.tryRelays(ctx, via, shop, relayed) })
	work.Wait()
	return append(n.pinged(ctx, shop), ways...), nil
}

// tryRelays tries ways through relays one after the other: of several dials of one peer through relays
// libp2p carries out one, and tells the others its result.
func (n *Node) tryRelays(ctx context.Context, via transports, shop exchange.ShopID, ways []*WayTried) {
	for i, w := range ways {
		ended := make(chan WayTried, 1)
		one, cancel := context.WithTimeout(ctx, explainRelay)
		go func() { // ends within a minute: libp2p waits so long for a relay's answer, whatever one says
			tried := *w
			n.try(one, via, shop, &tried)
			for again := 0; again < 3 && strings.Contains(tried.Why, dialOfAnother) && one.Err() == nil; again++ {
				n.try(one, via, shop, &tried)
			}
			ended <- tried
		}()
		select {
		case *w = <-ended:
			cancel()
		case <-one.Done():
			cancel()
			w.Took, w.Why = explainRelay, "the relay does not answer, or waits for an answer itself"
			for _, rest := range ways[i+1:] {
				rest.Why = "not tried: the dial through the relay before is not over"
			}
			return
		}
	}
}

// dialOfAnother is how libp2p begins when it tells a dial through a relay what became of another one.
const dialOfAnother = "concurrent active dial"

// ways are the ways to a member, not tried yet.
func (n *Node) ways(ctx context.Context, shop exchange.ShopID) []WayTried {
	p := peerOf(shop)
	var ways []WayTried
	var seen []ma.Multiaddr
	mine := n.addresses.all()
	relays := map[exchange.ShopID]bool{}
	add := func(path string, addrs []ma.Multiaddr) {
		for _, a := range addrs {
			if slices.ContainsFunc(seen, a.Equal) || slices.ContainsFunc(mine, a.Equal) { // in its network it may have what this machine has in its own
				continue
			}
			seen = append(seen, a)
			w := WayTried{Path: path, Address: a.String()}
			if isCircuit(a) {
				w.Path, w.Relay = PathRelay, relayOf(a)
				if relays[w.Relay] || w.Relay == n.cfg.self { // one way for each: the relay is asked over the connection to it
					continue
				}
				relays[w.Relay] = true
			}
			ways = append(ways, w)
		}
	}
	add(PathAddressBook, n.host.Peerstore().Addrs(p))
	ask, cancel := context.WithTimeout(ctx, dhtPatience)
	defer cancel()
	found, err := n.dialer.dhtAddrs(ask, p)
	if err != nil {
		n.log.Debug("the DHT does not know a member", "shop", shop, "err", err)
	}
	add(PathDHT, found)
	add(PathRelay, n.dialer.relayAddrs(p))
	slices.SortStableFunc(ways, func(a, b WayTried) int { return pathOrder(a.Path) - pathOrder(b.Path) })
	return ways
}

func pathOrder(path string) int {
	return slices.Index([]string{PathOpen, PathAddressBook, PathDHT, PathRelay}, path)
}

func (n *Node) try(ctx context.Context, via transports, shop exchange.ShopID, w *WayTried) {
	begun := time.Now()
	a, err := ma.NewMultiaddr(w.Address)
	if err == nil {
		err = dialOne(ctx, via, a, peerOf(shop), true)
	}
	w.Took, w.Reached = time.Since(begun), err == nil
	if err != nil {
		w.Why = whyNot(a, err)
	}
}

// pinged are the open connections to a member, each with what its ping answered.
func (n *Node) pinged(ctx context.Context, shop exchange.ShopID) []WayTried {
	ses := n.sessions.connected(shop)
	if ses == nil {
		return nil
	}
	conns := n.sessions.connsOf(ses)
	ways := make([]WayTried, len(conns))
	ctx, cancel := context.WithTimeout(ctx, suspectTimeout)
	defer cancel()
	var work sync.WaitGroup
	for i, c := range conns {
		work.Go(func() {
			w := WayTried{Path: PathOpen, Address: c.RemoteMultiaddr().String(), Relay: relayOf(c.RemoteMultiaddr())}
			rtts, err := n.pulse.ping(ctx, c, 1)
			if w.Reached = err == nil; w.Reached {
				w.Took = rtts[0]
			} else {
				w.Took, w.Why = suspectTimeout, "it answers nothing: "+oneLine(err)
			}
			ways[i] = w
		})
	}
	work.Wait()
	return ways
}
